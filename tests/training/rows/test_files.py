"""Files of training rows: what comes back, what is refused in one message, and what a failed write leaves."""

import json
import os
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders.files import write_jsonl

from clearbench.common.errors import DataError, TrainingError, UsageError
from clearbench.training.rows.files import read_rows, write_rows
from clearbench.training.rows.manifest import manifest_path
from clearbench.training.rows.row import Rows, TrainingRow

PLAIN: dict[str, Any] = {
    "query": "Where is it?",
    "passage": "It is here.",
    "target_query": "Wo ist es?",
    "language": "de",
    "query_id": "q1",
    "cluster": "c1",
}


ROW = TrainingRow(**PLAIN)


FULL = replace(ROW, query_id="q2", passage_negatives=("Not here.", "Nor there."), target_query_negatives=("A?", "B?"))


@pytest.mark.parametrize("name", ["rows.parquet", "rows.jsonl"])
def test_rows_come_back_as_they_were_written(tmp_path, name):
    write_rows(tmp_path / name, [ROW, FULL], {})
    rows = read_rows(tmp_path / name)
    assert rows.rows == (ROW, FULL)
    assert rows.fingerprint == Rows((ROW, FULL)).fingerprint
    assert rows.languages == ("de",) and len(rows) == 2


def test_row_numbers_of_parquet_go_on_over_batches(tmp_path):
    rows = [{**PLAIN, "query_id": str(number)} for number in range(10_001)]
    pq.write_table(pa.Table.from_pylist([*rows, {**PLAIN, "query": ""}]), tmp_path / "rows.parquet")
    with pytest.raises(TrainingError, match="row 10002: column 'query' is empty"):
        read_rows(tmp_path / "rows.parquet")


def test_a_parquet_file_without_a_column_is_refused_though_it_has_no_rows(tmp_path):
    pq.write_table(pa.table({"query": pa.array([], pa.string())}), tmp_path / "rows.parquet")
    with pytest.raises(TrainingError, match="column 'passage' is missing; found query"):
        read_rows(tmp_path / "rows.parquet")


def test_repeated_rows_and_empty_and_broken_files_are_refused(tmp_path):
    with pytest.raises(TrainingError, match=r"rows\.jsonl:2: the same query_id.*as .*rows\.jsonl:1"):
        read_rows(write_jsonl(tmp_path / "rows.jsonl", [PLAIN, PLAIN]))
    write_rows(tmp_path / "none.parquet", [], {})
    with pytest.raises(TrainingError, match="the file has no rows"):
        read_rows(tmp_path / "none.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="not a usable Parquet file"):
        read_rows(tmp_path / "broken.parquet")
    for name in ("absent.parquet", "absent.jsonl"):
        with pytest.raises(DataError, match="there is no such file"):
            read_rows(tmp_path / name)


def test_the_manifest_lies_beside_the_rows(tmp_path):
    beside = write_rows(tmp_path / "deep" / "rows.parquet", [ROW, FULL], {"command": "x"})
    manifest = json.loads(beside.read_text())
    assert beside == manifest_path(tmp_path / "deep" / "rows.parquet")
    assert manifest["command"] == "x"
    assert manifest["rows"]["fingerprint"] == Rows((ROW, FULL)).fingerprint
    assert manifest["rows"]["by_num_negatives"] == {"0": 1, "2": 1}


def test_a_file_name_without_a_known_format_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"rows\.csv: expected a name that ends in \.parquet or \.jsonl"):
        write_rows(tmp_path / "rows.csv", [ROW], {})


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    write_rows(tmp_path / "rows.parquet", [ROW], {})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrainingError, match="No space left on device"):
        write_rows(tmp_path / "rows.parquet", [FULL], {})
    monkeypatch.undo()
    assert read_rows(tmp_path / "rows.parquet").rows == (ROW,)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.parquet", "rows.parquet.manifest.json"]


@pytest.mark.parametrize("name", ["rows.csv", "rows", "rows.parquet.gz"])
def test_a_file_of_another_format_is_a_usage_error(tmp_path, name):
    (tmp_path / name).write_text("query,passage\n", "utf-8")
    with pytest.raises(UsageError, match=r"a file of training rows ends in \.parquet, \.jsonl or \.jsonl\.gz"):
        read_rows(tmp_path / name)


def test_the_message_about_a_broken_parquet_file_ends_in_one_stop(tmp_path):
    (tmp_path / "rows.parquet").write_text("not parquet", "utf-8")
    with pytest.raises(DataError, match=r"not a usable Parquet file: .*[^.]\.$"):
        read_rows(tmp_path / "rows.parquet")


LINE = json.dumps(PLAIN).encode()


ODD_LINES = {
    "not UTF-8": (LINE.replace(b"here", b"h\xe9re"), r"rows\.jsonl.*not UTF-8"),
    "deep": (b'{"query": ' + b"[" * 100_000, r"rows\.jsonl:2: not usable JSON"),
    "huge": (LINE.replace(b"here", b"x" * (17 << 20)), r"rows\.jsonl:2: the line has more than"),
    "a list": (b"[1]", r"rows\.jsonl:2: found a list, expected a JSON object"),
    "a huge number": (b'{"query": ' + b"9" * 10_000 + b"}", r"rows\.jsonl:2: "),
    "a cut line": (LINE[:40], r"rows\.jsonl:2: not JSON at character"),
    "NUL": (b"\0", r"rows\.jsonl:2: not JSON"),
    "an object as text": (LINE.replace(b'"q1"', b'{"a": 1}'), r"rows\.jsonl:2: column 'query_id': found a dict"),
    "negatives as an object": (LINE[:-1] + b', "passage_negatives": {"a": "b"}}', r"rows\.jsonl:2: .*found a dict"),
    "a long name": (LINE[:-1] + b', "' + b"n" * 300_000 + b'": 1}', r"rows\.jsonl:2: unknown column 'nnn"),
    "long names only": (b'{"' + b"n" * 300_000 + b'": 1}', r"rows\.jsonl:2: column 'query' is missing; found nnn"),
    "a long language": (LINE.replace(b'"de"', b'"' + b"de-" * 100_000 + b'"'), r"rows\.jsonl:2: column 'language'"),
    "a long id with a tab": (LINE.replace(b'"q1"', b'"' + b"q\\t" * 100_000 + b'"'), r"rows\.jsonl:2: .*control"),
    "negatives as lists": (LINE[:-1] + b', "passage_negatives": [["a"]]}', r"rows\.jsonl:2: .*found a list"),
}


@pytest.mark.parametrize("case", ODD_LINES)
def test_an_odd_line_is_one_message_with_file_and_line(tmp_path, case):
    line, message = ODD_LINES[case]
    (tmp_path / "rows.jsonl").write_bytes(LINE + b"\n" + line + b"\n")
    with pytest.raises((DataError, TrainingError), match=message) as caught:
        read_rows(tmp_path / "rows.jsonl")
    assert len(str(caught.value)) < 1500


def odd_tables():
    good = {name: pa.array([value]) for name, value in PLAIN.items()}
    offsets, bad = pa.py_buffer(np.array([0, 2], dtype=np.int32)), pa.py_buffer(b"\xff\xfe")
    yield "not UTF-8", {**good, "query": pa.Array.from_buffers(pa.string(), 1, [None, offsets, bad])}
    yield "numbers", {**good, "query": pa.array([3])}
    yield "bytes", {**good, "query": pa.array([b"a"])}
    yield "dates", {**good, "query": pa.array([2**60], pa.timestamp("us"))}
    yield "structures", {**good, "query": pa.array([{"a": 1}])}
    yield "lists of numbers", {**good, "passage_negatives": pa.array([[1, 2]])}
    yield "nulls", {**good, "cluster": pa.nulls(1)}


@pytest.mark.parametrize(
    ("case", "columns"), list(odd_tables()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_odd_columns_of_a_parquet_file_are_one_message(tmp_path, case, columns):
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet")
    with pytest.raises((DataError, TrainingError), match=r"rows\.parquet: (row 1|not a usable Parquet file)"):
        read_rows(tmp_path / "rows.parquet")


@pytest.mark.parametrize("place", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_parquet_file_with_a_flipped_bit_is_refused_or_read_as_it_was(tmp_path, place):
    path = tmp_path / "rows.parquet"
    write_rows(path, [replace(ROW, query_id=str(number)) for number in range(200)], {})
    expected, data = read_rows(path), bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 16
    path.write_bytes(data)
    try:
        assert read_rows(path) == expected
    except (DataError, TrainingError) as error:
        assert str(path) in str(error)
