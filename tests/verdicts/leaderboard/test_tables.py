"""Tables of a leaderboard for people: Markdown, the terminal, what is explained."""

import io

import pytest
from builders.leaderboard import rows_of
from builders.records import write_model

from clearbench.records.select import load_results
from clearbench.verdicts.leaderboard.compute import make_leaderboard
from clearbench.verdicts.leaderboard.options import LeaderboardOptions
from clearbench.verdicts.leaderboard.tables import explain, to_markdown, to_tables


def test_ranks_are_shown_as_they_are(tmp_path):
    for name, rank in (("near", 3.0), ("far", 12.5)):
        write_model(tmp_path, name, {"pool": {"de-mul": [rank] * 8}}, measures=("Max@R",))
    text = to_markdown(make_leaderboard(load_results(tmp_path), LeaderboardOptions(flips=50)))
    assert "**Overall, Borda x 100**" in text and r"**pool: Max\@R**" in text
    assert "| 1 | near | 3.0 | 100.0 | 1 |" in text and "| far | 1 | 12.5 |" in text


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


def test_records_that_could_not_be_used_are_named(out):
    board = make_leaderboard(load_results(out), left_out=["a: damaged."])
    assert "Left out: a: damaged." in explain(board) and "- Left out: a: damaged." in to_markdown(board)
