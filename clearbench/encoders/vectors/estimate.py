"""How long encoding will take, from timing a few batches of the texts themselves."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clearbench.common.arrays import IntArray
from clearbench.common.progress import duration_range
from clearbench.encoders.base import DenseEncoder, Role
from clearbench.encoders.vectors.batching import plan_batches
from clearbench.encoders.vectors.embed import ROLES, EncodingPlan
from clearbench.encoders.vectors.store import EmbeddingStore

# Texts looked at per role: enough to know how long the texts are, quick to tokenise.
SAMPLE = 512


@dataclass(frozen=True)
class Estimate:
    """How long something will take, in seconds; prints as a range.

    Attributes:
        low: If all goes as fast as the fastest batch that was timed.
        high: If all goes as slowly as the slowest one.
    """

    low: float
    high: float

    def __str__(self) -> str:
        return duration_range(self.low, self.high)


def estimate_seconds(encoder: DenseEncoder, store: EmbeddingStore, plan: EncodingPlan) -> Estimate:
    """Estimate the seconds that encoding what the store lacks will take.

    Per role a random sample of the missing texts is cut into batches as in the run; those of the longest, of medium and
    of the shortest texts are encoded, after a single text that only warms up. The vectors are thrown away. Texts of
    different lengths cost differently per token, and so does the same batch on a busy machine or with another
    precision, so the seconds per token of the fastest and of the slowest batch give a range. What other programs do
    later cannot be known: while a run encodes, the time left is said again.

    Args:
        encoder: What is timed; its model is loaded already.
        store: Says what is missing; it is not changed.
        plan: The texts of the run.
    Returns:
        Seconds, 0 where nothing is missing.
    """
    missing = np.flatnonzero(~store.contains(plan.keys))
    roles = np.array([plan.roles[row] for row in missing])
    estimates = [_estimate_role(encoder, plan, missing[roles == role], role) for role in ROLES]
    return Estimate(sum(estimate.low for estimate in estimates), sum(estimate.high for estimate in estimates))


def _estimate_role(encoder: DenseEncoder, plan: EncodingPlan, rows: IntArray, role: Role) -> Estimate:
    if len(rows) == 0:
        return Estimate(0.0, 0.0)
    chosen = np.random.default_rng(0).choice(rows, min(SAMPLE, len(rows)), replace=False)
    tokens = encoder.count_tokens([plan.texts[row] for row in chosen], role)
    batches = list(plan_batches(tokens, encoder.batch_tokens))
    encoder.encode_batch([plan.texts[chosen[0]]], role)
    per_token = [
        _time_batch(encoder, [plan.texts[chosen[place]] for place in batches[number]], role)
        / max(int(tokens[batches[number]].sum()), 1)
        for number in sorted({0, len(batches) // 2, len(batches) - 1})
    ]
    num_tokens = float(tokens.mean()) * len(rows)
    return Estimate(min(per_token) * num_tokens, max(per_token) * num_tokens)


def _time_batch(encoder: DenseEncoder, texts: Sequence[str], role: Role) -> float:
    started = time.perf_counter()
    encoder.encode_batch(texts, role)
    return time.perf_counter() - started
