"""Matrices of a report: where figures stand, which form and colour they take."""

import json

import pytest
from builders.report import compared, points, write_records
from builders.values import require
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common.languages import languages
from clearbench.common.measures import find_measure
from clearbench.records.select import load_results
from clearbench.report.content.matrix import Scale, difference_matrices, round_end, value_matrices
from clearbench.report.page import matrix_payload

NDCG = find_measure("nDCG@10")


def test_tasks_with_one_passage_language_share_one_table(tmp_path):
    out = write_records(tmp_path, languages=("en", "de"))
    entries = load_results(out)
    kept = [[pair for pair in entry.record.pairs if pair.pair.endswith("-en")] for entry in entries]
    one, two = (entry.record.model_copy(update={"pairs": pairs}) for entry, pairs in zip(entries, kept, strict=True))
    [matrix] = value_matrices({"one": one, "two": two}, NDCG)
    assert matrix.form == "models" and [column.code for column in matrix.columns] == ["one", "two"]
    assert [row.code for row in matrix.rows] == ["en", "de"]
    assert matrix.value[1, 0] == pytest.approx(points(entries[0])["de-en"])
    assert matrix.value[1, 1] == pytest.approx(points(entries[1])["de-en"])
    assert matrix.rows[1].about == "German queries, English passages"


def test_tasks_with_one_query_language_have_a_row_per_passage_language():
    rows = [compared("en-de", 0.25), compared("en-sw", -0.5)]
    [matrix] = difference_matrices({"other": rows}, NDCG)
    assert [row.about for row in matrix.rows] == [
        "English queries, German passages",
        "English queries, Swahili passages",
    ]
    assert matrix.value[:, 0].tolist() == [25, -50]


@pytest.mark.parametrize(("num_languages", "form"), [(14, "table"), (15, "small"), (30, "small"), (31, "canvas")])
def test_larger_matrices_take_smaller_forms(num_languages, form):
    codes = [str(language) for language in languages()[:num_languages]]
    rows = [compared(f"{query}-{passage}", 0.015) for query in codes for passage in codes]
    [matrix] = difference_matrices({"other": rows}, NDCG)
    assert matrix.form == form
    assert matrix.text(0, 0) == ("+2" if form == "small" else "+1.5")
    assert len(json.dumps(matrix_payload(matrix))) < 40 * num_languages**2 + 8_000


def test_every_field_of_a_difference_stands_at_its_pair():
    rows = [compared("de-en", 0.125, p=0.01), compared("en-de", -0.0625, p=0.5)]
    [matrix] = difference_matrices({"other": rows, "nothing": []}, NDCG)
    known = {name: field[1, 0] for name, field in matrix.fields.items()}
    assert known["value"] == 12.5 and known["base"] == 25 and known["other"] == 37.5 and known["p"] == 0.01
    assert matrix.fields["p"][0, 1] == 0.5 and matrix.step(0, 0) is None
    assert matrix.is_marked(1, 0) and not matrix.is_marked(0, 1)
    assert matrix.counts[1, 0] == "9 queries" and matrix.counts[0, 0] == ""


def test_a_drop_of_a_measure_that_should_be_low_has_the_colour_of_a_gain():
    rows = [compared("de-en", -0.125), compared("en-de", 0.125)]
    steps = {}
    for name in ("nDCG@10", "top1_wrong_same"):
        [matrix] = difference_matrices({"other": rows}, find_measure(name))
        assert matrix.text(1, 0) == "−12.5", "the sign stays that of the difference"
        steps[name] = require(matrix.step(1, 0))
        assert steps[name] + require(matrix.step(0, 1)) == 100
    assert steps["nDCG@10"] < 50 < steps["top1_wrong_same"]


def test_differences_of_ranks_are_not_taken_times_100():
    rows = [compared("de-en", -3.5, measure="Max@R"), compared("en-de", 1, measure="Max@R")]
    [matrix] = difference_matrices({"other": rows}, find_measure("Max@R"))
    assert matrix.value[1, 0] == -3.5 and matrix.scale == Scale(5, -5, "ranks", signed=True)


def test_differences_without_tests_are_marked_where_the_interval_excludes_0():
    [matrix] = difference_matrices({"other": [compared("de-en", 0.5), compared("en-de", 0.5)]}, NDCG)
    untested = type(matrix)(**{**vars(matrix), "figures": matrix.figures[:3].copy()})
    assert not untested.is_marked(1, 0)
    untested.figures[1:, 1, 0] = 0.5, 2
    untested.figures[1:, 0, 1] = -0.5, 2
    assert untested.is_marked(1, 0) and not untested.is_marked(0, 1)


def test_models_without_the_measure_are_left_out(tmp_path):
    entries = load_results(write_records(tmp_path, languages=("en", "de")))
    assert value_matrices({entry.name: entry.record for entry in entries}, find_measure("none@5")) == ()
    assert difference_matrices({"other": []}, NDCG) == ()


@given(st.floats(0, 1e6))
def test_a_scale_of_differences_holds_them(largest):
    assert round_end(largest) >= largest


@given(st.floats(-200, 200), st.sampled_from([(0.0, 100.0), (-20.0, 20.0), (20.0, -20.0)]))
def test_colour_steps_stay_within_the_ramp(figure, ends):
    low, high = ends
    step = Scale(low, high, "points").step(figure)
    assert 0 <= step <= 100 and Scale(low, high, "points").step(low) == 0
    assert Scale(low, high, "points").step(high) == 100
