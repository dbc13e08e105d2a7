"""A leaderboard as CSV, JSON, Markdown, and tables for a terminal.

CSV and JSON hold every figure in [0, 1] as it was computed (CSV: six decimals); Markdown and the terminal show points,
x 100, one decimal, and leave out columns that are empty for all.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from clearbench.verdicts.leaderboard.columns import AVERAGED, TaskColumns
from clearbench.verdicts.leaderboard.rank import MEASURED, Leaderboard, Row

if TYPE_CHECKING:
    from rich.table import Table

MODEL_COLUMNS = (
    "rank",
    "rank_borda",
    "model",
    "key",
    "source",
    "mean",
    "borda",
    "ranked_pairs",
    "p_best",
    "p_above",
    "not_separable_from",
)
"""Columns of the CSV that each row has once, in order."""

TASK_COLUMNS = ("measure", "pairs", "of_pairs", "mean", "common", "common_pairs", *AVERAGED, "worst_pair", "worst")
"""Columns of the CSV that each row has per task, in order; their names begin with `<task label>/`."""

DAGGER = "†"
"""Marks the name of a model whose figures were published, not measured."""

# Blanks between columns; the box style gives one of them.
_GAP = 2
_SHORT = {"monolingual": "mono", "cross-lingual": "cross"}


def csv_columns(board: Leaderboard) -> tuple[str, ...]:
    """Return the header of the CSV: those of the model, then those of each task, tasks by label."""
    return (*MODEL_COLUMNS, *(f"{column.label}/{name}" for column in board.tasks for name in TASK_COLUMNS))


def to_csv(board: Leaderboard) -> str:
    """Return the leaderboard as CSV, one line a model; what is missing is an empty cell."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(csv_columns(board))
    for row in board.rows:
        cells = [*_model_cells(board, row), *(cell for column in board.tasks for cell in _task_cells(row, column))]
        writer.writerow([f"{cell:.6f}" if isinstance(cell, float) else "" if cell is None else cell for cell in cells])
    return stream.getvalue()


def to_json(board: Leaderboard) -> str:
    """Return the leaderboard as JSON: how it was made, the tasks, the rows; what is missing is null."""
    tasks = [
        {
            "label": column.label,
            "task": column.task,
            "options": dict(column.options),
            "measure": column.measure,
            "pairs": list(column.pairs),
            "common": list(column.common),
            "groups": {name: int(mask.sum()) for name, mask in column.members.items()},
        }
        for column in board.tasks
    ]
    document = {
        "alpha": board.alpha,
        "flips": board.flips,
        "seed": board.seed,
        "clusters": board.num_clusters,
        "ranked_pairs": {label: list(pairs) for label, pairs in board.shared.items()},
        "notes": list(board.notes),
        "tasks": tasks,
        "rows": [_json_row(board, row) for row in board.rows],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def to_markdown(board: Leaderboard) -> str:
    """Return the leaderboard as Markdown tables: the ranking, one table per task, the notes."""
    parts = []
    for title, header, rows in _sections(board):
        lines = [header, ["---:" if place > _left(header) else "---" for place in range(len(header))], *rows]
        table = "\n".join("| " + " | ".join(map(_markdown_cell, line)) + " |" for line in lines)
        parts.append(f"**{_markdown_cell(title)}**\n\n{table}")
    notes = "\n".join(f"- {_markdown_cell(note)}" for note in explain(board))
    return "\n\n".join([*parts, notes]).rstrip() + "\n"


def to_tables(board: Leaderboard, width: int) -> list["Table"]:
    """Return tables for a terminal of a width; one that is too wide is cut into several, no figure is shortened."""
    return [table for title, header, rows in _sections(board) for table in _cut(title, header, rows, width)]


def explain(board: Leaderboard) -> list[str]:
    """Return what a reader has to know to read the tables, one sentence each, the board's own notes included."""
    measured = [row for row in board.rows if row.source == MEASURED]
    lines = []
    if board.shared and len(measured) > 1:
        lines.append(
            f"Ranks are over the {board.num_shared:,} pairs of {', '.join(board.shared)} that all {len(measured)} "
            "models have: mean over each task's pairs, then over tasks; Borda is the share of the other models beaten."
        )
        lines.append(
            f"Not separable: {board.flips:,} paired sign flips of {board.num_clusters:,} clusters give "
            f"p ≥ {board.alpha:g} (two-sided, Holm) for the difference to the best model, or to the one above."
        )
    lines += board.notes
    sources = {row.source: None for row in board.rows if row.source != MEASURED}
    if sources:
        lines.append(f"{DAGGER} published, never ranked; data and settings are the sources' own: {'; '.join(sources)}.")
    return lines


def _model_cells(board: Leaderboard, row: Row) -> tuple[object, ...]:
    measured = row.source == MEASURED
    return (
        row.rank,
        row.rank_borda,
        _name(row),
        row.key,
        row.source,
        row.mean,
        row.borda,
        board.num_shared if measured else None,
        row.p_best,
        row.p_above,
        " ".join(board.not_separable(row)),
    )


def _task_cells(row: Row, column: TaskColumns) -> tuple[object, ...]:
    figures = row.tasks.get(column.label)
    if figures is None:
        return (column.measure, 0, len(column.pairs), *([None] * (len(TASK_COLUMNS) - 3)))
    groups = (figures.groups[name] for name in AVERAGED)
    counts = (column.measure, figures.num_pairs, len(column.pairs))
    averages = (figures.mean, figures.common, len(column.common), *groups)
    return (*counts, *averages, figures.worst_pair, figures.worst)


def _json_row(board: Leaderboard, row: Row) -> dict[str, Any]:
    values: dict[str, Any] = dict(zip(MODEL_COLUMNS, _model_cells(board, row), strict=True))
    values |= {"model": row.model, "not_separable_from": list(board.not_separable(row))}
    columns = [column for column in board.tasks if column.label in row.tasks]
    values["tasks"] = {c.label: dict(zip(TASK_COLUMNS, _task_cells(row, c), strict=True)) for c in columns}
    return values


def _name(row: Row) -> str:
    return row.model if row.source == MEASURED else f"{row.model} {DAGGER}"


def _sections(board: Leaderboard) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Give title, header and rows of the ranking and of each task, without columns that are empty for all."""
    ranked = [row for row in board.rows if row.rank is not None]
    if len(ranked) > 1:
        header = ["rank", "model", "mean", "Borda", "rank (Borda)", "not separable from"]
        lines = [
            [
                str(row.rank),
                _name(row),
                _points(row.mean),
                _points(row.borda),
                str(row.rank_borda),
                ", ".join(board.not_separable(row)),
            ]
            for row in ranked
        ]
        yield "Overall, x 100", header, lines
    for column in board.tasks:
        rows = [row for row in board.rows if row.source == MEASURED or column.label in row.tasks]
        header = ["model", "pairs", *(_SHORT.get(name, name) for name in ("mean", "common", *AVERAGED)), "worst pair"]
        lines = [[_name(row), *_shown(row, column)] for row in rows]
        partial = column.common != column.pairs
        kept = [
            place
            for place, name in enumerate(header)
            if name in ("model", "pairs") or (any(line[place] for line in lines) and (partial or name != "common"))
        ]
        yield (
            f"{column.label}: {column.measure} x 100",
            [header[place] for place in kept],
            [[line[place] for place in kept] for line in lines],
        )


def _shown(row: Row, column: TaskColumns) -> list[str]:
    figures = row.tasks.get(column.label)
    if figures is None:
        return [f"0/{len(column.pairs):,}", *([""] * (len(AVERAGED) + 3))]
    whole = figures.num_pairs == len(column.pairs)
    pairs = f"{figures.num_pairs:,}" if whole else f"{figures.num_pairs:,}/{len(column.pairs):,}"
    values = (figures.mean, figures.common, *(figures.groups[name] for name in AVERAGED))
    worst = f"{figures.worst_pair} {_points(figures.worst)}" if figures.worst_pair else ""
    return [pairs, *map(_points, values), worst]


def _points(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


def _left(header: Sequence[str]) -> int:
    """Place of the last column that is set left: the model's name."""
    return header.index("model")


def _markdown_cell(text: str) -> str:
    flat = " ".join(text.split())
    for character in "\\`*_<>|[]":
        flat = flat.replace(character, "\\" + character)
    return flat


def _cut(title: str, header: list[str], rows: list[list[str]], width: int) -> Iterator["Table"]:
    """Give tables that fit the width; each repeats the columns up to the model's name."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    sizes = [max(map(len, (line[place] for line in [header, *rows]))) + _GAP for place in range(len(header))]
    first = _left(header) + 1
    start = first
    while start < len(header):
        stop, used = start + 1, sum(sizes[:first]) + sizes[start]
        while stop < len(header) and used + sizes[stop] <= width:
            used += sizes[stop]
            stop += 1
        places = [*range(first), *range(start, stop)]
        table = Table(title=Text(title, style="bold"), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        for place in places:
            name = header[place] == "model"
            table.add_column(
                header[place], justify="left" if name else "right", no_wrap=not name, overflow="fold", min_width=0
            )
        for line in rows:
            table.add_row(*(Text(line[place]) for place in places))
        yield table
        start = stop
