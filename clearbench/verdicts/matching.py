"""Per-query scores of records side by side: one measure, the same pairs, the same queries, the same data.

Two records are matched only if nothing but the encoder differs; everything else is refused with what differs.

Shapes: Q queries (of any pair), P pairs; NaN where a pair lacks a query.
"""

from dataclasses import dataclass

import numpy as np

from clearbench.common.arrays import IntArray, Scores
from clearbench.common.errors import RecordError
from clearbench.common.measures import SAME_SCORE
from clearbench.common.pairs import parse_pair, select_pairs
from clearbench.common.text import join_names
from clearbench.records.matrix import ScoreMatrix, scores_matrix
from clearbench.records.schema import PairRecord
from clearbench.records.select import Entry

Pairs = dict[str, PairRecord]
"""A record's pairs by name."""


@dataclass(frozen=True)
class Matched:
    """Scores of two records of one task on the same pairs, queries and data.

    Attributes:
        task: Label of the task.
        measure: Which measure.
        pairs: Pairs that both have, in the order of the base's record.
        queries: Ids of their queries, sorted.
        clusters: Cluster number of each query, int64 [Q].
        cluster_names: Names of the clusters by number, sorted.
        base: Scores of the base, float64 [Q, P]; NaN where a pair lacks a query.
        other: Scores of the other record, float64 [Q, P]; NaN in the same places.
        only_base: Selected pairs that only the base has.
        only_other: Selected pairs that only the other has.
    """

    task: str
    measure: str
    pairs: tuple[str, ...]
    queries: tuple[str, ...]
    clusters: IntArray
    cluster_names: tuple[str, ...]
    base: Scores
    other: Scores
    only_base: tuple[str, ...]
    only_other: tuple[str, ...]

    @property
    def differences(self) -> Scores:
        """Other minus base, float64 [Q, P]; a difference that is only rounding is 0."""
        differences = self.other - self.base
        differences[np.abs(differences) < SAME_SCORE] = 0.0
        return differences


def match(base: Entry, other: Entry, measure: str | None = None, pairs: str | None = None) -> Matched:
    """Put the per-query scores of two records side by side.

    Args:
        base: Record of one model.
        other: Record of another model, of the same task.
        measure: Name of a measure; None means the records' main measure.
        pairs: Patterns as in `--pairs`, such as '*-en,de-de'; None means every pair.
    Raises:
        RecordError: The records are of another task, version, options, scoring or data, have other queries, share no
            pair, or the per-query scores are damaged; the message says which.
        UsageError: The measure is not in the records, or a pattern cannot be read or matches no pair of either.
    """
    refuse_other_measurement(base, other)
    measure = base.record.main_measure if measure is None else measure
    ours, theirs = _selected(base, other, pairs)
    shared = _shared(base, other, ours, theirs)
    left, right = scores_matrix(base, measure, shared), scores_matrix(other, measure, shared)
    _refuse_other_queries(base, other, left, right)
    return Matched(
        task=base.label,
        measure=measure,
        pairs=left.pairs,
        queries=left.queries,
        clusters=left.clusters,
        cluster_names=left.names,
        base=left.scores,
        other=right.scores,
        only_base=tuple(pair for pair in ours if pair not in theirs),
        only_other=tuple(pair for pair in theirs if pair not in ours),
    )


def share_pairs(base: Entry, other: Entry, pairs: str | None = None) -> bool:
    """Say whether two records of one task have a pair in common.

    Args:
        base: Record of one model.
        other: Record of another model.
        pairs: Patterns as for `match`.
    Raises:
        UsageError: A pattern cannot be read or matches no pair of either.
    """
    ours, theirs = _selected(base, other, pairs)
    return not ours.keys().isdisjoint(theirs)


def refuse_other_measurement(base: Entry, other: Entry) -> None:
    """Check that two records differ in nothing but encoder, pairs and data.

    Raises:
        RecordError: They are of another task, version, options or scoring; the message says which.
    """
    ours, theirs = base.record.identity.model_dump(), other.record.identity.model_dump()
    differing = [key for key in ours if key != "encoder" and ours[key] != theirs[key]]
    if differing:
        what = "; ".join(f"{key} {ours[key]} against {theirs[key]}" for key in differing)
        raise RecordError(
            f"{base.place} and {other.place} are not comparable: {what}. Evaluate both with one version, one task "
            "definition and the same settings."
        )


def _selected(base: Entry, other: Entry, pairs: str | None) -> tuple[Pairs, Pairs]:
    """Both records' pairs by name, narrowed to patterns that any of the two records has pairs for."""
    ours, theirs = base.record.by_pair, other.record.by_pair
    if pairs is None:
        return ours, theirs
    chosen = set(map(str, select_pairs(pairs, map(parse_pair, dict.fromkeys([*ours, *theirs])))))
    return {p: r for p, r in ours.items() if p in chosen}, {p: r for p, r in theirs.items() if p in chosen}


def _shared(base: Entry, other: Entry, ours: Pairs, theirs: Pairs) -> list[str]:
    """Names of the pairs that both records have, scored on the same data."""
    shared = [pair for pair in ours if pair in theirs]
    if not shared:
        raise RecordError(
            f"{base.label}: {base.key} and {other.key} share no pair ({join_names(ours)} against "
            f"{join_names(theirs)}). Evaluate both on the same pairs."
        )
    changed = [pair for pair in shared if ours[pair].data != theirs[pair].data]
    if changed:
        raise RecordError(
            f"{base.label}: {base.key} and {other.key} were scored on other texts or judgements in {len(changed):,} "
            f"of {len(shared):,} pairs ({join_names(changed)}). Evaluate one of them again on the other's data."
        )
    return shared


def _refuse_other_queries(base: Entry, other: Entry, left: ScoreMatrix, right: ScoreMatrix) -> None:
    """Raise unless both have scores of the same queries, in the same clusters."""
    what = f"{base.label}: {base.key} and {other.key}"
    if left.queries != right.queries or not np.array_equal(np.isnan(left.scores), np.isnan(right.scores)):
        lost = set(left.queries) ^ set(right.queries)
        which = f"{len(lost):,} queries stand in one only, such as {min(lost)!r}" if lost else "in some pairs"
        raise RecordError(f"{what} have scores of other queries ({which}). Evaluate one of them again with --replace.")
    if left.names != right.names or not np.array_equal(left.clusters, right.clusters):
        raise RecordError(f"{what} group their queries into other clusters. Evaluate one of them again with --replace.")
