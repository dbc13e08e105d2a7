"""Reading UTF-8 text, JSON and JSON lines with errors that name file, line and what was expected."""

import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from clearbench.common.errors import DataError
from clearbench.common.text import join_names, json_kind
from clearbench.tasks.formats.unpack import open_unpacked

Row = Mapping[str, Any]

_T = TypeVar("_T")

LONGEST_LINE = 16 << 20
"""Bytes of a line; a longer one means a file without line feeds, which would fill the memory."""
LARGEST_JSON = 1 << 30
"""Bytes of a file that is one JSON object."""
_BLOCK = 1 << 20
"""Bytes that are read at once."""

_DECODER = json.JSONDecoder(parse_constant=lambda _: None)  # made once: `json.loads` would make one for every line
_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


_CONVERT = "Convert it, for example with `tr '\\r' '\\n'`."


def read_lines(path: Path, keep_blank: bool = False) -> Iterator[tuple[int, str]]:
    """Yield line number and text of every line that is not blank; `.gz` and `.zst` files are unpacked.

    Only a line feed ends a line: texts may contain U+2028 and the like.

    Args:
        path: The file.
        keep_blank: Yield blank lines too.
    Raises:
        DataError: The file is missing, not UTF-8, broken, has a line that is too long, or no line with text.
    """
    offset, number, found = 0, 0, False
    with _name_file_in_errors(path), open_unpacked(path) as stream:
        while raw := stream.readline(LONGEST_LINE + 1):
            number += 1
            if len(raw) > LONGEST_LINE:
                raise DataError(
                    f"{path}:{number}: the line has more than {LONGEST_LINE:,} bytes; expected one row per line."
                )
            data = raw if number > 1 else _drop_bom(path, raw)
            line = _decode(path, data, offset + len(raw) - len(data)).rstrip("\r\n")
            offset += len(raw)
            if number == 1 and "\r" in line.strip() and not raw.endswith(b"\n"):
                raise DataError(f"{path}: its lines end with carriage returns only, expected line feeds. {_CONVERT}")
            blank = not line or line.isspace()
            found |= not blank
            if keep_blank or not blank:
                yield number, line
    if not found:
        raise DataError(f"{path}: the file is empty.")


def read_json_lines(path: Path) -> Iterator[tuple[str, Row]]:
    """Yield place ("file:line") and object of every line of a JSON-lines file; a bare NaN reads as null.

    Raises:
        DataError: As `read_lines`; or a line is not a JSON object.
    """
    for number, line in read_lines(path):
        where = f"{path}:{number}"
        row = _parse_json(line, where)
        if not isinstance(row, dict):
            raise DataError(f"{where}: found {json_kind(row)}, expected a JSON object.")
        yield where, row


def read_json(path: Path) -> Row:
    """Read a file that is one JSON object.

    Raises:
        DataError: The file is missing, empty, too large, not UTF-8 or not a JSON object.
    """
    with _name_file_in_errors(path), open_unpacked(path) as stream:
        raw = b"".join(_read_blocks(stream, path))
    data = _drop_bom(path, raw)
    text = _decode(path, data, len(raw) - len(data))
    if not text.strip():
        raise DataError(f"{path}: the file is empty.")
    value = _parse_json(text, str(path))
    if not isinstance(value, dict):
        raise DataError(f"{path}: found {json_kind(value)}, expected a JSON object.")
    return value


def _read_blocks(stream: IO[bytes], path: Path) -> Iterator[bytes]:
    """Yield a stream block by block; one read of the largest allowed size would allocate that much memory."""
    length = 0
    while block := stream.read(_BLOCK):
        length += len(block)
        if length > LARGEST_JSON:
            raise DataError(f"{path}: more than {LARGEST_JSON:,} bytes of JSON in one object; expected less.")
        yield block


def text_field(row: object, name: str, where: str) -> str:
    """Return a field that must be text; a whole number is returned as its digits.

    Args:
        row: The JSON object.
        name: Name of the field.
        where: Place in the file, for messages.
    Raises:
        DataError: It is missing or of another type.
    """
    value = row.get(name) if isinstance(row, dict) else None
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _typed_field(row, name, where, str, "text")


def optional_text(row: Row, name: str, where: str) -> str:
    """Return a field as `text_field` does; "" if it is missing or null.

    Args:
        row: The JSON object.
        name: Name of the field.
        where: Place in the file, for messages.
    Raises:
        DataError: It is of another type.
    """
    return "" if row.get(name) is None else text_field(row, name, where)


def list_field(row: object, name: str, where: str) -> list[Any]:
    """Return a field that must be a list.

    Args:
        row: The JSON object.
        name: Name of the field.
        where: Place in the file, for messages.
    Raises:
        DataError: It is missing or of another type.
    """
    return _typed_field(row, name, where, list, "a list")


def _typed_field(row: object, name: str, where: str, kind: type[_T], expected: str) -> _T:
    if not isinstance(row, dict):
        raise DataError(f"{where}: found {json_kind(row)}, expected a JSON object with field {name!r}.")
    value = row.get(name)
    if not isinstance(value, kind):
        found = json_kind(value) if name in row else f"only {join_names(map(repr, row), 8)}"
        raise DataError(f"{where}: field {name!r}: found {found}, expected {expected}.")
    return value


@contextmanager
def _name_file_in_errors(path: Path) -> Iterator[None]:
    """Turn every error in reading a file into a DataError that names the file."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}.") from error


def _decode(path: Path, data: bytes, offset: int) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: byte 0x{data[error.start]:02x} at offset {offset + error.start:,} is not UTF-8; expected UTF-8."
        ) from None


def _drop_bom(path: Path, raw: bytes) -> bytes:
    """Return the first line of a file without UTF-8's byte-order mark; refuse other encodings' marks."""
    if (name := _OTHER_BOMS.get(raw[:2])) is not None:
        raise DataError(f"{path}: byte 0x{raw[0]:02x} at offset 0: the file is {name}; expected UTF-8.")
    return raw.removeprefix(_BOM)


def _parse_json(text: str, where: str) -> Any:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        place = f"{where}:{error.lineno}" if error.lineno > 1 else where
        raise DataError(
            f"{place}: not JSON at character {error.colno:,}: {error.msg}; the file may be truncated."
        ) from None
    except RecursionError:
        raise DataError(f"{where}: not usable JSON: lists or objects are nested hundreds deep.") from None
    except ValueError as error:
        raise DataError(f"{where}: not usable JSON: {error}.") from None
