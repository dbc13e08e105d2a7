"""Compare models with a base, per language pair and per group of pairs, from their records.

    records --match--> per-query differences --> rows: interval, wins, effect size --> sign-flip p, correction

The family that the correction covers is everything one call compares: all pairs of all tasks of all other models.
Groups of pairs are a family of their own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

from clearbench.common.errors import RecordError, UsageError, suggest
from clearbench.common.text import count, join_names
from clearbench.records.select import Entry, display_names, select_tasks
from clearbench.verdicts.compare.options import CORRECTIONS, CompareOptions
from clearbench.verdicts.compare.result import LEVELS, ComparedRow, Comparison
from clearbench.verdicts.compare.rows import TaskRows, describe_task
from clearbench.verdicts.compare.significance import Flippable, PValues, flip_parts
from clearbench.verdicts.matching import match, share_pairs


def compare(base: Sequence[Entry], other: Sequence[Entry], options: CompareOptions | None = None) -> Comparison:
    """Compare one model with the base, as `compare_models` does.

    Args:
        base: Records of the base, one per task.
        other: Records of the other model.
        options: What to compare and how.
    Raises:
        RecordError, UsageError: See `compare_models`.
    """
    return compare_models(base, [other], options)[0]


def compare_models(
    base: Sequence[Entry], others: Sequence[Sequence[Entry]], options: CompareOptions | None = None
) -> list[Comparison]:
    """Compare models with the base on every task and pair that they share with it.

    Args:
        base: Records of the base, one per task.
        others: Records of each other model.
        options: What to compare and how.
    Returns:
        One Comparison per other model.
    Raises:
        RecordError: A model shares no task with the base, or records are not comparable; see `match`.
        UsageError: An option names a task, pair, measure or correction that does not exist.
    """
    options = options or CompareOptions()
    if options.correction not in CORRECTIONS:
        hint = suggest(options.correction, CORRECTIONS)
        raise UsageError(f"Unknown correction {options.correction!r}: expected {', '.join(CORRECTIONS)}.{hint}")
    if not others:
        raise UsageError("Nothing to compare with the base: name at least one other model.")
    differences = [_differences(base, other, options) for other in others]
    tested = _with_p([rows for results, _ in differences for rows in results], options)
    num_tests = sum(len(rows.pairs) for rows in tested)
    names = display_names([base[0], *(other[0] for other in others)])
    left = iter(tested)
    comparisons = []
    for other, (results, missing) in zip(others, differences, strict=True):
        model_results = list(islice(left, len(results)))
        pairs = tuple(row for rows in model_results for row in rows.pairs)
        comparisons.append(
            Comparison(
                base=base[0].key,
                other=other[0].key,
                base_name=names[base[0].key],
                other_name=names[other[0].key],
                options=options,
                pairs=pairs,
                groups=tuple(row for rows in model_results for row in rows.groups),
                num_tests=num_tests,
                missing=tuple(missing),
                notes=tuple(_notes(base, other, pairs, num_tests, options)),
            )
        )
    return comparisons


def records_by_label(entries: Iterable[Entry], tasks: Sequence[str] | None) -> dict[str, Entry]:
    """Return label -> record for the given tasks (names or labels); None means all."""
    return {e.label: e for e in entries if tasks is None or e.label in tasks or e.record.identity.task in tasks}


def _differences(
    base: Sequence[Entry], other: Sequence[Entry], options: CompareOptions
) -> tuple[list[TaskRows], list[str]]:
    """Match the tasks that both have; return their rows, and sentences on what only one has."""
    if options.tasks is not None:
        select_tasks([*base, *other], options.tasks)
    ours, theirs = (records_by_label(entries, options.tasks) for entries in (base, other))
    shared = [label for label in ours if label in theirs]
    if not shared:
        raise RecordError(
            f"{base[0].key} and {other[0].key} share no task: {join_names(ours)} against {join_names(theirs)}. "
            "Evaluate both on the same tasks, with the same options."
        )
    missing = [f"{label}: only {base[0].key} has it" for label in ours if label not in theirs]
    missing += [f"{label}: only {other[0].key} has it" for label in theirs if label not in ours]
    results = []
    alike = [label for label in shared if share_pairs(ours[label], theirs[label], options.pairs)]
    missing += [f"{label}: the two have no pair in common" for label in shared if alike and label not in alike]
    for label in alike or shared:  # where no task has a common pair, matching says which pairs there are
        matched = match(ours[label], theirs[label], options.measure, options.pairs)
        for key, lonely in ((base[0].key, matched.only_base), (other[0].key, matched.only_other)):
            if lonely:
                missing.append(f"{label}: only {key} has {count(len(lonely), 'pair')} ({join_names(lonely)})")
        results.append(describe_task(matched, options.confidence))
    return results, missing


def _with_p(parts: Sequence[TaskRows], options: CompareOptions) -> list[TaskRows]:
    """Return rows with p-values: the pairs of all models and tasks are one family, their groups another."""
    by_pair = flip_parts([Flippable(rows.task, rows.cluster_names, rows.sums) for rows in parts], options)
    by_group = flip_parts([Flippable(rows.task, rows.cluster_names, rows.contributions) for rows in parts], options)
    return [
        rows._replace(pairs=_put(rows.pairs, pairs), groups=_put(rows.groups, groups))
        for rows, pairs, groups in zip(parts, by_pair, by_group, strict=True)
    ]


def _put(rows: Iterable[ComparedRow], tested: PValues) -> list[ComparedRow]:
    return [
        replace(row, p=p, p_corrected=corrected)
        for row, p, corrected in zip(rows, tested.p.tolist(), tested.corrected.tolist(), strict=True)
    ]


def _notes(
    base: Sequence[Entry], other: Sequence[Entry], pairs: Sequence[ComparedRow], num_tests: int, options: CompareOptions
) -> list[str]:
    notes = []
    ours, theirs = base[0].record.model.get("dtype"), other[0].record.model.get("dtype")
    if ours and theirs and ours != theirs:
        notes.append(f"Precision differs: {base[0].key} ran in {ours}, {other[0].key} in {theirs}.")
    least = (num_tests if options.correction == "holm" else 1) / (1 + options.flips)
    if least >= LEVELS[-1][0]:
        notes.append(
            f"{options.flips:,} flips over {count(num_tests, 'test')}: no corrected p can be below {LEVELS[-1][0]}. "
            f"Take at least --flips {int(options.flips * least / LEVELS[-1][0]) + 1}, or --correction max-t."
        )
    few = [f"{row.task} {row.name}" for row in pairs if 2.0 ** (1 - row.num_clusters) > LEVELS[-1][0]]
    if few:
        notes.append(f"With fewer than 6 clusters no difference can be significant: {join_names(few)}.")
    return notes
