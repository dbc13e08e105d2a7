"""The columns of a leaderboard: which pairs each averages, and one model's figures in them.

**All figures of a column are averages over the same pairs.** A model that lacks one of them gets None there. Its figure
over the pairs that all ranked models of the task have is in the column `common`.
"""

from collections.abc import Container, Sequence

import numpy as np

from clearbench.common.arrays import Scores
from clearbench.common.errors import RecordError, UsageError, suggest
from clearbench.common.measures import find_measure
from clearbench.records.schema import PairRecord
from clearbench.records.select import Entry
from clearbench.stats.averages import group_members
from clearbench.verdicts.leaderboard.result import AVERAGED, TaskColumns, TaskFigures
from clearbench.verdicts.matching import refuse_other_measurement


def task_columns(label: str, group: Sequence[Entry], measure: str | None, unranked: Container[str] = ()) -> TaskColumns:
    """Return the columns of one task.

    Args:
        label: The task's label.
        group: Every model's record of it.
        measure: The measure to show instead of the task's main one.
        unranked: Keys of models that are not ranked; they do not decide which pairs are common.
    Raises:
        RecordError: The records do not measure the same thing.
        UsageError: A record lacks the measure, or models cannot be ranked by it.
    """
    _check_comparable(group)
    first = group[0].record
    measure = first.main_measure if measure is None else measure
    _check_measure(measure, group)
    pairs_of = {entry.key: {pair.pair for pair in entry.record.pairs} for entry in group}
    pairs = tuple(sorted(set.union(*pairs_of.values())))
    ranked = [model_pairs for key, model_pairs in pairs_of.items() if key not in unranked]
    common = tuple(sorted(set.intersection(*(ranked or pairs_of.values()))))
    members = group_members(pairs)
    return TaskColumns(label, first.identity.task, first.identity.options, measure, pairs, common, members)


def model_values(entry: Entry, columns: TaskColumns) -> Scores:
    """Return a model's means of the task's pairs, [P] as in `columns.pairs`; NaN where it has none."""
    means = {pair.pair: pair.measures[columns.measure].mean for pair in entry.record.pairs}
    return np.array([means.get(pair, np.nan) for pair in columns.pairs])


def model_figures(values_P: Scores, columns: TaskColumns) -> TaskFigures:
    """Return a model's figures from its means of the task's pairs."""
    groups = {name: _average(values_P[mask]) for name, mask in columns.members.items()}
    common_P = values_P[np.isin(columns.pairs, columns.common)]
    complete = len(common_P) > 0 and not np.isnan(common_P).any()
    worst = int((find_measure(columns.measure).sign * common_P).argmin()) if complete else -1
    return TaskFigures(
        num_pairs=int((~np.isnan(values_P)).sum()),
        mean=_average(values_P),
        common=_average(common_P),
        groups={name: groups.get(name) for name in AVERAGED},
        worst_pair=columns.common[worst] if complete else None,
        worst=float(common_P[worst]) if complete else None,
    )


def _average(values: Scores) -> float | None:
    """Return the mean; None if there is no value or one is missing."""
    return None if len(values) == 0 or np.isnan(values).any() else float(values.mean())


def _check_measure(measure: str, group: Sequence[Entry]) -> None:
    """Raise unless models can be ranked by the measure, and every record has it for all of its pairs."""
    if find_measure(measure).better == "neither":
        raise UsageError(
            f"{measure} describes a ranking without judging it, so no model is better by it. Choose another --measure."
        )
    for entry in group:
        num_lacking = sum(measure not in pair.measures for pair in entry.record.pairs)
        if num_lacking:
            known = list(entry.record.pairs[0].measures)
            raise UsageError(
                f"{entry.place} has no measure {measure!r} in {num_lacking:,} of {len(entry.record.pairs):,} pairs; "
                f"{entry.record.pairs[0].pair} has: {', '.join(known)}.{suggest(measure, known)} "
                "Choose tasks that have it with --tasks."
            )


def _check_comparable(group: Sequence[Entry]) -> None:
    """Raise unless the records of a task measure the same thing; they may have different pairs."""
    known: dict[str, tuple[Entry, PairRecord]] = {}
    for entry in group:
        refuse_other_measurement(group[0], entry)
        for pair in entry.record.pairs:
            holder, first = known.setdefault(pair.pair, (entry, pair))
            if (first.data, first.num_queries) != (pair.data, pair.num_queries):
                raise RecordError(
                    f"{holder.place} and {entry.place} cannot be in one table: they were scored on other texts "
                    f"or judgements, first in {pair.pair}. Measure one of them again with --replace, or leave it out "
                    "with --models."
                )
