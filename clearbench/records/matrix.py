"""Per-query scores of one record as a matrix: one measure, queries by language pairs.

Shapes: Q queries (of any pair), P pairs; NaN where a pair lacks a query.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clearbench.common.arrays import IntArray, Scores
from clearbench.common.errors import RecordError, UsageError, suggest
from clearbench.common.text import join_names
from clearbench.records.schema import PairRecord
from clearbench.records.select import Entry
from clearbench.records.source import ScorePart
from clearbench.stats.intervals import column_means

# A record's mean and the mean of its per-query scores may differ by this much: scores may be kept in float32.
SAME_MEAN = 1e-6


@dataclass(frozen=True)
class ScoreMatrix:
    """One measure of one record, query by query.

    Attributes:
        pairs: Names, in the order of the record.
        queries: Ids of the queries of any of the pairs, sorted; one id is one parallel question in every language.
        clusters: Cluster number of each query, int64 [Q].
        names: Cluster names by number, sorted.
        scores: float64 [Q, P], NaN where a pair lacks a query, or the query a value for the measure.
    """

    pairs: tuple[str, ...]
    queries: tuple[str, ...]
    clusters: IntArray
    names: tuple[str, ...]
    scores: Scores


def scores_matrix(entry: Entry, measure: str, pairs: Sequence[str] | None = None) -> ScoreMatrix:
    """Read one measure of some pairs from a record's per-query scores.

    One part is read at a time, so that 14,884 pairs of 900 queries need little more than the 107 MB of the result.

    Args:
        entry: The record.
        measure: Name of a measure that it has.
        pairs: Names of pairs that it has; None means all, in the record's order.
    Raises:
        UsageError: The record lacks the measure or a pair.
        RecordError: The scores are missing or damaged, or do not give the record's counts and means.
    """
    recorded = entry.record.by_pair
    wanted = list(recorded) if pairs is None else list(dict.fromkeys(pairs))
    _check_known(entry, measure, wanted, recorded)
    growing = _GrowingMatrix(wanted)
    for part in entry.scores.parts(measure):
        if not growing.add(part):
            raise RecordError(f"{part.file} is damaged: a query is in two clusters. {entry.scores.remedy}")
    _check_scores(entry, measure, [recorded[pair] for pair in wanted], growing)
    return growing.matrix()


class _GrowingMatrix:
    """A matrix that grows part by part.

    Attributes:
        pairs: Names of the columns.
        scores: float64 [rows, P]; rows are queries in the order of their first mention.
        num_rows: Queries read of each pair, int64 [P].
    """

    def __init__(self, pairs: Sequence[str]) -> None:
        self.pairs = tuple(pairs)
        self.scores: Scores = np.empty((0, len(pairs)))
        self.num_rows: IntArray = np.zeros(len(pairs), dtype=np.int64)
        self._column = {pair: column for column, pair in enumerate(pairs)}
        self._row: dict[str, int] = {}
        self._cluster: dict[str, int] = {}
        # Cluster of each row; -1 for a query that no wanted pair has.
        self._clusters: IntArray = np.empty(0, dtype=np.int64)

    def add(self, part: ScorePart) -> bool:
        """Take the scores of pairs that no earlier part had; False if a query is in two clusters."""
        columns = np.array([self._column.get(pair, -1) for pair in part.pairs], dtype=np.int64)[part.pair]
        keep = (columns >= 0) & (self.num_rows[columns] == 0)
        if not keep.any():
            return True
        columns = columns[keep]
        rows = np.array([self._row.setdefault(query, len(self._row)) for query in part.queries])[part.query[keep]]
        clusters = [self._cluster.setdefault(name, len(self._cluster)) for name in part.clusters]
        self._grow(len(self._row) - len(self.scores))
        part_clusters = np.array(clusters)[part.cluster[keep]]
        fresh = self._clusters[rows] < 0
        self._clusters[rows[fresh]] = part_clusters[fresh]
        self.scores[rows, columns] = part.scores[keep]
        self.num_rows += np.bincount(columns, minlength=len(self.pairs))
        return np.array_equal(self._clusters[rows], part_clusters)

    def matrix(self) -> ScoreMatrix:
        """Return the queries of the pairs, sorted, with clusters numbered in the order of their names."""
        queries = list(self._row)
        used = [row for row in sorted(range(len(queries)), key=queries.__getitem__) if self._clusters[row] >= 0]
        of_query = np.array(list(self._cluster), dtype=object)[self._clusters[used]]
        names, clusters = np.unique(of_query, return_inverse=True)
        return ScoreMatrix(
            pairs=self.pairs,
            queries=tuple(queries[row] for row in used),
            clusters=clusters.astype(np.int64),
            names=tuple(names.tolist()),
            scores=self.scores[used],
        )

    def _grow(self, num_rows: int) -> None:
        if num_rows:
            self.scores = np.vstack([self.scores, np.full((num_rows, len(self.pairs)), np.nan)])
            self._clusters = np.append(self._clusters, np.full(num_rows, -1))


def _check_known(entry: Entry, measure: str, wanted: Sequence[str], recorded: Mapping[str, PairRecord]) -> None:
    """Refuse a measure or pair that the record lacks, and a pair no query of which has a value for the measure."""
    known = list(dict.fromkeys(name for pair in recorded.values() for name in pair.measures))
    if measure not in known:
        raise UsageError(
            f"{entry.label} of {entry.key} has no measure {measure!r}; it has {', '.join(known)}."
            f"{suggest(measure, known)}"
        )
    unknown = [pair for pair in wanted if pair not in recorded]
    if unknown or not wanted:
        raise UsageError(
            f"{entry.label} of {entry.key} has no pair {join_names(unknown)}; it has {join_names(recorded)}."
        )
    valueless = [pair for pair in wanted if measure not in recorded[pair].measures]
    if valueless:
        raise UsageError(
            f"{entry.label} of {entry.key}: no query of {join_names(valueless)} has a value for {measure}. "
            "Leave these pairs out, or choose another measure."
        )


def _check_scores(entry: Entry, measure: str, recorded: Sequence[PairRecord], growing: _GrowingMatrix) -> None:
    """Raise unless per-query scores give the counts and means of the record.

    Only a mixed pool's measures have queries without a value.
    """
    counts = (~np.isnan(growing.scores)).sum(axis=0)
    means = column_means(growing.scores)
    columns = zip(recorded, growing.num_rows.tolist(), counts.tolist(), means.tolist(), strict=True)
    for pair, num_rows, count, mean in columns:
        where = f"{entry.place}: {entry.label} {pair.pair}"
        if num_rows != pair.num_queries or (count != num_rows and pair.bias is None):
            num_values = num_rows if num_rows != pair.num_queries else count
            raise RecordError(
                f"{where}: the record counts {pair.num_queries:,} queries, the per-query scores hold {num_values:,} "
                f"values of {measure}. {entry.scores.remedy}"
            )
        recorded_mean = pair.measures[measure].mean
        if not abs(recorded_mean - mean) <= SAME_MEAN * max(1.0, abs(mean)):  # NaN too is another mean
            raise RecordError(
                f"{where}: the record says {recorded_mean:.6f} for {measure}, the per-query scores give {mean:.6f}: "
                f"one of them was changed. {entry.scores.remedy}"
            )
