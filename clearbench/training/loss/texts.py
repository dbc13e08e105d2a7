"""The distinct texts of a training batch, and how they form mini-batches.

Two texts are equal if their token ids are equal, so texts that differ only after truncation count as equal. Shapes: B
rows of the batch, U distinct texts.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clearbench.common.arrays import IntArray
from clearbench.common.errors import TrainingError
from clearbench.encoders.vectors.batching import plan_batches
from clearbench.training.loss.columns import Features

# Features of sentence-transformers that are not token tensors; they are passed to the model unchanged.
SETTINGS = ("modality", "prompt_length", "task")
UNLIMITED = 2**62


@dataclass(frozen=True)
class BatchTexts:
    """The distinct texts of a batch, and the text of each row in each column.

    Attributes:
        tokens: For each distinct text, its unpadded token-level features (input_ids, token_type_ids, ...).
        settings: For each distinct text, the model's other inputs: prompt length, route of an asymmetric model.
        rows: Column -> index of each row's text, int64 [B]; -1 for an empty text, which is not encoded.
        keys: Column -> 64-bit hash of each row's token ids, int64 [B]; equal texts have equal keys in every process.
    """

    tokens: tuple[Mapping[str, IntArray], ...]
    settings: tuple[Mapping[str, Any], ...]
    rows: Mapping[str, Tensor]
    keys: Mapping[str, Tensor]

    @property
    def device(self) -> torch.device:
        """The device of the features, and of the mini-batches."""
        return next(iter(self.rows.values())).device

    @property
    def num_rows(self) -> int:
        """Number of rows in the batch."""
        return len(next(iter(self.rows.values())))

    @property
    def num_tokens(self) -> IntArray:
        """Number of tokens of each distinct text, int64 [U]."""
        return np.array([len(text["input_ids"]) for text in self.tokens], dtype=np.int64)


@dataclass(frozen=True)
class Padding:
    """How the checkpoint's tokenizer pads."""

    token: int = 0
    left: bool = False

    @classmethod
    def from_model(cls, model: Any) -> "Padding":
        """Read the settings from a SentenceTransformer's tokenizer or processor."""
        tokenizer = getattr(model.tokenizer, "tokenizer", model.tokenizer)
        token = getattr(tokenizer, "pad_token_id", None)
        return cls(int(token) if token is not None else 0, getattr(tokenizer, "padding_side", "right") == "left")


def text_key(input_ids: IntArray) -> int:
    """Return a 64-bit key of a text's token ids, the same in every process (unlike Python's `hash`)."""
    digest = hashlib.blake2b(np.ascontiguousarray(input_ids, dtype=np.int64).tobytes(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def split_features(column: str, features: Features) -> Iterator[Mapping[str, IntArray]]:
    """Yield each row's token-level features without padding, from padded or from flattened features.

    Raises:
        TrainingError: The features do not hold token ids.
    """
    ids = features.get("input_ids")
    if not isinstance(ids, Tensor) or ids.ndim != 2:
        raise TrainingError(f"Column {column!r}: expected token ids (input_ids), found features {sorted(features)}.")
    arrays = {
        name: value.cpu().numpy()
        for name, value in features.items()
        if isinstance(value, Tensor) and value.shape == ids.shape and name not in ("attention_mask", "position_ids")
    }
    if "cu_seq_lens_q" in features:  # flattened for flash attention: one long row
        bounds = features["cu_seq_lens_q"].tolist()
        arrays = {name: value for name, value in arrays.items() if name != "seq_idx"}
        for begin, end in pairwise(bounds):
            yield {name: value[0, begin:end] for name, value in arrays.items()}
        return
    mask = features["attention_mask"].cpu().numpy().astype(bool)
    for row, real in enumerate(mask):
        yield {name: value[row, real] for name, value in arrays.items()}


def collect_texts(features: Mapping[str, Features], empty: Collection[int] = ()) -> BatchTexts:
    """Return the distinct texts of all columns.

    Args:
        features: Column -> its features.
        empty: Keys that mean an empty text.
    Raises:
        TrainingError: The features do not hold token ids.
    """
    tokens: list[Mapping[str, IntArray]] = []
    settings: list[Mapping[str, Any]] = []
    known: dict[tuple[object, ...], int] = {}
    rows, keys = {}, {}
    for column, column_features in features.items():
        column_settings = {name: _as_plain_value(column_features[name]) for name in SETTINGS if name in column_features}
        indices, hashes = [], []
        for text in split_features(column, column_features):
            key = text_key(text["input_ids"])
            identity = (tuple(column_settings.items()), *((name, array.tobytes()) for name, array in text.items()))
            if key not in empty and identity not in known:
                known[identity] = len(tokens)
                tokens.append(text)
                settings.append(column_settings)
            hashes.append(key)
            indices.append(known.get(identity, -1))
        device = column_features["input_ids"].device
        rows[column] = torch.tensor(indices, device=device)
        keys[column] = torch.tensor(hashes, device=device)
    return BatchTexts(tuple(tokens), tuple(settings), rows, keys)


def _as_plain_value(value: Any) -> Any:
    # A prompt length is a number or, from some collators, a tensor with one element.
    return int(value.reshape(-1)[0]) if isinstance(value, Tensor) else value


def plan_texts(texts: BatchTexts, batch_tokens: int | None, batch_size: int | None) -> list[IntArray]:
    """Return the mini-batches as arrays of text indices, within both limits.

    The texts of a mini-batch have similar lengths and equal settings.

    Args:
        texts: The distinct texts.
        batch_tokens: Largest number of padded tokens per mini-batch; a longer text gets a mini-batch of its own. None
            sets no limit.
        batch_size: Largest number of texts per mini-batch. None sets no limit.
    """
    num_tokens = texts.num_tokens
    groups: dict[tuple[tuple[str, Any], ...], list[int]] = {}
    for index, text_settings in enumerate(texts.settings):
        groups.setdefault(tuple(text_settings.items()), []).append(index)
    size = batch_size or UNLIMITED
    plan = []
    for members in groups.values():
        group = np.array(members, dtype=np.int64)
        for batch in plan_batches(num_tokens[group], batch_tokens or UNLIMITED):
            plan += [group[batch[start : start + size]] for start in range(0, len(batch), size)]
    return plan


def pad_texts(texts: BatchTexts, batch: IntArray, padding: Padding) -> dict[str, Any]:
    """Return the features of one mini-batch, padded to its own longest text.

    Args:
        texts: The distinct texts of the batch.
        batch: Indices of the mini-batch's texts.
        padding: How the model's tokenizer pads.
    """
    chosen = [texts.tokens[index] for index in batch]
    lengths = [len(text["input_ids"]) for text in chosen]
    longest = max(lengths)
    spans = [slice(longest - length, longest) if padding.left else slice(0, length) for length in lengths]
    features: dict[str, Any] = dict(texts.settings[batch[0]])
    mask = np.zeros((len(chosen), longest), dtype=np.int64)
    for row, span in enumerate(spans):
        mask[row, span] = 1
    for name in chosen[0]:
        padded = np.full(mask.shape, padding.token if name == "input_ids" else 0, dtype=np.int64)
        for row, (text, span) in enumerate(zip(chosen, spans, strict=True)):
            padded[row, span] = text[name]
        features[name] = torch.from_numpy(padded).to(texts.device)
    features["attention_mask"] = torch.from_numpy(mask).to(texts.device)
    return features
