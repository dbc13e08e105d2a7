"""Parquet parts: per-query scores of the pairs that share a pool, with a document that summarises them.

All of a record except its times is derived from the documents of its parts; see `records.derive`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from clearbench.common.arrays import Scores
from clearbench.common.errors import RecordError
from clearbench.common.hashing import content_hash
from clearbench.common.sealed import SealedFile, open_sealed, sealed_bytes
from clearbench.common.strict import StrictModel
from clearbench.common.text import file_name
from clearbench.records.damage import name_damage
from clearbench.records.schema import Identity, PairRecord, Provenance

FORMAT: Literal[2] = 2
"""Version of a part's layout. Parts of version 1 hold no version, no seal, and of the provenance only the identity."""
SCORES = "scores"
"""Folder of the parts, in a record's."""
REMEDY = "Delete it and run again; its pairs are then scored again."


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


class PartDocument(StrictModel):
    """The document in a part's metadata.

    Attributes:
        format: Version of the part's layout.
        provenance: What the run that wrote the part says of all that it measured.
        pairs: The pairs whose scores the part holds.
    """

    format: Literal[2] = FORMAT
    provenance: Provenance
    pairs: list[PairRecord]


class PartSummary(NamedTuple):
    """A part's document, as read from JSON; `pairs` are validated when they are used.

    Attributes:
        file: The part.
        identity: The identity of its record.
        provenance: What the run that wrote it says; None in a part of format 1.
        pairs: Fields of the PairRecord of each of its pairs.
    """

    file: Path
    identity: Mapping[str, Any]
    provenance: Provenance | None
    pairs: Sequence[Mapping[str, Any]]


def part_files(folder: Path) -> list[Path]:
    """Return the parts in a record's folder, sorted."""
    return sorted((folder / SCORES).glob("*.parquet"))


def part_name(pool: str, pairs: Sequence[str]) -> str:
    """Return the file name, without its ending, of the part that holds these pairs of a pool."""
    return f"{file_name(pool)[:80]}-{content_hash(*pairs)[:12]}"


def part_bytes(results: Sequence[QueryScores], provenance: Provenance) -> bytes:
    """Return one part as a Parquet file.

    Args:
        results: Scores of pairs that share a pool, all with the same measures and columns.
        provenance: What the run says of all that it measures.
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
    document = PartDocument(provenance=provenance, pairs=[result.summary for result in results])
    return sealed_bytes(pa.table(columns), document.model_dump(mode="json"))


def read_part(file: Path, columns: Sequence[str] | None, remedy: str = REMEDY) -> Any:
    """Return columns of a part as an Arrow table, after checking its seal.

    Args:
        file: The part.
        columns: Names of its columns; None means all.
        remedy: What a user should do about damage, in a sentence.
    Raises:
        RecordError: The part is damaged, or lacks a column.
    """
    with name_damage(file, remedy):
        return open_sealed(file).read(None if columns is None else list(columns))


def read_summary(file: Path) -> PartSummary:
    """Return the document of a part, after checking its seal.

    Raises:
        RecordError: It is damaged, or of a format that this clearbench does not know.
    """
    with name_damage(file, REMEDY):
        return _make_summary(file, open_sealed(file))


def read_scores(folder: Path, pairs: Sequence[str] | None = None, columns: Sequence[str] | None = None) -> Any:
    """Return per-query scores as a pandas DataFrame: pair, query, cluster, one column per measure.

    A pair that is in two parts is taken from the first.

    Args:
        folder: A record's folder.
        pairs: Only these pairs.
        columns: Only these measures.
    Raises:
        RecordError: There are no parts, or one cannot be read.
    """
    import pandas

    frames, taken = [], set[str]()
    for file in part_files(folder):
        with name_damage(file, REMEDY):
            opened = open_sealed(file)
            names = None if columns is None else ["pair", "query", "cluster", *columns]
            new_pairs = {str(pair["pair"]) for pair in _make_summary(file, opened).pairs} - taken
            table = opened.read(names).to_pandas()
        frames.append(table[table["pair"].isin(new_pairs if pairs is None else new_pairs.intersection(pairs))])
        taken |= new_pairs
    if not frames:
        raise RecordError(f"{folder} holds no per-query scores: copy the folder `{SCORES}` too.")
    filled = [frame for frame in frames if len(frame)]  # pandas 2 warns of empty ones
    return pandas.concat(filled or frames[:1], ignore_index=True)


def _make_summary(file: Path, opened: SealedFile) -> PartSummary:
    document = opened.document
    version = document.get("format", 1)
    if version not in (1, FORMAT):
        raise RecordError(
            f"{file} has format {version}, this clearbench reads 1 and {FORMAT}. Use the version that wrote it."
        )
    if "format" not in document:
        summary = PartSummary(file, document["identity"], None, document["pairs"])
        Identity.model_validate(summary.identity)
    else:
        if not opened.is_sealed:
            raise ValueError("its seal is missing")
        provenance = Provenance.model_validate(document["provenance"])
        summary = PartSummary(file, document["provenance"]["identity"], provenance, document["pairs"])
    if not summary.pairs or not all(isinstance(pair["pair"], str) for pair in summary.pairs):
        raise ValueError("it names no pairs")
    return summary
