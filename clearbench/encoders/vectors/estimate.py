"""How long encoding will take, from timing a few batches of the texts themselves."""

import time

import numpy as np

from clearbench.common.arrays import IntArray
from clearbench.encoders.base import DenseEncoder, Role
from clearbench.encoders.vectors.batching import plan_batches
from clearbench.encoders.vectors.embed import ROLES, EncodingPlan
from clearbench.encoders.vectors.store import EmbeddingStore

# Texts looked at per role: enough to know how long the texts are, quick to tokenise.
SAMPLE = 512


def estimate_seconds(encoder: DenseEncoder, store: EmbeddingStore, plan: EncodingPlan) -> float:
    """Estimate the seconds that encoding what the store lacks will take.

    Per role a random sample of the missing texts is cut into batches as in the run; the batch of median length is
    encoded, after a first one that only warms up, and its seconds per token are those of all texts of the role. The
    vectors are thrown away. It costs at most two batches per role; other programs on the machine blur it.

    Args:
        encoder: What is timed; its model is loaded already.
        store: Says what is missing; it is not written to.
        plan: The texts of the run.
    Returns:
        Seconds, 0 where nothing is missing.
    """
    missing = np.flatnonzero(~store.contains(plan.keys))
    roles = np.array([plan.roles[row] for row in missing])
    return sum(_seconds_of_role(encoder, plan, missing[roles == role], role) for role in ROLES)


def _seconds_of_role(encoder: DenseEncoder, plan: EncodingPlan, rows: IntArray, role: Role) -> float:
    if len(rows) == 0:
        return 0.0
    chosen = np.random.default_rng(0).choice(rows, min(SAMPLE, len(rows)), replace=False)
    tokens = encoder.count_tokens([plan.texts[row] for row in chosen], role)
    batches = list(plan_batches(tokens, encoder.batch_tokens))
    middle = batches[len(batches) // 2]
    texts = [plan.texts[chosen[place]] for place in middle]
    encoder.encode_batch(texts[:1], role)
    started = time.perf_counter()
    encoder.encode_batch(texts, role)
    seconds_per_token = (time.perf_counter() - started) / max(int(tokens[middle].sum()), 1)
    return float(seconds_per_token * tokens.mean() * len(rows))
