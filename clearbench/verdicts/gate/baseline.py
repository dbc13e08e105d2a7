"""A baseline in one small file that can be committed: one model's per-query scores of the gated pairs.

The file is Parquet: columns task, pair, query, cluster and one per measure; its metadata holds the records, narrowed to
these pairs and measures. It is read by writing the records out as a results folder again, so that a gate treats both
alike.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from pydantic import ValidationError

from clearbench.common.errors import RecordError, UsageError
from clearbench.common.hashing import content_hash
from clearbench.common.languages import parse_pair, select_pairs
from clearbench.common.output import write_output
from clearbench.records.folder import RecordFolder, record_folder
from clearbench.records.parts import QueryScores
from clearbench.records.schema import SCHEMA_VERSION, PairRecord, Record
from clearbench.records.select import Entry, load_results
from clearbench.stats.averages import macro_averages
from clearbench.verdicts.matching import scores_matrix

METADATA_KEY = b"clearbench"
KIND = "clearbench baseline"


def save_baseline(entries: Sequence[Entry], file: Path, pairs: str, measure: str | None = None) -> list[str]:
    """Write the file.

    Args:
        entries: Records of one model.
        file: Where to.
        pairs: Patterns of the pairs to keep; '*-*' keeps all.
        measure: Measure to keep; None keeps each task's main measure.
    Returns:
        One line per task: how many pairs were kept, or that it has none of them.
    Raises:
        UsageError: No task has such a pair, a task lacks the measure, or the file is there and is something else.
        RecordError: Scores are damaged, or the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    chosen = set(select_pairs(pairs, [parse_pair(pair.pair) for entry in entries for pair in entry.record.pairs]))
    records, parts, told = [], [], []
    for entry in entries:
        kept = [pair for pair in entry.record.pairs if parse_pair(pair.pair) in chosen]
        if not kept:
            told.append(f"{entry.label}: left out, it has no pair {pairs}")
            continue
        name = entry.record.main_measure if measure is None else measure
        parts.append(_part(entry, [pair.pair for pair in kept], name))
        records.append(_narrowed(entry.record, kept, name).model_dump(mode="json"))
        told.append(f"{entry.label}: {len(kept):,} pairs, {name}, {parts[-1].num_rows:,} scores")
    metadata = json.dumps({"kind": KIND, "schema_version": SCHEMA_VERSION, "records": records})
    table = pa.concat_tables(parts, promote_options="default").replace_schema_metadata({METADATA_KEY: metadata})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", use_dictionary=["task", "pair"])
    if file.is_file() and file.stat().st_size and not _is_baseline(file):
        raise UsageError(f"--save-baseline {file} is there and is no baseline file: delete it, or choose another name.")
    write_output(file, sink.getvalue().to_pybytes(), "--save-baseline")
    return told


@contextmanager
def open_baseline(file: Path) -> Iterator[list[Entry]]:
    """Read the file; the entries can be used inside the `with` block only, where their folders exist.

    Raises:
        RecordError: It is no baseline file, is damaged, or is of another schema version.
    """
    records, scores = _read(file)
    with TemporaryDirectory(prefix="clearbench-baseline-") as folder:
        for record in records:
            label = "+".join([record.identity.task, *(f"{k}={v}" for k, v in sorted(record.identity.options.items()))])
            _write_out(Path(folder), file, label, record, scores)
        try:
            entries = load_results(Path(folder))
            yield entries
        except RecordError as error:
            # The user knows the file, not the folder that it was unpacked to.
            message = str(error).replace(f"{folder}/records", str(file))
            raise RecordError(
                f"{message} For a baseline file: {_AGAIN}" if message != str(error) else message
            ) from error


def _part(entry: Entry, pairs: list[str], measure: str) -> Any:
    """Scores of one record as an Arrow table, a row per pair and query."""
    import pyarrow as pa

    matrix = scores_matrix(entry, measure, pairs)
    column_N, row_N = np.nonzero(~np.isnan(matrix.scores).T)
    queries, names = np.array(matrix.queries, dtype=object), np.array(matrix.names, dtype=object)
    return pa.table(
        {
            "task": pa.array([entry.label] * len(row_N), pa.string()),
            "pair": pa.array(np.array(matrix.pairs, dtype=object)[column_N], pa.string()),
            "query": pa.array(queries[row_N], pa.string()),
            "cluster": pa.array(names[matrix.clusters[row_N]], pa.string()),
            measure: matrix.scores[row_N, column_N],
        }
    )


def _narrowed(record: Record, kept: Sequence[PairRecord], measure: str) -> Record:
    """The record as if only these pairs and this measure had been asked for."""
    pairs = [pair.model_copy(update={"measures": {measure: pair.measures[measure]}}) for pair in kept]
    return Record(
        schema_version=record.schema_version,
        status="complete",
        identity=record.identity,
        model=record.model,
        main_measure=measure,
        environment=record.environment,
        data=content_hash(*(f"{pair.pair} {pair.data}" for pair in pairs)),
        coverage={
            "pairs": len(pairs),
            "queries_scored": sum(pair.num_queries for pair in pairs),
            "queries_skipped": sum(pair.num_skipped for pair in pairs),
        },
        notes=record.notes,
        pairs=pairs,
        averages=macro_averages({parse_pair(pair.pair): {measure: pair.measures[measure].mean} for pair in pairs}),
        timings={},
    )


def _read(file: Path) -> tuple[list[Record], Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file)
        metadata = json.loads((table.schema.metadata or {}).get(METADATA_KEY, b"{}"))
    except FileNotFoundError:
        raise RecordError(f"There is no baseline file {file}.") from None
    except (OSError, ValueError, pa.ArrowException) as error:
        raise RecordError(f"{file} is no baseline file, or damaged ({str(error).splitlines()[0]}). {_AGAIN}") from error
    if not isinstance(metadata, dict) or metadata.get("kind") != KIND:
        raise RecordError(f"{file} is a Parquet file, but no baseline. {_AGAIN}")
    if metadata.get("schema_version") != SCHEMA_VERSION:
        found = metadata.get("schema_version")
        raise RecordError(f"{file} has schema version {found}, this clearbench reads {SCHEMA_VERSION}. {_AGAIN}")
    try:
        records = [Record.model_validate(record) for record in metadata["records"]]
    except (KeyError, TypeError, ValidationError) as error:
        raise RecordError(f"{file} is damaged: {' '.join(str(error).split())}. {_AGAIN}") from error
    if not records or not all(record.pairs for record in records):
        raise RecordError(f"{file} is damaged: it lists no {'pair' if records else 'record'}. {_AGAIN}")
    if len({record.identity.encoder for record in records}) > 1:
        raise RecordError(f"{file} is damaged: it holds records of several models. {_AGAIN}")
    return records, table.to_pandas()


def _is_baseline(file: Path) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = json.loads((pq.read_schema(file).metadata or {}).get(METADATA_KEY, b"{}"))
        return bool(metadata.get("kind") == KIND)
    except (OSError, ValueError, AttributeError, pa.ArrowException):
        return False


_AGAIN = "Write it anew with `clearbench gate --baseline MODEL --save-baseline FILE`."


def _write_out(folder: Path, file: Path, label: str, record: Record, scores: Any) -> None:
    """Write one record as `run` would have, so that every check of records holds for the file too."""
    if not re.fullmatch(r"[^/\\]+", label) or label.startswith("."):
        raise RecordError(f"{file} is damaged: {label!r} cannot be a task. {_AGAIN}")
    measure = record.main_measure
    needed = ["task", "pair", "query", "cluster", measure]
    if lost := [column for column in needed if column not in scores]:
        raise RecordError(f"{file} is damaged: it has no column {lost[0]!r}. {_AGAIN}")
    of_task = scores[scores["task"] == label]
    by_pair = dict(tuple(of_task.groupby("pair", sort=False)))
    results = []
    for summary in record.pairs:
        if summary.pair not in by_pair:
            raise RecordError(f"{file} is damaged: it has no scores of {label} {summary.pair}. {_AGAIN}")
        rows = by_pair[summary.pair]
        try:
            values = rows[[measure]].to_numpy(dtype=np.float64)
        except ValueError as error:
            raise RecordError(f"{file} is damaged: a {measure} is no number ({error}). {_AGAIN}") from error
        results.append(QueryScores(summary, list(rows["query"]), list(rows["cluster"]), [measure], values))
    name = str(record.model.get("name", "model"))
    opened = RecordFolder(record_folder(folder, name, record.identity.encoder, label), record.identity)
    opened.add("baseline", results)
    opened.write(record)
