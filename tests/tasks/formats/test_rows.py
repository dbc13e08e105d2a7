"""Rows from every form that tables are stored in: the same values by name, and errors with the row's place."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders.files import write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clearbench.common.errors import DataError
from clearbench.tasks.formats.rows import find_rows, read_rows

ROWS = [{"_id": "1", "text": "one, and two"}, {"_id": "2", "text": 'say "three"'}]


def write_form(path, rows):
    names = list(rows[0])
    name = path.name.removesuffix(".gz").removesuffix(".zst")
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), path)
        return path
    if name.endswith(".csv"):
        quoted = [['"' + value.replace('"', '""') + '"' for value in row.values()] for row in rows]
        text = "\n".join([",".join(names), *map(",".join, quoted)])
    elif name.endswith(".tsv"):
        text = "\n".join(["\t".join(names), *("\t".join(row.values()) for row in rows)])
    else:
        text = "\n".join(map(json.dumps, rows))
    data = f"{text}\n".encode()
    if path.suffix == ".gz":
        data = gzip.compress(data)
    return write(path, pa.compress(data, codec="zstd", asbytes=True) if path.suffix == ".zst" else data)


@pytest.mark.parametrize(
    "name", ["a.jsonl", "a.json", "a.tsv", "a.csv", "a.parquet", "a.jsonl.gz", "a.csv.gz", "a.tsv.zst", "a.jsonl.zst"]
)
def test_every_form_gives_the_same_rows(tmp_path, name):
    path = write_form(tmp_path / name, ROWS)
    assert [row for _, row in read_rows(path)] == ROWS
    assert all(where.startswith(str(path)) for where, _ in read_rows(path))


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(TEXT, min_size=1, max_size=5))
def test_csv_gives_back_any_text_line_feeds_included(tmp_path, texts):
    rows = [{"_id": str(number), "text": text} for number, text in enumerate(texts)]
    assert [row for _, row in read_rows(write_form(tmp_path / "a.csv", rows))] == rows


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", "_id\ttext\n1\ta\n2\tb\tc\n", r"a\.tsv:3: found 3 fields, expected 2 as in the first line"),
        ("a.csv", '_id,text\n1,"a\n\nb"\n2,b,c\n', r"a\.csv:5: found 3 fields, expected 2"),
        ("a.csv", '_id,text\n1,a\n2,"b\n', r"a\.csv:3: not csv: unexpected end"),
        ("a.tsv", "_id\ttext\ttext\n", r"a\.tsv:1: two columns are named 'text'"),
        ("a.parquet", "text", r"a\.parquet: cannot be read as Parquet"),
        ("a.xlsx", "text", r"a\.xlsx: unknown form of a file of rows; expected JSON lines"),
        ("a.jsonl.bz2", "text", r"unknown form of a file of rows; expected JSON lines .*\.gz or \.zst"),
    ],
)
def test_broken_tables_are_errors_with_the_row(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message):
        list(read_rows(write(tmp_path / name, content)))


def test_a_folder_has_one_file_of_a_name(tmp_path):
    assert find_rows(tmp_path, "corpus") is None
    path = write_form(tmp_path / "corpus.csv.gz", ROWS)
    assert find_rows(tmp_path, "corpus") == path
    write_form(tmp_path / "corpus.jsonl", ROWS)
    with pytest.raises(DataError, match=r"corpus\.jsonl and corpus\.csv\.gz: expected one file of corpus"):
        find_rows(tmp_path, "corpus")
