"""Passage corpora: every format that is read, and what is refused."""

import gzip
from typing import Any

import pytest
from builders.files import write, write_jsonl

from clearbench.common.errors import DataError
from clearbench.tasks.formats.corpus import corpus_name, read_corpus


def test_a_dpr_tsv_is_read_line_by_line(tmp_path):
    path = write(tmp_path / "a.tsv", 'id\ttext\ttitle\n1\t"He said ""no""."\tNo\n2\t"A" and "B"\tT\n3\t"open\tT\n')
    assert list(read_corpus(path)) == [("1", "No", 'He said "no".'), ("2", "T", '"A" and "B"'), ("3", "T", '"open')]


def test_header_and_title_may_be_missing(tmp_path):
    assert list(read_corpus(write(tmp_path / "a.tsv", "1\tText\n"))) == [("1", "", "Text")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id\ttext\ttitle\n1\ttext\ttitle\n2\ttext\n", "a.tsv:3: 2 tab-separated fields; expected 3"),
        ("1 text\n", "a.tsv:1: 1 tab-separated fields; expected 3"),
        ("id\ttitle\ttext\n", "columns id, title, text; expected id, text, title"),
    ],
)
def test_a_broken_tsv_is_an_error_with_its_line(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        list(read_corpus(write(tmp_path / "a.tsv", content)))


def test_a_beir_corpus_is_read_plain_packed_and_from_its_folder(tmp_path):
    rows: list[dict[str, Any]] = [{"_id": "1", "title": None, "text": "a"}, {"_id": 2, "title": "T", "text": "b"}]
    path = write_jsonl(tmp_path / "nq" / "corpus.jsonl", rows)
    passages = [("1", "", "a"), ("2", "T", "b")]
    assert list(read_corpus(path)) == list(read_corpus(path.parent)) == passages
    packed = write(tmp_path / "packed" / "corpus.jsonl.gz", gzip.compress(path.read_bytes()))
    assert list(read_corpus(packed)) == list(read_corpus(packed.parent)) == passages


def test_a_parquet_corpus_is_read(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"_id": ["1"], "title": ["T"], "text": ["a"]}), tmp_path / "corpus.parquet")
    assert list(read_corpus(tmp_path)) == [("1", "T", "a")]
    pq.write_table(pa.table({"x": ["1"]}), tmp_path / "corpus.parquet")
    with pytest.raises(DataError, match="columns x; expected _id, title, text"):
        list(read_corpus(tmp_path))
    write(tmp_path / "corpus.parquet", "text")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        list(read_corpus(tmp_path))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("enwiki_20190201_w100.tsv", "enwiki_20190201_w100"),
        ("psgs_w100.tsv.gz", "psgs_w100"),
        ("nq/corpus.jsonl", "nq"),
        ("nq/corpus.jsonl.gz", "nq"),
    ],
)
def test_a_corpus_has_a_name(tmp_path, name, expected):
    assert corpus_name(write(tmp_path / name, "x")) == expected
    assert corpus_name(tmp_path / "nq") == "nq"


def test_an_unknown_format_is_an_error(tmp_path):
    with pytest.raises(DataError, match="unknown format of a passage corpus; expected a DPR tsv"):
        read_corpus(write(tmp_path / "a.csv", "x"))
    with pytest.raises(DataError, match=r"the folder holds none of corpus\.jsonl"):
        read_corpus(tmp_path)
