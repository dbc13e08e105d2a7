"""Parquet parts: per-query scores of the pairs that share a pool, with the pairs' summaries as metadata."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from clearbench.common.arrays import Scores
from clearbench.common.errors import RecordError
from clearbench.common.files import parquet_bytes
from clearbench.common.hashing import content_hash
from clearbench.common.text import file_name, first_line
from clearbench.records.schema import Identity, PairRecord

METADATA_KEY = b"clearbench"
"""Where a Parquet file's metadata hold what clearbench says of it, as JSON."""
SCORES = "scores"
"""Folder of the parts, in a record's."""


@dataclass(frozen=True)
class QueryScores:
    """Per-query scores of one pair.

    Attributes:
        summary: The pair's record.
        queries: Query ids.
        clusters: Cluster of each query.
        measures: Measure names.
        scores: float64 [Q, M]; NaN where a query has no value for a measure.
        columns: What else to keep per query, by column name, float64 [Q].
    """

    summary: PairRecord
    queries: Sequence[str]
    clusters: Sequence[str]
    measures: Sequence[str]
    scores: Scores
    columns: Mapping[str, Scores] = field(default_factory=dict)


def read_scores(folder: Path, pairs: Sequence[str] | None = None, columns: Sequence[str] | None = None) -> Any:
    """Return per-query scores as a pandas DataFrame: pair, query, cluster, one column per measure.

    Args:
        folder: A record's folder.
        pairs: Only these pairs.
        columns: Only these measures.
    Raises:
        RecordError: A part cannot be read.
    """
    import pyarrow.dataset

    files = part_files(folder)
    if not files:
        raise RecordError(f"{folder} holds no per-query scores.")
    keep = pyarrow.dataset.field("pair").isin(list(pairs)) if pairs is not None else None
    names = ["pair", "query", "cluster", *columns] if columns is not None else None
    try:
        table = pyarrow.dataset.dataset([str(file) for file in files]).to_table(columns=names, filter=keep)
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise RecordError(f"The per-query scores in {folder} cannot be read: {error}") from error
    return table.to_pandas().drop_duplicates(["pair", "query"], ignore_index=True)


def part_files(folder: Path) -> list[Path]:
    """Return the parts in a record's folder, sorted."""
    return sorted((folder / SCORES).glob("*.parquet"))


def part_name(pool: str, pairs: Sequence[str]) -> str:
    """Return the file name, without its ending, of the part that holds these pairs of a pool."""
    return f"{file_name(pool)[:80]}-{content_hash(*pairs)[:12]}"


def part_bytes(results: Sequence[QueryScores], identity: Identity) -> bytes:
    """Return one part as a Parquet file.

    Args:
        results: Scores of pairs that share a pool, all with the same measures and columns.
        identity: The identity of their record.
    """
    import pyarrow as pa

    lengths = [len(result.queries) for result in results]
    pairs = pa.DictionaryArray.from_arrays(
        np.repeat(np.arange(len(results), dtype=np.int32), lengths), pa.array([r.summary.pair for r in results])
    )
    columns: dict[str, Any] = {
        "pair": pairs,
        "query": pa.array([query for result in results for query in result.queries]).dictionary_encode(),
        "cluster": pa.array([cluster for result in results for cluster in result.clusters]).dictionary_encode(),
    }
    stacked = np.concatenate([result.scores for result in results])
    for column, measure in enumerate(results[0].measures):
        columns[measure] = stacked[:, column]
    for name in results[0].columns:
        columns[name] = np.concatenate([result.columns[name] for result in results])
    metadata = {
        "identity": identity.model_dump(mode="json"),
        "pairs": [result.summary.model_dump(mode="json") for result in results],
    }
    table = pa.table(columns).replace_schema_metadata({METADATA_KEY: json.dumps(metadata)})
    return parquet_bytes(table)


class PartSummary(NamedTuple):
    """What a part's metadata say: the record's identity, as read from JSON, and the part's pairs."""

    identity: Any
    pairs: list[PairRecord]


def read_part_summary(file: Path) -> PartSummary:
    """Read identity and pairs of a part; its scores are left alone.

    Raises:
        RecordError: It is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = json.loads(pq.read_schema(file).metadata[METADATA_KEY])
        return PartSummary(metadata["identity"], [PairRecord.model_validate(pair) for pair in metadata["pairs"]])
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise RecordError(
            f"{file} is damaged ({first_line(error)}). Delete it and run again; its pairs are then scored anew."
        ) from error
