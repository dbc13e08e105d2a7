"""Published figures in a leaderboard: shown only where they fit, never ranked."""

import pytest
from builders.files import write
from builders.records import write_model

from clearbench.records.published import load_published
from clearbench.records.select import load_results
from clearbench.verdicts.leaderboard.compute import make_leaderboard
from clearbench.verdicts.leaderboard.machine import to_csv
from clearbench.verdicts.leaderboard.options import LeaderboardOptions
from clearbench.verdicts.leaderboard.tables import explain, to_markdown

FILE = """
model = "big"
source = "a repository"
[[task]]
name = "xquad"
options = { merge_duplicate_questions = true }
[task.expected]
"de-en" = { "nDCG@10" = 0.99, "recall@10" = 1.0 }
"en-en" = { "nDCG@10" = 0.97 }
"""
PAPER = """
source = "a paper"
task = "xquad"
[[row]]
model = "averaged"
[[row.average]]
pairs = ["de-en", "es-en"]
measures = { "nDCG@10" = 0.7 }
"""


@pytest.fixture
def published(tmp_path):
    write(tmp_path / "published" / "big.toml", FILE)
    write(tmp_path / "published" / "papers" / "paper.toml", PAPER)
    return load_published(tmp_path / "published")


def board_of(tmp_path, pairs, published, **options):
    for name, level in (("one", 0.6), ("two", 0.5)):
        write_model(tmp_path, name, {"xquad": {pair: [level, level] for pair in pairs}})
    return make_leaderboard(load_results(tmp_path), LeaderboardOptions(flips=50, **options), published)


def test_published_rows_are_never_ranked(tmp_path, published):
    board = board_of(tmp_path, ["de-en", "en-en"], published)
    assert [(row.model, row.rank, row.source) for row in board.rows] == [
        ("one", 1, "measured"), ("two", 2, "measured"), ("big", None, "a repository"),
    ]  # fmt: skip
    row = board.rows[-1]
    assert row.tasks["xquad"].mean == pytest.approx(0.98)
    assert (row.tasks["xquad"].worst_pair, row.mean, row.p_best) == ("en-en", None, None)
    assert "big †" in to_markdown(board) and "big †" in to_csv(board)
    assert "† published, never ranked; data and settings are the sources' own: a repository." in explain(board)


def test_published_figures_are_not_averaged_over_fewer_pairs(tmp_path, published):
    board = board_of(tmp_path, ["de-en", "en-en", "es-en"], published)
    rows = {row.model: row.tasks["xquad"] for row in board.rows}
    assert rows["big"].mean is None and rows["big"].groups["*-en"] is None and rows["big"].common is None
    assert rows["big"].groups["english"] == 0.97 and rows["big"].num_pairs == 2
    assert rows["averaged"].groups["*-en"] == 0.7 and rows["averaged"].mean is None


def test_a_printed_average_shows_only_over_exactly_its_pairs(tmp_path, published):
    assert "averaged" not in {row.model for row in board_of(tmp_path, ["de-en", "en-en"], published).rows}
    both = board_of(tmp_path / "both", ["de-en", "es-en"], published)
    assert {row.model: row.tasks["xquad"].mean for row in both.rows}["averaged"] == 0.7


def test_other_options_and_other_measures_are_told_apart(tmp_path, published):
    board = board_of(tmp_path, ["de-en", "en-en"], published)
    assert "Published figures of xquad were measured with merge_duplicate_questions=True." in board.notes
    recall = board_of(tmp_path / "recall", ["de-en", "en-en"], published, measure="recall@10")
    figures = {row.model: row.tasks["xquad"] for row in recall.rows}["big"]
    assert figures.mean is None and figures.groups["*-en"] == 1.0


def test_it_is_said_when_no_published_figure_fits(tmp_path, published):
    board = board_of(tmp_path, ["ru-ru"], published)
    assert len(board.rows) == 2
    assert board.notes == ("No published figures are of these tasks, pairs and measures.",)


def test_figures_of_some_pairs_only_are_counted_in_a_note(tmp_path, published):
    board = board_of(tmp_path, ["de-en", "fr-fr", "fr-ru", "es-en"], published[:1])
    assert [row.model for row in board.rows] == ["one", "two"]
    assert any("big (1 of 4 pairs of xquad)" in note for note in board.notes)
