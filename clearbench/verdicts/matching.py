"""Per-query scores of records side by side: one measure, the same pairs, the same queries, the same data.

Two records are matched only if the encoder is all that differs. Any other difference is an error that names it.

Shapes: Q queries (of any pair), P pairs; NaN where a pair lacks a query.
"""

from dataclasses import dataclass

import numpy as np

from clearbench.common.arrays import IntArray, Scores
from clearbench.common.errors import RecordError
from clearbench.common.measures import SAME_SCORE
from clearbench.common.pairs import parse_pair, select_pairs
from clearbench.common.text import count, join_names
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
    """Return the per-query scores of two records on the pairs and queries that both have.

    Args:
        base: Record of one model.
        other: Record of another model, of the same task.
        measure: Name of a measure; None means the records' main measure.
        pairs: Patterns as in `--pairs`, such as '*-en,de-de'; None means every pair.
    Raises:
        RecordError: The records differ in task, version, options, scoring, data or queries, share no pair, or the
            per-query scores are damaged; the message says which.
        UsageError: The measure is not in the records, or a pattern cannot be read or matches no pair of either.
    """
    refuse_other_measurement(base, other)
    measure = base.record.main_measure if measure is None else measure
    base_pairs, other_pairs = _select_pairs(base, other, pairs)
    shared = _shared_pairs(base, other, base_pairs, other_pairs)
    base_matrix, other_matrix = scores_matrix(base, measure, shared), scores_matrix(other, measure, shared)
    _refuse_other_queries(base, other, base_matrix, other_matrix)
    return Matched(
        task=base.label,
        measure=measure,
        pairs=base_matrix.pairs,
        queries=base_matrix.queries,
        clusters=base_matrix.clusters,
        cluster_names=base_matrix.names,
        base=base_matrix.scores,
        other=other_matrix.scores,
        only_base=tuple(pair for pair in base_pairs if pair not in other_pairs),
        only_other=tuple(pair for pair in other_pairs if pair not in base_pairs),
    )


def share_pairs(base: Entry, other: Entry, pairs: str | None = None) -> bool:
    """Return whether two records of one task have a pair in common.

    Args:
        base: Record of one model.
        other: Record of another model.
        pairs: Patterns as for `match`.
    Raises:
        UsageError: A pattern cannot be read or matches no pair of either.
    """
    base_pairs, other_pairs = _select_pairs(base, other, pairs)
    return not base_pairs.keys().isdisjoint(other_pairs)


def refuse_other_measurement(base: Entry, other: Entry) -> None:
    """Check that two records differ in nothing but encoder, pairs and data.

    Raises:
        RecordError: Task, version, options or scoring differ; the message says which.
    """
    if what := _describe_difference(base, other):
        raise RecordError(
            f"{base.place} and {other.place} are not comparable: {what}. Evaluate both with one version, one task "
            "definition and the same settings."
        )


def find_conflict(base: Entry, other: Entry) -> str | None:
    """Return in words why the figures of two records of one task cannot be compared; None where they can.

    Args:
        base: Record of one model.
        other: Record of another model.
    """
    if what := _describe_difference(base, other):
        return what
    if base.record.data == other.record.data:  # of all pairs
        return None
    base_pairs, other_pairs = base.record.by_pair, other.record.by_pair
    for name, pair in base_pairs.items():
        other_pair = other_pairs.get(name, pair)
        if (pair.data, pair.num_queries) != (other_pair.data, other_pair.num_queries):
            return f"they were scored on different texts or judgements, first in {name}"
    return None


def _describe_difference(base: Entry, other: Entry) -> str:
    """Return in words how two records differ besides encoder, pairs and data; "" if they do not."""
    base_identity, other_identity = base.record.identity.model_dump(), other.record.identity.model_dump()
    differing = [key for key in base_identity if key != "encoder" and base_identity[key] != other_identity[key]]
    return "; ".join(f"{key} {base_identity[key]} against {other_identity[key]}" for key in differing)


def _select_pairs(base: Entry, other: Entry, pairs: str | None) -> tuple[Pairs, Pairs]:
    """Return each record's pairs by name, only those that match the patterns; a pattern may match in one of them."""
    base_pairs, other_pairs = base.record.by_pair, other.record.by_pair
    if pairs is None:
        return base_pairs, other_pairs
    names = dict.fromkeys([*base_pairs, *other_pairs])
    chosen = set(map(str, select_pairs(pairs, map(parse_pair, names))))
    return (
        {name: pair for name, pair in base_pairs.items() if name in chosen},
        {name: pair for name, pair in other_pairs.items() if name in chosen},
    )


def _shared_pairs(base: Entry, other: Entry, base_pairs: Pairs, other_pairs: Pairs) -> list[str]:
    """Return the names of the pairs that both records have; raise if they were scored on different data."""
    shared = [pair for pair in base_pairs if pair in other_pairs]
    if not shared:
        raise RecordError(
            f"{base.label}: {base.key} and {other.key} share no pair ({join_names(base_pairs)} against "
            f"{join_names(other_pairs)}). Evaluate both on the same pairs."
        )
    changed = [pair for pair in shared if base_pairs[pair].data != other_pairs[pair].data]
    if changed:
        raise RecordError(
            f"{base.label}: {base.key} and {other.key} were scored on different texts or judgements in "
            f"{len(changed):,} of {len(shared):,} pairs ({join_names(changed)}). Evaluate one of them again on the "
            "other's data."
        )
    return shared


def _refuse_other_queries(base: Entry, other: Entry, base_matrix: ScoreMatrix, other_matrix: ScoreMatrix) -> None:
    """Raise unless both have scores of the same queries, in the same clusters."""
    records = f"{base.label}: {base.key} and {other.key}"
    same_places = np.array_equal(np.isnan(base_matrix.scores), np.isnan(other_matrix.scores))
    if base_matrix.queries != other_matrix.queries or not same_places:
        unshared = set(base_matrix.queries) ^ set(other_matrix.queries)
        which = (
            f"only one has {count(len(unshared), 'query')} such as {min(unshared)!r}" if unshared else "in some pairs"
        )
        raise RecordError(
            f"{records} have scores of different queries ({which}). Evaluate one of them again with --replace."
        )
    if base_matrix.names != other_matrix.names or not np.array_equal(base_matrix.clusters, other_matrix.clusters):
        raise RecordError(
            f"{records} group their queries into different clusters. Evaluate one of them again with --replace."
        )
