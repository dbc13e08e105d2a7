"""Reading text and JSON: errors name file, line and what was expected."""

import gzip

import pytest
from builders.files import write

from clearbench.common.errors import DataError
from clearbench.common.languages import ENGLISH
from clearbench.tasks.formats.parsing import make_texts, read_json, read_json_lines, read_lines, text_field


def test_lines_end_at_line_feeds_only(tmp_path):
    path = write(tmp_path / "a.txt", "one\u2028still one\r\n\n \ntwo")
    assert list(read_lines(path)) == [(1, "one\u2028still one"), (4, "two")]


def test_a_byte_order_mark_is_no_text(tmp_path):
    path = write(tmp_path / "a.jsonl", b'\xef\xbb\xbf{"a": 1}\n')
    assert [row for _, row in read_json_lines(path)] == [{"a": 1}]


def test_gzip_files_are_unpacked(tmp_path):
    path = write(tmp_path / "a.jsonl.gz", gzip.compress(b'{"a": 1}\n'))
    assert [row for _, row in read_json_lines(path)] == [{"a": 1}]


def test_bare_nan_reads_as_null(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"context": NaN}\n')
    assert [row for _, row in read_json_lines(path)] == [{"context": None}]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"a\.jsonl: there is no such file"):
        list(read_lines(tmp_path / "a.jsonl"))


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_file_is_an_error(tmp_path, content):
    path = write(tmp_path / "a.jsonl", content)
    with pytest.raises(DataError, match="the file is empty"):
        list(read_json_lines(path))


def test_a_truncated_line_is_named_with_file_and_line(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"a": 1}\n{"a": "b')
    with pytest.raises(DataError, match=r"a\.jsonl:2: not JSON at character 7: .*truncated"):
        list(read_json_lines(path))


def test_a_truncated_json_file_is_named_with_its_line(tmp_path):
    path = write(tmp_path / "a.json", '{\n\n"data": [')
    with pytest.raises(DataError, match=r"a\.json:3: not JSON"):
        read_json(path)


def test_a_truncated_gzip_file_is_an_error(tmp_path):
    path = write(tmp_path / "a.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 1000)[:-10])
    with pytest.raises(DataError, match=r"a\.jsonl\.gz: cannot be read"):
        list(read_json_lines(path))


def test_a_wrong_encoding_is_named_with_its_byte(tmp_path):
    path = write(tmp_path / "a.jsonl", b'{"a": 1}\n{"a": "caf' + "é".encode("latin-1") + b'"}\n')
    with pytest.raises(DataError, match=r"a\.jsonl: byte 0xe9 at offset 19 is not UTF-8; expected UTF-8"):
        list(read_json_lines(path))


def test_utf_16_is_recognised(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"a": 1}\n'.encode("utf-16"))
    with pytest.raises(DataError, match="the file is UTF-16; expected UTF-8"):
        list(read_json_lines(path))


def test_a_line_that_is_no_object_is_an_error(tmp_path):
    path = write(tmp_path / "a.jsonl", "[1]\n")
    with pytest.raises(DataError, match=r"a\.jsonl:1: found a list, expected a JSON object"):
        list(read_json_lines(path))


def test_numbers_too_long_for_python_are_an_error_too(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"a": ' + "9" * 5000 + "}\n")
    with pytest.raises(DataError, match="not usable JSON"):
        list(read_json_lines(path))


@pytest.mark.parametrize(("row", "found"), [({"q": 1}, "a number"), ({"p": "x"}, "only 'p'"), ([], "a list")])
def test_a_field_of_another_type_is_an_error(row, found):
    with pytest.raises(DataError, match=f"here: .*found {found}"):
        text_field(row, "q", "here")


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([("1", "a"), ("1", "b")], "query id '1' occurs twice"),
        ([("1", "")], "query '1' has an empty text"),
        ([("1", " \u2003")], "query '1' has an empty text"),
        ([("", "a")], "a query has an empty id"),
        ([("no_query", "a")], "'no_query' is not usable"),
        ([("1", "a\0b")], "query '1' holds a NUL"),
        ([("1\0", "a")], "holds a NUL"),
        ([("1", "a\ud800")], "query '1' holds a lone surrogate"),
        ([("\ud800", "a")], "holds a lone surrogate"),
        ([], "no queries in en"),
    ],
)
def test_unusable_texts_are_refused(items, message):
    with pytest.raises(DataError, match=message):
        make_texts(ENGLISH, items, "query", "file")


def test_the_id_no_query_is_fine_for_a_passage():
    assert make_texts(ENGLISH, [("no_query", "a")], "passage", "file").ids == ("no_query",)
