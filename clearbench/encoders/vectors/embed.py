"""Encode the texts that a run needs and the store lacks: each distinct text once, across tasks and pairs."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from clearbench.common.arrays import FloatArray, IntArray
from clearbench.common.errors import EncoderError
from clearbench.common.progress import progress
from clearbench.encoders.base import DenseEncoder, Role
from clearbench.encoders.vectors.batching import plan_batches
from clearbench.encoders.vectors.part import KEY_BYTES, Keys
from clearbench.encoders.vectors.store import EmbeddingStore, text_keys
from clearbench.tasks.dataset import Dataset, Texts

WINDOW = 200_000
"""Texts whose token counts are known at a time; bounds memory, not the result."""
# A part is written when one of these is reached, so a kill costs at most this much work.
PART_SECONDS = 20.0
PART_TEXTS = 65_536
ROLES: tuple[Role, ...] = ("passage", "query")
"""The order in which roles are encoded."""

Part = tuple[str, Texts, Role]
"""The name of a task, texts of it, and the role in which they are encoded."""


@dataclass(frozen=True)
class EncodingPlan:
    """Distinct texts of a run, in the order in which tasks name them.

    Attributes:
        texts: Distinct texts per role tag and prompt.
        roles: The role each is encoded in.
        labels: Where each text first occurs: (task, language, id), for messages.
        keys: Store keys, uint8 [N, 16].
        num_mentions: Texts before duplicates were merged.
    """

    texts: tuple[str, ...]
    roles: tuple[Role, ...]
    labels: tuple[tuple[str, str, str], ...]
    keys: Keys
    num_mentions: int


NOTHING_TO_ENCODE = EncodingPlan((), (), (), np.empty((0, KEY_BYTES), dtype=np.uint8), 0)
"""The plan of an engine that has no vectors."""


@dataclass(frozen=True)
class EncodingReport:
    """What encoding took.

    Attributes:
        num_encoded: Texts encoded now.
        num_cached: Texts found in the store.
        num_tokens: Tokens encoded, padding excluded.
        seconds: Wall time.
    """

    num_encoded: int
    num_cached: int
    num_tokens: int
    seconds: float

    def __add__(self, other: "EncodingReport") -> "EncodingReport":
        """Return what both took together."""
        return EncodingReport(
            self.num_encoded + other.num_encoded,
            self.num_cached + other.num_cached,
            self.num_tokens + other.num_tokens,
            self.seconds + other.seconds,
        )


def plan_encoding(encoder: DenseEncoder, datasets: Iterable[Dataset], extra_parts: Iterable[Part] = ()) -> EncodingPlan:
    """Collect the distinct (role, text) of all pairs of all tasks.

    Args:
        encoder: Its tags and prompts decide which texts are the same to it.
        datasets: Loaded tasks; of each, the pools and query sets that its pairs use.
        extra_parts: Further texts that are needed.
    """
    texts: list[str] = []
    roles: list[Role] = []
    labels: list[tuple[str, str, str]] = []
    keys: list[Keys] = []
    seen: set[bytes] = set()
    mentions = 0
    for task, part, role in chain(_parts(datasets), extra_parts):
        mentions += len(part)
        part_keys = text_keys(encoder, part.texts, role)
        new_positions = []
        for position, key in enumerate(map(bytes, part_keys)):
            if key not in seen:
                seen.add(key)
                new_positions.append(position)
        texts += [part.texts[i] for i in new_positions]
        roles += [role] * len(new_positions)
        labels += [(task, str(part.language), part.ids[i]) for i in new_positions]
        keys.append(part_keys[new_positions])
    joined = np.concatenate(keys) if keys else np.empty((0, KEY_BYTES), dtype=np.uint8)
    return EncodingPlan(tuple(texts), tuple(roles), tuple(labels), joined, mentions)


def encode_missing(encoder: DenseEncoder, store: EmbeddingStore, plan: EncodingPlan) -> EncodingReport:
    """Encode every text of the plan that the store lacks.

    The plan is cut into windows, and the missing texts of a window into batches from the longest text down. So a run
    that was killed forms the same batches when it is started again, and gives the same vectors bit for bit.

    Args:
        encoder: Makes the vectors.
        store: Says what is missing, and keeps what is made.
        plan: The texts, made by `plan_encoding` with the same encoder.
    Raises:
        EncoderError: A vector is not finite; the message names the text. Vectors before it are kept.
        StoreError: The store cannot be written.
    """
    started = time.perf_counter()
    num_encoded = num_tokens = 0
    for start in range(0, len(plan.texts), WINDOW):
        window = np.arange(start, min(start + WINDOW, len(plan.texts)))
        missing = window[~store.contains(plan.keys[window])]
        if len(missing):
            num_encoded += len(missing)
            num_tokens += _encode_rows(encoder, store, plan, missing)
    return EncodingReport(num_encoded, len(plan.texts) - num_encoded, num_tokens, time.perf_counter() - started)


def _encode_rows(encoder: DenseEncoder, store: EmbeddingStore, plan: EncodingPlan, rows: IntArray) -> int:
    """Encode these rows of the plan, and return the number of their tokens."""
    tokens = _count_tokens(encoder, plan, rows)
    unwritten = _UnwrittenBatches(store, plan.keys)
    with progress(f"encoding {len(rows):,} texts", float(tokens.sum()), "tokens") as advance:
        try:
            for role, places in _batches(plan, rows, tokens, encoder.batch_tokens):
                batch = rows[places]
                vectors = encoder.encode_batch([plan.texts[row] for row in batch], role)
                _check_finite(vectors, batch, plan, encoder)
                unwritten.add(batch, vectors)
                advance(float(tokens[places].sum()))
        finally:
            unwritten.write()  # also on Ctrl-C, so that no whole batch is lost
    return int(tokens.sum())


class _UnwrittenBatches:
    """Encoded batches on their way to the store, which takes many at a time."""

    def __init__(self, store: EmbeddingStore, keys: Keys) -> None:
        self._store = store
        self._keys = keys
        self._batches: list[tuple[IntArray, FloatArray]] = []
        self._written = time.perf_counter()

    def add(self, rows: IntArray, vectors: FloatArray) -> None:
        """Take a batch, and write a part if it is time or there are many texts.

        Raises:
            EncoderError: The batch has vectors of another dimension than the one before.
        """
        before = self._batches[-1][1].shape[1] if self._batches else vectors.shape[1]
        if vectors.shape[1] != before:
            raise EncoderError(
                f"The encoder gave vectors of {before} dimensions for one batch of texts and of {vectors.shape[1]} for "
                "the next; expected the same for all."
            )
        self._batches.append((rows, vectors))
        waited = time.perf_counter() - self._written
        if waited > PART_SECONDS or sum(len(rows) for rows, _ in self._batches) >= PART_TEXTS:
            self.write()

    def write(self) -> None:
        """Write what there is as one part."""
        if self._batches:
            rows = np.concatenate([rows for rows, _ in self._batches])
            vectors = np.concatenate([vectors for _, vectors in self._batches])
            self._batches.clear()
            self._store.add(self._keys[rows], vectors)
        self._written = time.perf_counter()


def _batches(
    plan: EncodingPlan, rows: IntArray, tokens: IntArray, batch_tokens: int
) -> Iterator[tuple[Role, IntArray]]:
    """Yield each batch's role and its places in `rows`, one role after the other: a batch has one prompt.

    Queries come last because they are short.
    """
    for role, chosen in _split_by_role(plan, rows):
        for batch in plan_batches(tokens[chosen], batch_tokens):
            yield role, chosen[batch]


def _split_by_role(plan: EncodingPlan, rows: IntArray) -> Iterator[tuple[Role, IntArray]]:
    """Yield each role that occurs, and the places in `rows` of the texts that have it."""
    roles = np.array([plan.roles[row] for row in rows])
    for role in ROLES:
        if len(chosen := np.flatnonzero(roles == role)):
            yield role, chosen


def _count_tokens(encoder: DenseEncoder, plan: EncodingPlan, rows: IntArray) -> IntArray:
    tokens = np.zeros(len(rows), dtype=np.int64)
    for role, chosen in _split_by_role(plan, rows):
        tokens[chosen] = encoder.count_tokens([plan.texts[row] for row in rows[chosen]], role)
    return tokens


def _check_finite(vectors: FloatArray, rows: IntArray, plan: EncodingPlan, encoder: DenseEncoder) -> None:
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        task, language, key = plan.labels[rows[bad[0]]]
        raise EncoderError(
            f"{encoder.name} gives NaN or infinite values for {len(bad)} of {len(rows)} texts of a batch, first for "
            f"the {plan.roles[rows[bad[0]]]} {key!r} of {task} ({language}). {_advice(encoder)}"
        )


def _advice(encoder: DenseEncoder) -> str:
    """Return what a user can do about vectors that are not finite."""
    dtype = encoder.settings.get("dtype")
    if dtype is None:
        return "The function must return finite numbers."
    return (
        "The checkpoint is broken." if dtype == "fp32" else "Try --dtype fp32; if it stays, the checkpoint is broken."
    )


def _parts(datasets: Iterable[Dataset]) -> Iterator[Part]:
    """Yield each pool and query set that a pair uses once, pools first."""
    for data in datasets:
        yield from ((data.task, pool, "passage") for pool in data.used_pools())
        yield from ((data.task, queries, "query") for queries in data.used_queries())
