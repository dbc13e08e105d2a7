"""The leaderboard: figures against literal averages, blanks, ranks, Borda, separability, its four forms."""

import csv
import io
import itertools
import json

import numpy as np
import pytest
from builders.records import write_model
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
from clearbench.verdicts.leaderboard.compute import borda, make_leaderboard
from clearbench.verdicts.leaderboard.machine import csv_columns, to_csv, to_json
from clearbench.verdicts.leaderboard.options import LeaderboardOptions
from clearbench.verdicts.leaderboard.result import TaskColumns
from clearbench.verdicts.leaderboard.separability import cluster_contributions, separate
from clearbench.verdicts.leaderboard.tables import explain, to_markdown, to_tables

PAIRS = ("en-en", "de-en", "sw-en", "en-de", "de-de", "de-sw", "sw-sw")
HEADER = (
    "rank,rank_borda,model,key,source,mean,borda,ranked_pairs,p_best,p_above,not_separable_from,"
    "xquad/measure,xquad/pairs,xquad/of_pairs,xquad/mean,xquad/common,xquad/common_pairs,xquad/english,xquad/*-en,"
    "xquad/en-*,xquad/monolingual,xquad/cross-lingual,xquad/high,xquad/mid,xquad/low,xquad/worst_pair,xquad/worst"
)


def scores(seed, pairs=PAIRS, size=24, shift=0.0):
    random = np.random.default_rng(seed)
    return {pair: np.clip(random.random(size) * 0.8 + shift, 0, 1) for pair in pairs}


@pytest.fixture
def out(tmp_path):
    """Three models on xquad; `good` lacks a pair that the others have."""
    write_model(tmp_path, "plain", {"xquad": scores(1)})
    write_model(tmp_path, "good", {"xquad": scores(2, PAIRS[:-1], shift=0.2)})
    write_model(tmp_path, "twin", {"xquad": scores(1)})
    return tmp_path


def rows_of(board):
    return {row.model: row for row in board.rows}


def test_every_figure_is_the_literal_average_of_per_query_scores(out):
    board = make_leaderboard(load_results(out))
    for entry in load_results(out):
        means = read_scores(entry.place).groupby("pair")["nDCG@10"].mean()
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
    assert board.notes == ("Not all models have all pairs of xquad: blanks, and ranks without those pairs.",)


@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=2, max_size=5))
def test_borda_is_the_literal_count_of_models_beaten(table):
    score_MP = np.array(table, dtype=float)
    for model, pair in itertools.product(range(len(table)), range(3)):
        others = [score_MP[other, pair] for other in range(len(table)) if other != model]
        points = sum((score_MP[model, pair] > other) + 0.5 * (score_MP[model, pair] == other) for other in others)
        assert borda(score_MP)[model, pair] == pytest.approx(points / len(others))


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


# --- measures know which way is better


BIAS_MEASURES = (
    *("TLR@10", "lang_nDCG_strict@10", "PEER@10", "Max@R", "lpr_first", "lpr_pairwise"),
    *(f"top1_{content}_{language}" for content in ("right", "wrong") for language in ("same", "other")),
)
RANKED = [name for name in (*itertools.chain(*RULES.values()), *BIAS_MEASURES) if not name.startswith("lpr_")]


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
    assert second.p_best < 0.05 and board.not_separable(second) == ()
    figures = first.tasks["pool"]
    assert figures.worst_pair == ("en-en" if lower else "de-en")
    assert (figures.worst > figures.mean) == lower and first.mean == pytest.approx(figures.mean)
    assert any(f"For {measure}, lower is better" in line for line in explain(board)) == lower
    scale = " x 100" if points == 1.0 else ""
    assert f"**{escape_markdown(f'pool: {measure}{scale}')}**" in to_markdown(board)


def test_ranks_are_shown_as_they_are(tmp_path):
    for name, rank in (("near", 3.0), ("far", 12.5)):
        write_model(tmp_path, name, {"pool": {"de-mul": [rank] * 8}}, measures=("Max@R",))
    text = to_markdown(make_leaderboard(load_results(tmp_path), LeaderboardOptions(flips=50)))
    assert "**Overall, Borda x 100**" in text and r"**pool: Max\@R**" in text
    assert "| 1 | near | 3.0 | 100.0 | 1 |" in text and "| far | 1 | 12.5 |" in text


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


# --- separability


def contributions(out, name, board):
    entries = [entry for entry in load_results(out) if entry.name == name]
    return cluster_contributions(entries, board.shared, {column.label: column.measure for column in board.tasks})


def test_contributions_add_up_to_the_overall_mean(tmp_path):
    write_model(tmp_path, "one", {"xquad": scores(1), "mlqa": scores(2, PAIRS[:2], size=7)})
    write_model(tmp_path, "two", {"xquad": scores(3), "mlqa": scores(4, PAIRS[:2], size=7)})
    board = make_leaderboard(load_results(tmp_path), LeaderboardOptions(flips=50))
    for name, row in rows_of(board).items():
        parts = contributions(tmp_path, name, board)
        assert sum(parts.values()) == pytest.approx(row.mean, abs=1e-12)
        assert len(parts) == board.num_clusters == 12 + 4


def test_the_test_is_the_literal_one_over_all_sign_patterns(tmp_path):
    """Six clusters: 64 patterns; with many random flips p comes near the exact share."""
    write_model(tmp_path, "one", {"xquad": scores(1, PAIRS[:2], size=12, shift=0.12)})
    write_model(tmp_path, "two", {"xquad": scores(2, PAIRS[:2], size=12)})
    board = make_leaderboard(load_results(tmp_path), LeaderboardOptions(flips=20_000))
    data = [read_scores(entry.place) for entry in sorted(load_results(tmp_path), key=lambda entry: entry.name)]
    merged = data[0].merge(data[1], on=["pair", "query", "cluster"])
    merged["difference"] = merged["nDCG@10_x"] - merged["nDCG@10_y"]
    sums = merged.groupby("cluster")["difference"].sum().to_numpy()
    reached = [abs(np.dot(sums, signs)) >= abs(sums.sum()) - 1e-12 for signs in itertools.product((1, -1), repeat=6)]
    exact = np.mean(reached)
    assert 0.02 < exact < 0.9
    assert board.rows[1].p_best == pytest.approx(exact, abs=0.015)


def test_equal_models_are_not_separable_and_distant_ones_are(out):
    board = make_leaderboard(load_results(out), LeaderboardOptions(flips=500))
    good, plain, twin = board.rows
    assert board.not_separable(good) == ()
    assert plain.p_best < 0.05 and board.not_separable(plain) == ()
    assert twin.p_above == 1.0 and board.not_separable(twin) == ("above",)


def test_clusters_are_flipped_whole():
    """Twelve equal differences in two clusters prove little; as twelve clusters they would prove much."""
    together = separate([{("t", "a"): 0.3, ("t", "b"): 0.3}, {("t", "a"): 0.0, ("t", "b"): 0.0}], 2_000, 0)
    apart = separate([{("t", str(n)): 0.05 for n in range(12)}, {("t", str(n)): 0.0 for n in range(12)}], 2_000, 0)
    assert together.best[1] > 0.4 and apart.best[1] < 0.01


def test_rounding_is_no_difference():
    noisy = {("t", str(n)): 0.05 * (1 + 1e-14 * (1 + n % 3)) for n in range(12)}
    assert all(value > 0.05 for value in noisy.values())
    assert separate([noisy, dict.fromkeys(noisy, 0.05)], 200, 0).best[1] == 1.0


def test_each_family_is_adjusted_by_holm():
    """Three models: the smaller p of a family is doubled, the larger stays, at least as large as that."""
    random = np.random.default_rng(3)
    models = [{("t", str(n)): v for n, v in enumerate(random.normal(level, 0.2, 20))} for level in (0.6, 0.5, 0.42)]
    found = separate(models, 2_000, 0)
    for adjusted, pairs in ((found.best, ((0, 1), (0, 2))), (found.above, ((0, 1), (1, 2)))):
        single = [separate([models[one], models[two]], 2_000, 0).best[1] for one, two in pairs]
        low, high = sorted(single)
        wanted = {low: min(2 * low, 1.0), high: max(high, min(2 * low, 1.0))}
        assert list(adjusted[1:]) == pytest.approx([wanted[p] for p in single])
        assert list(adjusted[1:]) != single


def test_equal_models_are_called_different_in_five_percent_of_cases_at_most():
    """Simulated null: three models of one quality on clustered data; Holm keeps the family-wise rate."""
    random = np.random.default_rng(5)
    false = 0
    for _ in range(400):
        common = random.normal(0.5, 0.2, size=30)
        models = [{("t", str(n)): v for n, v in enumerate(common + random.normal(0, 0.1, 30))} for _ in range(3)]
        models.sort(key=lambda model: -sum(model.values()))
        above = separate(models, 300, 0).above
        false += bool((above[1:] < 0.05).any())
    assert false / 400 <= 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / 400)


def test_scores_that_are_not_the_records_are_an_error(out):
    [folder] = [entry.place for entry in load_results(out) if entry.name == "good"]
    text = (folder / "record.json").read_text(encoding="utf-8")
    data = json.loads(text)
    data["pairs"][0]["measures"]["nDCG@10"]["mean"] = 0.99
    (folder / "record.json").write_text(json.dumps(data))
    with pytest.raises(RecordError, match=r"the record says 0\.99"):
        make_leaderboard(load_results(out))


# --- what cannot stand in one table


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


# --- forms


def test_the_csv_has_the_documented_columns_and_blanks_for_what_is_missing(out):
    board = make_leaderboard(load_results(out), LeaderboardOptions(flips=200))
    text = to_csv(board)
    assert text.splitlines()[0] == HEADER == ",".join(csv_columns(board))
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(io.StringIO(text)).set_index("model")
    assert frame.loc["plain", "xquad/mean"] == pytest.approx(rows_of(board)["plain"].tasks["xquad"].mean, abs=1e-6)
    assert frame.loc["good", ["xquad/mean", "xquad/low", "p_best"]].isna().all()
    assert list(frame.loc["good", ["xquad/pairs", "xquad/of_pairs", "xquad/common_pairs", "ranked_pairs"]]) == [
        6,
        7,
        6,
        6,
    ]


def test_a_csv_survives_awkward_names(tmp_path):
    write_model(tmp_path, 'a,"b"\n|*c', {"xquad": scores(1)})
    board = make_leaderboard(load_results(tmp_path))
    assert next(csv.DictReader(io.StringIO(to_csv(board))))["model"] == 'a,"b"\n|*c'
    assert 'a,"b" \\|\\*c' in to_markdown(board)


def test_the_json_says_how_it_was_made(out):
    document = json.loads(to_json(make_leaderboard(load_results(out), LeaderboardOptions(flips=200, seed=3))))
    assert (document["flips"], document["seed"], document["clusters"]) == (200, 3, 12)
    assert document["tasks"][0]["groups"]["*-en"] == 2
    by_name = {row["model"]: row for row in document["rows"]}
    assert by_name["good"]["tasks"]["xquad"]["mean"] is None
    assert by_name["twin"]["not_separable_from"] == ["above"]


def test_markdown_tables_have_as_many_cells_as_columns(out):
    tables = [part for part in to_markdown(make_leaderboard(load_results(out))).split("\n\n") if part.startswith("|")]
    assert len(tables) == 2
    for table in tables:
        assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1
    assert "| good | 6/7 |  |" in tables[1]


@pytest.mark.parametrize("width", [24, 40, 60, 80, 200])
def test_no_figure_is_shortened_in_a_narrow_terminal(out, width):
    from rich.console import Console

    board = make_leaderboard(load_results(out))
    console = Console(width=width, file=io.StringIO(), record=True)
    for table in to_tables(board, width):
        console.print(table)
    printed = console.export_text()
    figures = rows_of(board)["plain"].tasks["xquad"]
    for value in (figures.mean, *figures.groups.values()):
        assert value is None or f"{100 * value:.1f}" in printed
    assert "…" not in printed and f"{figures.worst_pair} {100 * figures.worst:.1f}" in printed


def test_the_explanation_says_what_ranks_and_marks_mean(out):
    lines = " ".join(explain(make_leaderboard(load_results(out), LeaderboardOptions(flips=200))))
    assert "Ranks are over the 6 pairs of xquad that all 3 models have" in lines
    assert "200 paired sign flips of 12 clusters" in lines
