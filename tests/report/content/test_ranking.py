"""Languages in the order of their means over the other languages."""

import numpy as np
import pytest

from clearbench.common.languages import parse_language
from clearbench.common.measures import find_measure
from clearbench.report.content.matrix import Heading, Matrix, Scale, language_heading
from clearbench.report.content.ranking import rank_languages

NDCG = find_measure("nDCG@10")


def matrix(figures, rows=("en", "de", "sw"), columns=("en", "de", "sw"), models=False):
    row_headings, column_headings = (
        tuple(language_heading(parse_language(code)) for code in side) for side in (rows, columns)
    )
    value = np.array(figures, dtype=float)
    counts = np.full(value.shape, "", dtype=object)
    scale = Scale(0, 100, "nDCG@10")
    return Matrix("one", "nDCG@10", row_headings, column_headings, value[None], counts, scale, models)


FIGURES = [[99, 60, 40], [70, 95, 20], [30, 10, 90]]


def test_means_leave_out_the_language_itself():
    ranked = rank_languages([matrix(FIGURES)], NDCG)
    assert [(one.heading.code, one.as_query, one.as_passage) for one in ranked] == [
        ("en", (50.0,), (50.0,)),
        ("de", (45.0,), (35.0,)),
        ("sw", (20.0,), (30.0,)),
    ]


def test_where_lower_is_better_the_lowest_is_first():
    ranked = rank_languages([matrix(FIGURES)], find_measure("Max@R"))
    assert [one.heading.code for one in ranked] == ["sw", "de", "en"]


def test_the_first_model_decides_the_order_and_all_are_shown():
    ranked = rank_languages([matrix(FIGURES), matrix(np.transpose(FIGURES)[::-1, ::-1])], NDCG)
    assert [one.heading.code for one in ranked] == ["en", "de", "sw"]
    assert [len(one.as_query) for one in ranked] == [2, 2, 2]


def test_pairs_that_were_not_measured_do_not_count():
    nan = float("nan")
    ranked = rank_languages([matrix([[99, 60, nan], [nan, 95, nan], [30, 10, 90]])], NDCG)
    assert [(one.heading.code, one.as_query, one.as_passage) for one in ranked] == [
        ("en", (60.0,), (30.0,)),
        ("sw", (20.0,), (None,)),
        ("de", (None,), (35.0,)),
    ]


def test_languages_of_one_side_only_are_ranked_too():
    ranked = rank_languages([matrix([[60, 40], [70, 20]], rows=("en", "de"), columns=("de", "sw"))], NDCG)
    assert [(one.heading.code, one.as_query, one.as_passage) for one in ranked] == [
        ("en", (50.0,), (None,)),
        ("de", (20.0,), (60.0,)),
        ("sw", (None,), (30.0,)),
    ]


def test_a_table_of_models_has_no_ranking():
    assert rank_languages([], NDCG) == ()
    table = Matrix(
        "", "nDCG@10", (Heading("en", "English", 0),), (Heading("a", "a"),), np.ones((1, 1, 1)),
        np.full((1, 1), "", dtype=object), Scale(0, 100, "nDCG@10"), models=True,
    )  # fmt: skip
    assert rank_languages([table], NDCG) == ()


@pytest.mark.parametrize(
    ("code", "family", "script"),
    [("de", "Germanic", "Latn"), ("sr_Latn", "Slavic", "Latn"), ("sr", "Slavic", "Cyrl"), ("pt_BR", "Romance", "Latn")],
)
def test_headings_know_family_and_script(code, family, script):
    heading = language_heading(parse_language(code))
    assert (heading.family, heading.script) == (family, script)
