"""Named losses: each one's formula, columns and factory."""

import pytest
import torch
from builders.loss import COLUMNS, clear_by_loops, features_of, gradients, make_rows, one_by_one

from clearbench.training.loss.base import LossOptions
from clearbench.training.loss.clear import CLEARLoss
from clearbench.training.loss.named import LOSSES

# What each loss weighs: English -> passage, passage -> target, target -> passage, divergence.
WEIGHTS = {
    "clear": (0.4, 0.4, 0.0, 0.2, "reverse_forward"),
    "clear-no-kl": (0.6, 0.4, 0.0, 0.0, "none"),
    "clear-no-kl-half": (0.5, 0.5, 0.0, 0.0, "none"),
    "forward-only": (1.0, 0.0, 0.0, 0.0, "none"),
    "reverse-only": (0.0, 1.0, 0.0, 0.0, "none"),
    "clear-forward-reverse": (0.4, 0.4, 0.0, 0.2, "forward_reverse"),
    "clear-js": (0.4, 0.4, 0.0, 0.2, "js"),
    "clear-detached": (0.4, 0.4, 0.0, 0.2, "detached"),
    "infonce": (0.0, 0.0, 1.0, 0.0, "none"),
    "infonce-en": (1.0, 0.0, 0.0, 0.0, "none"),
    "mixed": (0.5, 0.0, 0.5, 0.0, "none"),
}


@pytest.mark.parametrize("name", LOSSES)
@torch.no_grad()
def test_a_named_loss_computes_its_formula(model, name):
    rows = make_rows(5)
    forward, reverse, across, divergence, kl = WEIGHTS[name]
    alone = one_by_one(model)
    parts = clear_by_loops(rows, alone, kl=kl)[1]
    turned = [{**row, "query": row["target_query"]} for row in rows]
    cross = clear_by_loops(turned, alone, kl="none")[1]["forward"]
    expected = forward * parts["forward"] + reverse * parts["reverse"] + across * cross + divergence * parts["kl"]
    named = LOSSES[name]
    for columns in (named.columns(2), COLUMNS):
        loss_fn = named.make_loss(model, columns, LossOptions(mini_batch_tokens=50))
        loss = loss_fn(features_of(model, rows, columns))
        assert float(loss) == pytest.approx(float(expected), rel=1e-10)


@pytest.mark.parametrize("name", LOSSES)
def test_settings_reach_the_loss(model, name):
    options = LossOptions(50.0, 8, 4096, gather_across_devices=True, prompts={"query": "q: "})
    loss = LOSSES[name].make_loss(model, LOSSES[name].columns(0), options)
    assert loss.options == options
    assert loss.get_config_dict()["scale"] == 50.0


def test_forward_only_is_infonce_from_english_questions(model):
    rows = make_rows(5)
    rows[3]["query"] = rows[1]["query"]  # two passages answer one question: neither is a negative of the other
    found = {}
    for name in ("forward-only", "infonce-en"):
        columns = LOSSES[name].columns(2)
        loss_fn = LOSSES[name].make_loss(model, columns, LossOptions())
        loss = loss_fn(features_of(model, rows, columns))
        found[name] = (float(loss.detach()), *gradients(model, loss).tolist())
    assert found["forward-only"] == found["infonce-en"]
    distinct = make_rows(5)
    columns = LOSSES["clear"].columns(2)
    clear = CLEARLoss(model, columns, alpha=0.0, beta=0.0)(features_of(model, distinct, columns))
    english = LOSSES["infonce-en"].make_loss(model, columns, LossOptions())(features_of(model, distinct, columns))
    assert float(clear.detach()) == float(english.detach())


def test_the_columns_of_clear():
    assert LOSSES["clear"].columns(1) == (
        "query", "passage", "target_query", "passage_negative_1", "target_query_negative_1",
    )  # fmt: skip
    assert LOSSES["infonce"].columns(1) == ("target_query", "passage", "passage_negative_1")
    assert LOSSES["reverse-only"].columns(1) == ("passage", "target_query", "target_query_negative_1")


def test_every_loss_is_weighed_here():
    assert set(WEIGHTS) == set(LOSSES)
