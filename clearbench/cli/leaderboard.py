"""`clearbench leaderboard`: a row per model, from a results folder."""

import io
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from clearbench.verdicts.leaderboard.rank import Leaderboard

# Columns of a table that goes to a file or a pipe.
_PLAIN_WIDTH = 120


class LeaderboardFormat(StrEnum):
    """How a leaderboard is written."""

    TABLE = "table"
    CSV = "csv"
    MARKDOWN = "markdown"
    JSON = "json"


_BY_SUFFIX = {
    ".csv": LeaderboardFormat.CSV,
    ".md": LeaderboardFormat.MARKDOWN,
    ".json": LeaderboardFormat.JSON,
    ".txt": LeaderboardFormat.TABLE,
}


def leaderboard(
    results: Annotated[Path, typer.Argument(help="Results folder.")] = Path("results"),
    tasks: Annotated[str | None, typer.Option(help="Only these tasks, separated by commas.")] = None,
    models: Annotated[str | None, typer.Option(help="Only these models (names or keys), separated by commas.")] = None,
    measure: Annotated[str | None, typer.Option(help="Measure instead of each task's main one: nDCG@10.")] = None,
    with_published: Annotated[
        bool, typer.Option("--with-published", help="Also show published figures of the same pairs, marked †.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of stdout.")] = None,
    format: Annotated[
        LeaderboardFormat | None, typer.Option(help="Default: table; with --out, by the file's ending, else csv.")
    ] = None,
    confidence: Annotated[float, typer.Option(help="Of the tests that tell models apart.")] = 0.95,
    flips: Annotated[int, typer.Option(min=1, help="Sign flips of these tests.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the flips.")] = 0,
) -> None:
    """Rank the models of a results folder; mark those that cannot be told apart.

    Example: clearbench leaderboard results --out leaderboard.csv
    """
    from clearbench.common.errors import UsageError
    from clearbench.common.progress import say
    from clearbench.records.published import load_published
    from clearbench.records.select import load_results, select_model
    from clearbench.verdicts.leaderboard.rank import make_leaderboard

    if not 0 < confidence < 1:
        raise UsageError(f"--confidence {confidence}: expected a value between 0 and 1, such as 0.95.")
    if models is None:
        entries = load_results(results)
    else:
        chosen = [entry for name in _names(models, "--models") for entry in select_model(results, name)]
        entries = list({entry.place: entry for entry in chosen}.values())
    board = make_leaderboard(
        entries,
        tasks=None if tasks is None else _names(tasks, "--tasks"),
        measure=measure,
        published=load_published() if with_published else (),
        alpha=round(1 - confidence, 12),
        flips=flips,
        seed=seed,
    )
    style = format or (LeaderboardFormat.TABLE if out is None else _BY_SUFFIX.get(out.suffix, LeaderboardFormat.CSV))
    if out is None and style is LeaderboardFormat.TABLE:
        _print_tables(board)
        return
    text = _render(board, style)
    if out is None:
        print(text, end="")
        return
    _write(out, text)
    say(f"{out}: {len(board.rows)} models, {len(board.tasks)} tasks")
    for note in board.notes:
        say(note)


def _names(text: str, option: str) -> list[str]:
    from clearbench.common.errors import UsageError

    names = list(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
    if not names:
        raise UsageError(f"{option} is empty.")
    return names


def _render(board: "Leaderboard", style: LeaderboardFormat) -> str:
    from clearbench.verdicts.leaderboard.output import to_csv, to_json, to_markdown

    if style is LeaderboardFormat.CSV:
        return to_csv(board)
    if style is LeaderboardFormat.JSON:
        return to_json(board)
    if style is LeaderboardFormat.MARKDOWN:
        return to_markdown(board)
    from rich.console import Console

    console = Console(record=True, width=_PLAIN_WIDTH, file=io.StringIO(), color_system=None)
    _print_tables(board, console)
    return console.export_text()


def _print_tables(board: "Leaderboard", console: "Console | None" = None) -> None:
    from rich.console import Console
    from rich.text import Text

    from clearbench.verdicts.leaderboard.output import explain, to_tables

    if console is None:
        console = Console(highlight=False)
        console = console if console.is_terminal else Console(highlight=False, width=max(console.width, _PLAIN_WIDTH))
    for table in to_tables(board, console.width):
        console.print(table)
    for line in explain(board):
        console.print(Text(line, style="dim"))


def _write(path: Path, text: str) -> None:
    from clearbench.common.output import write_output

    write_output(path, text.encode("utf-8"), "--out")
