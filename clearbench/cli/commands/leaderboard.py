"""`clearbench leaderboard`: rank the models of a results folder, one row per model."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from clearbench.cli.comparable import load_comparable
from clearbench.cli.formats import find_format
from clearbench.cli.options import Strict
from clearbench.common.options import Option, read_names
from clearbench.common.output import write_output
from clearbench.common.text import count
from clearbench.records.published_sources import PublishedSources
from clearbench.verdicts.leaderboard.options import LeaderboardOptions

if TYPE_CHECKING:
    from clearbench.common.console import SafeConsole
    from clearbench.verdicts.leaderboard.result import Leaderboard

LeaderboardFormat = Literal["table", "csv", "markdown", "json"]


def leaderboard(
    results: Annotated[Path, typer.Argument(help="Results folder.")] = Path("results"),
    *,
    models: Annotated[
        tuple[str, ...] | None, Option("Only these models (names or keys), separated by commas.", read=read_names)
    ] = None,
    options: LeaderboardOptions,
    sources: PublishedSources,
    strict: Strict = False,
    out: Annotated[Path | None, Option("Write to this file instead of stdout.")] = None,
    format: Annotated[
        LeaderboardFormat | None, Option("Default: table; with --out, by the file's suffix, otherwise csv.")
    ] = None,
) -> None:
    """Rank the models of a results folder, and mark models without a significant difference.

    Example: clearbench leaderboard results --out leaderboard.csv
    """
    from clearbench.common.progress import say
    from clearbench.verdicts.leaderboard.compute import make_leaderboard

    entries, published, left_out = load_comparable(results, options.tasks, sources, strict, models)
    board = make_leaderboard(entries, options, published, left_out=left_out)
    style: LeaderboardFormat = format or (find_format(out, get_args(LeaderboardFormat), "csv") if out else "table")
    if out is not None:
        write_output(out, _render(board, style).encode("utf-8"), "--out")
        say(f"{out}: {count(len(board.rows), 'model')}, {count(len(board.tasks), 'task')}")
    elif style == "table":
        _print_tables(board)
    else:
        print(_render(board, style), end="")
    for message in board.left_out:
        say(f"Left out: {message}")
    for note in board.notes if out or style == "csv" else ():
        say(note)


def _render(board: "Leaderboard", style: LeaderboardFormat) -> str:
    from clearbench.verdicts.leaderboard.machine import to_csv, to_json
    from clearbench.verdicts.leaderboard.tables import to_markdown

    if style == "csv":
        return to_csv(board)
    if style == "json":
        return to_json(board)
    if style == "markdown":
        return to_markdown(board)
    from clearbench.cli.tables import PLAIN_WIDTH
    from clearbench.common.console import SafeConsole

    console = SafeConsole(record=True, width=PLAIN_WIDTH, file=io.StringIO(), color_system=None)
    _print_tables(board, console)
    return console.export_text()


def _print_tables(board: "Leaderboard", console: "SafeConsole | None" = None) -> None:
    from rich.text import Text

    from clearbench.cli.tables import stdout_console
    from clearbench.verdicts.leaderboard.tables import explain, to_tables

    console = console or stdout_console()
    for table in to_tables(board, console.width):
        console.print(table)
    for line in explain(board):
        console.print(Text(line, style="dim"))
