"""Gathering the texts of a query set or a pool, and refusing texts that later stages cannot handle."""

import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from clearbench.common.errors import DataError
from clearbench.common.languages import Language
from clearbench.tasks.dataset import Texts

Kind = Literal["query", "passage"]


class TextsBuilder:
    """Collects the rows of a file into a query set or a pool; errors name the row's place."""

    def __init__(self, language: Language, kind: Kind) -> None:
        self._language, self._kind = language, kind
        self._texts: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._texts)

    def add(self, key: str, text: str, where: str) -> None:
        """Add one row.

        NUL ends a C string, a lone surrogate cannot be encoded, and trec_eval returns another query's result for the
        query id `no_query`.

        Args:
            key: Id of the query or passage.
            text: Its text.
            where: Place in the file, for messages.
        Raises:
            DataError: The id is repeated, empty or unusable, or the text is empty or unusable.
        """
        if key in self._texts:
            raise DataError(f"{where}: {self._kind} id {key!r} occurs twice; ids must be unique.")
        if _is_blank(key):
            raise DataError(f"{where}: a {self._kind} has an empty id (its text: {text[:60]!r}).")
        if self._kind == "query" and key == "no_query":
            raise DataError(f"{where}: query id 'no_query' is not usable: trec_eval reserves it.")
        if _is_blank(text):
            raise DataError(f"{where}: {self._kind} {key!r} has an empty text; fill it in, or leave the row out.")
        if problem := _find_unusable(key):
            raise DataError(f"{where}: {self._kind} id {key!r} holds {problem}.")
        if problem := _find_unusable(text):
            raise DataError(f"{where}: the text of {self._kind} {key!r} holds {problem}.")
        self._texts[key] = text

    def build(self, where: Path | str) -> Texts:
        """Return the texts in the order of their rows.

        Args:
            where: File or folder, for the message.
        Raises:
            DataError: There are none.
        """
        if not self._texts:
            plural = "queries" if self._kind == "query" else "passages"
            raise DataError(f"{where}: no {plural} in {self._language}; expected at least one.")
        return Texts(self._language, tuple(self._texts), tuple(self._texts.values()))


def make_texts(language: Language, items: Iterable[tuple[str, str]], kind: Kind, where: Path | str) -> Texts:
    """Build a query set or a pool from texts without places in a file, as `TextsBuilder` does.

    Args:
        language: Language of the texts.
        items: (id, text) of each query or passage.
        kind: Which of the two they are, for messages.
        where: File or folder, for messages.
    Raises:
        DataError: See `TextsBuilder`.
    """
    return gather_texts(language, ((key, text, str(where)) for key, text in items), kind, where)


def gather_texts(language: Language, rows: Iterable[tuple[str, str, str]], kind: Kind, where: Path | str) -> Texts:
    """Build a query set or a pool from the rows of a file, as `TextsBuilder` does.

    Args:
        language: Language of the texts.
        rows: (id, text, place in the file) of each query or passage.
        kind: Which of the two they are, for messages.
        where: File or folder, for the message where there are none.
    Raises:
        DataError: See `TextsBuilder`.
    """
    builder = TextsBuilder(language, kind)
    for row in rows:
        builder.add(*row)
    return builder.build(where)


def _is_blank(text: str) -> bool:
    """Return whether nothing of a text is seen: it is empty, or holds only blanks and characters without a width."""
    return all(letter.isspace() or unicodedata.category(letter) == "Cf" for letter in text)


def _find_unusable(text: str) -> str:
    """Return what a text contains that later stages cannot handle, or an empty string."""
    if "\0" in text:
        return "a NUL character"
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            return f"a lone surrogate (at character {error.start})"
    return ""
