"""Batches: every text once, within the budget, and the rest of a plan is the plan of the rest."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clearbench.encoders.vectors.batching import plan_batches

lengths = st.lists(st.integers(0, 300), max_size=60).map(lambda xs: np.array(xs, dtype=np.int64))


@given(lengths, st.integers(1, 1024))
def test_every_text_once_within_the_budget(num_tokens, budget):
    batches = list(plan_batches(num_tokens, budget))
    assert sorted(np.concatenate([np.empty(0, int), *batches]).tolist()) == list(range(len(num_tokens)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * num_tokens[batch].max() <= budget


@given(lengths, st.integers(1, 1024), st.integers(0, 20))
def test_what_is_left_after_whole_batches_is_planned_the_same(num_tokens, budget, done):
    batches = [batch.tolist() for batch in plan_batches(num_tokens, budget)]
    finished = {index for batch in batches[:done] for index in batch}
    left = np.array([index for index in range(len(num_tokens)) if index not in finished], dtype=np.int64)
    again = [left[batch].tolist() for batch in plan_batches(num_tokens[left], budget)]
    assert again == batches[done:]


def test_sorting_by_tokens_wastes_little():
    num_tokens = np.random.default_rng(0).integers(5, 250, 2000)
    padded = sum(len(batch) * num_tokens[batch].max() for batch in plan_batches(num_tokens, 1024))
    assert 1 - num_tokens.sum() / padded < 0.05  # share of padding in all tokens
