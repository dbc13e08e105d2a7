"""Compare models with a base, per language pair and per group of pairs, from their records.

    records --match--> per-query differences --> rows: interval, wins, effect size --> sign-flip p, correction

The correction covers all that one call compares as one family: all pairs of all tasks of all other models. Groups of
pairs are a second family.
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
    differences = [_describe_tasks(base, other, options) for other in others]
    tested = _add_p_values([rows for results, _ in differences for rows in results], options)
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


def _describe_tasks(
    base: Sequence[Entry], other: Sequence[Entry], options: CompareOptions
) -> tuple[list[TaskRows], list[str]]:
    """Return the rows of the tasks that both models have, and sentences on the tasks and pairs that only one has."""
    if options.tasks is not None:
        select_tasks([*base, *other], options.tasks)
    base_records, other_records = (records_by_label(entries, options.tasks) for entries in (base, other))
    shared = [label for label in base_records if label in other_records]
    if not shared:
        raise RecordError(
            f"{base[0].key} and {other[0].key} share no task: {join_names(base_records)} against "
            f"{join_names(other_records)}. "
            "Evaluate both on the same tasks, with the same options."
        )
    missing = [f"{label}: only {base[0].key} has it" for label in base_records if label not in other_records]
    missing += [f"{label}: only {other[0].key} has it" for label in other_records if label not in base_records]
    results = []
    matching = [label for label in shared if share_pairs(base_records[label], other_records[label], options.pairs)]
    missing += [f"{label}: the two have no pair in common" for label in shared if matching and label not in matching]
    for label in matching or shared:  # where no task has a common pair, `match` raises and lists the pairs of both
        matched = match(base_records[label], other_records[label], options.measure, options.pairs)
        for key, unshared in ((base[0].key, matched.only_base), (other[0].key, matched.only_other)):
            if unshared:
                missing.append(f"{label}: only {key} has {count(len(unshared), 'pair')} ({join_names(unshared)})")
        results.append(describe_task(matched, options.confidence))
    return results, missing


def _add_p_values(parts: Sequence[TaskRows], options: CompareOptions) -> list[TaskRows]:
    """Return rows with p-values: the pairs of all models and tasks are one family, their groups another."""
    by_pair = flip_parts([Flippable(rows.task, rows.cluster_names, rows.sums) for rows in parts], options)
    by_group = flip_parts([Flippable(rows.task, rows.cluster_names, rows.contributions) for rows in parts], options)
    return [
        rows._replace(pairs=_fill_p_values(rows.pairs, pairs), groups=_fill_p_values(rows.groups, groups))
        for rows, pairs, groups in zip(parts, by_pair, by_group, strict=True)
    ]


def _fill_p_values(rows: Iterable[ComparedRow], tested: PValues) -> list[ComparedRow]:
    return [
        replace(row, p=p, p_corrected=corrected)
        for row, p, corrected in zip(rows, tested.p.tolist(), tested.corrected.tolist(), strict=True)
    ]


def _notes(
    base: Sequence[Entry], other: Sequence[Entry], pairs: Sequence[ComparedRow], num_tests: int, options: CompareOptions
) -> list[str]:
    notes = []
    base_dtype, other_dtype = base[0].record.model.get("dtype"), other[0].record.model.get("dtype")
    if base_dtype and other_dtype and base_dtype != other_dtype:
        notes.append(f"Precision differs: {base[0].key} ran in {base_dtype}, {other[0].key} in {other_dtype}.")
    least = (num_tests if options.correction == "holm" else 1) / (1 + options.flips)
    if least >= LEVELS[-1][0]:
        notes.append(
            f"{options.flips:,} flips over {count(num_tests, 'test')}: no corrected p can be below {LEVELS[-1][0]}. "
            f"Take at least --flips {int(options.flips * least / LEVELS[-1][0]) + 1}, or --correction max-t."
        )
    too_few_clusters = [f"{row.task} {row.name}" for row in pairs if 2.0 ** (1 - row.num_clusters) > LEVELS[-1][0]]
    if too_few_clusters:
        notes.append(f"With fewer than 6 clusters no difference can be significant: {join_names(too_few_clusters)}.")
    return notes
