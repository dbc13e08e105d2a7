"""The training row, which `rows build` and `rows mine` write and training reads; see rows/files.py for the files.

One row is one English question with its passage and the same question in one target language:

    query                    English question
    passage                  its English passage, the positive
    target_query             the question in the target language
    language                 the target language as a code, such as `de`
    query_id                 the question's id; the same question has the same id in every language
    cluster                  article or passage; a split never separates the rows of one cluster
    passage_negatives        hard-negative English passages; may be absent
    target_query_negatives   empty, or one question per negative passage: [k] is a question of passage_negatives[k]

Columns are found by these names; their order does not matter.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from clearbench.common.errors import TrainingError, UsageError, suggest
from clearbench.common.hashing import content_hash
from clearbench.common.languages import parse_language
from clearbench.common.text import FOREIGN, join_names, shorten

if TYPE_CHECKING:
    import pandas as pd

TEXT_COLUMNS = ("query", "passage", "target_query", "language", "query_id", "cluster")
LIST_COLUMNS = ("passage_negatives", "target_query_negatives")
COLUMNS = (*TEXT_COLUMNS, *LIST_COLUMNS)


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
        """128-bit hash of all rows in their order; the same for Parquet and JSON lines."""
        return rows_hash(self.rows)

    @cached_property
    def table(self) -> "pd.DataFrame":
        """The rows as a table with the columns above; negatives are lists of texts."""
        import pandas as pd

        return pd.DataFrame([to_columns(row) for row in self.rows], columns=list(COLUMNS))

    @property
    def languages(self) -> tuple[str, ...]:
        """Target languages in order of appearance."""
        return tuple(dict.fromkeys(row.language for row in self.rows))


def rows_hash(rows: Iterable[TrainingRow]) -> str:
    """Return a hash of rows; their order matters."""
    return content_hash(*(part for row in rows for part in _hashed_parts(row)))


def make_row(raw: Mapping[str, Any], where: str) -> TrainingRow:
    """Check the values of one row and return it.

    Raises:
        TrainingError: A column is missing or unknown, a text is empty or unusable, or the numbers of negative passages
            and questions differ.
    """
    check_columns(raw, where)
    for name in TEXT_COLUMNS:
        _check_text(raw[name], name, where)
    passages, queries = (_check_list(raw.get(name), name, where) for name in LIST_COLUMNS)
    if queries and len(queries) != len(passages):
        raise TrainingError(
            f"{where}: column 'target_query_negatives': {len(queries)} questions for {len(passages)} "
            "passage_negatives; expected no questions, or one per passage."
        )
    if raw["passage"] in passages:
        raise TrainingError(
            f"{where}: column 'passage_negatives' [{passages.index(raw['passage'])}] is the row's own passage."
        )
    for name in ("query_id", "cluster"):
        if not raw[name].isprintable():
            raise TrainingError(
                f"{where}: column {name!r}: {shorten(repr(raw[name]), FOREIGN)} holds tabs or other control characters."
            )
    try:
        language = str(parse_language(shorten(raw["language"], FOREIGN)))
    except UsageError as error:
        raise TrainingError(f"{where}: column 'language': {error}") from None
    texts = {name: raw[name] for name in TEXT_COLUMNS}
    return TrainingRow(**{**texts, "language": language}, passage_negatives=passages, target_query_negatives=queries)


def check_columns(found: Mapping[str, Any], where: str) -> None:
    """Check the names of a row's or a table's columns.

    Raises:
        TrainingError: A column is missing or unknown.
    """
    if missing := [name for name in TEXT_COLUMNS if name not in found]:
        raise TrainingError(
            f"{where}: column {missing[0]!r} is missing; found {shorten(join_names(found, len(COLUMNS)), FOREIGN)}; "
            f"training rows have {', '.join(COLUMNS)}. `clearbench rows build --data` makes rows from files that lack "
            "language, query_id or cluster, or that use other names."
        )
    if unknown := [name for name in found if name not in COLUMNS]:
        raise TrainingError(
            f"{where}: unknown column {shorten(repr(unknown[0]), FOREIGN)}; training rows have {', '.join(COLUMNS)}."
            f"{suggest(unknown[0][:FOREIGN], COLUMNS)} `clearbench rows build --data` accepts other names."
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


def to_columns(row: TrainingRow) -> dict[str, Any]:
    """Return column -> value of a row, with negatives as lists."""
    return {**asdict(row), **{name: list(getattr(row, name)) for name in LIST_COLUMNS}}


def _hashed_parts(row: TrainingRow) -> Iterator[str]:
    yield from (getattr(row, name) for name in TEXT_COLUMNS)
    for name in LIST_COLUMNS:
        values = getattr(row, name)
        yield str(len(values))
        yield from values
