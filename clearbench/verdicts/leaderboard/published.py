"""Rows of a leaderboard for published figures: shown where task, measure and pairs are a column's, never ranked.

`records.published` reads the figures from files.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from clearbench.common.text import join_names
from clearbench.records.published import Published
from clearbench.verdicts.leaderboard.columns import model_figures
from clearbench.verdicts.leaderboard.result import BoardRow, TaskColumns, TaskFigures


def published_rows(
    published: Sequence[Published], columns: Sequence[TaskColumns]
) -> tuple[list[BoardRow], tuple[str, ...]]:
    """Return a row for each model with published figures of at least one column, whatever the number of sources.

    Returns:
        The rows in order of the models' names, and notes for a reader.
    """
    rows: dict[str, BoardRow] = {}
    notes: dict[str, None] = {}
    partial: dict[str, str] = {}
    for entry in published:
        for column in columns:
            if entry.task != column.task:
                continue
            if (figures := _figures(entry, column)) is None:
                partial |= _describe_part(entry, column)
                continue
            row = rows.setdefault(entry.model, BoardRow(entry.model, entry.model, entry.source, {}))
            source = row.source if entry.source in row.source else f"{row.source}; {entry.source}"
            rows[entry.model] = replace(row, source=source, tasks={**row.tasks, column.label: figures})
            if dict(entry.options) != dict(column.options):
                with_options = ", ".join(f"{key}={value}" for key, value in entry.options.items()) or "no options"
                notes[f"Published figures of {column.label} were measured with {with_options}."] = None
    if partial:
        notes[
            f"Published, but with too few of the pairs for a column: {join_names(partial.values())}. "
            "They show where only these pairs are evaluated."
        ] = None
    elif published and not rows:
        notes["No published figures are of these tasks, pairs and measures."] = None
    return sorted(rows.values(), key=lambda row: row.model.lower()), tuple(notes)


def _describe_part(entry: Published, column: TaskColumns) -> dict[str, str]:
    """Return how many of a column's pairs have the measure published, by model; empty where none has."""
    having = [pair for pair in column.pairs if column.measure in entry.figures.get(pair, {})]
    if not having:
        return {}
    return {entry.model: f"{entry.model} ({len(having):,} of {len(column.pairs):,} pairs of {column.label})"}


def _figures(entry: Published, column: TaskColumns) -> TaskFigures | None:
    values_P = np.array([entry.figures.get(pair, {}).get(column.measure, np.nan) for pair in column.pairs])
    figures = model_figures(values_P, column)
    groups = dict(figures.groups)
    mean = figures.mean
    for average in entry.averages:
        if column.measure not in average.measures:
            continue
        for group, mask in column.members.items():
            if average.pairs == {pair for pair, member in zip(column.pairs, mask, strict=True) if member}:
                value = average.measures[column.measure]
                mean = value if group == "all" else mean
                groups |= {group: value} if group in groups else {}
    shown = (mean, figures.common, *groups.values())
    if all(value is None for value in shown):
        return None
    return replace(figures, mean=mean, groups=groups)
