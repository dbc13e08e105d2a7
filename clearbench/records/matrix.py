"""Per-query scores of one record as a matrix: one measure, queries by language pairs.

Shapes: Q queries (of any pair), P pairs; NaN where a pair lacks a query.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from clearbench.common.arrays import IntArray, Scores
from clearbench.common.errors import RecordError, UsageError, suggest
from clearbench.records.schema import PairRecord
from clearbench.records.select import Entry

# A record's mean and that of its per-query scores may differ by this much (room for scores kept in float32).
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
    """Read one measure of the given pairs (default: all) from a record's per-query scores.

    One part is read at a time, so that 14,884 pairs of 900 queries need little more than the 107 MB of the result.

    Raises:
        UsageError: The record lacks the measure or a pair.
        RecordError: The scores are missing or damaged, or are not those that the record sums up.
    """
    recorded = {pair.pair: pair for pair in entry.record.pairs}
    wanted = list(recorded) if pairs is None else list(dict.fromkeys(pairs))
    _check_known(entry, measure, wanted, recorded)
    files = sorted((entry.folder / "scores").glob("*.parquet"))
    if not files:
        raise RecordError(f"{entry.folder} holds no per-query scores: copy the folder `scores` too.")
    column = {pair: place for place, pair in enumerate(wanted)}
    row: dict[str, int] = {}
    cluster: dict[str, int] = {}
    cluster_Q = np.empty(0, dtype=np.int64)
    scores = np.empty((0, len(wanted)))
    num_rows = np.zeros(len(wanted), dtype=np.int64)
    for file in files:
        part = _read_part(file, measure)
        columns = np.array([column.get(pair, -1) for pair in part.pairs], dtype=np.int64)[part.pair]
        keep = (columns >= 0) & (num_rows[columns] == 0)
        if not keep.any():
            continue
        columns = columns[keep]
        rows = np.array([row.setdefault(query, len(row)) for query in part.queries])[part.query[keep]]
        named = np.array([cluster.setdefault(name, len(cluster)) for name in part.clusters])[part.cluster[keep]]
        new = len(row) - len(scores)
        if new:
            scores = np.vstack([scores, np.full((new, len(wanted)), np.nan)])
            cluster_Q = np.append(cluster_Q, np.full(new, -1))
        fresh = cluster_Q[rows] < 0
        cluster_Q[rows[fresh]] = named[fresh]
        if not np.array_equal(cluster_Q[rows], named):
            raise RecordError(f"{file} is damaged: a query stands in two clusters. Measure again with --replace.")
        scores[rows, columns] = part.scores[keep]
        num_rows += np.bincount(columns, minlength=len(wanted))
    queries = list(row)
    used = [place for place in sorted(range(len(row)), key=queries.__getitem__) if cluster_Q[place] >= 0]
    scores = scores[used]
    _check_scores(entry, measure, [recorded[pair] for pair in wanted], num_rows, scores)
    names, clusters = np.unique(np.array(list(cluster), dtype=object)[cluster_Q[used]], return_inverse=True)
    return ScoreMatrix(
        pairs=tuple(wanted),
        queries=tuple(queries[place] for place in used),
        clusters=clusters.astype(np.int64),
        names=tuple(names.tolist()),
        scores=scores,
    )


class _Part(NamedTuple):
    """One Parquet file: codes per row and what they stand for."""

    pairs: list[str]
    pair: IntArray
    queries: list[str]
    query: IntArray
    clusters: list[str]
    cluster: IntArray
    scores: Scores


def _read_part(file: Path, measure: str) -> _Part:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file, columns=["pair", "query", "cluster", measure]).unify_dictionaries()
        pairs, pair = _codes(table.column("pair"))
        queries, query = _codes(table.column("query"))
        clusters, cluster = _codes(table.column("cluster"))
        scores = table.column(measure).to_numpy().astype(np.float64)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise RecordError(f"{file} is damaged ({reason}). Restore it, or measure again with --replace.") from error
    if np.isinf(scores).any():
        raise RecordError(f"{file} is damaged: a score is infinite. Measure again with --replace.")
    return _Part(pairs, pair, queries, query, clusters, cluster, scores)


def _codes(column: Any) -> tuple[list[str], IntArray]:
    """Distinct strings of an Arrow column, and per row the position of its own."""
    import pyarrow as pa

    combined = column.combine_chunks()
    encoded = combined if pa.types.is_dictionary(combined.type) else combined.dictionary_encode()
    if encoded.null_count:
        raise ValueError("a pair, query or cluster is missing")
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)


def _check_known(entry: Entry, measure: str, wanted: list[str], recorded: dict[str, PairRecord]) -> None:
    known = list(dict.fromkeys(name for pair in recorded.values() for name in pair.measures))
    if measure not in known:
        raise UsageError(
            f"{entry.label} of {entry.key} has no measure {measure!r}; it has {', '.join(known)}."
            f"{suggest(measure, known)}"
        )
    unknown = [pair for pair in wanted if pair not in recorded]
    if unknown or not wanted:
        raise UsageError(f"{entry.label} of {entry.key} has no pair {listed(unknown)}; it has {listed(recorded)}.")
    without = [pair for pair in wanted if measure not in recorded[pair].measures]
    if without:
        raise UsageError(
            f"{entry.label} of {entry.key}: no query of {listed(without)} has a value for {measure}. "
            "Leave these pairs out, or choose another measure."
        )


def _check_scores(entry: Entry, measure: str, recorded: list[PairRecord], num_rows: IntArray, scores: Scores) -> None:
    """Compare per-query scores with what record.json says of them: counts and means.

    Only a mixed pool's measures have queries without a value.
    """
    present = ~np.isnan(scores)
    counts = present.sum(axis=0)
    means = np.where(present, scores, 0.0).sum(axis=0) / np.maximum(counts, 1)
    held = zip(recorded, num_rows.tolist(), counts.tolist(), means.tolist(), strict=True)
    for pair, rows, count, mean in held:
        where = f"{entry.folder}, {pair.pair}"
        found = rows if rows != pair.num_queries else count
        if rows != pair.num_queries or (count != rows and pair.bias is None):
            raise RecordError(
                f"{where}: record.json counts {pair.num_queries:,} queries, the files in `scores` hold {found:,} "
                f"values of {measure}. Restore them, or measure again with --replace."
            )
        if not abs(pair.measures[measure].mean - mean) <= SAME_MEAN * max(1.0, abs(mean)):  # NaN too is another mean
            raise RecordError(
                f"{where}: record.json says {pair.measures[measure].mean:.6f} for {measure}, the per-query scores give "
                f"{mean:.6f}. One of them was changed; restore it, or measure again with --replace."
            )


def listed(names: Iterable[str]) -> str:
    """Up to five names, and how many more there are."""
    everything = list(names)
    more = f" and {len(everything) - 5:,} more" if len(everything) > 5 else ""
    return ", ".join(everything[:5]) + more if everything else "none"
