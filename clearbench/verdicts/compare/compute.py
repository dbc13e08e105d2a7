"""Compare models with a base, per language pair and per group of pairs, from their records.

    records --match--> per-query differences --> interval, sign-flip p, correction, win/tie/loss, effect size

The family that the correction covers is everything one call compares: all pairs of all tasks of all other models.
Groups of pairs are a family of their own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clearbench.common.arrays import Scores
from clearbench.common.errors import RecordError, UsageError, suggest
from clearbench.common.languages import parse_pair
from clearbench.common.text import listed
from clearbench.records.select import Entry, select_tasks
from clearbench.stats.averages import GROUPS
from clearbench.stats.flips import FlipTest, benjamini_hochberg, holm, sign_flip_tests
from clearbench.stats.intervals import cluster_sums, macro_mean_interval, mean_interval
from clearbench.verdicts.compare.model import CORRECTIONS, LEVELS, RANK_MEASURES, CompareOptions, Comparison, Row
from clearbench.verdicts.matching import SAME_SCORE, Matched, match

__all__ = ["CORRECTIONS", "LEVELS", "CompareOptions", "Comparison", "Row", "compare", "compare_models"]


def compare(base: Sequence[Entry], other: Sequence[Entry], options: CompareOptions | None = None) -> Comparison:
    """Compare one model with the base; see `compare_models`."""
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
    found = [_differences(base, other, options) for other in others]
    everything = [result for results, _ in found for result in results]
    by_pair = _tests([(r.task, r.cluster_names, r.sums) for r in everything], options)
    by_group = _tests([(r.task, r.cluster_names, r.contributions) for r in everything], options)
    tested = iter(
        (_with_p(result.pairs, one), _with_p(result.groups, two))
        for result, one, two in zip(everything, by_pair, by_group, strict=True)
    )
    num_tests = sum(len(result.pairs) for result in everything)
    names = _short_names([base[0], *(other[0] for other in others)])
    comparisons = []
    for other, (results, missing) in zip(others, found, strict=True):
        rows = [next(tested) for _ in results]
        pairs = tuple(row for part, _ in rows for row in part)
        comparisons.append(
            Comparison(
                base=base[0].key,
                other=other[0].key,
                base_name=names[base[0].key],
                other_name=names[other[0].key],
                options=options,
                pairs=pairs,
                groups=tuple(row for _, part in rows for row in part),
                num_tests=num_tests,
                missing=tuple(missing),
                notes=tuple(_notes(base, other, pairs, num_tests, options)),
            )
        )
    return comparisons


class _Result(NamedTuple):
    """One model on one task: rows that lack p-values, and what the tests flip."""

    task: str
    cluster_names: tuple[str, ...]
    pairs: list[Row]
    groups: list[Row]
    sums: Scores
    contributions: Scores


class _P(NamedTuple):
    p: Scores
    corrected: Scores


def _differences(
    base: Sequence[Entry], other: Sequence[Entry], options: CompareOptions
) -> tuple[list[_Result], list[str]]:
    """Match the tasks that both have; (results, sentences on what only one has)."""
    if options.tasks is not None:
        select_tasks([*base, *other], options.tasks)
    ours, theirs = (_by_label(_of_tasks(entries, options.tasks)) for entries in (base, other))
    shared = [label for label in ours if label in theirs]
    if not shared:
        raise RecordError(
            f"{base[0].key} and {other[0].key} share no task: {listed(ours)} against {listed(theirs)}. "
            "Evaluate both on the same tasks, with the same options."
        )
    missing = [f"{label}: only {base[0].key} has it" for label in ours if label not in theirs]
    missing += [f"{label}: only {other[0].key} has it" for label in theirs if label not in ours]
    results = []
    for label in shared:
        matched = match(ours[label], theirs[label], options.measure, options.pairs)
        for key, lonely in ((base[0].key, matched.only_base), (other[0].key, matched.only_other)):
            if lonely:
                missing.append(f"{label}: only {key} has {len(lonely):,} pairs ({listed(lonely)})")
        results.append(_describe(matched, options.confidence))
    return results, missing


def _describe(matched: Matched, confidence: float) -> _Result:
    """Everything about the rows of one task but their p-values."""
    differences_QP = matched.differences
    interval = mean_interval(differences_QP, matched.clusters, confidence)
    base_P, other_P = _means(matched.base), _means(matched.other)
    better = -1.0 if matched.measure in RANK_MEASURES else 1.0
    wins, losses = (better * differences_QP > 0).sum(axis=0), (better * differences_QP < 0).sum(axis=0)
    gain_P = better * interval.mean
    pairs = [
        Row(
            task=matched.task,
            measure=matched.measure,
            kind="pair",
            name=name,
            num_pairs=1,
            num_queries=int(interval.num_queries[p]),
            num_clusters=int(interval.num_clusters[p]),
            base=float(base_P[p]),
            other=float(other_P[p]),
            difference=float(interval.mean[p]),
            lower=_finite(interval.lower[p]),
            upper=_finite(interval.upper[p]),
            p=np.nan,
            p_corrected=np.nan,
            wins=int(wins[p]),
            ties=int(interval.num_queries[p] - wins[p] - losses[p]),
            losses=int(losses[p]),
            d_z=d_z,
        )
        for p, (name, d_z) in enumerate(zip(matched.pairs, map(_finite, interval.d_z), strict=True))
    ]
    names, groups_GP = group_members(matched.pairs)
    macro = macro_mean_interval(differences_QP, matched.clusters, groups_GP, confidence)
    groups = [
        Row(
            task=matched.task,
            measure=matched.measure,
            kind="group",
            name=name,
            num_pairs=int(macro.num_columns[g]),
            num_queries=int(interval.num_queries[members].sum()),
            num_clusters=int(macro.num_clusters[g]),
            base=float(base_P[members].mean()),
            other=float(other_P[members].mean()),
            difference=float(macro.mean[g]),
            lower=_finite(macro.lower[g]),
            upper=_finite(macro.upper[g]),
            p=np.nan,
            p_corrected=np.nan,
            wins=int((gain_P[members] > SAME_SCORE).sum()),
            ties=int((np.abs(gain_P[members]) <= SAME_SCORE).sum()),
            losses=int((gain_P[members] < -SAME_SCORE).sum()),
            d_z=None,
        )
        for g, (name, members) in enumerate(zip(names, groups_GP, strict=True))
    ]
    sums_CP = cluster_sums(differences_QP, matched.clusters)
    return _Result(matched.task, matched.cluster_names, pairs, groups, sums_CP, macro.contributions)


def group_members(pairs: Sequence[str]) -> tuple[list[str], NDArray[np.bool_]]:
    """Names of the groups that have a pair among these, and which pairs they have: bool [G, P]."""
    parsed = [parse_pair(pair) for pair in pairs]
    members = {group: np.array([belongs(pair) for pair in parsed]) for group, belongs in GROUPS.items()}
    present = {group: mask for group, mask in members.items() if mask.any()}
    return list(present), np.stack(list(present.values()))


def _tests(found: Sequence[tuple[str, tuple[str, ...], Scores]], options: CompareOptions) -> list[_P]:
    """Sign-flip tests of (task, cluster names, sums) with one flip per cluster of a task, whatever model or pair."""
    columns: dict[str, list[int]] = {}
    for place, (task, _, _) in enumerate(found):
        columns.setdefault(task, []).append(place)
    blocks: list[Scores] = []
    owners: list[tuple[int, int, slice]] = []
    for places in columns.values():
        names = sorted({name for place in places for name in found[place][1]})
        index = {name: number for number, name in enumerate(names)}
        block = np.zeros((len(names), sum(found[place][2].shape[1] for place in places)))
        left = 0
        for place in places:
            _, own_names, sums = found[place]
            block[[index[name] for name in own_names], left : left + sums.shape[1]] = sums
            owners.append((place, len(blocks), slice(left, left + sums.shape[1])))
            left += sums.shape[1]
        blocks.append(block)
    tests = sign_flip_tests(blocks, options.flips, options.seed)
    corrected = _correct(tests, options.correction)
    results = {place: _P(tests[block].p[part], corrected[block][part]) for place, block, part in owners}
    return [results[place] for place in range(len(found))]


def _correct(tests: Sequence[FlipTest], correction: str) -> list[Scores]:
    if correction == "max-t":
        return [test.p_max_t for test in tests]
    if correction == "none":
        return [test.p for test in tests]
    adjusted = (holm if correction == "holm" else benjamini_hochberg)(np.concatenate([test.p for test in tests]))
    return np.split(adjusted, np.cumsum([len(test.p) for test in tests])[:-1])


def _with_p(rows: Iterable[Row], tested: _P) -> list[Row]:
    return [
        replace(row, p=p, p_corrected=corrected)
        for row, p, corrected in zip(rows, tested.p.tolist(), tested.corrected.tolist(), strict=True)
    ]


def _notes(
    base: Sequence[Entry], other: Sequence[Entry], pairs: Sequence[Row], num_tests: int, options: CompareOptions
) -> list[str]:
    notes = []
    ours, theirs = base[0].record.model.get("dtype"), other[0].record.model.get("dtype")
    if ours and theirs and ours != theirs:
        notes.append(f"Precision differs: {base[0].key} ran in {ours}, {other[0].key} in {theirs}.")
    least = (num_tests if options.correction == "holm" else 1) / (1 + options.flips)
    if least >= LEVELS[-1][0]:
        notes.append(
            f"{options.flips:,} flips over {num_tests:,} tests: no corrected p can be below {LEVELS[-1][0]}. "
            f"Take at least --flips {int(options.flips * least / LEVELS[-1][0]) + 1}, or --correction max-t."
        )
    few = [f"{row.task} {row.name}" for row in pairs if 2.0 ** (1 - row.num_clusters) > LEVELS[-1][0]]
    if few:
        notes.append(f"With fewer than 6 clusters no difference can be significant: {listed(few)}.")
    return notes


def _short_names(entries: Sequence[Entry]) -> dict[str, str]:
    """Key -> name, or the key itself where two models have one name."""
    name = {entry.key: entry.name for entry in entries}
    return {key: short if list(name.values()).count(short) == 1 else key for key, short in name.items()}


def _of_tasks(entries: Sequence[Entry], tasks: tuple[str, ...] | None) -> list[Entry]:
    return [e for e in entries if tasks is None or e.label in tasks or e.record.identity.task in tasks]


def _by_label(entries: Iterable[Entry]) -> dict[str, Entry]:
    return {entry.label: entry for entry in entries}


def _means(scores_QP: Scores) -> Scores:
    present = ~np.isnan(scores_QP)
    means: Scores = np.where(present, scores_QP, 0.0).sum(axis=0) / present.sum(axis=0)
    return means


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
