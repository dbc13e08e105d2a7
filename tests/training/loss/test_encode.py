"""Encoding in mini-batches: value and gradient are those of one ordinary pass."""

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from builders.loss import (
    COLUMNS,
    PLAIN_TOKENS,
    assert_same,
    count_encoded,
    features_of,
    gradients,
    make_rows,
    ragged_rows,
    spread,
)

from clearbench.training.loss import base as base_module
from clearbench.training.loss import encode as encoding
from clearbench.training.loss.clear import CLEARLoss
from clearbench.training.loss.infonce import InfoNCELoss

CACHED = [
    {"mini_batch_size": 1}, {"mini_batch_size": 4}, {"mini_batch_size": 5}, {"mini_batch_size": 1000},
    {"mini_batch_tokens": 1}, {"mini_batch_tokens": 100}, {"mini_batch_size": 3, "mini_batch_tokens": 60},
]  # fmt: skip


@pytest.mark.parametrize("limits", CACHED, ids=str)
@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize("make", [CLEARLoss, InfoNCELoss])
def test_cached_equals_plain_in_value_and_gradient(model, make, dtype, tolerance, limits):
    model = model.to(dtype)
    features = features_of(model, make_rows(7))
    plain, cached = make(model, COLUMNS)(features), make(model, COLUMNS, **limits)(features)
    assert cached.is_leaf
    assert plain.grad_fn is not None
    assert_same(cached.detach(), plain.detach(), tolerance)
    assert_same(gradients(model, cached), gradients(model, plain), tolerance)


def test_the_comparison_sees_a_gradient_scaled_by_the_number_of_mini_batches(model, monkeypatch):
    features = features_of(model, make_rows(7))
    plain = gradients(model, CLEARLoss(model, COLUMNS)(features))
    again = encoding._backward_again
    wrong = lambda batches, states, gradient, *rest: again(  # noqa: E731
        batches, states, gradient * len(batches.plan), *rest
    )
    monkeypatch.setattr(encoding, "_backward_again", wrong)
    cached = gradients(model, CLEARLoss(model, COLUMNS, mini_batch_size=30)(features))
    with pytest.raises(AssertionError):
        assert_same(cached, plain, 0.5)


def test_second_pass_draws_the_same_dropout(model, monkeypatch):
    model.train()
    features = features_of(model, make_rows(7))

    def gradient_of(**limits):
        torch.manual_seed(3)
        return gradients(model, CLEARLoss(model, COLUMNS, **limits)(features))

    plain = gradient_of()
    assert_same(gradient_of(mini_batch_tokens=PLAIN_TOKENS), plain)
    monkeypatch.setattr(encoding.ForwardState, "replay", lambda self: nullcontext())
    assert not torch.allclose(gradient_of(mini_batch_tokens=PLAIN_TOKENS), plain, rtol=1e-2)


def test_generators_continue_after_the_second_pass(model):
    model.train()
    loss = CLEARLoss(model, COLUMNS, mini_batch_size=5)(features_of(model, make_rows(3)))
    before = torch.get_rng_state()
    loss.backward()
    assert torch.equal(torch.get_rng_state(), before)


def test_a_gradient_scaler_reaches_every_mini_batch(model):
    features = features_of(model, make_rows(5))
    once = gradients(model, CLEARLoss(model, COLUMNS, mini_batch_size=4)(features))
    scaled = gradients(model, CLEARLoss(model, COLUMNS, mini_batch_size=4)(features) * 1024)
    assert_same(scaled / 1024, once)


def autocast_gradient(model, features, inside=False, **limits):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss_fn = CLEARLoss(model, COLUMNS, **limits)
        loss = loss_fn(features)
        assert {part.dtype for part in loss_fn.last_parts.values()} == {torch.float32}
        if inside:
            return gradients(model, loss)
    return gradients(model, loss)


def test_cached_equals_plain_under_autocast(model, monkeypatch):
    model = model.float()
    features = features_of(model, make_rows(6))
    monkeypatch.setitem(base_module.BATCH_TOKENS, "cpu", 10**6)
    plain = autocast_gradient(model, features)
    assert plain.abs().max() > 0
    assert_same(autocast_gradient(model, features, mini_batch_size=1000), plain, 1e-5)
    # With more mini-batches the two add up bfloat16 gradients of the weights in another order.
    exact = gradients(model, CLEARLoss(model, COLUMNS)(features))
    assert_same(autocast_gradient(model, features, mini_batch_size=5), exact, 2e-3)


def test_a_backward_pass_inside_autocast_changes_nothing(model):
    model = model.float()
    features = features_of(model, make_rows(6))
    outside, inside = (autocast_gradient(model, features, where, mini_batch_size=5) for where in (False, True))
    assert torch.equal(inside, outside)


def test_scores_are_float32_under_autocast(model, monkeypatch):
    # In bfloat16, cosines times 20 would be multiples of 0.125 near 16, and the loss with them.
    model = model.float()
    loss_fn = CLEARLoss(model, COLUMNS)
    seen: dict[str, Any] = {}
    score = loss_fn.score

    def keep_and_score(vectors, texts):
        seen.update(vectors=vectors, texts=texts)
        return score(vectors, texts)

    monkeypatch.setattr(loss_fn, "score", keep_and_score)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = loss_fn(features_of(model, make_rows(6)))
    exact, _ = score({name: vector.double() for name, vector in seen["vectors"].items()}, seen["texts"])
    assert abs(float(loss.detach()) - float(exact.detach())) < 1e-5


def test_no_gradient_is_kept_in_evaluation(model):
    features = features_of(model, make_rows(4))
    several: list[dict[str, Any]] = [{}, {"mini_batch_size": 3}]
    for limits in several:
        with torch.no_grad():
            value = CLEARLoss(model, COLUMNS, **limits)(features)
        assert not value.requires_grad
        assert_same(value, CLEARLoss(model, COLUMNS)(features).detach())


def test_each_distinct_text_is_encoded_once_in_mini_batches_of_equal_length(model):
    rows = ragged_rows()
    texts = {text for column in spread(rows).values() for text in column if text}
    encoded = count_encoded(model)
    CLEARLoss(model, COLUMNS)(features_of(model, rows))
    assert sum(encoded) == len(texts) < len(rows) * len(COLUMNS)
