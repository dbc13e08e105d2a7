"""Hashes: no two lists of texts share one by the way they are joined; files are hashed as elsewhere."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common.hashing import content_hash, file_sha256

parts = st.lists(st.text("ab\x00\x01", max_size=3), max_size=4)


def literal(texts: list[str]) -> str:
    framed = b"".join(len(data).to_bytes(8, "little") + data for data in (text.encode() for text in texts))
    return hashlib.blake2b(framed, digest_size=16).hexdigest()


@given(parts)
def test_each_part_is_hashed_behind_its_length(texts: list[str]) -> None:
    assert content_hash(*texts) == literal(texts)


@given(parts, parts)
def test_hashes_are_equal_only_for_equal_lists(one: list[str], other: list[str]) -> None:
    assert (content_hash(*one) == content_hash(*other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(["ab"], ["a", "b"]), (["a", ""], ["a"]), (["", "a"], ["a", ""]), ([], [""])],
)
def test_where_a_part_ends_counts(one: list[str], other: list[str]) -> None:
    assert "".join(one) == "".join(other), "joined, they could not be told apart"
    assert content_hash(*one) != content_hash(*other)


def test_a_lone_surrogate_can_be_hashed() -> None:
    assert content_hash("\ud800") != content_hash("\ud801")


def test_a_file_has_the_sha_256_that_is_published_for_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert file_sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
