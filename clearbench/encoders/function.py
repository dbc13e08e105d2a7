"""An encoder that is a Python callable: `--model module:function`."""

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from clearbench.common.arrays import FloatArray, IntArray
from clearbench.common.errors import EncoderError
from clearbench.common.hashing import content_hash
from clearbench.encoders.base import EncoderOptions, Role, Setting

BATCH_TOKENS = 65536
PROBES = (
    "Where does the river meet the sea?",
    "Der Zug fährt um 7:45 Uhr ab.",
    "Bei mvua ilinyesha usiku kucha?",
    "В городе открыли новую библиотеку.",
    "图书馆几点关门？",
    "متى بُني هذا الجسر؟",
    "নদীর ধারে একটি পুরোনো বাড়ি আছে।",
    "x",
)
"""Texts that tell apart functions which declare no fingerprint. Any texts will do, but they must never change."""


@dataclass(frozen=True)
class FunctionEncoder:
    """Wraps `function(texts: list[str], role: str) -> array [N, D]`; similarity is the inner product of its vectors.

    The function is known by its attribute `fingerprint`: a string that changes whenever its vectors do. Without one
    it is known by a hash of its module's source file and of the scores that it gives for a few texts, which also tell
    apart other weights and other helper modules. That is not a proof, so vectors are not kept between runs then.
    """

    name: str
    function: Callable[[list[str], str], Any]
    fingerprint: str
    complete_fingerprint: bool
    batch_tokens: int = BATCH_TOKENS
    settings: Mapping[str, Setting] = field(default_factory=lambda: {"kind": "function", "similarity": "dot"})

    def tag_and_prompt(self, role: Role) -> tuple[str, str]:
        """See DenseEncoder; the function may treat roles differently, so they are always apart."""
        return (role, "")

    def count_tokens(self, texts: Sequence[str], role: Role) -> IntArray:
        """See DenseEncoder; a quarter of the characters stands in for tokens."""
        return np.array([len(text) // 4 + 1 for text in texts], dtype=np.int64)

    def encode_batch(self, texts: Sequence[str], role: Role) -> FloatArray:
        """See DenseEncoder.

        Raises:
            EncoderError: The function raised, or its result is not an array of real numbers with one row per text.
        """
        try:
            result = self.function(list(texts), role)
            array = np.asarray(result)
        except (Exception, SystemExit) as error:  # foreign code
            raise EncoderError(f"{self.name} failed on {len(texts)} texts: {type(error).__name__}: {error}") from error
        if _is_masked(result):
            raise EncoderError(
                f"{self.name} returned a masked array; expected an array without a mask. Fill its masked values."
            )
        if array.dtype.kind not in "biuf" and not np.can_cast(array.dtype, np.float32):
            found = array.dtype if array.ndim else type(result).__name__
            raise EncoderError(f"{self.name} returned values of type {found}; expected an array of real numbers.")
        if array.ndim != 2 or len(array) != len(texts) or not array.shape[1]:
            raise EncoderError(
                f"{self.name} returned an array of shape {array.shape}; expected ({len(texts)}, dimension) with a "
                "dimension of at least 1."
            )
        return array.astype(np.float32, copy=False)


def _is_masked(result: Any) -> bool:
    """Return whether an array or a row of a list has a mask, which NumPy drops when it makes a plain array."""
    rows = result if isinstance(result, (list, tuple)) else ()
    return any(isinstance(part, np.ma.MaskedArray) for part in (result, *rows))


def load_function(model: str, options: EncoderOptions) -> FunctionEncoder:
    """Import `module:function`; the current folder is looked in first, as `python -m` does.

    Raises:
        EncoderError: The module or the function does not exist, or cannot be imported; or it declares no fingerprint
            and gives unusable vectors.
    """
    module_name, _, attribute = model.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        function = getattr(importlib.import_module(module_name), attribute)
    except (Exception, SystemExit) as error:  # foreign code
        raise EncoderError(f"{model}: cannot import it: {type(error).__name__}: {error}") from error
    if not callable(function):
        raise EncoderError(f"{model} is a {type(function).__name__}; expected function(texts, role) -> array.")
    declared = getattr(function, "fingerprint", None)
    encoder = FunctionEncoder(
        name=model.replace(":", "."),
        function=function,
        fingerprint=content_hash("function", model, str(declared)),
        complete_fingerprint=declared is not None,
        batch_tokens=options.batch_tokens or BATCH_TOKENS,
    )
    if declared is not None:
        return encoder
    return replace(
        encoder, fingerprint=content_hash("function", model, _read_source(function), _describe_probes(encoder))
    )


def _describe_probes(encoder: FunctionEncoder) -> str:
    """Return the inner products of the probes as queries with the probes as passages, relative to the largest.

    Rounded to three decimals: coarser than what threads and processors differ by, finer than another model.
    """
    query_PD, passage_PD = (encoder.encode_batch(PROBES, role).astype(np.float64) for role in get_args(Role))
    if query_PD.shape != passage_PD.shape:
        raise EncoderError(
            f"{encoder.name} gives vectors of {query_PD.shape[1]} dimensions for queries and of {passage_PD.shape[1]} "
            "for passages; expected the same."
        )
    product_PP = np.nan_to_num(query_PD @ passage_PD.T)
    largest = np.abs(product_PP).max() or 1.0
    return " ".join(f"{product / largest + 0.0:.3f}" for product in product_PP.ravel())


def _read_source(function: Callable[..., Any]) -> str:
    try:
        return Path(inspect.getfile(inspect.unwrap(function))).read_text(encoding="utf-8")
    except (TypeError, OSError):
        return ""
