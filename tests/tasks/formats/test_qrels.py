"""Judgements: every accepted form gives the same ones, whatever the order of columns; anything else is an error."""

import json
from itertools import permutations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders.files import write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clearbench.common.errors import DataError
from clearbench.tasks.formats.qrels import find_qrels, read_qrels, read_relevance

NAMES_OF_FORMS = ["a.tsv", "a.csv", "a.txt", "a.qrels", "a.jsonl", "a.parquet", "a.tsv.gz", "a.csv.zst"]
ROWS = [("1", "4", 1), ("4", "1", 2), ("2", "2", 0)]
NAMES = [
    ("query-id", "corpus-id", "score"),
    ("query_id", "doc_id", "relevance"),
    ("qid", "docid", "rel"),
    ("Query-ID", "passage_id", "label"),
]


def read(path):
    return [(row.query, row.passage, row.relevance) for row in read_qrels(path)]


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("order", list(permutations(range(4))))
@pytest.mark.parametrize(("name", "between"), [("a.tsv", "\t"), ("a.csv", ","), ("a.txt", " ")])
def test_columns_go_by_name_in_any_order_and_among_others(tmp_path, names, order, name, between):
    table = [(*names, "note"), *((*map(str, row), "7") for row in ROWS)]
    text = "\n".join(between.join(row[place] for place in order) for row in table)
    assert read(write(tmp_path / name, f"\n{text}\n")) == ROWS


@pytest.mark.parametrize("names", NAMES)
def test_json_lines_and_parquet_have_columns_by_name(tmp_path, names):
    rows = [{"extra": 5, names[2]: row[2], names[1]: row[1], names[0]: int(row[0])} for row in ROWS]
    assert read(write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))) == ROWS
    table = pa.table({names[2]: [float(row[2]) for row in ROWS], names[1]: [row[1] for row in ROWS]})
    pq.write_table(table.append_column(names[0], pa.array([int(row[0]) for row in ROWS])), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == ROWS


@pytest.mark.parametrize(
    "text",
    ["1\t4\t1\n4\t1\t2\n2\t2\t0\n", "1 0 4 1\n4 0 1 2\n2 0 2 0\n", "1\tQ0\t4\t1.0\n4\tQ0\t1\t2.0\n\n2\tQ0\t2\t0.0\n"],
)
def test_without_a_header_there_are_three_columns_or_trecs_four(tmp_path, text):
    assert read(write(tmp_path / "a.tsv", text)) == ROWS


def test_rows_carry_their_place(tmp_path):
    path = write(tmp_path / "a.tsv", "\nquery-id\tcorpus-id\tscore\n\n1\t4\t1\n")
    assert [row.where for row in read_qrels(path)] == [f"{path}:4"]


@pytest.mark.parametrize("value", [1, 1.0, "1", "1.0", "1.", " 1 ", "+1"])
def test_a_whole_number_is_a_relevance_however_it_is_written(value):
    assert read_relevance(value, "here") == 1


@pytest.mark.parametrize("value", ["0.5", 0.5, "1e0", "٣", "1_0", "", "nan", float("nan"), 1e300])
def test_anything_else_is_an_error_that_says_what_to_do(value):
    with pytest.raises(DataError, match=r"here: relevance .* is not a whole number; .*such as 0\.5 into 1"):
        read_relevance(value, "here")


@pytest.mark.parametrize("value", [3_000_000_000, "3000000000", 2**31, -(2**31), "9" * 5000, "-2147483648.0"])
def test_a_whole_number_that_no_grade_can_be_is_said_to_be_too_large(value):
    with pytest.raises(
        DataError, match=r"here: relevance [-0-9. […\]]{,50} is too large; expected at most 2,147,483,647"
    ):
        read_relevance(value, "here")


@pytest.mark.parametrize(
    ("value", "number"), [("0" * 5000, 0), ("-0", 0), ("-2", -2), ("007", 7), (2**31 - 1, 2**31 - 1)]
)
def test_zeros_in_front_and_signs_are_read(value, number):
    assert read_relevance(value, "here") == number


@pytest.mark.parametrize("value", [True, None, [1]])
def test_what_is_not_a_number_is_an_error(value):
    with pytest.raises(DataError, match=r"here: relevance: found .*, expected a whole number"):
        read_relevance(value, "here")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.tsv", "1\t4\t0.5\n", r"a\.tsv:1: relevance '0\.5' is not a whole number"),
        ("a.tsv", "1\t4\tyes\n", r"a\.tsv:1: found '1 \| 4 \| yes'; expected a header that names the columns"),
        (
            "a.tsv",
            "corpus-id\tscore\n4\t1\n",
            r"a\.tsv:1: no column is the query id: found 'corpus-id', 'score'",
        ),
        ("a.tsv", "query-id\tcorpus-id\n1\t4\n", r"no column is the relevance: .*expected score or relevance, rel"),
        ("a.tsv", "qid\tdocid\tpid\trel\n1\t4\t4\t1\n", "'docid' and 'pid' could both be the passage id"),
        ("a.tsv", "1\t4\t1\n1\t2\n", r"a\.tsv:2: found 2 fields, expected 3"),
        ("a.tsv", "1 Q0 4 1 0.7 bm25\n", r"a\.tsv:1: found '1 \| Q0 \| 4 \| 1 \| 0\.7 \| bm25'; expected"),
        ("a.tsv", "1 Q0 4 1 0.7 5\n", r"a\.tsv:1: found 6 fields; expected a header"),
        ("a.tsv", "1\t4\t2\t1\n4\tx\t2\t1\n", r"a\.tsv:2: the second of four fields is 'x', not 0"),
        ("a.tsv", "q1,p1,1\n", r"a\.tsv:1: found 'q1,p1,1'; expected"),
        ("a.jsonl", '{"query-id": "1", "corpus-id": "4"}\n', r"a\.jsonl:1: no column is the relevance"),
        ("a.jsonl", '{"qid": "1", "docid": 4.5, "score": 1}\n', r"a\.jsonl:1: field 'docid': found a number, expected"),
        ("a.jsonl", '{"qid": "1", "docid": "4", "score": true}\n', r"a\.jsonl:1: relevance: found true or false"),
        ("a.xlsx", "x", r"unknown form of judgements; expected \.tsv, \.csv, \.txt"),
        ("a.tsv.bz2", "x", r"unknown form of judgements; expected .* each also with \.gz or \.zst"),
    ],
)
def test_what_is_not_a_judgement_is_an_error_with_its_line(tmp_path, name, text, message):
    with pytest.raises(DataError, match=message):
        read(write(tmp_path / name, text))


def test_the_only_split_is_taken_and_of_several_test(tmp_path):
    write(tmp_path / "dev.jsonl.gz", "x")
    assert find_qrels(tmp_path).name == "dev.jsonl.gz"
    write(tmp_path / "train.csv", "x")
    with pytest.raises(DataError, match=r"no test\.tsv; there are: dev, train\. Choose one with option split, or add"):
        find_qrels(tmp_path)
    assert find_qrels(tmp_path, "train").name == "train.csv"
    write(tmp_path / "test.tsv", "x")
    assert find_qrels(tmp_path).name == "test.tsv"
    write(tmp_path / "test.parquet", "x")
    with pytest.raises(DataError, match=r"test\.parquet and test\.tsv: expected one file of test"):
        find_qrels(tmp_path)


PIECES = st.sampled_from(
    ["query-id", "qid", "docid", "score", "rel", "q1", "1", "0", "0.5", "Q0", '"', ",", "\t", " ", "\n", "{", "}"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.lists(PIECES, max_size=30).map("".join) | st.binary(max_size=60), st.sampled_from(NAMES_OF_FORMS))
def test_whatever_stands_in_a_file_gives_judgements_or_one_known_error(tmp_path, content, name):
    try:
        rows = read(write(tmp_path / name, content))
    except DataError as error:
        assert name in str(error)
    else:
        assert all(isinstance(relevance, int) and isinstance(query, str) for query, _, relevance in rows)
