"""Rows from every form that tables are stored in: the same values by name, and errors with the row's place."""

import gzip
import json
import os

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


def test_parquet_has_columns_of_texts_and_numbers_of_every_kind(tmp_path):
    table = pa.table({
        "_id": pa.array([1, None, 3], pa.int32()),
        "text": pa.array(["a", None, "a"], pa.large_string()),
        "kind": pa.array(["x", "y", "x"]).dictionary_encode(),
        "score": [0.5, 1.0, None],
        "vector": [[1.0], [2.0], [3.0]],
    })  # fmt: skip
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    assert [row for _, row in read_rows(tmp_path / "a.parquet")] == [
        {"_id": 1, "text": "a", "kind": "x", "score": 0.5},
        {"_id": None, "text": None, "kind": "y", "score": 1.0},
        {"_id": 3, "text": "a", "kind": "x", "score": None},
    ]


def test_a_parquet_file_that_names_a_long_text_too_often_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("clearbench.tasks.formats.unpack.SMALL", 1 << 20)
    table = pa.table({"_id": [str(number) for number in range(1000)], "text": ["x" * 100_000] * 1000})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd")
    with pytest.raises(DataError, match=r"a\.parquet: .* bytes unpack to more than 1,\d+,\d+, which no text does"):
        list(read_rows(tmp_path / "a.parquet"))


def test_a_folder_or_a_device_is_not_a_file_of_rows(tmp_path):
    (tmp_path / "a.jsonl").mkdir()
    os.mkfifo(tmp_path / "b.jsonl")  # reading it would wait for ever
    for name in ("a", "b"):
        with pytest.raises(DataError, match=r"jsonl: a folder or a device; expected a file"):
            list(read_rows(tmp_path / f"{name}.jsonl"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    st.text(st.sampled_from('_id,text\t"\n {}[]:1'), max_size=60) | st.binary(max_size=60),
    st.sampled_from(["a.tsv", "a.csv", "a.jsonl", "a.parquet", "a.tsv.gz", "a.csv.zst"]),
)
def test_whatever_stands_in_a_file_gives_rows_or_one_known_error(tmp_path, content, name):
    try:
        rows = list(read_rows(write(tmp_path / name, content)))
    except DataError as error:
        assert name in str(error)
    else:
        assert all(where.startswith(str(tmp_path / name)) for where, _ in rows)
