"""A training-free correction as a clearbench encoder: shift questions by their mean difference to English questions.

    MEAN_OFFSET=offsets.npz clearbench run --model mean_offset:encode ...      (in this folder)

For a question x in language l: v(x) - (mean over training questions in l - mean over their English originals), then
unit norm. Passages and English questions do not change. `estimate` writes the file with the offset of each language,
computed from training rows and not from evaluation texts, and with the language of each evaluation question.
"""

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from clearbench.common.arrays import FloatArray
from clearbench.encoders.base import DenseEncoder, EncoderOptions, Role
from clearbench.encoders.checkpoints.transformer import load_transformer
from clearbench.encoders.vectors.batching import plan_batches

VARIABLE = "MEAN_OFFSET"


def encode(texts: list[str], role: str) -> FloatArray:
    """Return the base model's vectors, with questions shifted; float32 [N, D]."""
    table = _load_table()
    vectors = encode_all(_load_base(str(table["model"])), texts, "query" if role == "query" else "passage")
    if role == "passage":
        return vectors
    languages = dict(zip(table["texts"].tolist(), table["languages"].tolist(), strict=True))
    shifts = dict(zip(table["names"].tolist(), table["shifts"], strict=True))
    no_shift = np.zeros(vectors.shape[1], dtype=np.float32)
    vectors = vectors - np.stack([shifts.get(languages.get(text, ""), no_shift) for text in texts])
    unit: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def estimate(path: Path, model: str, rows: Sequence[Mapping[str, str]], questions: Mapping[str, str]) -> None:
    """Write the file of offsets.

    Args:
        path: .npz to write.
        model: Base checkpoint.
        rows: Training rows with `query`, `target_query`, `language`.
        questions: Evaluation question -> its language.
    """
    names = sorted({row["language"] for row in rows})
    shifts = []
    for name in names:
        own = [row for row in rows if row["language"] == name]
        target, english = ([row[column] for row in own] for column in ("target_query", "query"))
        base = _load_base(model)
        shifts.append(encode_all(base, target, "query").mean(axis=0) - encode_all(base, english, "query").mean(axis=0))
    np.savez(
        path, model=model, names=np.array(names), shifts=np.stack(shifts),
        texts=np.array(list(questions)), languages=np.array(list(questions.values())),
    )  # fmt: skip


def encode_all(encoder: DenseEncoder, texts: list[str], role: Role) -> FloatArray:
    """Return the vectors in the order of the texts, float32 [N, D]."""
    vectors: list[Any] = [None] * len(texts)
    for batch in plan_batches(encoder.count_tokens(texts, role), encoder.batch_tokens):
        for index, vector in zip(batch, encoder.encode_batch([texts[i] for i in batch], role), strict=True):
            vectors[index] = vector
    return np.stack(vectors)


@cache
def _load_base(model: str) -> DenseEncoder:
    return load_transformer(model, EncoderOptions())


@cache
def _load_table() -> Any:
    return np.load(Path(os.environ[VARIABLE]))
