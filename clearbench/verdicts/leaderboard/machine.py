"""A leaderboard for other programs: CSV with six decimals, and JSON with unrounded figures."""

import json
from typing import Any

from clearbench.common.files import csv_text
from clearbench.verdicts.leaderboard.document import LeaderboardDocument
from clearbench.verdicts.leaderboard.result import AVERAGED, BoardRow, Leaderboard, TaskColumns

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


def csv_columns(board: Leaderboard) -> tuple[str, ...]:
    """Return the header of the CSV: those of the model, then those of each task, tasks by label."""
    return (*MODEL_COLUMNS, *(f"{column.label}/{name}" for column in board.tasks for name in TASK_COLUMNS))


def to_csv(board: Leaderboard) -> str:
    """Return the leaderboard as CSV, one line a model; what is missing is an empty cell."""
    lines: list[tuple[object, ...]] = [csv_columns(board)]
    for row in board.rows:
        cells = [*_model_cells(board, row), *(cell for column in board.tasks for cell in _task_cells(row, column))]
        lines.append(tuple(_Rounded(cell) if isinstance(cell, float) else cell for cell in cells))
    return csv_text(lines)


class _Rounded(float):
    """A number that prints with six decimals."""

    def __str__(self) -> str:
        return f"{self:.6f}"

    __repr__ = __str__


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
        "alpha": board.options.alpha,
        "flips": board.options.flips,
        "seed": board.options.seed,
        "clusters": board.num_clusters,
        "ranked_pairs": {label: list(pairs) for label, pairs in board.shared.items()},
        "notes": [*(f"Left out: {message}" for message in board.left_out), *board.notes],
        "tasks": tasks,
        "rows": [_json_row(board, row) for row in board.rows],
    }
    checked = LeaderboardDocument.model_validate(document)
    return json.dumps(checked.model_dump(), indent=1, ensure_ascii=False) + "\n"


def _model_cells(board: Leaderboard, row: BoardRow) -> tuple[object, ...]:
    return (
        row.rank,
        row.rank_borda,
        row.shown_name,
        row.key,
        row.source,
        row.mean,
        row.borda,
        None if row.rank is None else board.num_shared,
        row.p_best,
        row.p_above,
        " ".join(board.not_separable(row)),
    )


def _task_cells(row: BoardRow, column: TaskColumns) -> tuple[object, ...]:
    figures = row.tasks.get(column.label)
    if figures is None:
        return (column.measure, 0, len(column.pairs), *([None] * (len(TASK_COLUMNS) - 3)))
    groups = (figures.groups[name] for name in AVERAGED)
    counts = (column.measure, figures.num_pairs, len(column.pairs))
    averages = (figures.mean, figures.common, len(column.common), *groups)
    return (*counts, *averages, figures.worst_pair, figures.worst)


def _json_row(board: Leaderboard, row: BoardRow) -> dict[str, Any]:
    values: dict[str, Any] = dict(zip(MODEL_COLUMNS, _model_cells(board, row), strict=True))
    values |= {"model": row.model, "not_separable_from": list(board.not_separable(row))}
    columns = [column for column in board.tasks if column.label in row.tasks]
    values["tasks"] = {c.label: dict(zip(TASK_COLUMNS, _task_cells(row, c), strict=True)) for c in columns}
    return values
