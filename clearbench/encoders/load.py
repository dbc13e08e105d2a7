"""From the text after --model to an encoder: BM25, a Python callable, or a checkpoint."""

import re

from clearbench.encoders.base import DenseEncoder, EncoderOptions
from clearbench.encoders.bm25 import BM25, Lexical

CALLABLE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def load_encoder(model: str, options: EncoderOptions | None = None) -> DenseEncoder | Lexical:
    """Load whatever a user named after --model.

    Args:
        model: `bm25`, `module:function`, a packaged model (`e5-small`, `minilm`), a checkpoint folder, or a Hub id.
        options: What the user set; None takes everything as the checkpoint says.
    Raises:
        EncoderError: It cannot be loaded; the message says why.
        UsageError: An option does not fit the checkpoint or the machine.
    """
    options = options or EncoderOptions()
    if model == "bm25":
        return BM25
    if CALLABLE.fullmatch(model):
        from clearbench.encoders.function import load_function

        return load_function(model, options)
    from clearbench.encoders.checkpoints.transformer import load_transformer

    return load_transformer(model, options)
