"""Read and write files of training rows, as Parquet or JSON lines by their suffix, each with a manifest file."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from clearbench.common.errors import DataError, TrainingError, UsageError
from clearbench.common.files import json_lines_bytes, parquet_bytes, sweep_killed, write_atomically
from clearbench.common.text import first_line
from clearbench.tasks.formats.parsing import read_json_lines
from clearbench.training.rows.manifest import (
    ROWS_VERSION,
    check_fingerprint,
    check_version,
    read_fingerprint,
    write_manifest,
)
from clearbench.training.rows.row import (
    LIST_COLUMNS,
    TEXT_COLUMNS,
    Rows,
    TrainingRow,
    check_columns,
    make_row,
    rows_hash,
    to_columns,
)

SUFFIXES = (".parquet", ".jsonl")
BATCH_ROWS = 10_000
"""Rows of a Parquet file that are converted to Python objects at a time."""
_PARQUET_KEY = b"clearbench_rows_version"


def read_rows(path: Path) -> Rows:
    """Read and check training rows.

    Args:
        path: `.parquet`, `.jsonl` or `.jsonl.gz`.
    Raises:
        UsageError: The suffix is unknown.
        DataError: The file is missing or broken.
        TrainingError: The file has no rows, a column is missing or unknown, a value is unusable (the message names row
            and column), the rows have another version, or they are not the rows that the manifest describes.
    """
    expected = read_fingerprint(path)
    rows: list[TrainingRow] = []
    seen: dict[tuple[str, str, str, str], str] = {}
    for where, raw in _read_raw(path):
        row = make_row(raw, where)
        key = (row.query_id, row.language, row.passage, row.target_query)
        if key in seen:
            raise TrainingError(f"{where}: the same query_id, language, passage and target_query as {seen[key]}.")
        seen[key] = where
        rows.append(row)
    if not rows:
        raise TrainingError(f"{path}: the file has no rows.")
    read = Rows(tuple(rows))
    check_fingerprint(path, expected, read)
    return read


def check_destination(path: Path) -> None:
    """Refuse an output name with an unknown suffix, before any work is done.

    Raises:
        UsageError: The suffix is neither .parquet nor .jsonl.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(f"--out {path}: expected a name that ends in {' or '.join(SUFFIXES)}.")


def write_rows(path: Path, rows: Sequence[TrainingRow], manifest: Mapping[str, Any]) -> Path:
    """Write rows, then their manifest with the rows' hash and counts. Each file is written completely or not at all.

    Args:
        path: `.parquet` or `.jsonl`.
        rows: The rows.
        manifest: Further entries of the manifest: sources, arguments, dropped rows.
    Returns:
        The manifest's path.
    Raises:
        UsageError: The suffix is unknown.
        TrainingError: A file cannot be written.
    """
    check_destination(path)
    data = _parquet(rows) if path.suffix == ".parquet" else json_lines_bytes(map(to_columns, rows))
    described = {**manifest, "rows": {"file": path.name, "fingerprint": rows_hash(rows), **count_rows(rows)}}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep_killed(path)
        write_atomically(path, data)
        return write_manifest(path, described)
    except OSError as error:
        raise TrainingError(f"Cannot write {path}: {error.strerror or error}. Choose another --out.") from error


def count_rows(rows: Sequence[TrainingRow]) -> dict[str, Any]:
    """Count rows, clusters, distinct texts, and rows by language and by number of negatives."""
    languages = sorted({row.language for row in rows})
    depths = sorted({len(row.passage_negatives) for row in rows})
    return {
        "count": len(rows),
        "clusters": len({row.cluster for row in rows}),
        "passages": len({row.passage for row in rows}),
        "english_questions": len({row.query for row in rows}),
        "by_language": {name: sum(row.language == name for row in rows) for name in languages},
        "by_num_negatives": {str(n): sum(len(row.passage_negatives) == n for row in rows) for n in depths},
    }


def _read_raw(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not path.name.endswith((*SUFFIXES, ".jsonl.gz")):
        raise UsageError(
            f"{path}: a file of training rows ends in {', '.join(SUFFIXES)} or .jsonl.gz. `clearbench rows build` "
            "makes such a file."
        )
    if path.suffix != ".parquet":
        yield from read_json_lines(path)
        return
    yield from _read_parquet(path)


def _read_parquet(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        table = pq.read_table(path)
        check_version((table.schema.metadata or {}).get(_PARQUET_KEY, str(ROWS_VERSION).encode()).decode(), path)
        check_columns(dict.fromkeys(table.column_names), str(path))
        for batch in table.to_batches(max_chunksize=BATCH_ROWS):
            for raw in batch.to_pylist():
                number += 1
                yield f"{path}: row {number}", raw
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    # ValueError: a text that is not UTF-8; ArithmeticError: a time out of Python's range.
    except (OSError, ValueError, TypeError, ArithmeticError, pa.ArrowException) as error:
        place = f" after row {number}" if number else ""
        raise DataError(f"{path}: not a usable Parquet file{place}: {first_line(error).rstrip('.')}.") from error


def _parquet(rows: Sequence[TrainingRow]) -> bytes:
    import pyarrow as pa

    fields = [pa.field(name, pa.string()) for name in TEXT_COLUMNS]
    fields += [pa.field(name, pa.list_(pa.string())) for name in LIST_COLUMNS]
    schema = pa.schema(fields, metadata={_PARQUET_KEY: str(ROWS_VERSION)})
    return parquet_bytes(pa.Table.from_pylist([to_columns(row) for row in rows], schema=schema))
