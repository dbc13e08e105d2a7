"""A row per model, from records: averages per task, ranks, and which models cannot be told apart.

The figures of a column are comparable because all of them are averages over the same pairs; see `columns`.

Ranks are over the pairs that every ranked model has, of the tasks that all of them have: the mean over a task's pairs,
then over tasks, so that a task with 14,884 pairs counts no more than one with 9. Borda is, pair by pair, the share of
the other models that a model beats (a tie is half a win), averaged in the same way. A model with too few pairs is not
ranked; see `coverage`. The measure says whether higher or lower is better.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from clearbench.common.arrays import IntArray, Scores
from clearbench.common.errors import UsageError
from clearbench.common.measures import find_measure
from clearbench.common.text import join_words
from clearbench.records.published import Published
from clearbench.records.select import Entry, display_names, select_tasks
from clearbench.verdicts.leaderboard.columns import model_figures, model_values, task_columns
from clearbench.verdicts.leaderboard.coverage import coverage_notes, find_coverage
from clearbench.verdicts.leaderboard.options import LeaderboardOptions
from clearbench.verdicts.leaderboard.published import published_rows
from clearbench.verdicts.leaderboard.result import MEASURED, BoardRow, Leaderboard, TaskColumns
from clearbench.verdicts.leaderboard.separability import cluster_contributions, separate


def make_leaderboard(
    entries: Sequence[Entry],
    options: LeaderboardOptions | None = None,
    published: Sequence[Published] = (),
    left_out: Sequence[str] = (),
) -> Leaderboard:
    """Make a leaderboard of complete records.

    Args:
        entries: Records of any number of models and tasks.
        options: What to show, and how models are told apart.
        published: Published figures to show too, where they are of the same task, measure and pairs; never ranked.
        left_out: A message on each record that could not be used; see `load_usable`.
    Raises:
        UsageError: No record is of the wanted tasks, or has the wanted measure.
        RecordError: Records of one task are not comparable: they differ in task version, scoring, or a pair's data.
    """
    options = options or LeaderboardOptions()
    by_label = _by_label(entries, options.tasks)
    keys = sorted({entry.key for group in by_label.values() for entry in group})
    coverage = find_coverage(entry for group in by_label.values() for entry in group)
    columns = tuple(
        task_columns(label, group, options.measure, coverage.missing) for label, group in sorted(by_label.items())
    )
    _check_one_unit(columns)
    values: dict[str, dict[str, Scores]] = {key: {} for key in keys}
    for column in columns:
        for entry in by_label[column.label]:
            values[entry.key][column.label] = model_values(entry, column)
    names = display_names(entry for group in by_label.values() for entry in group)
    rows = []
    for key, by_task in values.items():
        figures = {
            column.label: model_figures(by_task[column.label], column) for column in columns if column.label in by_task
        }
        rows.append(BoardRow(key, names[key], MEASURED, figures))
    ranked = tuple(row for row in rows if row.key not in coverage.missing)
    unranked = tuple(row for row in rows if row.key in coverage.missing)
    shared = {c.label: c.common for c in columns if c.common and all(c.label in values[row.key] for row in ranked)}
    board = Leaderboard(columns, ranked, shared, options, tuple(left_out))
    if shared:
        board = _rank(board, values, by_label)
    extra, published_notes = published_rows(published, columns)
    notes = (*coverage_notes(board, unranked, coverage), *published_notes)
    return replace(board, rows=(*board.rows, *unranked, *extra), notes=notes)


def _check_one_unit(columns: Sequence[TaskColumns]) -> None:
    """Raise if the tasks' measures have no common mean: ranks and shares, or opposite directions."""
    measures = {measure.name: measure for measure in (find_measure(column.measure) for column in columns)}
    if len({(measure.unit, measure.better) for measure in measures.values()}) > 1:
        raise UsageError(
            f"{join_words(list(measures))} have no common mean. Choose one with --measure, or fewer tasks with --tasks."
        )


def _by_label(entries: Sequence[Entry], tasks: Sequence[str] | None) -> dict[str, list[Entry]]:
    by_label: dict[str, list[Entry]] = {}
    for entry in sorted(select_tasks(entries, tasks), key=lambda entry: entry.key):
        by_label.setdefault(entry.label, []).append(entry)
    if not by_label:
        raise UsageError("There is no record to rank; `clearbench run` makes them.")
    return by_label


def _rank(
    board: Leaderboard, values: Mapping[str, Mapping[str, Scores]], by_label: Mapping[str, Sequence[Entry]]
) -> Leaderboard:
    """Return the board with its rows in order of their overall means, and with the fields that depend on other rows."""
    keys = [row.key for row in board.rows]
    means_M, borda_M = _overall(board, [values[key] for key in keys])
    gains_M = find_measure(board.tasks[0].measure).sign * means_M
    order = np.argsort(-gains_M, kind="stable").tolist()
    # Reading per-query scores is slow, and a single model is compared with nothing.
    measures = {column.label: column.measure for column in board.tasks if column.label in board.shared}
    records = [[e for label in measures for e in by_label[label] if e.key == keys[place]] for place in order]
    sums = (
        [cluster_contributions(model_entries, board.shared, measures) for model_entries in records]
        if len(keys) > 1
        else []
    )
    tests = separate(sums, board.options.flips, board.options.seed)
    ranks, ranks_borda = _ranks(gains_M), _ranks(borda_M)
    rows = [
        replace(
            board.rows[place],
            mean=float(means_M[place]),
            rank=int(ranks[place]),
            borda=float(borda_M[place]) if len(keys) > 1 else None,
            rank_borda=int(ranks_borda[place]),
            p_best=float(tests.best[position]) if position else None,
            p_above=float(tests.above[position]) if position else None,
        )
        for position, place in enumerate(order)
    ]
    return replace(board, rows=tuple(rows), num_clusters=tests.num_clusters)


def _overall(board: Leaderboard, values: Sequence[Mapping[str, Scores]]) -> tuple[Scores, Scores]:
    """Return each model's mean over the shared pairs and its Borda share, float64 [M] each."""
    columns = [column for column in board.tasks if column.label in board.shared]
    means_M, borda_M = np.zeros(len(values)), np.zeros(len(values))
    for column in columns:
        is_shared_P = np.isin(column.pairs, board.shared[column.label])
        score_MP = np.stack([by_task[column.label][is_shared_P] for by_task in values])
        means_M += score_MP.mean(axis=1) / len(columns)
        borda_M += borda_shares(find_measure(column.measure).sign * score_MP).mean(axis=1) / len(columns)
    return means_M, borda_M


def borda_shares(gain_MP: Scores) -> Scores:
    """Return the share of the other models that each model beats, [M, P] in [0, 1]; a tie is half a win."""
    from scipy.stats import rankdata

    if len(gain_MP) < 2:
        return np.zeros_like(gain_MP)
    ranks: Scores = rankdata(gain_MP, method="average", axis=0)
    return (ranks - 1) / (len(gain_MP) - 1)


def _ranks(values: Scores) -> IntArray:
    """Return the rank of each value, 1 for the highest; equal values share the better rank."""
    return np.array([1 + int((values > value).sum()) for value in values], dtype=np.int64)
