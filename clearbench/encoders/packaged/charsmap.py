"""The map of characters that a tokenizer normalises, in the binary form that `tokenizers` calls Precompiled.

    u32 bytes of the trie; the trie; the normalised texts, each followed by a zero byte

The trie is Darts-clone's double array of u32: the child of a node under a byte is at `base ^ byte`, and a value is at
`base` itself. A node holds in bits 0-7 its byte, in bit 8 whether it has a value, and from bit 10 on `place ^ base`;
bit 31 marks a value. Offsets of 2^21 and more have another form, which a map of this size never needs.
Source: https://github.com/s-yata/darts-clone, darts.h, DoubleArrayUnit.
"""

import struct
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from itertools import count, product
from typing import Any

LONGEST = 5
"""Bytes of the longest sequence that `tokenizers` looks up as a whole; it takes longer ones character by character."""
VALUE = 0
"""Stands for a node's value among its children; no text holds this byte."""
BLOCK = 256


def compile_charsmap(replaced: Mapping[str, str]) -> bytes:
    """Return the binary map of single characters and of the sequences that compose, as sentencepiece would.

    Args:
        replaced: Character -> what it is normalised to.
    """
    texts = bytearray()
    places: dict[str, int] = {}
    values: dict[bytes, int] = {}
    for key, text in sorted({**replaced, **_composed_sequences(replaced)}.items()):
        if text not in places:
            places[text] = len(texts)
            texts += text.encode() + b"\0"
        values[key.encode()] = places[text]
    trie = build_trie(values)
    return struct.pack("<I", len(trie)) + trie + bytes(texts)


def _composed_sequences(replaced: Mapping[str, str]) -> dict[str, str]:
    """Return the sequences of characters that compose into one: "o\u0323" -> "\u1ecd".

    Each part of a sequence may also be a character that is normalised to it, such as a full-width letter. Unicode adds
    no composed character that is this short, so all versions of Python agree.
    """
    spellings: dict[str, list[str]] = defaultdict(list)
    for character, text in replaced.items():
        spellings[text].append(character)
    sequences: dict[str, str] = {}
    for parts, composed in _compositions():
        for spelling in product(*[[part, *spellings[part]] for part in parts]):
            if len("".join(spelling).encode()) <= LONGEST:
                sequences["".join(spelling)] = composed
    return sequences


@cache
def _compositions() -> list[tuple[str, str]]:
    """Return the sequences of characters that Unicode composes into one, each with that one."""
    decomposed = (unicodedata.normalize("NFKD", chr(code)) for code in range(0x80, 0x10000))
    composed = ((parts, unicodedata.normalize("NFC", parts)) for parts in decomposed if len(parts) > 1)
    return [(parts, whole) for parts, whole in composed if len(whole) == 1]


def build_trie(values: Mapping[bytes, int]) -> bytes:
    """Return the double array of byte strings and their values.

    Args:
        values: Byte string without zero bytes -> a number below 2^31.
    """
    units = [0] * BLOCK
    taken, bases = {0}, set[int]()
    pending: list[tuple[int, dict[int, Any]]] = [(0, _build_tree(values))]
    for place, children in pending:
        base = _free_base(children, taken, bases, len(units))
        bases.add(base)
        if base >= len(units):
            units += [0] * BLOCK
        units[place] |= (place ^ base) << 10
        for byte, child in children.items():
            taken.add(base ^ byte)
            if byte == VALUE:
                units[base] = child | 1 << 31
            else:
                units[base ^ byte] = byte | (VALUE in child) << 8
                pending.append((base ^ byte, child))
    return struct.pack(f"<{len(units)}I", *units)


def _build_tree(values: Mapping[bytes, int]) -> dict[int, Any]:
    """Return the trie as nested tables: byte -> its children, VALUE -> the value."""
    root: dict[int, Any] = {}
    for key, value in sorted(values.items()):
        node = root
        for byte in key:
            node = node.setdefault(byte, {})
        node[VALUE] = value
    return root


def _free_base(children: Mapping[int, Any], taken: set[int], bases: set[int], length: int) -> int:
    """Return the first base, from the last block on, under which all children have a free place."""
    return next(
        base
        for base in count(length - BLOCK)
        if base not in bases and not any(base ^ byte in taken for byte in children)
    )
