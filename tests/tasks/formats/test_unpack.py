"""Opening packed files: what they unpack to, and the limit on it."""

import gzip

import pyarrow as pa
import pytest
from builders.files import write

from clearbench.common.errors import DataError
from clearbench.tasks.formats import unpack
from clearbench.tasks.formats.parsing import read_json, read_lines
from clearbench.tasks.formats.unpack import open_unpacked, plain_name


def zstd(content):
    return pa.compress(content, codec="zstd", asbytes=True)


PACK = {".gz": gzip.compress, ".zst": zstd}


@pytest.mark.parametrize("ending", PACK)
def test_a_packed_file_is_read_as_its_content(tmp_path, ending):
    content = b"".join(b"line %d\n" % number for number in range(50_000))
    path = write(tmp_path / f"a.jsonl{ending}", PACK[ending](content))
    with open_unpacked(path) as stream:
        assert stream.read() == content
    assert plain_name(path) == plain_name(tmp_path / "a.jsonl") == "a.jsonl"


@pytest.mark.parametrize("ending", PACK)
def test_a_file_that_unpacks_to_far_more_than_a_text_can_is_refused(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(unpack, "SMALL", 1 << 20)
    line = b'{"a": 1}\n'
    small = write(tmp_path / f"small.jsonl{ending}", PACK[ending](line * 100_000))
    assert sum(1 for _ in read_lines(small)) == 100_000
    bomb = write(tmp_path / f"bomb.jsonl{ending}", PACK[ending](line * 1_000_000))
    with pytest.raises(DataError, match=r"bomb\.jsonl.*unpack to more than 1,.*unpack it yourself"):
        for _ in read_lines(bomb):
            pass
    with pytest.raises(DataError, match=r"unpack to more than"):
        read_json(bomb)


def test_a_packed_line_without_end_fills_no_memory(tmp_path):
    path = write(tmp_path / "a.jsonl.gz", gzip.compress(b"x" * (20 << 20)))
    with pytest.raises(DataError, match=r"a\.jsonl\.gz:1: the line has more than 16,777,216 bytes"):
        list(read_lines(path))


@pytest.mark.parametrize("ending", PACK)
@pytest.mark.parametrize("cut", [-6, 8, 0])
def test_a_damaged_packed_file_is_an_error(tmp_path, ending, cut):
    packed = PACK[ending](b"line\n" * 10_000)[:cut]
    with pytest.raises(DataError, match=r"a\.jsonl"):
        list(read_lines(write(tmp_path / f"a.jsonl{ending}", packed)))
