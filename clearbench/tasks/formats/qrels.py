"""Relevance judgements from files: columns by name if the file names them, or else in one of two usual orders."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from clearbench.common.errors import DataError
from clearbench.common.text import count, join_names, json_kind, shorten
from clearbench.tasks.formats.columns import PASSAGE_ID, QUERY_ID, RELEVANCE
from clearbench.tasks.formats.parsing import Row, read_lines, text_field
from clearbench.tasks.formats.rows import check_width, is_rows, name_fields, read_csv_fields, read_rows, read_tsv_fields
from clearbench.tasks.formats.unpack import plain_name

FORMS = (
    "a header that names the columns (query-id, corpus-id, score), or three columns (query id, passage id, relevance), "
    "or TREC's four (query id, 0, passage id, relevance)"
)
PLAIN_ENDINGS = (".txt", ".qrels", ".qrel", ".trec")
"""Endings of other files, whose fields are separated by blanks or tabs."""
ENDINGS_ACCEPTED = ".tsv, .csv, .txt, .qrels or .jsonl, each also with .gz or .zst, or .parquet"

MOST = 2**31 - 1
"""Largest relevance that every version of trec_eval can represent."""


class Judgement(NamedTuple):
    """One row: its place in the file and its content."""

    where: str
    query: str
    passage: str
    relevance: int


def read_qrels(path: Path) -> Iterator[Judgement]:
    """Yield the judgements of a file in its order.

    JSON lines and Parquet have named columns. A table may begin with a line that names its columns, in any order and
    among others; otherwise it has the columns of FORMS.

    Raises:
        DataError: The file is missing or broken, or a row is not a judgement.
    """
    name = plain_name(path)
    if name.endswith((".jsonl", ".json", ".ndjson", ".parquet")):
        yield from _read_by_name(read_rows(path))
        return
    if not is_qrels(path):
        raise DataError(f"{path}: unknown form of judgements; expected {ENDINGS_ACCEPTED}.")
    rows = _read_fields(path)
    first = next(rows, None)
    if first is None:
        raise DataError(f"{path}: the file is empty.")
    if _is_header(*first):
        _find_columns(first[1], first[0])  # a missing name is an error of the header's line
        yield from _read_by_name(name_fields(chain([first], rows)))
    else:
        yield from _read_by_position(chain([first], rows), len(first[1]))


def find_qrels(folder: Path, split: str = "") -> Path:
    """Return the file of judgements of a split.

    Args:
        folder: The folder `qrels/`.
        split: The file's name without its ending; "" is `test`, or the only one there is.
    Raises:
        DataError: There is no such folder, no such file, or several.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder; expected qrels/test.tsv or the like.")
    splits: dict[str, list[Path]] = {}
    for path in sorted(filter(is_qrels, folder.iterdir())):
        if path.name.startswith("."):
            continue
        splits.setdefault(Path(plain_name(path)).stem, []).append(path)
    split = split or ("test" if "test" in splits or len(splits) != 1 else next(iter(splits)))
    if split not in splits:
        raise DataError(
            f"{folder}: no {split}.tsv; there are: {join_names(splits)}. Choose one with option split, or add a file "
            f"({ENDINGS_ACCEPTED})."
        )
    if len(splits[split]) > 1:
        names = " and ".join(path.name for path in splits[split])
        raise DataError(f"{folder}: {names}: expected one file of {split}; remove the others.")
    return splits[split][0]


def is_qrels(path: Path) -> bool:
    """Return whether a file's name says that it may hold judgements."""
    return is_rows(path) or plain_name(path).endswith(PLAIN_ENDINGS)


def read_relevance(value: Any, where: str) -> int:
    """Return a relevance as a whole number: 1 for 1, "1", 1.0 and "1.0".

    Raises:
        DataError: It is something else; the message says what to do about a fraction.
    """
    text = str(value).strip()
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise DataError(f"{where}: relevance: found {json_kind(value)}, expected a whole number.")
    if whole := re.fullmatch(r"([+-]?)0*([0-9]+?)(\.0*)?", text):
        if len(whole[2]) <= len(str(MOST)) and (number := int(whole[2])) <= MOST:
            return -number if whole[1] == "-" else number
        raise DataError(f"{where}: relevance {shorten(text, 40)} is too large; expected at most {MOST:,}.")
    raise DataError(
        f"{where}: relevance {text[:40]!r} is not a whole number; expected 0 for not relevant, and 1 or more for "
        "relevant. Turn fractions into grades, such as 0.5 into 1 and 1.0 into 2."
    )


def _read_fields(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield place and fields of every row: split at commas in csv files, else at tabs if the first line has any."""
    if plain_name(path).endswith(".csv"):
        return read_csv_fields(path)
    _, first = next(read_lines(path))
    if "\t" in first:
        return read_tsv_fields(path)
    return ((f"{path}:{number}", line.split()) for number, line in read_lines(path))


def _is_header(where: str, fields: list[str]) -> bool:
    """Return whether the first line names columns; a line that is neither a header nor a judgement is an error."""
    named = sum(any(column.is_named(field) for field in fields) for column in (QUERY_ID, PASSAGE_ID, RELEVANCE))
    is_number = re.fullmatch(r"\s*[+-]?[0-9.]+\s*", fields[-1]) is not None
    if named >= 2 or (named and not is_number):
        return True
    if is_number:
        return False
    raise DataError(f"{where}: found {' | '.join(fields)[:80]!r}; expected {FORMS}.")


def _read_by_name(rows: Iterator[tuple[str, Row]]) -> Iterator[Judgement]:
    columns: dict[tuple[str, ...], list[str]] = {}  # found once, as most rows have the same names
    for where, row in rows:
        names = tuple(row)
        if names not in columns:
            columns[names] = _find_columns(names, where)
        query, passage, relevance = columns[names]
        yield Judgement(
            where, text_field(row, query, where), text_field(row, passage, where), read_relevance(row[relevance], where)
        )


def _find_columns(names: Sequence[str], where: str) -> list[str]:
    """Return the names of the columns of query ids, passage ids and relevances."""
    return [column.find([name.strip() for name in names], where) for column in (QUERY_ID, PASSAGE_ID, RELEVANCE)]


def _read_by_position(rows: Iterator[tuple[str, list[str]]], width: int) -> Iterator[Judgement]:
    for where, fields in rows:
        if width not in (3, 4):
            raise DataError(f"{where}: found {count(width, 'field')}; expected {FORMS}.")
        check_width(fields, width, where)
        if width == 4 and not re.fullmatch(r"[0-9]+|[Qq]0", fields[1]):
            raise DataError(f"{where}: the second of four fields is {fields[1][:40]!r}, not 0; expected {FORMS}.")
        yield Judgement(where, fields[0], fields[-2], read_relevance(fields[-1], where))
