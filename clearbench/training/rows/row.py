"""Training rows: what `rows build` and `rows mine` write and what training reads; Parquet, or JSON lines by suffix.

One row is one English question with its passage and the same question in one target language:

    query                    English question
    passage                  its English passage, the positive
    target_query             the question in the target language
    language                 the target language in its printed form, `de`
    query_id                 the parallel question: the same id in two languages is the same question
    cluster                  article or passage; rows of one cluster are never on both sides of a split
    passage_negatives        hard-negative English passages, may be absent
    target_query_negatives   empty, or one question per negative passage: [k] is a question of passage_negatives[k]

Columns are known by these names; their order means nothing.
"""

import io
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clearbench.common.errors import DataError, TrainingError, UsageError, suggest
from clearbench.common.files import write_atomically
from clearbench.common.hashing import content_hash
from clearbench.common.languages import parse_language
from clearbench.tasks.formats.parsing import read_json_lines

if TYPE_CHECKING:
    import pandas as pd

TEXT_COLUMNS = ("query", "passage", "target_query", "language", "query_id", "cluster")
LIST_COLUMNS = ("passage_negatives", "target_query_negatives")
COLUMNS = (*TEXT_COLUMNS, *LIST_COLUMNS)
SUFFIXES = (".parquet", ".jsonl")


@dataclass(frozen=True)
class TrainingRow:
    """One row; see the columns above."""

    query: str
    passage: str
    target_query: str
    language: str
    query_id: str
    cluster: str
    passage_negatives: tuple[str, ...] = ()
    target_query_negatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows:
    """Checked training rows in file order."""

    rows: tuple[TrainingRow, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def fingerprint(self) -> str:
        """128-bit hash of every row, order included; the same for Parquet and JSON lines."""
        return rows_hash(self.rows)

    @cached_property
    def table(self) -> "pd.DataFrame":
        """The rows as a table with the columns above; negatives are lists."""
        import pandas as pd

        return pd.DataFrame([_plain(row) for row in self.rows], columns=list(COLUMNS))

    @property
    def languages(self) -> tuple[str, ...]:
        """Target languages in order of appearance."""
        return tuple(dict.fromkeys(row.language for row in self.rows))

    @property
    def num_negatives(self) -> int:
        """The most negative passages that a row has."""
        return max((len(row.passage_negatives) for row in self.rows), default=0)


def rows_hash(rows: Iterable[TrainingRow]) -> str:
    """Hash rows, order included."""
    return content_hash(*(part for row in rows for part in _parts(row)))


def read_rows(path: Path) -> Rows:
    """Read and check training rows.

    Args:
        path: `.parquet`, `.jsonl` or `.jsonl.gz`.
    Raises:
        UsageError: The suffix is of another format.
        DataError: The file is missing or broken.
        TrainingError: There is no row, a column is missing or unknown, or a value is unusable; the message names row
            and column.
    """
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
        raise TrainingError(f"{path}: there are no rows.")
    return Rows(tuple(rows))


def make_row(raw: Mapping[str, Any], where: str) -> TrainingRow:
    """Check the values of one row and return it.

    Raises:
        TrainingError: A column is missing or unknown, a text is empty or unusable, negatives do not fit together.
    """
    _check_columns(raw, where)
    for name in TEXT_COLUMNS:
        _check_text(raw[name], name, where)
    passages, queries = (_check_list(raw.get(name), name, where) for name in LIST_COLUMNS)
    if queries and len(queries) != len(passages):
        raise TrainingError(
            f"{where}: column 'target_query_negatives': {len(queries)} questions for {len(passages)} "
            "passage_negatives; expected none, or one question per passage."
        )
    if raw["passage"] in passages:
        raise TrainingError(
            f"{where}: column 'passage_negatives' [{passages.index(raw['passage'])}] is the row's own passage."
        )
    for name in ("query_id", "cluster"):
        if not raw[name].isprintable():
            raise TrainingError(f"{where}: column {name!r}: {raw[name]!r} holds tabs or other control characters.")
    try:
        language = str(parse_language(raw["language"]))
    except UsageError as error:
        raise TrainingError(f"{where}: column 'language': {error}") from None
    texts = {name: raw[name] for name in TEXT_COLUMNS}
    return TrainingRow(**{**texts, "language": language}, passage_negatives=passages, target_query_negatives=queries)


def check_destination(path: Path) -> None:
    """Refuse, before any work is done, a file name whose format is unknown.

    Raises:
        UsageError: The suffix is neither .parquet nor .jsonl.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(f"--out {path}: expected a name that ends in {' or '.join(SUFFIXES)}.")


def manifest_path(path: Path) -> Path:
    """Return the manifest's path: the rows' file name with `.manifest.json` behind it."""
    return path.with_name(f"{path.name}.manifest.json")


def write_rows(path: Path, rows: Sequence[TrainingRow], manifest: Mapping[str, Any]) -> Path:
    """Write rows, then their manifest with the rows' hash and counts, each whole or not at all.

    Returns:
        The manifest's path.
    Raises:
        UsageError: The suffix is unknown.
        TrainingError: A file cannot be written.
    """
    check_destination(path)
    data = _parquet(rows) if path.suffix == ".parquet" else _json_lines(rows)
    described = {**manifest, "rows": {"file": path.name, "fingerprint": rows_hash(rows), **count_rows(rows)}}
    beside = manifest_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)
        write_atomically(beside, (json.dumps(described, indent=1, ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise TrainingError(f"Cannot write {path}: {error.strerror or error}. Choose another --out.") from error
    return beside


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
            f"{path}: training rows are {', '.join(SUFFIXES)} or .jsonl.gz. `clearbench rows build` makes such a file."
        )
    if path.suffix != ".parquet":
        yield from read_json_lines(path)
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{path}: not a usable Parquet file: {str(error).rstrip('.')}.") from error
    _check_columns(dict.fromkeys(table.column_names), str(path))
    batches = (batch.to_pylist() for batch in table.to_batches(max_chunksize=10_000))
    for number, raw in enumerate(itertools.chain.from_iterable(batches), 1):
        yield f"{path}: row {number}", raw


def _check_columns(found: Mapping[str, Any], where: str) -> None:
    if missing := [name for name in TEXT_COLUMNS if name not in found]:
        raise TrainingError(
            f"{where}: column {missing[0]!r} is missing; found {', '.join(found) or 'none'}; "
            f"training rows have {', '.join(COLUMNS)}. `clearbench rows build --data` makes them of files without "
            "language, query_id or cluster, or with other names."
        )
    if unknown := [name for name in found if name not in COLUMNS]:
        raise TrainingError(
            f"{where}: unknown column {unknown[0]!r}; training rows have {', '.join(COLUMNS)}."
            f"{suggest(unknown[0], COLUMNS)} `clearbench rows build --data` takes rows with other names."
        )


def _check_text(value: object, name: str, where: str) -> None:
    if not isinstance(value, str):
        found = "nothing" if value is None else f"a {type(value).__name__}"
        raise TrainingError(f"{where}: column {name!r}: found {found}, expected text.")
    if not value or value.isspace():
        raise TrainingError(f"{where}: column {name!r} is empty.")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise TrainingError(f"{where}: column {name!r} holds a lone surrogate.") from None


def _check_list(value: object, name: str, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise TrainingError(f"{where}: column {name!r}: found a {type(value).__name__}, expected a list of texts.")
    for position, text in enumerate(value):
        _check_text(text, f"{name}[{position}]", where)
    return tuple(value)


def _plain(row: TrainingRow) -> dict[str, Any]:
    return {**asdict(row), **{name: list(getattr(row, name)) for name in LIST_COLUMNS}}


def _parts(row: TrainingRow) -> Iterator[str]:
    yield from (getattr(row, name) for name in TEXT_COLUMNS)
    for name in LIST_COLUMNS:
        values = getattr(row, name)
        yield str(len(values))
        yield from values


def _json_lines(rows: Sequence[TrainingRow]) -> bytes:
    return "".join(json.dumps(_plain(row), ensure_ascii=False) + "\n" for row in rows).encode()


def _parquet(rows: Sequence[TrainingRow]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = [pa.field(name, pa.string()) for name in TEXT_COLUMNS]
    fields += [pa.field(name, pa.list_(pa.string())) for name in LIST_COLUMNS]
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([_plain(row) for row in rows], schema=pa.schema(fields)), stream)
    return stream.getvalue()
