"""A baseline in one small file that can be committed: one model's per-query scores of the gated pairs.

The file is Parquet: columns task, pair, query, cluster and one per measure; its metadata holds the records, narrowed to
these pairs and measures.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError

from clearbench.common.arrays import BoolArray
from clearbench.common.errors import RecordError, UsageError
from clearbench.common.output import write_output
from clearbench.common.pairs import parse_pair, select_pairs
from clearbench.common.sealed import DOCUMENT_KEY, open_sealed, sealed_bytes
from clearbench.common.strict import StrictModel
from clearbench.common.text import first_line
from clearbench.common.toml import describe_problems
from clearbench.records.damage import name_damage
from clearbench.records.derive import fields_of_pairs
from clearbench.records.folder import model_key
from clearbench.records.matrix import ScoreMatrix, scores_matrix
from clearbench.records.schema import SCHEMA_VERSION, PairRecord, Record, find_record_damage
from clearbench.records.select import Entry
from clearbench.records.source import ScorePart, score_part

KIND: Literal["clearbench baseline"] = "clearbench baseline"
_AGAIN = "Write it again with `clearbench gate --baseline MODEL --save-baseline FILE`."


class BaselineDocument(StrictModel):
    """The document in the metadata of a baseline file.

    Attributes:
        kind: Tells the file from other Parquet files.
        schema_version: Version of the records.
        records: One model's records, narrowed to the gated pairs and one measure each.
    """

    kind: Literal["clearbench baseline"] = KIND
    schema_version: int = SCHEMA_VERSION
    records: list[Record]


@dataclass(frozen=True)
class BaselineScores:
    """Per-query scores of one record of a baseline file, held in memory; see ScoreSource.

    Attributes:
        place: The file.
        table: The record's rows, an Arrow table.
        remedy: What a user should do about damage, in a sentence.
    """

    place: Path
    table: Any = field(repr=False, compare=False)
    remedy: str = _AGAIN

    def parts(self, measure: str) -> Iterator[ScorePart]:
        """Yield all scores of the record as one part."""
        with name_damage(self.place, self.remedy):
            part = score_part(self.place, self.table, measure)
        yield part


def save_baseline(entries: Sequence[Entry], file: Path, pairs: str, measure: str | None = None) -> list[str]:
    """Write one model's scores of chosen pairs to a baseline file.

    Args:
        entries: Records of one model.
        file: Where to write.
        pairs: Patterns of the pairs to keep; '*-*' keeps all.
        measure: Measure to keep; None keeps each task's main measure.
    Returns:
        One line per task: how many pairs were kept, or that it has none of them.
    Raises:
        UsageError: No task has such a pair, a task lacks the measure, or the file exists and is not a baseline.
        RecordError: Scores are damaged, or the file cannot be written.
    """
    import pyarrow as pa

    chosen = set(select_pairs(pairs, [parse_pair(pair.pair) for entry in entries for pair in entry.record.pairs]))
    records, parts, notes = [], [], []
    for entry in entries:
        kept = [pair for pair in entry.record.pairs if parse_pair(pair.pair) in chosen]
        if not kept:
            notes.append(f"{entry.label}: left out, it has no pair {pairs}")
            continue
        name = entry.record.main_measure if measure is None else measure
        parts.append(_scores_table(entry, [pair.pair for pair in kept], name))
        records.append(_narrow_record(entry.record, kept, name))
        notes.append(f"{entry.label}: {len(kept):,} pairs, {name}, {parts[-1].num_rows:,} scores")
    document = BaselineDocument(records=records).model_dump(mode="json")
    table = pa.concat_tables(parts, promote_options="default")
    if file.is_file() and file.stat().st_size and not _is_baseline(file):
        raise UsageError(f"--save-baseline {file} is not a baseline file: delete it, or choose another name.")
    write_output(file, sealed_bytes(table, document, dictionary=["task", "pair"]), "--save-baseline")
    return notes


def read_baseline(file: Path) -> list[Entry]:
    """Return an entry for each record of a baseline file, sorted by task.

    Raises:
        RecordError: It is not a baseline file, is damaged, or is of another schema version.
    """
    records, table = _read_sealed(file)
    labels = [record.identity.label for record in records]
    if repeated := next((label for label in labels if labels.count(label) > 1), None):
        raise _damage_error(file, f"it lists {repeated} more than once")
    return sorted((_entry(file, record, table) for record in records), key=lambda entry: entry.label)


def _scores_table(entry: Entry, pairs: list[str], measure: str) -> Any:
    """Return the scores of one record as an Arrow table, a row per pair and query."""
    import pyarrow as pa

    matrix = scores_matrix(entry, measure, pairs)
    column_N, row_N = np.nonzero(_queries_of_pairs(entry, matrix, measure).T)
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


def _queries_of_pairs(entry: Entry, matrix: ScoreMatrix, measure: str) -> BoolArray:
    """Return which queries each pair has, bool [Q, P]; in a mixed pool, a query may have no value for the measure."""
    row = {query: place for place, query in enumerate(matrix.queries)}
    column = {pair: place for place, pair in enumerate(matrix.pairs)}
    present_QP = np.zeros(matrix.scores.shape, dtype=np.bool_)
    for part in entry.scores.parts(measure):
        columns = np.array([column.get(pair, -1) for pair in part.pairs])[part.pair]
        rows = np.array([row.get(query, -1) for query in part.queries])[part.query]
        present_QP[rows[columns >= 0], columns[columns >= 0]] = True
    return present_QP


def _narrow_record(record: Record, kept: Sequence[PairRecord], measure: str) -> Record:
    """Return the record as a run of only these pairs and this measure would have written it."""
    pairs = [pair.model_copy(update={"measures": {measure: pair.measures[measure]}}) for pair in kept]
    return Record(
        schema_version=record.schema_version,
        status="complete",
        identity=record.identity,
        model=record.model,
        main_measure=measure,
        environment=record.environment,
        notes=record.notes,
        timings={},
        **fields_of_pairs(pairs),
    )


def _read_sealed(file: Path) -> tuple[list[Record], Any]:
    """Return the file's records, and its scores as an Arrow table."""
    import pyarrow as pa

    try:
        opened = open_sealed(file, documented=False)
        table, metadata = opened.read(), opened.document
    except FileNotFoundError:
        raise RecordError(f"There is no baseline file {file}.") from None
    except (OSError, ValueError, pa.ArrowException) as error:
        raise RecordError(f"{file} is not a baseline file, or is damaged ({first_line(error)}). {_AGAIN}") from error
    if not isinstance(metadata, dict) or metadata.get("kind") != KIND:
        raise RecordError(f"{file} is a Parquet file, but not a baseline. {_AGAIN}")
    if metadata.get("schema_version") != SCHEMA_VERSION:
        version = metadata.get("schema_version")
        raise RecordError(f"{file} has schema version {version}, this clearbench reads {SCHEMA_VERSION}. {_AGAIN}")
    try:
        records = [Record.model_validate(record) for record in metadata["records"]]
    except ValidationError as error:
        raise _damage_error(file, describe_problems(error)) from error
    except (KeyError, TypeError) as error:
        raise _damage_error(file, "it lists no record") from error
    if not records:
        raise _damage_error(file, "it lists no record")
    if len({record.identity.encoder for record in records}) > 1:
        raise _damage_error(file, "it holds records of several models")
    return records, table


def _entry(file: Path, record: Record, table: Any) -> Entry:
    """Return the entry of a record and its rows in the file's table; raise if the rows do not fit the record."""
    import pyarrow as pa
    import pyarrow.compute as pc

    label, measure = record.identity.label, record.main_measure
    if damage := "it is unfinished" if record.status != "complete" else find_record_damage(record):
        raise _damage_error(file, f"{damage} (record of {label})")
    needed = ["task", "pair", "query", "cluster", measure]
    if missing_columns := [column for column in needed if column not in table.column_names]:
        raise _damage_error(file, f"it has no column {missing_columns[0]!r}")
    column_type = table.schema.field(measure).type
    if not (pa.types.is_floating(column_type) or pa.types.is_integer(column_type)):
        raise _damage_error(file, f"its column {measure!r} holds {column_type}, expected numbers")
    rows = table.filter(pc.equal(table["task"], label))
    scored = set(rows["pair"].unique().to_pylist())
    if missing := [pair.pair for pair in record.pairs if pair.pair not in scored]:
        raise _damage_error(file, f"it has no scores of {label} {missing[0]}")
    return Entry(record, model_key(record.model["name"], record.identity.encoder), BaselineScores(file, rows))


def _damage_error(file: Path, what: str) -> RecordError:
    return RecordError(f"{file} is damaged: {what.rstrip('.')}. {_AGAIN}")


def _is_baseline(file: Path) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = json.loads((pq.read_metadata(file).metadata or {}).get(DOCUMENT_KEY, b"{}"))
        return bool(metadata.get("kind") == KIND)
    except (OSError, ValueError, AttributeError, pa.ArrowException):
        return False
