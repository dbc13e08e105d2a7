"""Rows by column name, from any of the forms in which data sets store tables: JSON lines, tsv, csv, Parquet."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from clearbench.common.errors import DataError
from clearbench.common.text import count, first_line
from clearbench.tasks.formats.parsing import LONGEST_LINE, Row, read_json_lines, read_lines
from clearbench.tasks.formats.unpack import PACKED, plain_name, too_large_error, unpacked_limit

ENDINGS = (".jsonl", ".json", ".ndjson", ".tsv", ".csv", ".parquet")
"""Endings of files of rows; all but Parquet may be packed."""
ACCEPTED = "JSON lines (.jsonl), .tsv or .csv, each also with .gz or .zst, or .parquet"


def find_rows(folder: Path, stem: str) -> Path | None:
    """Return the one file of rows in a folder with a name such as `corpus.jsonl.gz`, or None.

    Raises:
        DataError: There are several.
    """
    paths = [path for path in _candidates(folder, stem) if path.exists()]
    if len(paths) > 1:
        names = " and ".join(path.name for path in paths)
        raise DataError(f"{folder}: {names}: expected one file of {stem}; remove the others.")
    return paths[0] if paths else None


def is_rows(path: Path) -> bool:
    """Return whether a file's name says that it contains rows."""
    return plain_name(path).endswith(ENDINGS)


def read_rows(path: Path) -> Iterator[tuple[str, Row]]:
    """Yield place ("file:line", in Parquet "file, row n") and values by column name of every row.

    A tsv or csv file must begin with a line that names the columns. Fields of a tsv file have no quotes: one line is
    one row, always.

    Raises:
        DataError: The file is of another form, missing or broken.
    """
    name = plain_name(path)
    reader = next((read for ending, read in _READERS.items() if name.endswith(ending)), None)
    if reader is None:
        raise DataError(f"{path}: unknown form of a file of rows; expected {ACCEPTED}.")
    return reader(path)


def read_tsv_fields(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield place and fields of every line of a tsv file, its header too."""
    for number, line in read_lines(path):
        yield f"{path}:{number}", line.split("\t")


def read_csv_fields(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield place and fields of every row of a csv file, its header too; a quoted field may contain line feeds.

    Raises:
        DataError: The file is broken.
    """
    numbers: list[int] = []  # of the lines of the current row

    def lines() -> Iterator[str]:
        for number, line in read_lines(path, keep_blank=True):
            numbers.append(number)
            yield line + "\n"

    csv.field_size_limit(LONGEST_LINE)
    try:
        for fields in csv.reader(lines(), strict=True):
            if any(fields):
                yield f"{path}:{numbers[0]}", fields
            numbers.clear()
    except csv.Error as error:
        raise DataError(f"{path}:{numbers[0] if numbers else 1}: not csv: {error}.") from None


def name_fields(rows: Iterator[tuple[str, list[str]]]) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a table by column name; its first row names the columns.

    Raises:
        DataError: Two columns have the same name, or a row has another number of fields.
    """
    where, header = next(rows, ("", []))
    names = [name.strip() for name in header]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise DataError(f"{where}: two columns are named {repeated[0]!r}; each needs its own name.")
    for where, fields in rows:
        check_width(fields, len(names), where)
        yield where, dict(zip(names, fields, strict=True))


def check_width(fields: list[str], width: int, where: str) -> None:
    """Raise DataError unless a row has as many fields as there are columns."""
    if len(fields) != width:
        raise DataError(f"{where}: found {count(len(fields), 'field')}, expected {width} as in the first line.")


def _candidates(folder: Path, stem: str) -> Iterator[Path]:
    for ending in ENDINGS:
        yield folder / f"{stem}{ending}"
        if ending != ".parquet":
            yield from (folder / f"{stem}{ending}{packed}" for packed in PACKED)


def _read_tsv(path: Path) -> Iterator[tuple[str, Row]]:
    return name_fields(read_tsv_fields(path))


def _read_csv(path: Path) -> Iterator[tuple[str, Row]]:
    return name_fields(read_csv_fields(path))


def _read_parquet(path: Path) -> Iterator[tuple[str, Row]]:
    """Yield the rows with their columns of texts and numbers; other columns, such as vectors, are not read.

    A column may repeat one long text a million times. So texts stay in their dictionary, and their lengths are counted.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        kinds = {field.name: field.type for field in pq.read_schema(path)}
        texts = [name for name, kind in kinds.items() if _is_text(kind)]
        names = [name for name, kind in kinds.items() if name in texts or pa.types.is_primitive(kind)]
        left = unpacked_limit(path.stat().st_size)
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            for batch in file.iter_batches(columns=names):
                columns = [_column_values(batch.column(name)) for name in names]
                for values in zip(*columns, strict=True):
                    number += 1
                    left -= sum(len(value) for value in values if isinstance(value, str))
                    if left < 0:
                        raise too_large_error(path)
                    yield f"{path}, row {number:,}", dict(zip(names, values, strict=True))
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as Parquet: {first_line(error)}") from error
    if not number:
        raise DataError(f"{path}: the file is empty.")


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _column_values(column: Any) -> list[Any]:
    """Return the values of a column; equal texts are one object."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        values: list[Any] = column.to_pylist()
        return values
    texts = column.dictionary.to_pylist()
    return [None if place is None else texts[place] for place in column.indices.to_pylist()]


_READERS: dict[str, Callable[[Path], Iterator[tuple[str, Row]]]] = {
    **dict.fromkeys((".jsonl", ".json", ".ndjson"), read_json_lines),
    ".tsv": _read_tsv,
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}
