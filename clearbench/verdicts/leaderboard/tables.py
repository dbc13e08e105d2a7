"""A leaderboard as tables for people: Markdown, and tables for a terminal.

Shares are shown in points (x 100) and ranks unchanged, both with one decimal. Columns without a figure are left out.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from clearbench.common.measures import find_measure
from clearbench.common.text import count, escape_markdown
from clearbench.verdicts.leaderboard.result import AVERAGED, DAGGER, MEASURED, BoardRow, Leaderboard, TaskColumns

if TYPE_CHECKING:
    from rich.table import Table

# Blanks between columns; the box style gives one of them.
_GAP = 2
_SHORT = {"monolingual": "mono", "cross-lingual": "cross"}


def to_markdown(board: Leaderboard) -> str:
    """Return the leaderboard as Markdown tables: the ranking, one table per task, the notes."""
    parts = []
    for title, header, rows in _sections(board):
        lines = [header, ["---:" if place > _name_column(header) else "---" for place in range(len(header))], *rows]
        table = "\n".join("| " + " | ".join(map(escape_markdown, line)) + " |" for line in lines)
        parts.append(f"**{escape_markdown(title)}**\n\n{table}")
    notes = "\n".join(f"- {escape_markdown(note)}" for note in explain(board))
    return "\n\n".join([*parts, notes]).rstrip() + "\n"


def to_tables(board: Leaderboard, width: int) -> list["Table"]:
    """Return tables for a terminal of a width; one that is too wide is cut into several, no figure is shortened."""
    return [table for title, header, rows in _sections(board) for table in _fit_width(title, header, rows, width)]


def explain(board: Leaderboard) -> list[str]:
    """Return what a reader has to know to read the tables, one sentence each, the board's own notes included."""
    measured = [row for row in board.rows if row.source == MEASURED]
    ranked = [row for row in measured if row.rank is not None]
    lines = []
    if len(ranked) > 1:
        which = "models" if len(ranked) == len(measured) else "ranked models"
        lines.append(
            f"Ranks are over the {count(board.num_shared, 'pair')} of {', '.join(board.shared)} that all "
            f"{len(ranked)} {which} have: mean over each task's pairs, then over tasks; "
            "Borda is the share of the other models beaten."
        )
        lines.append(
            f"Not separable: {board.options.flips:,} paired sign flips of {count(board.num_clusters, 'cluster')} give "
            f"p ≥ {board.options.alpha:g} (two-sided, Holm) for the difference to the best model, or to the one above."
        )
    lower = dict.fromkeys(column.measure for column in board.tasks if find_measure(column.measure).better == "lower")
    lines += [f"For {measure}, lower is better: the lowest figure ranks first." for measure in lower]
    lines += [*(f"Left out: {message}" for message in board.left_out), *board.notes]
    sources = {row.source: None for row in board.rows if row.source != MEASURED}
    if sources:
        lines.append(f"{DAGGER} published, never ranked; data and settings are the sources' own: {'; '.join(sources)}.")
    return lines


class _Section(NamedTuple):
    """One table: its title, the titles of its columns, its rows."""

    title: str
    header: list[str]
    rows: list[list[str]]


def _sections(board: Leaderboard) -> list[_Section]:
    """Return the ranking, where there is more than one model, and a table for each task."""
    ranked = [row for row in board.rows if row.rank is not None]
    return [*([_ranking(board, ranked)] if len(ranked) > 1 else []), *(_task(board, column) for column in board.tasks)]


def _ranking(board: Leaderboard, ranked: Sequence[BoardRow]) -> _Section:
    measure = find_measure(board.tasks[0].measure)
    header = ["rank", "model", "mean", "Borda", "rank (Borda)", "not separable from"]
    rows = [
        [
            str(row.rank),
            row.shown_name,
            _figure(row.mean, measure.points),
            _figure(row.borda),
            str(row.rank_borda),
            ", ".join(board.not_separable(row)),
        ]
        for row in ranked
    ]
    return _Section("Overall, x 100" if measure.unit == "share" else "Overall, Borda x 100", header, rows)


def _task(board: Leaderboard, column: TaskColumns) -> _Section:
    """Return the table of a task, without columns that are empty for all."""
    shown = [row for row in board.rows if row.source == MEASURED or column.label in row.tasks]
    header = ["model", "pairs", *(_SHORT.get(name, name) for name in ("mean", "common", *AVERAGED)), "worst pair"]
    rows = [[row.shown_name, *_task_cells(row, column)] for row in shown]
    partial = column.common != column.pairs
    kept_places = [
        place
        for place, name in enumerate(header)
        if name in ("model", "pairs") or (any(row[place] for row in rows) and (partial or name != "common"))
    ]
    title = f"{column.label}: {column.measure}{find_measure(column.measure).scale}"
    return _Section(
        title, [header[place] for place in kept_places], [[row[place] for place in kept_places] for row in rows]
    )


def _task_cells(row: BoardRow, column: TaskColumns) -> list[str]:
    """Return a row's cells in the table of a task, after the model's name."""
    figures = row.tasks.get(column.label)
    if figures is None:
        return [f"0/{len(column.pairs):,}", *([""] * (len(AVERAGED) + 3))]
    points = find_measure(column.measure).points
    complete = figures.num_pairs == len(column.pairs)
    pairs = f"{figures.num_pairs:,}" if complete else f"{figures.num_pairs:,}/{len(column.pairs):,}"
    values = (figures.mean, figures.common, *(figures.groups[name] for name in AVERAGED))
    worst = f"{figures.worst_pair} {_figure(figures.worst, points)}" if figures.worst_pair else ""
    return [pairs, *(_figure(value, points) for value in values), worst]


def _figure(value: float | None, points: float = 100.0) -> str:
    return "" if value is None else f"{points * value:.1f}"


def _name_column(header: Sequence[str]) -> int:
    """Return the position of the model's name, the last column that is aligned left."""
    return header.index("model")


def _fit_width(title: str, header: list[str], rows: list[list[str]], width: int) -> Iterator["Table"]:
    """Yield tables that fit the width; each repeats the columns up to the model's name."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    sizes = [max(map(len, (line[place] for line in [header, *rows]))) + _GAP for place in range(len(header))]
    first = _name_column(header) + 1
    start = first
    while start < len(header):
        stop, used = start + 1, sum(sizes[:first]) + sizes[start]
        while stop < len(header) and used + sizes[stop] <= width:
            used += sizes[stop]
            stop += 1
        places = [*range(first), *range(start, stop)]
        table = Table(title=Text(title, style="bold"), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        for place in places:
            is_name = header[place] == "model"
            table.add_column(
                header[place], justify="left" if is_name else "right", no_wrap=not is_name, overflow="fold", min_width=0
            )
        for line in rows:
            table.add_row(*(Text(line[place]) for place in places))
        yield table
        start = stop
