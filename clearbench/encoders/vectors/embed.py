"""Encode what a run needs and the store does not have yet: each distinct text once, across tasks and pairs."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from clearbench.common.arrays import FloatArray, IntArray
from clearbench.common.errors import EncoderError
from clearbench.common.progress import progress
from clearbench.encoders.base import DenseEncoder, Role
from clearbench.encoders.vectors.batching import plan_batches
from clearbench.encoders.vectors.store import EmbeddingStore, Keys, text_keys
from clearbench.tasks.dataset import Dataset, Texts

# Texts whose token counts are known at a time; bounds memory, not the result.
WINDOW = 200_000
# A part is written when one of these is reached, so a kill costs at most this much work.
PART_SECONDS = 20.0
PART_TEXTS = 65_536


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


def plan_encoding(
    encoder: DenseEncoder, datasets: Iterable[Dataset], more: Iterable[tuple[str, Texts, Role]] = ()
) -> EncodingPlan:
    """Collect the distinct (role, text) of all pairs of all tasks, and of further parts: (task, texts, role)."""
    texts: list[str] = []
    roles: list[Role] = []
    labels: list[tuple[str, str, str]] = []
    keys: list[Keys] = []
    seen: set[bytes] = set()
    mentions = 0
    for task, part, role in chain(_parts(datasets), more):
        mentions += len(part)
        part_keys = text_keys(encoder, part.texts, role)
        fresh = []
        for position, key in enumerate(map(bytes, part_keys)):
            if key not in seen:
                seen.add(key)
                fresh.append(position)
        texts += [part.texts[i] for i in fresh]
        roles += [role] * len(fresh)
        labels += [(task, str(part.language), part.ids[i]) for i in fresh]
        keys.append(part_keys[fresh])
    joined = np.concatenate(keys) if keys else np.empty((0, 16), dtype=np.uint8)
    return EncodingPlan(tuple(texts), tuple(roles), tuple(labels), joined, mentions)


def encode_missing(encoder: DenseEncoder, store: EmbeddingStore, plan: EncodingPlan) -> EncodingReport:
    """Encode every text of the plan that the store lacks.

    Windows are laid over the whole plan, and batches over what is missing in a window from the longest text down, so
    a run that was killed forms the same batches when it goes on, and gives the same vectors bit for bit.

    Raises:
        EncoderError: A vector is not finite; the message names the text. Vectors before it are kept.
        StoreError: The store cannot be written.
    """
    started = time.perf_counter()
    num_encoded = num_tokens = 0
    for start in range(0, len(plan.texts), WINDOW):
        window = np.arange(start, min(start + WINDOW, len(plan.texts)))
        missing = window[~store.contains(plan.keys[window])]
        if len(missing) == 0:
            continue
        tokens = _count_tokens(encoder, plan, missing)
        with progress(f"encoding {len(missing):,} texts", float(tokens.sum()), "tokens") as advance:
            _encode_window(encoder, store, plan, missing, tokens, advance)
        num_encoded += len(missing)
        num_tokens += int(tokens.sum())
    return EncodingReport(num_encoded, len(plan.texts) - num_encoded, num_tokens, time.perf_counter() - started)


def _encode_window(
    encoder: DenseEncoder,
    store: EmbeddingStore,
    plan: EncodingPlan,
    missing: IntArray,
    tokens: IntArray,
    advance: Callable[[float], None],
) -> None:
    pending: list[tuple[IntArray, FloatArray]] = []
    flushed = time.perf_counter()

    def flush() -> None:
        nonlocal flushed
        if pending:
            rows = np.concatenate([rows for rows, _ in pending])
            vectors = np.concatenate([vectors for _, vectors in pending])
            pending.clear()
            store.add(plan.keys[rows], vectors)
        flushed = time.perf_counter()

    # Roles one after the other: a batch has one prompt. Queries are short, so they come last.
    try:
        for role in ("passage", "query"):
            chosen = np.flatnonzero([plan.roles[i] == role for i in missing])
            for batch in plan_batches(tokens[chosen], encoder.batch_tokens):
                rows = missing[chosen[batch]]
                vectors = encoder.encode_batch([plan.texts[i] for i in rows], role)
                _check_finite(vectors, rows, plan, encoder)
                pending.append((rows, vectors))
                advance(float(tokens[chosen[batch]].sum()))
                if time.perf_counter() - flushed > PART_SECONDS or sum(len(r) for r, _ in pending) >= PART_TEXTS:
                    flush()
    finally:
        flush()  # also on Ctrl-C: whole batches are never lost


def _count_tokens(encoder: DenseEncoder, plan: EncodingPlan, rows: IntArray) -> IntArray:
    tokens = np.zeros(len(rows), dtype=np.int64)
    for role in ("passage", "query"):
        chosen = [position for position, row in enumerate(rows) if plan.roles[row] == role]
        if chosen:
            tokens[chosen] = encoder.count_tokens([plan.texts[rows[position]] for position in chosen], role)
    return tokens


def _check_finite(vectors: FloatArray, rows: IntArray, plan: EncodingPlan, encoder: DenseEncoder) -> None:
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        task, language, key = plan.labels[rows[bad[0]]]
        raise EncoderError(
            f"{encoder.name} gives NaN or infinite values for {len(bad)} of {len(rows)} texts of a batch, first for "
            f"the {plan.roles[rows[bad[0]]]} {key!r} of {task} ({language}). Try --dtype fp32; if it stays, the "
            "checkpoint is broken."
        )


def _parts(datasets: Iterable[Dataset]) -> Iterator[tuple[str, Texts, Role]]:
    """Each pool and query set that a pair uses once, pools first."""
    for data in datasets:
        yield from ((data.task, pool, "passage") for pool in data.used_pools())
        yield from ((data.task, queries, "query") for queries in data.used_queries())
