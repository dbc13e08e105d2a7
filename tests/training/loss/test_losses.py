"""CLEAR and its rivals: values against literal loops over pairs, gradients, caching, masks, columns."""

import math
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from builders.encoders import tiny_checkpoint
from builders.loss import COLUMNS, clear_by_loops, features_of, gradients, make_rows, one_by_one, spread

from clearbench.common.errors import TrainingError
from clearbench.training.loss import base as base_module
from clearbench.training.loss import encode as encoding
from clearbench.training.loss.clear import KL_FORMS, CLEARLoss
from clearbench.training.loss.infonce import InfoNCELoss

PLAIN_TOKENS = 64


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def model(checkpoint):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(checkpoint), device="cpu").double().eval()


@pytest.fixture(autouse=True)
def small_mini_batches(monkeypatch):
    monkeypatch.setitem(base_module.BATCH_TOKENS, "cpu", PLAIN_TOKENS)


def assert_same(found, expected, tolerance=1e-10):
    difference = float((found - expected).abs().max() / expected.abs().max().clamp(min=1e-30))
    assert difference < tolerance, difference


def ragged_rows():
    """Rows with both, unequal and no negatives, and with every kind of duplicate."""
    rows = make_rows(6)
    rows[1]["passage_negatives"] = rows[1]["passage_negatives"][:1]
    rows[2]["target_query_negatives"] = rows[2]["target_query_negatives"][:1]
    rows[3].update(passage_negatives=[], target_query_negatives=[])
    rows[4]["passage_negatives"][0] = rows[4]["passage"]  # its own positive
    rows[4]["passage_negatives"][1] = rows[0]["passage"]  # another row's positive
    rows[5].update(passage=rows[0]["passage"])  # two questions about one passage
    rows[5]["target_query_negatives"][1] = rows[1]["target_query"]
    return rows


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


def test_both_sides_of_the_divergence_receive_gradient(model):
    # Alone, with beta = 1, the detached form must leave the questions in the target language where they are.
    features = features_of(model, make_rows(3))
    moved = {}
    for kl in ("reverse_forward", "detached"):
        loss_fn = CLEARLoss(model, COLUMNS, 0.0, 1.0, kl=kl)
        loss_fn.score = keeping_vectors(loss_fn.score, moved.setdefault(kl, {}))
        loss_fn(features).backward()
    assert moved["reverse_forward"]["target_query"].grad.abs().max() > 0
    assert moved["detached"]["target_query"].grad is None or moved["detached"]["target_query"].grad.abs().max() == 0
    assert moved["detached"]["query"].grad.abs().max() > 0


def keeping_vectors(score, kept):
    def keep(vectors, texts):
        for vector in vectors.values():
            vector.retain_grad()
        kept.update(vectors)
        return score(vectors, texts)

    return keep


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
    again = encoding._encode_again
    wrong = lambda batches, states, gradient, *rest: again(  # noqa: E731
        batches, states, gradient * len(batches.plan), *rest
    )
    monkeypatch.setattr(encoding, "_encode_again", wrong)
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
    monkeypatch.setattr(encoding.ForwardState, "replayed", lambda self: nullcontext())
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


def test_scores_are_float32_under_autocast(model):
    # In bfloat16, cosines times 20 would be multiples of 0.125 near 16, and the loss with them.
    model = model.float()
    loss_fn = CLEARLoss(model, COLUMNS)
    seen = {}
    score = loss_fn.score
    loss_fn.score = lambda vectors, texts: seen.update(vectors=vectors, texts=texts) or score(vectors, texts)
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


@pytest.mark.parametrize("base", ["query", "passage", "target_query"])
def test_an_empty_text_where_there_must_be_one(model, base):
    rows = make_rows(3)
    rows[1][base] = " "
    with pytest.raises(TrainingError, match=rf"column '{base}': rows \[1\]"):
        CLEARLoss(model, COLUMNS)(features_of(model, rows))


def test_columns_are_known_by_name(model):
    rows = make_rows(5)
    shuffled = tuple(reversed(COLUMNS))
    loss = CLEARLoss(model, shuffled)(features_of(model, rows, shuffled))
    assert_same(loss.detach(), CLEARLoss(model, COLUMNS)(features_of(model, rows)).detach())


@pytest.mark.parametrize(
    "columns, message",
    [
        (("query", "passage"), "no column 'target_query'"),
        (("query", "positive", "target_query"), "unknown column 'positive'"),
        (("query", "pasage", "target_query"), "Did you mean passage"),
        ((*COLUMNS, "label"), "unknown column 'label'"),
        ((*COLUMNS[:3], "passage_negative_2"), "'passage' are not numbered"),
        ((*COLUMNS[:3], "passage_negative_0"), "unknown column 'passage_negative_0'"),
        ((*COLUMNS, "query"), "twice"),
        ((), "no column"),
    ],
)
def test_a_wrong_set_of_columns_names_them(model, columns, message):
    with pytest.raises(TrainingError, match=message) as caught:
        CLEARLoss(model, columns)
    assert "expected" in str(caught.value)
    assert str(list(columns)) in str(caught.value)


def test_a_wrong_number_of_columns_in_the_batch(model):
    with pytest.raises(TrainingError, match="has 3 text columns, the loss was told 7"):
        CLEARLoss(model, COLUMNS)(features_of(model, make_rows(2), COLUMNS[:3]))


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"alpha": 0.9, "beta": 0.2}, "their sum at most 1"),
        ({"alpha": -0.1}, "at least 0"),
        ({"kl": "foward_reverse"}, "Did you mean forward_reverse"),
        ({"scale": 0.0}, "scale = 1 / temperature"),
        ({"mini_batch_size": 0}, "mini_batch_size=0"),
        ({"mini_batch_tokens": -5}, "mini_batch_tokens=-5"),
    ],
)
def test_settings_out_of_range(model, settings, message):
    with pytest.raises(TrainingError, match=message):
        CLEARLoss(model, COLUMNS, **settings)


def test_infonce_is_multiple_negatives_ranking(model):
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    rows = make_rows(6)
    passages = ("passage", "passage_negative_1", "passage_negative_2")
    features = features_of(model, rows)
    expected = {
        anchor: MultipleNegativesRankingLoss(model)(features_of(model, rows, (anchor, *passages)), None)
        for anchor in ("query", "target_query")
    }
    mean = gradients(model, sum(expected.values()) / 2)
    mixed = InfoNCELoss(model, COLUMNS, anchors=("query", "target_query"), mini_batch_size=5)
    assert_same(gradients(model, mixed(features)), mean)
    for anchor, value in expected.items():
        loss = InfoNCELoss(model, COLUMNS, anchors=(anchor,))(features)
        assert_same(loss.detach(), value.detach())
        assert_same(mixed.last_parts[anchor], value.detach())
    assert_same(
        CLEARLoss(model, COLUMNS, alpha=0.0, beta=0.0)(features).detach(), expected["query"].detach()
    )  # fmt: skip


def test_infonce_of_ragged_rows_scores_what_is_there(model):
    rows = ragged_rows()
    as_english = [{**row, "query": row["target_query"], "target_query_negatives": []} for row in rows]
    _, parts = clear_by_loops(as_english, one_by_one(model), kl="none")
    found = InfoNCELoss(model, COLUMNS)(features_of(model, rows))
    assert_same(found.detach(), parts["forward"].detach())
    assert torch.isfinite(gradients(model, found)).all()


def test_columns_that_the_formula_does_not_read_are_not_encoded(model):
    rows = make_rows(4)
    encoded = count_encoded(model)
    InfoNCELoss(model, COLUMNS, anchors=("query",))(features_of(model, rows))
    assert sum(encoded) == len({text for name in ("query", *COLUMNS[1:2], *COLUMNS[3:5])
                                for text in spread(rows)[name]})  # fmt: skip


def test_each_distinct_text_is_encoded_once_in_mini_batches_of_equal_length(model):
    rows = ragged_rows()
    texts = {text for column in spread(rows).values() for text in column if text}
    encoded = count_encoded(model)
    CLEARLoss(model, COLUMNS)(features_of(model, rows))
    assert sum(encoded) == len(texts) < len(rows) * len(COLUMNS)


def count_encoded(model):
    counts = []
    model[0].register_forward_pre_hook(lambda module, args: counts.append(len(args[0]["input_ids"])))
    return counts


def test_the_mixed_in_features_of_negatives_do_not_reach_the_model(model):
    # As the trainer of sentence-transformers hands them over; equal lengths, so that the shapes agree.
    rows = make_rows(4, negatives=1)
    for row in rows:
        row["passage_negatives"] = [row["passage"][::-1]]
    columns = (*COLUMNS[:3], "passage_negative_1", "target_query_negative_1")
    features = features_of(model, rows, columns)
    expected = CLEARLoss(model, columns)(features).detach()
    for base, negative in ((1, 3), (2, 4)):
        features[base] |= {f"negative_1_{name}": value for name, value in features[negative].items()}
    assert features[1]["negative_1_input_ids"].shape == features[1]["input_ids"].shape
    seen = []
    model[0].register_forward_pre_hook(lambda module, args: seen.extend(args[0]))
    assert_same(CLEARLoss(model, columns, mini_batch_size=3)(features).detach(), expected)
    assert not any(name.startswith("negative") for name in seen)
    features[1], features[2] = features[2], features[1]
    with pytest.raises(TrainingError, match="another order"):
        CLEARLoss(model, columns)(features)
