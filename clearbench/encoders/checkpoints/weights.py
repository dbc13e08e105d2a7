"""A checkpoint's modules with their weights; what is untrained, unused or not finite is refused by name."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from clearbench.common.errors import EncoderError, UsageError
from clearbench.common.text import count, first_line, join_names
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.checkpoint import Checkpoint
from clearbench.encoders.checkpoints.differences import record_differences
from clearbench.encoders.checkpoints.metadata import ADAPTER_CONFIG, read_object
from clearbench.encoders.checkpoints.progress_bars import hide_progress_bars

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

POOLINGS = {"cls": "cls", "mean": "mean", "last": "lasttoken"}
"""What --pooling takes, and sentence-transformers' name for it."""

# The pooler of a BERT-like model comes after the token vectors, from which alone the text's vector is made; many
# published checkpoints lack it.
UNUSED = "pooler"

# Weights that a file may have although the model does not use them: the pooler, constants that older versions of
# transformers saved, and heads on top of the token vectors, as transformers' models for other purposes name them.
HARMLESS = re.compile(
    r"(.*\.)?pooler\..*"
    r"|(.*\.)?(position_ids|inv_freq)"
    r"|(cls|lm_head|head|predictions|lm_predictions|mask_predictions|vocab_(transform|layer_norm|projector)"
    r"|(generator|discriminator)_predictions|generator_lm_head|sop_classifier|classifier|score|qa_outputs)\..*"
    r"|decoder\.(weight|bias)"
)


def load_weights(checkpoint: Checkpoint, options: EncoderOptions, device: str) -> "SentenceTransformer":
    """Load a checkpoint's modules, ready for inference, with every weight in float32.

    Weights that are stored in half precision become float32 as they are: left to itself the library would compute with
    them in half precision, and the record would say fp32.

    Args:
        checkpoint: Where the files are.
        options: Pooling, and what the user allows: pickles, code that comes with the checkpoint.
        device: Where to put the weights, as torch names it.
    Raises:
        EncoderError: It needs --pooling, cannot be loaded, or has untrained, unused or non-finite weights.
        UsageError: --pooling is given although the checkpoint says itself how it pools.
    """
    _check_pooling(checkpoint, options.pooling)
    load = _load_modules if checkpoint.layout == "sentence-transformers" else _load_plain
    try:
        with _silence_loading(), _fix_random_weights(), record_differences() as differences:
            model = load(checkpoint, options, device).float().eval()
    except Exception as error:  # third-party loading code raises anything; the user gets one message
        raise EncoderError(
            f"{checkpoint.source} cannot be loaded: {type(error).__name__}: {_describe_failure(error)}"
            f"{_find_hint(checkpoint, error)}"
        ) from error
    _refuse_untrained(checkpoint, differences.missing)
    _refuse_unused(checkpoint, differences.unexpected)
    _refuse_not_finite(checkpoint, model)
    return model


def _describe_failure(error: Exception) -> str:
    """Return the first line of an error; of torch's errors, which list weights below a heading, the second line too."""
    heading, *details = str(error).splitlines() or [""]
    if heading.endswith(":") and details:
        return first_line(ValueError(f"{heading} {details[0].strip()}"))
    return first_line(error)


def _find_hint(checkpoint: Checkpoint, error: Exception) -> str:
    """Return what may help where a checkpoint cannot be loaded."""
    if "trust_remote_code" in str(error):
        return " Pass --trust-remote-code if you trust its code."
    base = read_object(checkpoint.folder / ADAPTER_CONFIG).get("base_model_name_or_path")
    return f" It is an adapter of {base!r}, which is read too." if base else ""


def _check_pooling(checkpoint: Checkpoint, pooling: str | None) -> None:
    if checkpoint.layout == "sentence-transformers" and pooling:
        raise UsageError(
            f"--pooling: {checkpoint.source} says itself how it pools (modules.json); leave the option out."
        )
    if checkpoint.layout == "transformers" and pooling not in POOLINGS:
        found = f"--pooling {pooling}" if pooling else "no --pooling"
        raise EncoderError(
            f"{checkpoint.source} is a plain transformers checkpoint (no modules.json), so it does not say how token "
            f"vectors become one vector; got {found}, expected --pooling {'|'.join(POOLINGS)}."
        )


def _load_modules(checkpoint: Checkpoint, options: EncoderOptions, device: str) -> "SentenceTransformer":
    """Load a folder that lists its modules in modules.json."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(
        str(checkpoint.folder),
        device=device,
        trust_remote_code=options.trust_remote_code,
        local_files_only=True,
        model_kwargs=_model_options(options),
    )


def _load_plain(checkpoint: Checkpoint, options: EncoderOptions, device: str) -> "SentenceTransformer":
    """Load a folder of transformers, and put the pooling that the user named behind it."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    remote = {"trust_remote_code": options.trust_remote_code, "local_files_only": True}
    transformer = Transformer(
        str(checkpoint.folder),
        model_kwargs={**_model_options(options), **remote},
        config_kwargs=remote,
        processor_kwargs=remote,
    )
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode=POOLINGS[str(options.pooling)])
    return SentenceTransformer(modules=[transformer, pooling], device=device)


def _model_options(options: EncoderOptions) -> dict[str, Any]:
    return {"dtype": torch.float32, **({} if options.allow_pickle else {"use_safetensors": True})}


@contextmanager
def _fix_random_weights() -> Iterator[None]:
    """Let transformers make up the same weights each time, where a checkpoint lacks them.

    They are those of an unused pooler; but training saves it, and the same training must end in the same bytes.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


@contextmanager
def _silence_loading() -> Iterator[None]:
    """Keep transformers' loading reports and progress bars off the terminal."""
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        with hide_progress_bars():
            yield
    finally:
        logging.set_verbosity(verbosity)


def _refuse_untrained(checkpoint: Checkpoint, missing: Iterable[str]) -> None:
    untrained = sorted(name for name in missing if UNUSED not in name)
    if untrained:
        raise EncoderError(
            f"{checkpoint.source}: the checkpoint lacks {count(len(untrained), 'weight')} of the model, which would be "
            f"random ({join_names(untrained, 3)}). It is incomplete, or its config.json names another "
            "architecture."
        )


def _refuse_unused(checkpoint: Checkpoint, unexpected: Iterable[str]) -> None:
    unused = sorted(name for name in unexpected if not HARMLESS.fullmatch(name))
    if unused:
        raise EncoderError(
            f"{checkpoint.source}: the weight files hold {count(len(unused), 'weight')} that the model of config.json "
            f"does not use ({join_names(unused, 1)}). Configuration and weights do not belong together; take both from "
            "the same checkpoint."
        )


def _refuse_not_finite(checkpoint: Checkpoint, model: "SentenceTransformer") -> None:
    for name, weight in model.named_parameters():
        # The extremes are NaN where any weight is; unlike `isfinite(weight)`, they need no array of the weight's size.
        if weight.numel() and not all(map(torch.isfinite, torch.aminmax(weight.detach()))):
            raise EncoderError(
                f"{checkpoint.source}: the weight {name} holds NaN or infinite values, so every vector would. "
                "The training that made this checkpoint diverged, or the file is damaged."
            )
