"""Named losses: each one's formula, columns and factory."""

import pytest
import torch
from builders.encoders import tiny_checkpoint
from builders.loss import COLUMNS, clear_by_loops, features_of, make_rows, one_by_one

from clearbench.training.loss.presets import PRESETS

# What each preset weighs: English -> passage, passage -> target, target -> passage, divergence.
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


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from sentence_transformers import SentenceTransformer

    folder = tiny_checkpoint(tmp_path_factory.mktemp("model") / "tiny")
    return SentenceTransformer(str(folder), device="cpu").double().eval()


@pytest.mark.parametrize("name", PRESETS)
@torch.no_grad()
def test_a_preset_computes_its_formula(model, name):
    rows = make_rows(5)
    forward, reverse, across, divergence, kl = WEIGHTS[name]
    alone = one_by_one(model)
    parts = clear_by_loops(rows, alone, kl=kl)[1]
    turned = [{**row, "query": row["target_query"]} for row in rows]
    cross = clear_by_loops(turned, alone, kl="none")[1]["forward"]
    expected = forward * parts["forward"] + reverse * parts["reverse"] + across * cross + divergence * parts["kl"]
    preset = PRESETS[name]
    for columns in (preset.columns(2), COLUMNS):
        loss = preset.make_loss(model, columns, mini_batch_tokens=50)(features_of(model, rows, columns))
        assert float(loss) == pytest.approx(float(expected), rel=1e-10)


@pytest.mark.parametrize("name", PRESETS)
def test_settings_reach_the_loss(model, name):
    loss = PRESETS[name].make_loss(model, PRESETS[name].columns(0), 50.0, 4096, True, 8, {"query": "q: "})
    assert (loss.scale, loss.mini_batch_tokens, loss.mini_batch_size) == (50.0, 4096, 8)
    assert loss.gather_across_devices
    assert loss.prompts == {"query": "q: "}
    assert loss.get_config_dict()["scale"] == 50.0


def test_the_columns_of_clear():
    assert PRESETS["clear"].columns(1) == (
        "query", "passage", "target_query", "passage_negative_1", "target_query_negative_1",
    )  # fmt: skip
    assert PRESETS["infonce"].columns(1) == ("target_query", "passage", "passage_negative_1")
    assert PRESETS["reverse-only"].columns(1) == ("passage", "target_query", "target_query_negative_1")


def test_every_preset_is_weighed_here():
    assert set(WEIGHTS) == set(PRESETS)
