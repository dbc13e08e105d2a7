"""From the text after --model to an encoder: BM25, a Python callable, or a checkpoint."""

import re

from clearbench.common.errors import UsageError
from clearbench.common.options import marked_fields
from clearbench.encoders.base import DenseEncoder, EncoderOptions
from clearbench.encoders.bm25 import BM25, LexicalEncoder

CALLABLE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
FOR_EVERY_KIND = ("device", "offline", "batch_tokens", "cache_dir")
"""Options that any kind of model may be given, since they change no result; a kind takes those that it has."""


def load_encoder(model: str, options: EncoderOptions | None = None) -> DenseEncoder | LexicalEncoder:
    """Load whatever a user named after --model.

    Args:
        model: `bm25`, `module:function`, a packaged model (`e5-small`, `minilm`), a checkpoint folder, or a Hub id.
        options: What the user set; None follows the checkpoint in everything.
    Raises:
        EncoderError: It cannot be loaded; the message says why.
        UsageError: An option does not fit the kind of model, the checkpoint or the machine.
    """
    options = options or EncoderOptions()
    if model == "bm25":
        _refuse_options_of_checkpoints(model, "matches words", options)
        return BM25
    if CALLABLE.fullmatch(model):
        from clearbench.encoders.function import load_function

        _refuse_options_of_checkpoints(model, "is a Python function", options)
        return load_function(model, options)
    from clearbench.encoders.checkpoints.transformer import load_transformer

    return load_transformer(model, options)


def load_dense(model: str, options: EncoderOptions, need: str) -> DenseEncoder:
    """Load an encoder as `load_encoder` does, and refuse one that has no vectors.

    Args:
        model: As for `load_encoder`.
        options: As for `load_encoder`.
        need: What vectors are needed for, as a clause: "margin and ranks need an embedding model".
    Raises:
        EncoderError, UsageError: As `load_encoder`; or it is BM25.
    """
    return require_vectors(load_encoder(model, options), need)


def require_vectors(encoder: DenseEncoder | LexicalEncoder, need: str) -> DenseEncoder:
    """Return an encoder that has vectors, or refuse it; `need` is as for `load_dense`.

    Raises:
        UsageError: It is BM25.
    """
    if isinstance(encoder, LexicalEncoder):
        raise UsageError(f"--model {encoder.name} has no vectors: {need}.")
    return encoder


def _refuse_options_of_checkpoints(model: str, kind: str, options: EncoderOptions) -> None:
    default = EncoderOptions()
    given = [
        field.flag
        for field in marked_fields(EncoderOptions)
        if field.name not in FOR_EVERY_KIND and getattr(options, field.name) != getattr(default, field.name)
    ]
    if given:
        raise UsageError(
            f"--model {model} {kind} and has no {', '.join(given)}: only a checkpoint has such a setting. Leave it out."
        )
