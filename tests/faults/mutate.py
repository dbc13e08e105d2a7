"""Odd forms of small files: bytes that are wrong, and well-formed values that nobody expects."""

import json
from typing import Any

from hypothesis import strategies as st

DEEP, LONG = 100_000, 300_000
"""Levels of nesting and characters of a text that no file has."""
TOKENS = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n\n", b"\t", b'"', b"'", b"{", b"}", b"[", b",", b"=", b"\\u0000",
    b"\\ud800", b"1e999", b"-1", b"0.5", b"NaN", b"null", b"true", b"9" * 400, b"../../x", b"{language:>99999}",
    b"{language!x}", b"%s", b"\x1b[31m", "\u202e".encode(), "é".encode("latin-1"), b"[" * DEEP, b'{"a":' * DEEP,
    b"x" * LONG,
)  # fmt: skip
"""Bytes to put in."""
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 10**40, -(10**40), 0.0, 0.5, -0.0, 1e308, float("inf"),
    float("-inf"), float("nan"), "", " ", "\x00", "\ud800", "\x1b[31m", "\u202e", "..", "../../x", "/etc/passwd", "en",
    "de-en", "x" * LONG, [], [[]], [None], {}, {"": None}, ["a", 1], {"a": {"b": []}}, [[[[[[]]]]]],
)  # fmt: skip
"""Values in place of one that was expected."""


def mutated(data: bytes, name: str) -> st.SearchStrategy[bytes]:
    """Return mutations of a file: of its bytes, and where it is JSON or JSON lines, of its values."""
    ways = [_bytes(data)]
    if name.endswith((".json", ".jsonl")):
        ways += [_values(data)] * 2
    return st.one_of(ways)


def _bytes(data: bytes) -> st.SearchStrategy[bytes]:
    """Up to four edits: bytes put in, taken out, turned over, repeated, or cut off from a place on."""
    place = st.integers(0, len(data))
    kind = st.sampled_from(("token", "token", "remove", "turn", "repeat", "cut"))
    edits = st.lists(st.tuples(kind, place, st.sampled_from(TOKENS), st.integers(1, 255)), min_size=1, max_size=4)
    return edits.map(lambda chosen: _edited(data, chosen))


def _edited(data: bytes, edits: list[tuple[str, int, bytes, int]]) -> bytes:
    for kind, place, token, number in edits:
        place = min(place, len(data))
        rest = data[place:]
        match kind:
            case "token":
                data = data[:place] + token + rest
            case "remove":
                data = data[:place] + rest[number:]
            case "turn":
                data = data[:place] + bytes([rest[0] ^ number]) + rest[1:] if rest else data
            case "repeat":
                data = data[:place] + rest[:number] + rest
            case "cut":
                data = data[:place]
    return data


def _values(data: bytes) -> st.SearchStrategy[bytes]:
    """Put an odd value in a place of the JSON, or remove, add or repeat one."""
    seed = st.integers(0, 2**32)
    kind = st.sampled_from(("replace", "replace", "replace", "remove", "add", "repeat"))
    return st.tuples(kind, seed, st.sampled_from(ODD)).map(lambda chosen: _changed(data, *chosen))


def _changed(data: bytes, kind: str, seed: int, odd: Any) -> bytes:
    lines = [json.loads(line) for line in data.splitlines()] if _is_lines(data) else [json.loads(data)]
    places: list[tuple[Any, Any]] = []
    _collect(lines, places)
    holder, key = places[seed % len(places)]
    if kind == "replace":
        holder[key] = odd
    elif kind == "remove":
        del holder[key]
    elif isinstance(holder, dict):
        holder["odd"] = odd
    else:
        holder.append(holder[key] if kind == "repeat" else odd)
    return "\n".join(json.dumps(line) for line in lines).encode("utf-8", "surrogatepass")


def _is_lines(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return True
    return False


def _collect(value: Any, places: list[tuple[Any, Any]]) -> None:
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        places.append((value, key))
        _collect(item, places)
