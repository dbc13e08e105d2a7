"""A row per model: averages per task, ranks, and which models cannot be told apart. Reads records only.

One rule keeps the figures comparable: **all figures of a column are averages over the same pairs.** A model that
lacks a pair which another model has gets no figure (a blank) in every column that averages that pair; its figure over
the pairs that all models of the task have stands in the column `common`. Nothing missing is averaged away.

Ranks are over the pairs that every model has, of the tasks that every model has: mean over a task's pairs, then over
tasks, so that a task with 14,884 pairs does not drown one with 9. Borda counts, pair by pair, the share of the other
models that a model beats (a tie is half a win), averaged in the same way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from clearbench.common.errors import UsageError
from clearbench.records.published import Published
from clearbench.records.select import Entry, select_tasks
from clearbench.verdicts.leaderboard.columns import (
    TaskColumns,
    TaskFigures,
    Values,
    model_figures,
    model_values,
    task_columns,
)
from clearbench.verdicts.leaderboard.separability import cluster_contributions, separate

MEASURED = "measured"


@dataclass(frozen=True)
class Row:
    """One model.

    Attributes:
        key: `<name>-<hash8>`, the model's folder; for a published row its name.
        model: Its name; the key where two models have the same name.
        source: "measured", or where the figures were published.
        tasks: By label; tasks that the model lacks are left out.
        mean: Overall mean over the shared pairs; None for published rows and where nothing is shared.
        rank: By mean, 1 is best, equal means share the better rank.
        borda: Share of the other models that it beats.
        rank_borda: By Borda.
        p_best: Of the difference to the first model, adjusted by Holm; None for the first.
        p_above: Of the difference to the model one rank above, adjusted by Holm; None for the first.
    """

    key: str
    model: str
    source: str
    tasks: Mapping[str, TaskFigures]
    mean: float | None = None
    rank: int | None = None
    borda: float | None = None
    rank_borda: int | None = None
    p_best: float | None = None
    p_above: float | None = None


@dataclass(frozen=True)
class Leaderboard:
    """Rows in order of rank, published ones last.

    Attributes:
        tasks: The columns, in order of label.
        rows: See Row.
        shared: Task label -> the pairs that the ranks are over.
        alpha: A p-value below it says that two models differ.
        flips: Sign flips of the tests.
        seed: Of the flips.
        num_clusters: Clusters that were flipped.
        notes: What a reader has to know about these rows, one sentence each.
    """

    tasks: tuple[TaskColumns, ...]
    rows: tuple[Row, ...]
    shared: Mapping[str, tuple[str, ...]]
    alpha: float
    flips: int
    seed: int
    num_clusters: int = 0
    notes: tuple[str, ...] = field(default=())

    @property
    def num_shared(self) -> int:
        """Pairs that the ranks are over."""
        return sum(map(len, self.shared.values()))

    def not_separable(self, row: Row) -> tuple[str, ...]:
        """Which of "best" and "above" a model cannot be told apart from, at `alpha`."""
        tests = (("best", row.p_best), ("above", row.p_above))
        return tuple(name for name, p in tests if p is not None and not p < self.alpha)


def make_leaderboard(
    entries: Sequence[Entry],
    tasks: Sequence[str] | None = None,
    measure: str | None = None,
    published: Sequence[Published] = (),
    alpha: float = 0.05,
    flips: int = 10_000,
    seed: int = 0,
) -> Leaderboard:
    """Make a leaderboard of complete records.

    Args:
        entries: Records of any number of models and tasks.
        tasks: Only these tasks, by name or label.
        measure: Instead of each task's main measure.
        published: Published figures to show too, where they are of the same task, measure and pairs; never ranked.
        alpha: Family-wise level at which models are called separable.
        flips: Sign flips of the tests.
        seed: Of the flips.
    Raises:
        UsageError: No record is of the wanted tasks, or has the wanted measure.
        RecordError: Records of one task are not comparable: other task version, scoring, or data of a pair.
    """
    by_label = _by_label(entries, tasks)
    keys = sorted({entry.key for group in by_label.values() for entry in group})
    columns = tuple(task_columns(label, group, measure) for label, group in sorted(by_label.items()))
    values: dict[str, dict[str, Values]] = {key: {} for key in keys}
    for column in columns:
        for entry in by_label[column.label]:
            values[entry.key][column.label] = model_values(entry, column)
    names = _display_names(keys, entries)
    rows = []
    for key, of in values.items():
        figures = {column.label: model_figures(of[column.label], column) for column in columns if column.label in of}
        rows.append(Row(key, names[key], MEASURED, figures))
    shared = {c.label: c.common for c in columns if c.common and all(c.label in of for of in values.values())}
    board = Leaderboard(columns, tuple(rows), shared, alpha, flips, seed, notes=_notes(columns, len(rows), shared))
    if shared:
        board = _rank(board, values, by_label)
    extra, notes = _published_rows(published, columns)
    return replace(board, rows=(*board.rows, *extra), notes=(*board.notes, *notes))


def _by_label(entries: Sequence[Entry], tasks: Sequence[str] | None) -> dict[str, list[Entry]]:
    by_label: dict[str, list[Entry]] = {}
    for entry in sorted(select_tasks(entries, tasks), key=lambda entry: entry.key):
        by_label.setdefault(entry.label, []).append(entry)
    if not by_label:
        raise UsageError("There is no record to rank; `clearbench run` makes them.")
    return by_label


def _display_names(keys: Sequence[str], entries: Sequence[Entry]) -> dict[str, str]:
    names = {entry.key: entry.name for entry in entries}
    held = [names[key] for key in keys]
    return {key: names[key] if held.count(names[key]) == 1 else key for key in keys}


def _notes(columns: Sequence[TaskColumns], num_models: int, shared: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if num_models < 2:
        return ()
    if not shared:
        return (f"No pair of any task is in the records of all {num_models} models, so none is ranked.",)
    partial = [column.label for column in columns if shared.get(column.label) != column.pairs]
    if not partial:
        return ()
    return (f"Not all models have all pairs of {', '.join(partial)}: blanks, and ranks without those pairs.",)


def _rank(
    board: Leaderboard, values: Mapping[str, Mapping[str, Values]], by_label: Mapping[str, Sequence[Entry]]
) -> Leaderboard:
    """Order the rows by their overall mean and fill in what depends on the other rows."""
    keys = [row.key for row in board.rows]
    means_M, points_M = np.zeros(len(keys)), np.zeros(len(keys))
    columns = {column.label: column for column in board.tasks if column.label in board.shared}
    for label, column in columns.items():
        kept = np.isin(column.pairs, board.shared[label])
        score_MP = np.stack([values[key][label][kept] for key in keys])
        means_M += score_MP.mean(axis=1) / len(columns)
        points_M += borda(score_MP).mean(axis=1) / len(columns)
    order = np.argsort(-means_M, kind="stable")
    # Reading per-query scores takes the time; a single model has nobody to be compared with.
    measures = {label: column.measure for label, column in columns.items()}
    records = [[e for label in columns for e in by_label[label] if e.key == keys[place]] for place in order]
    compared = records if len(keys) > 1 else []
    tests = separate([cluster_contributions(own, board.shared, measures) for own in compared], board.flips, board.seed)
    ranks, ranks_borda = _ranks(means_M), _ranks(points_M)
    rows = [
        replace(
            board.rows[place],
            mean=float(means_M[place]),
            rank=int(ranks[place]),
            borda=float(points_M[place]) if len(keys) > 1 else None,
            rank_borda=int(ranks_borda[place]),
            p_best=float(tests.best[position]) if position else None,
            p_above=float(tests.above[position]) if position else None,
        )
        for position, place in enumerate(order)
    ]
    return replace(board, rows=tuple(rows), num_clusters=tests.num_clusters)


def borda(score_MP: Values) -> Values:
    """Share of the other models that each model beats, per pair; a tie is half a win. [M, P] in [0, 1]."""
    from scipy.stats import rankdata

    if len(score_MP) < 2:
        return np.zeros_like(score_MP)
    ranks: Values = rankdata(score_MP, method="average", axis=0)
    return (ranks - 1) / (len(score_MP) - 1)


def _ranks(values: Values) -> NDArray[np.int64]:
    """1 for the highest; equal values share the better rank."""
    return np.array([1 + int((values > value).sum()) for value in values], dtype=np.int64)


def _published_rows(
    published: Sequence[Published], columns: Sequence[TaskColumns]
) -> tuple[list[Row], tuple[str, ...]]:
    """Rows of published figures that fill at least one column; all of a model's sources make one row."""
    rows: dict[str, Row] = {}
    notes: dict[str, None] = {}
    for entry in published:
        for column in columns:
            if entry.task != column.task or (figures := _published_figures(entry, column)) is None:
                continue
            row = rows.setdefault(entry.model, Row(entry.model, entry.model, entry.source, {}))
            source = row.source if entry.source in row.source else f"{row.source}; {entry.source}"
            rows[entry.model] = replace(row, source=source, tasks={**row.tasks, column.label: figures})
            if dict(entry.options) != dict(column.options):
                with_options = ", ".join(f"{key}={value}" for key, value in entry.options.items()) or "no options"
                notes[f"Published figures of {column.label} were measured with {with_options}."] = None
    if published and not rows:
        notes["No published figures are of these tasks, pairs and measures."] = None
    return sorted(rows.values(), key=lambda row: row.model.lower()), tuple(notes)


def _published_figures(entry: Published, column: TaskColumns) -> TaskFigures | None:
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
