"""Measures as values: direction, unit, and MTEB's names."""

from typing import get_args

import pytest

from clearbench.common.measures import CUTOFFS, RULES, Measure, ScoringRule, find_measure, judges_passages

NAMES = [name for key, rule in RULES.items() if key != "qrels" for name in rule.measures]  # bitext has all of qrels
QRELS = RULES["qrels"].measures


def test_the_table_has_every_rule_and_says_what_decides() -> None:
    assert set(RULES) == set(get_args(ScoringRule))
    assert [rule for rule in (*RULES, "unknown") if judges_passages(rule)] == ["qrels", "bitext"]


@pytest.mark.parametrize("name", NAMES)
def test_what_judges_a_ranking_is_a_share_where_higher_is_better(name: str) -> None:
    measure = find_measure(name)
    assert str(measure) == name
    assert (measure.better, measure.sign, measure.points, measure.scale) == ("higher", 1.0, 100.0, " x 100")


@pytest.mark.parametrize(
    ("name", "sign", "points"),
    [
        ("Max@R", -1.0, 1.0),
        ("top1_wrong_same", -1.0, 100.0),
        ("top1_wrong_other", -1.0, 100.0),
        ("top1_right_same", 1.0, 100.0),
        ("lpr_first", 1.0, 100.0),
        ("of a later version", 1.0, 100.0),
    ],
)
def test_a_loss_is_negative_whatever_the_direction(name: str, sign: float, points: float) -> None:
    assert (find_measure(name).sign, find_measure(name).points) == (sign, points)


def test_no_rule_names_a_measure_of_another_and_each_has_every_cutoff() -> None:
    assert len(set(NAMES)) == len(NAMES) and RULES["bitext"].measures == (*QRELS, "f1")
    assert {f"{stem}@{cutoff}" for stem in ("nDCG", "recall", "success") for cutoff in CUTOFFS} < set(QRELS)


@pytest.mark.parametrize(
    ("name", "mteb"),
    [
        ("nDCG@10", "ndcg_at_10"),
        ("recall@100", "recall_at_100"),
        ("MRR@10", "mrr_at_10"),
        ("MAP@100", "map_at_100"),
        ("success@1", "hit_rate_at_1"),
        ("lpr_first", "lpr_first"),
    ],
)
def test_mteb_s_names(name: str, mteb: str) -> None:
    assert find_measure(name).mteb == mteb


def test_mteb_s_names_differ() -> None:
    assert len({find_measure(name).mteb for name in QRELS}) == len(QRELS)


@pytest.mark.parametrize(
    ("measure", "figure", "text"),
    [
        (Measure("nDCG@10"), 1.0, "1 point"),
        (Measure("nDCG@10"), 0.5, "0.5 points"),
        (Measure("Max@R", "lower", "rank"), 1, "1 rank"),
        (Measure("Max@R", "lower", "rank"), 12.0, "12 ranks"),
    ],
)
def test_a_figure_is_shown_with_its_unit(measure: Measure, figure: float, text: str) -> None:
    assert measure.amount(figure) == text
