"""Reading UTF-8 text, JSON and JSON lines with errors that name file, line and what was expected."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from clearbench.common.errors import DataError
from clearbench.common.languages import Language
from clearbench.tasks.dataset import Texts

Row = Mapping[str, Any]

_T = TypeVar("_T")

_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Give line number and text of every line that is not blank; `.gz` files are unpacked.

    Only a line feed ends a line: texts may hold U+2028 and its like.

    Raises:
        DataError: The file is missing, not UTF-8, a broken gzip file, or has no line with text.
    """
    offset, found = 0, False
    try:
        with _open(path) as stream:
            for number, raw in enumerate(stream, 1):
                data = raw
                if number == 1:
                    _refuse_other_boms(path, raw)
                    data = raw.removeprefix(_BOM)
                line = _decode(path, data, offset + len(raw) - len(data)).rstrip("\r\n")
                offset += len(raw)
                if line and not line.isspace():
                    found = True
                    yield number, line
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}.") from error
    if not found:
        raise DataError(f"{path}: the file is empty.")


def read_json_lines(path: Path) -> Iterator[tuple[str, Row]]:
    """Give place ("file:line") and object of every line of a JSON-lines file; a bare NaN reads as null.

    Raises:
        DataError: As `read_lines`; or a line is not a JSON object.
    """
    for number, line in read_lines(path):
        where = f"{path}:{number}"
        row = _parse(line, where)
        if not isinstance(row, dict):
            raise DataError(f"{where}: found {_kind(row)}, expected a JSON object.")
        yield where, row


def read_json(path: Path) -> Row:
    """Read a file that is one JSON object.

    Raises:
        DataError: The file is missing, empty, not UTF-8 or not a JSON object.
    """
    lines: list[str] = []
    for number, line in read_lines(path):
        lines.extend([""] * (number - 1 - len(lines)))  # blank lines count in messages
        lines.append(line)
    value = _parse("\n".join(lines), str(path))
    if not isinstance(value, dict):
        raise DataError(f"{path}: found {_kind(value)}, expected a JSON object.")
    return value


def text_field(row: object, name: str, where: str) -> str:
    """Return a field that must be text.

    Args:
        row: The JSON object.
        name: Name of the field.
        where: Place in the file, for messages.
    Raises:
        DataError: It is missing or of another type.
    """
    return _field(row, name, where, str, "text")


def list_field(row: object, name: str, where: str) -> list[Any]:
    """Return a field that must be a list.

    Args:
        row: The JSON object.
        name: Name of the field.
        where: Place in the file, for messages.
    Raises:
        DataError: It is missing or of another type.
    """
    return _field(row, name, where, list, "a list")


def id_field(row: object, name: str, where: str) -> str:
    """Return a field that must be an id: text, or a whole number, which is returned as text.

    Args:
        row: The JSON object.
        name: Name of the field.
        where: Place in the file, for messages.
    Raises:
        DataError: It is missing or of another type.
    """
    value = row.get(name) if isinstance(row, dict) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text_field(row, name, where)


def make_texts(language: Language, items: Iterable[tuple[str, str]], kind: str, where: Path | str) -> Texts:
    """Build a query set or a pool, and refuse what later stages cannot carry.

    NUL ends a C string, a lone surrogate cannot be encoded, and trec_eval returns another query's result for the
    query id `no_query`.

    Args:
        language: Language of the texts.
        items: (id, text) of each query or passage.
        kind: "query" or "passage", for messages.
        where: File or folder, for messages.
    Raises:
        DataError: An id is repeated, empty or unusable; a text is empty or unusable; or there are no texts at all.
    """
    texts: dict[str, str] = {}
    for key, text in items:
        if key in texts:
            raise DataError(f"{where}: {kind} id {key!r} occurs twice; ids must be unique.")
        _check_carriable(key, f"{where}: {kind} id {key!r}")
        if not key or key.isspace():
            raise DataError(f"{where}: a {kind} has an empty id (its text: {text[:60]!r}).")
        if kind == "query" and key == "no_query":
            raise DataError(f"{where}: query id 'no_query' is not usable: trec_eval keeps it for itself.")
        if not text or text.isspace():
            raise DataError(f"{where}: {kind} {key!r} has an empty text.")
        _check_carriable(text, f"{where}: the text of {kind} {key!r}")
        texts[key] = text
    if not texts:
        plural = "queries" if kind == "query" else "passages"
        raise DataError(f"{where}: no {plural} in {language}; expected at least one.")
    return Texts(language, tuple(texts), tuple(texts.values()))


def _field(row: object, name: str, where: str, kind: type[_T], expected: str) -> _T:
    if not isinstance(row, dict):
        raise DataError(f"{where}: found {_kind(row)}, expected a JSON object with field {name!r}.")
    value = row.get(name)
    if not isinstance(value, kind):
        found = _kind(value) if name in row else f"only {', '.join(map(repr, row)) or 'no fields'}"
        raise DataError(f"{where}: field {name!r}: found {found}, expected {expected}.")
    return value


def _check_carriable(text: str, what: str) -> None:
    if "\0" in text:
        raise DataError(f"{what} holds a NUL character.")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise DataError(f"{what} holds a lone surrogate (at character {error.start}).") from None


def _open(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _decode(path: Path, data: bytes, offset: int) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: byte 0x{data[error.start]:02x} at offset {offset + error.start:,} is not UTF-8; expected UTF-8."
        ) from None


def _refuse_other_boms(path: Path, raw: bytes) -> None:
    if (name := _OTHER_BOMS.get(raw[:2])) is not None:
        raise DataError(f"{path}: byte 0x{raw[0]:02x} at offset 0: the file is {name}; expected UTF-8.")


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        place = f"{where}:{error.lineno}" if error.lineno > 1 else where
        raise DataError(
            f"{place}: not JSON at character {error.colno:,}: {error.msg}; the file may be truncated."
        ) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not usable JSON: {error}.") from None


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
