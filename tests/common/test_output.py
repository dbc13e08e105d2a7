"""Writing where a user says: never over a device, a folder or a record."""

import os
import threading
from pathlib import Path

import pytest
from builders.records import write_record

from clearbench.common.errors import RecordError, UsageError
from clearbench.common.output import write_output


def test_a_file_and_its_folder_are_written_and_a_link_is_followed(tmp_path):
    write_output(tmp_path / "new" / "a.csv", b"one", "--out")
    (tmp_path / "link").symlink_to(tmp_path / "new" / "a.csv")
    write_output(tmp_path / "link", b"two", "--out")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "new" / "a.csv").read_bytes() == b"two"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are POSIX's")
def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_output(pipe, b"scores", "--out")
    reader.join(timeout=5)
    assert read == [b"scores"] and pipe.is_fifo()


def test_no_name_a_folder_and_a_file_for_a_folder_are_refused(tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(UsageError, match=r"--junit '\.' names no file"):
        write_output(Path(), b"", "--junit")
    for path in (tmp_path, tmp_path / "file" / "x", tmp_path / ("x" * 300)):
        with pytest.raises(RecordError, match=r"Cannot write .*Choose another --out"):
            write_output(path, b"", "--out")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(RecordError, match="Cannot write"):
        write_output(tmp_path / "loop", b"", "--out")
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("name", ["record.json", "new.csv", "scores/x.parquet"])
def test_a_record_is_never_written_over(tmp_path, name):
    folder = write_record(tmp_path, "base", {"en-en": [0.5, 1.0]})
    before = (folder / "record.json").read_bytes()
    with pytest.raises(UsageError, match="folder of a record"):
        write_output(folder / name, b"lost", "--out")
    assert (folder / "record.json").read_bytes() == before and not (folder / "new.csv").exists()


def test_what_a_killed_writer_left_of_a_file_is_removed(tmp_path):
    dead, alive = tmp_path / ".a.csv.99999999-0.tmp", tmp_path / f".a.csv.{os.getpid()}-0.tmp"
    dead.touch()
    alive.touch()
    write_output(tmp_path / "a.csv", b"one", "--out")
    assert sorted(path.name for path in tmp_path.iterdir()) == [alive.name, "a.csv"]
