"""Files are replaced whole or not at all."""

import csv
import io
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clearbench.common.files import csv_text, os_reason, parquet_bytes, shipped_folder, write_atomically


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_file_is_written_and_written_over(tmp_path: Path) -> None:
    for data in (b"first and longer", b"second", b""):
        write_atomically(tmp_path / "a", data)
        assert content_of(tmp_path) == {"a": data}


def test_the_reason_of_a_failed_copy_is_that_of_its_first_file(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "pipe").symlink_to(tmp_path / "absent")
    with pytest.raises(shutil.Error) as caught:
        shutil.copytree(tmp_path / "from", tmp_path / "to")
    assert caught.value.strerror is None and "No such file" in os_reason(caught.value)
    assert os_reason(OSError(28, "No space left on device")) == "No space left on device"
    assert os_reason(OSError("odd")) == "odd"


@pytest.mark.parametrize(("where", "step"), [(os, "fsync"), (Path, "replace")])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=["full", "interrupted"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: object, step: str, error: BaseException
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(where, step, fail)
    with pytest.raises(type(error)):
        write_atomically(tmp_path / "a", b"new")
    assert content_of(tmp_path) == {"a": b"old"}


def test_until_the_file_is_whole_a_reader_sees_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"old")
    seen, sync = [], os.fsync

    def look(descriptor: int) -> None:
        seen.append((tmp_path / "a").read_bytes())
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    write_atomically(tmp_path / "a", b"new")
    assert seen[0] == b"old" and (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.parametrize("dictionary", [True, False, ["pair"]])
def test_a_table_is_read_back_from_its_bytes(dictionary: bool | list[str]) -> None:
    table = pa.table({"pair": ["de-en", "de-en"], "score": [0.5, 1.0]}).replace_schema_metadata({"a": "b"})
    found = pq.read_table(io.BytesIO(parquet_bytes(table, dictionary)))
    assert found.equals(table) and found.schema.metadata == {b"a": b"b"}


def test_what_comes_with_the_package_is_found_in_a_checkout_too():
    folder = shipped_folder("_tasks", "tasks")
    assert folder is not None and (folder / "xquad.toml").is_file()
    assert shipped_folder("_nothing", "nothing") is None


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", '=HYPERLINK("http://x")']
)
def test_no_text_of_a_csv_begins_like_a_formula_and_numbers_stay_numbers(text):
    [row] = csv.reader(io.StringIO(csv_text([[text, -1.5, -3, None, "plain", "a=b"]]), newline=""))
    assert row[0].startswith("'") and not row[0].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert row[1:] == ["-1.5", "-3", "", "plain", "a=b"]


@pytest.mark.parametrize("blanks", [" ", "   ", "\u00a0", "\u3000 ", "\v"])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d"])
def test_blanks_in_front_of_a_formula_do_not_hide_it(blanks, sign):
    [row] = csv.reader(io.StringIO(csv_text([[f"{blanks}{sign}1+1", f"{blanks}plain"]]), newline=""))
    assert row[0].startswith("'") and not row[1].startswith("'")


def test_a_csv_holds_no_escape_sequence():
    assert csv_text([["\x1b[31m\u202e"]]) == "\\u001b[31m\\u202e\n"
