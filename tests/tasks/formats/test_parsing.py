"""Reading text and JSON: errors name file, line and what was expected."""

import gzip

import pytest
from builders.files import write

from clearbench.common.errors import DataError
from clearbench.tasks.formats.parsing import (
    LONGEST_LINE,
    optional_text,
    read_json,
    read_json_lines,
    read_lines,
    text_field,
)


def test_lines_end_at_line_feeds_only(tmp_path):
    path = write(tmp_path / "a.txt", "one\u2028still one\r\n\n \ntwo")
    assert list(read_lines(path)) == [(1, "one\u2028still one"), (4, "two")]


def test_lines_that_end_with_carriage_returns_only_are_an_error_that_says_what_to_do(tmp_path):
    path = write(tmp_path / "a.jsonl", b'{"a": 1}\r{"a": 2}\r')
    with pytest.raises(DataError, match=r"a\.jsonl: its lines end with carriage returns only.*tr "):
        list(read_lines(path))
    for text in (b"a\r\nb\r\n", b"a\rb\nc\n", b"a\r"):
        assert list(read_lines(write(tmp_path / "b", text)))


def test_a_byte_order_mark_is_not_text(tmp_path):
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


def test_a_line_that_is_not_an_object_is_an_error(tmp_path):
    path = write(tmp_path / "a.jsonl", "[1]\n")
    with pytest.raises(DataError, match=r"a\.jsonl:1: found a list, expected a JSON object"):
        list(read_json_lines(path))


def test_numbers_too_long_for_python_are_an_error_too(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"a": ' + "9" * 5000 + "}\n")
    with pytest.raises(DataError, match="not usable JSON"):
        list(read_json_lines(path))


@pytest.mark.parametrize(("row", "found"), [({"q": 1.5}, "a number"), ({"p": "x"}, "only 'p'"), ([], "a list")])
def test_a_field_of_another_type_is_an_error(row, found):
    with pytest.raises(DataError, match=f"here: .*found {found}"):
        text_field(row, "q", "here")


def test_a_whole_number_is_text_a_fraction_is_not():
    assert text_field({"title": 1984}, "title", "here") == optional_text({"title": 1984}, "title", "here") == "1984"
    assert optional_text({"title": None}, "title", "here") == optional_text({}, "title", "here") == ""
    for value in (19.84, True, ["1984"]):
        with pytest.raises(DataError, match=r"here: field 'title': found .*, expected text"):
            optional_text({"title": value}, "title", "here")


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a":' * 100_000, '{"a": [' + "[" * 5_000 + "]" * 5_000 + "]}"])
def test_json_that_is_nested_too_deep_is_one_message(tmp_path, content):
    path = write(tmp_path / "a.jsonl", '{"a": 1}\n' + content + "\n")
    with pytest.raises(DataError, match=r"a\.jsonl:2: not usable JSON: lists or objects are nested"):
        list(read_json_lines(path))
    with pytest.raises(DataError, match=r"b\.json: not usable JSON"):
        read_json(write(tmp_path / "b.json", content))


def test_a_line_that_is_longer_than_any_row_is_an_error(tmp_path):
    path = write(tmp_path / "a.jsonl", b'{"a": 1}\n{"a": "' + b"x" * LONGEST_LINE + b'"}\n')
    with pytest.raises(DataError, match=r"a\.jsonl:2: the line has more than 16,777,216 bytes"):
        list(read_json_lines(path))
