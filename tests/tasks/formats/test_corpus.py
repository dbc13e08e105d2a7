"""Passage corpora: every format that is read, and what is refused."""

import gzip
from typing import Any

import pytest
from builders.files import write, write_jsonl

from clearbench.common.errors import DataError
from clearbench.tasks.formats.corpus import corpus_name, read_corpus


def read(path):
    return [(passage.id, passage.title, passage.text) for passage in read_corpus(path)]


def test_a_dpr_tsv_is_read_line_by_line(tmp_path):
    path = write(tmp_path / "a.tsv", 'id\ttext\ttitle\n1\t"He said ""no""."\tNo\n2\t"A" and "B"\tT\n3\t"open\tT\n')
    assert read(path) == [("1", "No", 'He said "no".'), ("2", "T", '"A" and "B"'), ("3", "T", '"open')]
    assert [passage.where for passage in read_corpus(path)] == [f"{path}:{number}" for number in (2, 3, 4)]


def test_header_and_title_may_be_missing(tmp_path):
    assert read(write(tmp_path / "a.tsv", "1\tText\n")) == [("1", "", "Text")]


@pytest.mark.parametrize(
    "header", ["id\ttitle\ttext", "docid\ttitle\ttext", "_id\ttitle\ttext\turl", "title\tpassage_id\ttext\tid_of_page"]
)
def test_columns_of_a_tsv_are_found_by_name(tmp_path, header):
    fields = {"title": "T", "text": "a", "url": "u", "id_of_page": "9"}
    row = "\t".join(fields.get(name, "1") for name in header.split("\t"))
    assert read(write(tmp_path / "a.tsv", f"{header}\n{row}\n")) == [("1", "T", "a")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id\ttext\ttitle\n1\ttext\ttitle\n2\ttext\n", "a.tsv:3: found 2 fields, expected 3"),
        ("1 text\n", "a.tsv:1: 1 tab-separated fields; expected a DPR tsv"),
        ("id\tpassage\n1\ta\n", "a.tsv:1: no column is the text: found 'id', 'passage'; expected text"),
        ("docid\tid\ttext\n1\t1\ta\n", "columns 'docid' and 'id' could both be the passage's id; name one of them _id"),
    ],
)
def test_a_broken_tsv_is_an_error_with_its_line(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        list(read_corpus(write(tmp_path / "a.tsv", content)))


def test_a_beir_corpus_is_read_plain_packed_and_from_its_folder(tmp_path):
    rows: list[dict[str, Any]] = [{"_id": "1", "title": None, "text": "a"}, {"_id": 2, "title": "T", "text": "b"}]
    path = write_jsonl(tmp_path / "nq" / "corpus.jsonl", rows)
    passages = [("1", "", "a"), ("2", "T", "b")]
    assert read(path) == read(path.parent) == passages
    packed = write(tmp_path / "packed" / "corpus.jsonl.gz", gzip.compress(path.read_bytes()))
    assert read(packed) == read(packed.parent) == passages


def test_a_parquet_corpus_is_read(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"_id": ["1"], "title": ["T"], "text": ["a"]}), tmp_path / "corpus.parquet")
    assert read(tmp_path) == [("1", "T", "a")]
    pq.write_table(pa.table({"x": ["1"]}), tmp_path / "corpus.parquet")
    with pytest.raises(DataError, match=r"row 1: no column is the passage's id: found 'x'; expected _id"):
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
        read_corpus(write(tmp_path / "a.xlsx", "x"))
    with pytest.raises(DataError, match=r"the folder has no corpus\.jsonl"):
        read_corpus(tmp_path)


def test_a_numeric_title_is_text_in_every_form(tmp_path):
    rows = [{"_id": 1, "title": 1984, "text": "a"}]
    assert read(write_jsonl(tmp_path / "a.jsonl", rows)) == [("1", "1984", "a")]
    assert read(write(tmp_path / "a.csv", "_id,title,text\n1,1984,a\n")) == [("1", "1984", "a")]
