"""Checkpoints loaded through sentence-transformers, and plain transformers folders with an explicit pooling."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from clearbench.common.arrays import FloatArray, IntArray
from clearbench.common.errors import EncoderError, UsageError
from clearbench.common.hashing import content_hash
from clearbench.encoders.base import EncoderOptions, Role, Setting
from clearbench.encoders.checkpoint import (
    Checkpoint,
    check_weight_format,
    family_prompts,
    find_checkpoint,
    hash_checkpoint,
)

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

POOLINGS = {"cls": "cls", "mean": "mean", "last": "lasttoken"}
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# Measured: on a CPU batches beyond about 1,024 padded tokens fall out of the cache and get slower.
BATCH_TOKENS_CPU = 1024
BATCH_TOKENS_ACCELERATOR = 65536
# The names under which checkpoints keep their prompts, best first.
PROMPT_NAMES: dict[Role, tuple[str, ...]] = {"query": ("query",), "passage": ("passage", "document", "corpus")}
ROUTES: dict[Role, str] = {"query": "query", "passage": "document"}


@dataclass(frozen=True)
class TransformerEncoder:
    """A loaded checkpoint; vectors are float32, unit-norm where the checkpoint's similarity is the cosine."""

    name: str
    fingerprint: str
    settings: Mapping[str, Setting]
    batch_tokens: int
    model: "SentenceTransformer"
    prompts: Mapping[Role, str]
    routed: bool
    normalise: bool
    truncate_dim: int | None
    complete_fingerprint: bool = True

    def prompted(self, role: Role) -> tuple[str, str]:
        """See DenseEncoder; the tag tells roles apart only where the checkpoint routes them differently."""
        return (role if self.routed else "", self.prompts[role])

    def count_tokens(self, texts: Sequence[str], role: Role) -> IntArray:
        """See DenseEncoder; characters stand in for tokens where the checkpoint has no callable tokenizer."""
        prompt = self.prompts[role]
        inputs = [prompt + text for text in texts]
        tokenizer = self.model.tokenizer
        if not callable(tokenizer):  # models without one exist, whatever the annotation says
            return np.array([len(text) // 4 + 1 for text in inputs], dtype=np.int64)
        limit = self.model.max_seq_length
        encoded = tokenizer(
            inputs,
            truncation=limit is not None,
            max_length=limit,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        return np.array([len(ids) for ids in encoded["input_ids"]], dtype=np.int64)

    @torch.inference_mode()
    def encode_batch(self, texts: Sequence[str], role: Role) -> FloatArray:
        """See DenseEncoder."""
        device = self.model.device
        features = self.model.preprocess(list(texts), prompt=self.prompts[role] or None, task=ROUTES[role])
        features = {
            key: value.to(device) if isinstance(value, torch.Tensor) else value for key, value in features.items()
        }
        vectors: torch.Tensor = self.model(features, task=ROUTES[role])["sentence_embedding"].float()
        if self.truncate_dim is not None:
            vectors = vectors[:, : self.truncate_dim]
        if self.normalise:
            vectors = torch.nn.functional.normalize(vectors, dim=1)
        return vectors.cpu().numpy()


def load_transformer(model: str, options: EncoderOptions) -> TransformerEncoder:
    """Load a checkpoint for retrieval.

    Prompts come, in this order, from the options, the checkpoint's configuration, the family table.

    Raises:
        EncoderError: The checkpoint is missing, broken, has untrained or non-finite weights, or needs --pooling.
        UsageError: An option does not fit the checkpoint or the machine.
    """
    checkpoint = find_checkpoint(model, options)
    check_weight_format(checkpoint, options.allow_pickle)
    device = _device(options.device)
    if options.dtype not in DTYPES:
        raise UsageError(f"--dtype {options.dtype}: expected one of {', '.join(DTYPES)}.")
    if options.dtype == "fp16" and device == "cpu":
        raise UsageError("--dtype fp16 is very slow on a CPU; use fp32 or bf16.")
    loaded = _load(checkpoint, options, device)
    _check_weights(loaded, checkpoint)
    if options.max_length is not None:
        _set_max_length(loaded, options.max_length)
    if DTYPES[options.dtype] is not torch.float32:
        _compute_in(loaded[0], DTYPES[options.dtype], loaded.device.type)
    prompts, prompt_source = _prompts(loaded, checkpoint, options)
    similarity = str(loaded.similarity_fn_name)
    if similarity not in ("cosine", "dot"):
        raise EncoderError(f"{model}: its similarity is {similarity!r}; only cosine and dot can be searched.")
    dimension: int | None = loaded.get_embedding_dimension()
    truncate_dim = options.truncate_dim if options.truncate_dim is not None else loaded.truncate_dim
    if truncate_dim is not None and not 0 < truncate_dim <= (truncate_dim if dimension is None else dimension):
        raise UsageError(f"--truncate-dim {truncate_dim}: expected 1 to {dimension}.")
    decisive: dict[str, Setting] = {
        "pooling": options.pooling,
        "query_prompt": prompts["query"],
        "passage_prompt": prompts["passage"],
        "max_length": loaded.max_seq_length,
        "dtype": options.dtype,
        "similarity": similarity,
        "truncate_dim": truncate_dim,
    }
    weights = hash_checkpoint(checkpoint.folder)
    return TransformerEncoder(
        name=checkpoint.name,
        fingerprint=content_hash("transformer", weights, json.dumps(decisive, sort_keys=True)),
        settings={
            "kind": "transformer",
            "weights": weights,
            **decisive,
            "prompt_source": prompt_source,
            "dimension": truncate_dim or dimension,
            "parameters": sum(p.numel() for p in loaded.parameters()),
        },
        batch_tokens=options.batch_tokens or (BATCH_TOKENS_CPU if device == "cpu" else BATCH_TOKENS_ACCELERATOR),
        model=loaded,
        prompts=prompts,
        routed=any(type(module).__name__ == "Router" for module in loaded),
        normalise=similarity == "cosine",
        truncate_dim=truncate_dim,
    )


def _device(device: str) -> str:
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, index = device.partition(":")
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if kind not in available or (index and not index.isdigit()):
        raise UsageError(f"--device {device}: expected auto, cpu, cuda, cuda:N or mps.")
    if not available[kind] or (kind == "cuda" and index and int(index) >= torch.cuda.device_count()):
        raise UsageError(f"--device {device}: not available here; torch {torch.__version__} sees no such device.")
    return device


def _load(checkpoint: Checkpoint, options: EncoderOptions, device: str) -> "SentenceTransformer":
    if checkpoint.layout == "sentence-transformers" and options.pooling:
        raise UsageError(
            f"--pooling: {checkpoint.source} says itself how it pools (modules.json); leave the option out."
        )
    if checkpoint.layout == "transformers" and options.pooling not in POOLINGS:
        found = f"--pooling {options.pooling}" if options.pooling else "no --pooling"
        raise EncoderError(
            f"{checkpoint.source} is a plain transformers checkpoint (no modules.json), so it does not say how token "
            f"vectors become one vector; got {found}, expected --pooling {'|'.join(POOLINGS)}."
        )
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    model_kwargs: dict[str, Any] = {} if options.allow_pickle else {"use_safetensors": True}
    with _quiet_loading() as reports:
        try:
            if checkpoint.layout == "sentence-transformers":
                model = SentenceTransformer(
                    str(checkpoint.folder),
                    device=device,
                    trust_remote_code=options.trust_remote_code,
                    local_files_only=True,
                    model_kwargs=model_kwargs,
                )
            else:
                remote = {"trust_remote_code": options.trust_remote_code, "local_files_only": True}
                words = Transformer(
                    str(checkpoint.folder),
                    model_kwargs={**model_kwargs, **remote},
                    config_kwargs=remote,
                    processor_kwargs=remote,
                )
                pooling = Pooling(words.get_embedding_dimension(), pooling_mode=POOLINGS[options.pooling or ""])
                model = SentenceTransformer(modules=[words, pooling], device=device)
        except Exception as error:  # third-party loading code raises anything; the user gets one message
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            hint = " Pass --trust-remote-code if you trust its code." if "trust_remote_code" in str(error) else ""
            raise EncoderError(
                f"{checkpoint.source} cannot be loaded: {type(error).__name__}: {reason}{hint}"
            ) from error
    untrained = [
        line for report in reports for line in report.splitlines() if "MISSING" in line and "pooler" not in line
    ]
    untrained = [line for line in untrained if not line.lstrip().startswith("-")]
    if untrained:
        names = ", ".join(line.split("|")[0].strip() for line in untrained[:3])
        raise EncoderError(
            f"{checkpoint.source}: {len(untrained)} weights are not in the checkpoint and would be random ({names}, "
            "...). It is incomplete, or of another architecture than its config.json says."
        )
    model.eval()
    return model


@contextmanager
def _quiet_loading() -> Iterator[list[str]]:
    """Keep the libraries' loading reports off the terminal and collect them."""
    from transformers.utils import logging as transformers_logging

    reports: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            reports.append(record.getMessage())

    logger = transformers_logging.get_logger("transformers")
    handler, handlers, propagate = Collector(), list(logger.handlers), logger.propagate
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logger.handlers, logger.propagate = [handler], False
    try:
        yield reports
    finally:
        logger.handlers, logger.propagate = handlers, propagate
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _check_weights(model: "SentenceTransformer", checkpoint: Checkpoint) -> None:
    for name, weight in model.named_parameters():
        if not torch.isfinite(weight).all():
            raise EncoderError(
                f"{checkpoint.source}: the weight {name} holds NaN or infinite values, so every vector would. "
                "The training that made this checkpoint diverged, or the file is damaged."
            )


def _compute_in(module: torch.nn.Module, dtype: torch.dtype, device: str) -> None:
    """Let the checkpoint's first module (the transformer) compute in mixed precision, and what follows in float32.

    Averaging token vectors in bf16 would round each component of the result to 8 bits.
    """
    original = module.forward

    def forward(*inputs: Any, **options: Any) -> dict[str, Any]:
        with torch.autocast(device, dtype=dtype):
            features: dict[str, Any] = original(*inputs, **options)
        floats = {key: v.float() for key, v in features.items() if torch.is_tensor(v) and v.is_floating_point()}
        return {**features, **floats}

    module.forward = forward


def _set_max_length(model: "SentenceTransformer", max_length: int) -> None:
    config = getattr(model.transformers_model, "config", None)
    limit = getattr(config, "max_position_embeddings", None)
    if max_length < 3 or (limit is not None and max_length > limit):
        raise UsageError(f"--max-length {max_length}: expected 3 to {limit or 'the length the model was made for'}.")
    model.max_seq_length = max_length


def _prompts(
    model: "SentenceTransformer", checkpoint: Checkpoint, options: EncoderOptions
) -> tuple[dict[Role, str], str]:
    stored = {name: prompt for name, prompt in (model.prompts or {}).items() if prompt}
    given: dict[Role, str | None] = {"query": options.query_prompt, "passage": options.passage_prompt}
    configured: dict[Role, str] = {
        role: next((stored[name] for name in names if name in stored), "") for role, names in PROMPT_NAMES.items()
    }
    source = "checkpoint" if any(configured.values()) else "none"
    if source == "none" and (family := family_prompts(checkpoint)):
        source = f"family {family[0]}"
        configured = {"query": family[1], "passage": family[2]}
    if any(prompt is not None for prompt in given.values()):
        source = "options"
    return {role: configured[role] if given[role] is None else str(given[role]) for role in configured}, source
