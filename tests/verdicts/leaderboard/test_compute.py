"""The leaderboard: figures against literal averages, blanks, ranks, Borda."""

import itertools

import numpy as np
import pytest
from builders.leaderboard import PAIRS, rows_of, scores
from builders.records import write_model
from builders.values import require
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common.errors import RecordError, UsageError
from clearbench.common.measures import RULES
from clearbench.common.pairs import parse_pair
from clearbench.common.text import escape_markdown
from clearbench.records.parts import read_scores
from clearbench.records.select import load_results
from clearbench.stats.averages import GROUPS
from clearbench.verdicts.leaderboard.columns import model_figures
from clearbench.verdicts.leaderboard.compute import borda_shares, make_leaderboard
from clearbench.verdicts.leaderboard.options import LeaderboardOptions
from clearbench.verdicts.leaderboard.result import TaskColumns
from clearbench.verdicts.leaderboard.tables import explain, to_markdown


def test_every_figure_is_the_literal_average_of_per_query_scores(out):
    board = make_leaderboard(load_results(out))
    for entry in load_results(out):
        means = read_scores(entry.place).groupby("pair", observed=True)["nDCG@10"].mean()
        figures = rows_of(board)[entry.name].tasks["xquad"]
        common = means[list(PAIRS[:-1])]
        assert figures.common == pytest.approx(common.mean(), abs=1e-12)
        assert (figures.worst_pair, figures.worst) == (common.idxmin(), pytest.approx(common.min(), abs=1e-12))
        assert rows_of(board)[entry.name].mean == pytest.approx(common.mean(), abs=1e-12)
        for group, belongs in GROUPS.items():
            members = [pair for pair in PAIRS if belongs(parse_pair(pair))]
            found = figures.mean if group == "all" else figures.groups[group]
            if members and set(members) <= set(means.index):
                assert found == pytest.approx(means[members].mean(), abs=1e-12)
            else:
                assert found is None


def test_a_model_that_lacks_a_pair_gets_no_average_over_it(out):
    figures = rows_of(make_leaderboard(load_results(out)))["good"].tasks["xquad"]
    assert (figures.num_pairs, figures.mean, figures.groups["low"], figures.groups["monolingual"]) == (
        6,
        None,
        None,
        None,
    )
    assert figures.common is not None and figures.groups["*-en"] is not None


@given(st.lists(st.sets(st.sampled_from(PAIRS), min_size=1), min_size=2, max_size=4), st.randoms())
def test_all_figures_of_a_column_are_over_the_same_pairs(having, random):
    pairs = tuple(sorted(set().union(*having)))
    common = tuple(sorted(set.intersection(*having)))
    members = {name: np.array([belongs(parse_pair(pair)) for pair in pairs]) for name, belongs in GROUPS.items()}
    columns = TaskColumns("t", "t", {}, "nDCG@10", pairs, common, {n: m for n, m in members.items() if m.any()})
    values = [{pair: random.random() for pair in own} for own in having]
    for own in values:
        figures = model_figures(np.array([own.get(pair, np.nan) for pair in pairs]), columns)
        wanted = {"mean": pairs, "common": common} | {
            name: [pair for pair, member in zip(pairs, mask, strict=True) if member] for name, mask in members.items()
        }
        found = {"mean": figures.mean, "common": figures.common, **figures.groups}
        for name, value in found.items():
            if value is not None:
                assert value == pytest.approx(np.mean([own[pair] for pair in wanted[name]]))
            else:
                assert not wanted[name] or not set(wanted[name]) <= set(own)


def test_ranks_are_over_the_shared_pairs_and_ties_share_the_better_rank(out):
    board = make_leaderboard(load_results(out))
    assert board.shared == {"xquad": tuple(sorted(PAIRS[:-1]))}
    assert [(row.model, row.rank, row.rank_borda) for row in board.rows] == [
        ("good", 1, 1), ("plain", 2, 2), ("twin", 2, 2),
    ]  # fmt: skip
    assert board.notes == ("Of the 7 pairs of xquad, good has 6: blanks, and ranks over 6 of them.",)


@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=2, max_size=5))
def test_borda_is_the_literal_count_of_models_beaten(table):
    score_MP = np.array(table, dtype=float)
    for model, pair in itertools.product(range(len(table)), range(3)):
        others = [score_MP[other, pair] for other in range(len(table)) if other != model]
        points = sum((score_MP[model, pair] > other) + 0.5 * (score_MP[model, pair] == other) for other in others)
        assert borda_shares(score_MP)[model, pair] == pytest.approx(points / len(others))


def test_a_task_counts_once_whatever_its_number_of_pairs(tmp_path):
    many = {f"{one}-{two}": [0.9, 0.9] for one in ("de", "es", "fr") for two in ("de", "es", "fr")}
    for name, level in (("one", 1.0), ("two", 0.5)):
        write_model(
            tmp_path, name, {"mlqa": {p: np.array(v) * level for p, v in many.items()}, "xquad": {"en-en": [0.1, 0.1]}}
        )
    board = make_leaderboard(load_results(tmp_path), LeaderboardOptions(flips=50))
    assert rows_of(board)["one"].mean == pytest.approx((0.9 + 0.1) / 2)
    assert rows_of(board)["one"].borda == pytest.approx((1.0 + 0.5) / 2)


def test_without_a_shared_pair_nothing_is_ranked(tmp_path):
    write_model(tmp_path, "one", {"xquad": scores(1)})
    write_model(tmp_path, "two", {"mlqa": scores(1)})
    board = make_leaderboard(load_results(tmp_path))
    assert [row.rank for row in board.rows] == [None, None]
    assert "No pair of any task is in the records of all 2 models" in board.notes[0]
    assert rows_of(board)["one"].tasks["xquad"].mean is not None
    assert "0/7" in to_markdown(board)


def test_one_model_is_a_leaderboard(tmp_path):
    write_model(tmp_path, "only", {"xquad": {"de-en": [0.5]}})
    [row] = make_leaderboard(load_results(tmp_path)).rows
    assert (row.rank, row.mean, row.borda, row.p_best) == (1, 0.5, None, None)


BIAS_MEASURES = (
    *("TLR@10", "lang_nDCG_strict@10", "PEER@10", "Max@R", "lpr_first", "lpr_pairwise"),
    *(f"top1_{content}_{language}" for content in ("right", "wrong") for language in ("same", "other")),
)


RULE_MEASURES = (name for rule in RULES.values() for name in rule.measures)
RANKED = [name for name in (*RULE_MEASURES, *BIAS_MEASURES) if not name.startswith("lpr_")]


@pytest.mark.parametrize("measure", RANKED)
def test_the_better_model_ranks_first_by_every_measure(tmp_path, measure):
    """Twelve clusters, each better by far: first by mean, Borda and test, and the worst pair is the worst."""
    pairs = ("en-en", "de-en")
    lower = measure in ("Max@R", "top1_wrong_same", "top1_wrong_other")
    points = 40.0 if measure == "Max@R" else 1.0
    for name, level in (("high", 0.8), ("low", 0.2)):
        values = {pair: points * (level + scores(1)[pair] / 20 + 0.1 * (pair == "en-en")) for pair in pairs}
        write_model(tmp_path, name, {"pool": values}, measures=(measure,))
    board = make_leaderboard(load_results(tmp_path), LeaderboardOptions(flips=200, measure=measure))
    first, second = board.rows
    assert [first.model, second.model] == (["low", "high"] if lower else ["high", "low"])
    assert [(row.rank, row.rank_borda, row.borda) for row in board.rows] == [(1, 1, 1.0), (2, 2, 0.0)]
    assert require(second.p_best) < 0.05 and board.not_separable(second) == ()
    figures = first.tasks["pool"]
    assert figures.worst_pair == ("en-en" if lower else "de-en")
    assert (require(figures.worst) > require(figures.mean)) == lower and first.mean == pytest.approx(figures.mean)
    assert any(f"For {measure}, lower is better" in line for line in explain(board)) == lower
    scale = " x 100" if points == 1.0 else ""
    assert f"**{escape_markdown(f'pool: {measure}{scale}')}**" in to_markdown(board)


@pytest.mark.parametrize("measure", ["lpr_first", "lpr_pairwise"])
def test_a_measure_that_judges_nothing_ranks_no_model(tmp_path, measure):
    write_model(tmp_path, "one", {"pool": {"de-mul": [0.5, 1.0]}}, measures=("nDCG@10", measure))
    with pytest.raises(UsageError, match=f"{measure} describes a ranking without judging it"):
        make_leaderboard(load_results(tmp_path), LeaderboardOptions(measure=measure))


def test_measures_of_two_units_have_no_common_mean(tmp_path):
    write_model(tmp_path, "one", {"pool": {"de-mul": [3.0, 4.0]}}, measures=("Max@R",))
    write_model(tmp_path, "one", {"xquad": {"de-en": [0.5, 0.6]}})
    with pytest.raises(UsageError, match=r"Max@R and nDCG@10 have no common mean\. Choose one with --measure"):
        make_leaderboard(load_results(tmp_path))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "task_version 1 against 2|task_version 2 against 1"),
        ({"scoring": {"judged_by": "qrels", "search": "approximate"}}, "approximate"),
        ({"data": dict.fromkeys(PAIRS, "other")}, "other texts or judgements, first in de-de.*--models"),
    ],
)
def test_records_of_other_measurements_are_refused(tmp_path, changes, message):
    write_model(tmp_path, "one", {"xquad": scores(1)})
    write_model(tmp_path, "two", {"xquad": scores(1)}, **changes)
    with pytest.raises(RecordError, match=message):
        make_leaderboard(load_results(tmp_path))


def test_other_data_is_seen_between_records_that_the_first_cannot_be_compared_with(tmp_path):
    write_model(tmp_path, "a", {"xquad": scores(1, ["en-en"])})
    write_model(tmp_path, "b", {"xquad": scores(1, ["de-de"])})
    write_model(tmp_path, "c", {"xquad": scores(1, ["de-de"])}, data={"de-de": "other"})
    with pytest.raises(RecordError, match="first in de-de"):
        make_leaderboard(load_results(tmp_path))


def test_tasks_and_measures_can_be_chosen(tmp_path):
    write_model(tmp_path, "one", {"xquad": scores(1), "mlqa": scores(2)})
    write_model(tmp_path, "one", {"xquad": scores(3)}, options={"merge": "True"})
    entries = load_results(tmp_path)
    assert [column.label for column in make_leaderboard(entries).tasks] == ["mlqa", "xquad", "xquad+merge=True"]
    board = make_leaderboard(entries, LeaderboardOptions(tasks=("xquad+merge=True",), measure="recall@10"))
    assert [(column.label, column.measure) for column in board.tasks] == [("xquad+merge=True", "recall@10")]
    with pytest.raises(UsageError, match="Did you mean xquad"):
        make_leaderboard(entries, LeaderboardOptions(tasks=("xquadd",)))
    with pytest.raises(UsageError, match=r"no measure 'nDCG@1' in 7 of 7 pairs; de-de has: nDCG@10, recall.*--tasks"):
        make_leaderboard(entries, LeaderboardOptions(measure="nDCG@1"))


def test_two_checkpoints_of_one_name_are_shown_by_their_keys(tmp_path):
    for encoder in ("first", "second"):
        write_model(tmp_path, "final", {"xquad": scores(1)}, encoder=encoder)
    board = make_leaderboard(load_results(tmp_path))
    assert len({row.model for row in board.rows}) == 2
    assert all(row.model == row.key for row in board.rows)
