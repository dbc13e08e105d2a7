"""The character map: all that was put in is found by `tokenizers` and by a reading of the trie, and nothing else is."""

import struct
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers.normalizers import Precompiled

from clearbench.encoders.packaged.charsmap import build_trie, compile_charsmap


def look_up(trie, key):
    """The value of a key as Darts-clone finds it; None where there is none."""
    units = struct.unpack(f"<{len(trie) // 4}I", trie)

    def offset(unit):
        return (unit >> 10) << ((unit & 1 << 9) >> 6)

    place = offset(units[0])
    has_value = False
    for byte in key:
        place ^= byte
        unit = units[place]
        if unit & 0x800000FF != byte:
            return None
        has_value = bool(unit >> 8 & 1)
        place ^= offset(unit)
    return units[place] & 0x7FFFFFFF if has_value else None


KEYS = st.binary(min_size=1, max_size=4).filter(lambda key: 0 not in key)


@given(st.dictionaries(KEYS, st.integers(0, 2**31 - 1), min_size=1, max_size=300), st.lists(KEYS, max_size=50))
def test_the_trie_holds_exactly_its_keys(values, others):
    trie = build_trie(values)
    assert {key: look_up(trie, key) for key in values} == values
    assert all(look_up(trie, key) is None for key in others if key not in values)
    assert len(trie) % 1024 == 0  # whole blocks: a look-up of any byte stays inside


CHARACTERS = st.characters(exclude_categories=["Cs"], min_codepoint=1)


@given(st.dictionaries(CHARACTERS, st.text(CHARACTERS, max_size=3), max_size=40), st.lists(CHARACTERS, max_size=20))
def test_single_characters_are_replaced_and_others_stay(replaced, others):
    normalizer = Precompiled(compile_charsmap(replaced))
    for character, text in replaced.items():
        assert normalizer.normalize_str(character) == text
    for character in set(others) - set(replaced):
        assert normalizer.normalize_str(character) == character


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("o\u0323", "\u1ecd"),
        ("e\u0301", "é"),
        ("e\u0341", "é"),  # this accent is normalised to the usual one, and composes like it
        # What `tokenizers` does with any such map, the official one included:
        ("Ａ\u0301", "A"),  # the shortest match wins, and the accent is lost
        ("か\u3099", "か\u3099"),  # six bytes are taken character by character
        ("D\u017d", "DŽ"),  # only what composes into one character is looked up as a whole
        ("x\u0323", "x\u0323"),
    ],
)
def test_sequences_that_compose(text, expected):
    assert Precompiled(compile_charsmap({"Ａ": "A", "\u0341": "\u0301"})).normalize_str(text) == expected


def test_marks_are_not_put_into_unicodes_order():
    """NFKC would: it moves the dot below before the accent, and Yoruba words get other pieces."""
    text = "o\u0301\u0323"
    found = Precompiled(compile_charsmap({})).normalize_str(text)
    assert found != unicodedata.normalize("NFKC", text) == "\u1ecd\u0301"
