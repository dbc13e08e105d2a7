"""CLEAR: values and gradients against literal loops over pairs, masks, settings."""

import math
from typing import Any

import pytest
import torch
from builders.loss import (
    COLUMNS,
    assert_same,
    clear_by_loops,
    features_of,
    gradients,
    make_rows,
    one_by_one,
    ragged_rows,
)

from clearbench.common.errors import TrainingError
from clearbench.training.loss.clear import KL_FORMS, CLEARLoss


@pytest.mark.parametrize("kl", KL_FORMS)
@pytest.mark.parametrize("rows", [make_rows(5), ragged_rows()], ids=["full", "ragged"])
def test_value_and_gradient_are_those_of_a_loop_over_pairs(model, rows, kl):
    expected, parts = clear_by_loops(rows, one_by_one(model), kl=kl)
    expected_gradient = gradients(model, expected)
    loss_fn = CLEARLoss(model, COLUMNS, kl=kl)
    loss = loss_fn(features_of(model, rows), None)
    assert_same(loss.detach(), expected.detach())
    for name, part in loss_fn.last_parts.items():
        assert_same(part, parts[name].detach())
    assert set(loss_fn.last_parts) == {"forward", "reverse"} | ({"kl"} if kl != "none" else set())
    assert_same(gradients(model, loss), expected_gradient)


@pytest.mark.parametrize("alpha, beta, scale", [(0.1, 0.3, 5.0), (0.7, 0.3, 20.0), (0.0, 1.0, 50.0), (1.0, 0.0, 20.0)])
def test_weights_and_scale(model, alpha, beta, scale):
    rows = make_rows(4)
    expected, _ = clear_by_loops(rows, one_by_one(model), alpha, beta, scale)
    loss = CLEARLoss(model, COLUMNS, alpha, beta, scale)(features_of(model, rows), None)
    assert_same(loss.detach(), expected.detach())


def test_kl_forms_differ(model):
    features = features_of(model, make_rows(5))
    values = {kl: float(CLEARLoss(model, COLUMNS, kl=kl)(features).detach()) for kl in KL_FORMS}
    assert values["detached"] == values["reverse_forward"]
    assert len({round(value, 9) for value in values.values()}) == len(KL_FORMS) - 1
    by_form = [gradients(model, CLEARLoss(model, COLUMNS, kl=kl)(features)) for kl in ("detached", "reverse_forward")]
    assert not torch.allclose(by_form[0], by_form[1], rtol=1e-3)


def test_both_sides_of_the_divergence_receive_gradient(model, monkeypatch):
    # Alone, with beta = 1, the detached form must leave the questions in the target language where they are.
    features = features_of(model, make_rows(3))
    moved: dict[str, dict[str, torch.Tensor]] = {}
    for kl in ("reverse_forward", "detached"):
        loss_fn = CLEARLoss(model, COLUMNS, 0.0, 1.0, kl=kl)
        monkeypatch.setattr(loss_fn, "score", keeping_vectors(loss_fn.score, moved.setdefault(kl, {})))
        loss_fn(features).backward()
    assert largest_gradient(moved["reverse_forward"]["target_query"]) > 0
    assert largest_gradient(moved["detached"]["target_query"]) == 0
    assert largest_gradient(moved["detached"]["query"]) > 0


def largest_gradient(vector):
    return 0.0 if vector.grad is None else float(vector.grad.abs().max())


def keeping_vectors(score, kept):
    def keep(vectors, texts):
        for vector in vectors.values():
            vector.retain_grad()
        kept.update(vectors)
        return score(vectors, texts)

    return keep


@pytest.mark.parametrize("kl", KL_FORMS)
@pytest.mark.parametrize("scale", [100.0, 10_000.0])
def test_underflowing_probabilities_give_finite_gradients(model, kl, scale):
    model = model.float()
    loss = CLEARLoss(model, COLUMNS, scale=scale, kl=kl)(features_of(model, ragged_rows()))
    assert math.isfinite(float(loss.detach()))
    assert torch.isfinite(gradients(model, loss)).all()


@pytest.mark.parametrize("kl", KL_FORMS)
@pytest.mark.parametrize("negatives", [0, 2])
@pytest.mark.parametrize("limits", [{}, {"mini_batch_size": 2}], ids=str)
def test_batch_of_one(model, kl, negatives, limits):
    rows = make_rows(1, negatives)
    loss = CLEARLoss(model, COLUMNS, kl=kl, **limits)(features_of(model, rows))
    expected, _ = clear_by_loops(rows, one_by_one(model), kl=kl)
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), abs=1e-12)
    assert torch.isfinite(gradients(model, loss)).all()


def test_unequal_numbers_of_negative_columns(model):
    rows = make_rows(4)
    for row in rows:
        row["target_query_negatives"] = row["target_query_negatives"][:1]
    columns = COLUMNS[:-1]
    loss = CLEARLoss(model, columns)(features_of(model, rows, columns))
    assert_same(loss.detach(), clear_by_loops(rows, one_by_one(model))[0].detach())


def test_an_empty_negative_is_no_text_even_behind_a_prompt(model):
    rows = make_rows(4)
    rows[1]["passage_negatives"] = rows[1]["passage_negatives"][:1]
    rows[2]["target_query_negatives"] = []
    prompts = {
        name: "p: " if name.startswith("passage") else "q: "
        for name in COLUMNS
    }  # fmt: skip
    prompted = [
        {key: ([f"{prompts[f'{key[:-1]}_1']}{text}" for text in value] if isinstance(value, list)
               else prompts[key] + value) for key, value in row.items()}
        for row in rows
    ]  # fmt: skip
    expected, _ = clear_by_loops(prompted, one_by_one(model))
    features = features_of(model, rows, prompts=prompts)
    assert_same(CLEARLoss(model, COLUMNS, prompts=prompts)(features).detach(), expected.detach())
    assert abs(float(CLEARLoss(model, COLUMNS)(features).detach()) - float(expected.detach())) > 1e-4


def test_duplicates_are_masked_unless_told_otherwise(model):
    rows = make_rows(3, negatives=0)
    rows[0].update(passage_negatives=[rows[0]["passage"]], target_query_negatives=[rows[0]["target_query"]])
    features, alone = features_of(model, rows), one_by_one(model)
    for masked in (True, False):
        expected, _ = clear_by_loops(rows, alone, mask_duplicates=masked)
        found = CLEARLoss(model, COLUMNS, mask_duplicates=masked)(features)
        assert_same(found.detach(), expected.detach())
    only: dict[str, Any] = {"mask_duplicates": False, "scale": 1000.0, "alpha": 0.0, "beta": 0.0}
    assert float(CLEARLoss(model, COLUMNS, **only)(features).detach()) >= math.log(2) / 3 - 1e-9


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"alpha": 0.9, "beta": 0.2}, "their sum at most 1"),
        ({"alpha": -0.1}, "at least 0"),
        ({"kl": "foward_reverse"}, "Did you mean forward_reverse"),
        ({"scale": 0.0}, "scale = 1 / temperature"),
        ({"scale": float("nan")}, "scale = 1 / temperature"),
        ({"scale": float("inf")}, "scale = 1 / temperature"),
        ({"alpha": float("nan")}, "alpha=nan"),
        ({"beta": float("inf")}, "beta=inf"),
        ({"mini_batch_size": 0}, "mini_batch_size=0"),
        ({"mini_batch_tokens": -5}, "mini_batch_tokens=-5"),
    ],
)
def test_settings_out_of_range(model, settings, message):
    with pytest.raises(TrainingError, match=message):
        CLEARLoss(model, COLUMNS, **settings)
