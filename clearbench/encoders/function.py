"""An encoder that is a Python callable: `--model module:function`."""

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from clearbench.common.arrays import FloatArray, IntArray
from clearbench.common.errors import EncoderError
from clearbench.common.hashing import content_hash
from clearbench.encoders.base import EncoderOptions, Role, Setting

BATCH_TOKENS = 65536


@dataclass(frozen=True)
class FunctionEncoder:
    """Wraps `function(texts: list[str], role: str) -> array [N, D]`; similarity is the inner product of its vectors.

    The function is known by a hash of its module's source file. clearbench cannot know what else it depends on,
    so vectors are kept between runs only if the function has an attribute `fingerprint`: a string that changes
    whenever its vectors do.
    """

    name: str
    function: Callable[[list[str], str], Any]
    fingerprint: str
    complete_fingerprint: bool
    batch_tokens: int = BATCH_TOKENS
    settings: Mapping[str, Setting] = field(default_factory=lambda: {"kind": "function", "similarity": "dot"})

    def prompted(self, role: Role) -> tuple[str, str]:
        """See DenseEncoder; the function may treat roles differently, so they are always apart."""
        return (role, "")

    def count_tokens(self, texts: Sequence[str], role: Role) -> IntArray:
        """See DenseEncoder; a quarter of the characters stands in for tokens."""
        return np.array([len(text) // 4 + 1 for text in texts], dtype=np.int64)

    def encode_batch(self, texts: Sequence[str], role: Role) -> FloatArray:
        """See DenseEncoder.

        Raises:
            EncoderError: The function raised, or its result is not an array of one row per text.
        """
        try:
            vectors = np.asarray(self.function(list(texts), role), dtype=np.float32)
        except Exception as error:  # foreign code
            raise EncoderError(f"{self.name} failed on {len(texts)} texts: {type(error).__name__}: {error}") from error
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise EncoderError(
                f"{self.name} returned an array of shape {vectors.shape}; expected ({len(texts)}, dimension)."
            )
        return vectors


def load_function(model: str, options: EncoderOptions) -> FunctionEncoder:
    """Import `module:function`; the current folder is looked in first, as `python -m` does.

    Raises:
        EncoderError: The module or the function does not exist, or cannot be imported.
    """
    module_name, _, attribute = model.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        function = getattr(importlib.import_module(module_name), attribute)
    except Exception as error:  # foreign code
        raise EncoderError(f"{model}: cannot import it: {type(error).__name__}: {error}") from error
    if not callable(function):
        raise EncoderError(f"{model} is a {type(function).__name__}; expected function(texts, role) -> array.")
    declared = getattr(function, "fingerprint", None)
    return FunctionEncoder(
        name=model.replace(":", "."),
        function=function,
        fingerprint=content_hash("function", model, str(declared) if declared is not None else _source(function)),
        complete_fingerprint=declared is not None,
        batch_tokens=options.batch_tokens or BATCH_TOKENS,
    )


def _source(function: Callable[..., Any]) -> str:
    try:
        return Path(inspect.getfile(inspect.unwrap(function))).read_text(encoding="utf-8")
    except (TypeError, OSError):
        return ""
