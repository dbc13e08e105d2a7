"""Results on disk. A task's folder holds one JSON record and the per-query scores as Parquet parts.

    <out>/records/<model>-<hash>/<task>/record.json            what was measured, of what, with what (Record)
    <out>/records/<model>-<hash>/<task>/scores/<pool>-<hash>.parquet   per-query scores of the pairs that share a pool
    <out>/records/<model>-<hash>/<task>/runs/<pair>.trec       rankings, where they were asked for

Parts are the unit of resuming: each is written once, whole or not at all, and never rewritten. A part's Parquet
metadata holds the summaries of its pairs, so the record is assembled without reading scores again. Times stand under
`timings` only: apart from it, the record of a resumed run equals that of an undisturbed one byte for byte.
"""

import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from clearbench.errors import RecordError
from clearbench.files import write_atomically
from clearbench.tasks.retrieval import content_hash

SCHEMA_VERSION = 1
METADATA_KEY = b"clearbench"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MeasureValue(_Frozen):
    """A mean over queries, in [0, 1], with its 95% cluster-robust interval (None with fewer than two clusters)."""

    mean: float
    lower: float | None
    upper: float | None


class PairRecord(_Frozen):
    """One language pair.

    Attributes:
        pair: Query language first: de-en.
        data: Hash of the pair's queries, passages and judgements.
        num_passages: Passages searched.
        num_queries: Queries scored, all of which count in the means.
        num_skipped: Queries that the task's protocol leaves out (XOR: only yes/no answers).
        num_clusters: Clusters of dependent queries, for the intervals.
        measures: By measure name.
    """

    pair: str
    data: str
    num_passages: int
    num_queries: int
    num_skipped: int
    num_clusters: int
    measures: dict[str, MeasureValue]


class Identity(_Frozen):
    """What makes two records comparable and one record continuable, apart from each pair's data.

    Attributes:
        encoder: Encoder fingerprint.
        task: Task name.
        task_version: Version of the task definition.
        options: Reader options that differ from the task file's.
        scoring: Scoring settings: rule, tokeniser, search.
    """

    encoder: str
    task: str
    task_version: int
    options: dict[str, str]
    scoring: dict[str, str | int]


class Record(_Frozen):
    """One model on one task.

    Attributes:
        schema_version: Of this file's layout.
        status: "complete", or "running" until every requested pair is scored.
        identity: See Identity.
        model: Name, source and settings of the encoder.
        main_measure: What tables show.
        environment: Versions of the software, and its commit where known.
        data: Hash of all pairs' data hashes.
        coverage: Pairs scored; over them, queries scored and queries that the protocol leaves out.
        notes: What was odd or left out in the data, languages without files among it.
        pairs: Sorted by pair.
        averages: Group -> {"num_pairs": n, measure: macro average over pairs}.
        timings: Seconds by phase, texts encoded and cached, start time: of the run that finished the record.
    """

    schema_version: int
    status: Literal["running", "complete"]
    identity: Identity
    model: dict[str, Any]
    main_measure: str
    environment: dict[str, str]
    data: str
    coverage: dict[str, int]
    notes: list[str]
    pairs: list[PairRecord]
    averages: dict[str, dict[str, float]]
    timings: dict[str, Any]


@dataclass(frozen=True)
class QueryScores:
    """Per-query scores of one pair.

    Attributes:
        summary: The pair's record.
        queries: Query ids.
        clusters: Cluster of each query.
        measures: Measure names.
        scores: float64 [Q, M].
    """

    summary: PairRecord
    queries: Sequence[str]
    clusters: Sequence[str]
    measures: Sequence[str]
    scores: np.ndarray[Any, np.dtype[np.float64]]


def record_folder(out: Path, model_name: str, encoder_fingerprint: str, task: str) -> Path:
    """Folder of one model and task; the encoder's hash in it keeps two checkpoints called `final` apart."""
    safe = re.sub(r"[^\w.+-]+", "_", model_name).strip("._") or "model"
    return out / "records" / f"{safe}-{content_hash(encoder_fingerprint)[:8]}" / task


class RecordFolder:
    """One task's results of one model, open for writing."""

    def __init__(self, folder: Path, identity: Identity, replace: bool = False) -> None:
        """Open a folder, creating it, or continue what is there.

        Raises:
            RecordError: It holds results of another identity or schema and `replace` is off, or cannot be written.
        """
        self.folder = folder
        self.identity = identity
        try:
            if replace and folder.exists():
                shutil.rmtree(folder)
            (folder / "scores").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RecordError(f"Cannot write results to {folder}: {error.strerror}. Choose another --out.") from error
        self.complete = False
        if (folder / "record.json").exists():
            found = read_record(folder)
            if found.identity != identity:
                difference = _difference(found.identity, identity)
                raise RecordError(f"{folder} holds another measurement: {difference}. {REPLACE_HINT}")
            self.complete = found.status == "complete"
        self.done = self._read_parts()

    def check_data(self, wanted: Mapping[str, str]) -> None:
        """Compare data hashes of pairs that are already there with today's.

        Args:
            wanted: pair -> data hash.
        Raises:
            RecordError: A pair was scored on other texts or judgements.
        """
        other = [pair for pair, data in wanted.items() if pair in self.done and self.done[pair].data != data]
        if other:
            raise RecordError(
                f"{self.folder} holds {len(other)} pairs scored on other data ({', '.join(other[:5])}"
                f"{', ...' if len(other) > 5 else ''}). {REPLACE_HINT}"
            )

    def add(self, pool: str, results: Sequence[QueryScores]) -> None:
        """Write the scores of pairs that share a pool as one part; on return they survive a kill.

        Raises:
            RecordError: The part cannot be written; nothing that was there is touched.
        """
        summaries = [result.summary for result in results]
        name = re.sub(r"[^\w.+-]+", "_", pool)[:80]
        name = f"{name}-{content_hash(*(s.pair for s in summaries))[:12]}.parquet"
        _write(self.folder / "scores" / name, _part_bytes(results, self.identity))
        self.done.update({summary.pair: summary for summary in summaries})

    def write(self, record: Record) -> None:
        """Write record.json.

        Raises:
            RecordError: It cannot be written.
        """
        _write(self.folder / "record.json", (record.model_dump_json(indent=1) + "\n").encode())

    def write_run(self, pair: str, lines: Iterable[str]) -> None:
        """Write one pair's ranking in TREC run format.

        Raises:
            RecordError: It cannot be written.
        """
        runs = self.folder / "runs"
        try:
            runs.mkdir(exist_ok=True)
        except OSError as error:
            raise RecordError(f"Cannot create {runs}: {error.strerror}.") from error
        _write(runs / f"{pair}.trec", "".join(lines).encode())

    def _read_parts(self) -> dict[str, PairRecord]:
        done: dict[str, PairRecord] = {}
        for file in sorted((self.folder / "scores").glob("*.parquet")):
            metadata = _part_metadata(file)
            if metadata["identity"] != self.identity.model_dump(mode="json"):
                raise RecordError(f"{file} belongs to another measurement than its folder. {REPLACE_HINT}")
            for entry in metadata["pairs"]:
                done.setdefault(entry["pair"], PairRecord.model_validate(entry))
        return done


REPLACE_HINT = "Pass --replace to measure anew and lose what is there, or choose another --out."


def read_record(folder: Path) -> Record:
    """Read a record.

    Raises:
        RecordError: There is none, it is damaged, or it has another schema version.
    """
    file = folder / "record.json"
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        if data.get("schema_version") != SCHEMA_VERSION:
            raise RecordError(
                f"{file} has schema version {data.get('schema_version')}, this clearbench reads {SCHEMA_VERSION}. "
                "Use the version that wrote it, or measure again with --replace."
            )
        return Record.model_validate(data)
    except OSError as error:
        raise RecordError(f"Cannot read {file}: {error.strerror}.") from error
    except (ValueError, AttributeError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise RecordError(f"{file} is damaged: {reason}. Restore it, or measure again with --replace.") from error


def find_records(out: Path) -> list[Path]:
    """Folders of all records under a results folder, sorted."""
    return sorted(file.parent for file in (out / "records").glob("*/*/record.json"))


def read_scores(folder: Path, pairs: Sequence[str] | None = None, columns: Sequence[str] | None = None) -> Any:
    """Per-query scores as a pandas DataFrame: pair, query, cluster, one column per measure.

    Args:
        folder: A record's folder.
        pairs: Only these pairs.
        columns: Only these measures.
    Raises:
        RecordError: A part cannot be read.
    """
    import pyarrow.dataset

    files = sorted((folder / "scores").glob("*.parquet"))
    if not files:
        raise RecordError(f"{folder} holds no per-query scores.")
    keep = pyarrow.dataset.field("pair").isin(list(pairs)) if pairs is not None else None
    names = ["pair", "query", "cluster", *columns] if columns is not None else None
    try:
        table = pyarrow.dataset.dataset([str(file) for file in files]).to_table(columns=names, filter=keep)
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise RecordError(f"The per-query scores in {folder} cannot be read: {error}") from error
    return table.to_pandas().drop_duplicates(["pair", "query"], ignore_index=True)


def _part_bytes(results: Sequence[QueryScores], identity: Identity) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

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
    metadata = {
        "identity": identity.model_dump(mode="json"),
        "pairs": [result.summary.model_dump(mode="json") for result in results],
    }
    table = pa.table(columns).replace_schema_metadata({METADATA_KEY: json.dumps(metadata)})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _part_metadata(file: Path) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata: dict[str, Any] = json.loads(pq.read_schema(file).metadata[METADATA_KEY])
        return metadata
    except (OSError, pa.ArrowInvalid, KeyError, TypeError, ValueError) as error:
        raise RecordError(
            f"{file} is damaged ({error}). Delete it and run again; its pairs are then scored anew."
        ) from error


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise RecordError(
            f"Cannot write {path}: {error.strerror}. What was finished before is kept; run again to go on from there."
        ) from error


def _difference(found: Identity, wanted: Identity) -> str:
    ours, theirs = wanted.model_dump(), found.model_dump()
    return "; ".join(f"{key} was {theirs[key]}, is now {ours[key]}" for key in ours if ours[key] != theirs[key])
