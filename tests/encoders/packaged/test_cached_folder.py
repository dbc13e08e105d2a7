"""Kept folders: whole or absent, whatever is killed, damaged, full or done twice at once."""

import errno
import os
import subprocess
import sys
import time
from hashlib import sha256

import pytest

from clearbench.common.errors import EncoderError
from clearbench.encoders.packaged.cached_folder import ABANDONED, MODELS, is_whole, keep_folder

CONTENT = {"weights": b"w" * 100_000, "1_Part/config": b"{}"}
FILES = {name: sha256(content).hexdigest() for name, content in CONTENT.items()}


def write(place):
    (place / "1_Part").mkdir(parents=True)
    for name, content in CONTENT.items():
        (place / name).write_bytes(content)
    (place / "README.md").write_text("any text")


def keep(folder):
    keep_folder(folder, FILES, write)
    return is_whole(folder, FILES)


def refuse(place):
    raise AssertionError("written again")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / MODELS / "model-1"


def alone(folder):
    """Return whether nothing else is in the folder's parent."""
    return [entry.name for entry in folder.parent.iterdir()] == [folder.name]


def test_a_folder_is_made_once_and_its_use_is_noted(folder):
    assert keep(folder) and alone(folder)
    os.utime(folder, (0, 0))
    keep_folder(folder, FILES, refuse)
    assert time.time() - folder.stat().st_mtime < 60


@pytest.mark.parametrize("damage", ["changed", "cut", "missing", "added", "empty"])
def test_a_damaged_folder_is_made_again(folder, damage):
    keep(folder)
    weights = folder / "weights"
    match damage:
        case "changed":
            weights.write_bytes(b"W" + CONTENT["weights"][1:])
        case "cut":
            weights.write_bytes(CONTENT["weights"][:-1])
        case "missing":
            (folder / "1_Part" / "config").unlink()
        case "added":
            (folder / "adapter_config.json").write_text("{}")
        case "empty":
            for file in (weights, folder / "1_Part" / "config", folder / "README.md"):
                file.unlink()
    assert not is_whole(folder, FILES)
    assert keep(folder) and alone(folder)


def test_the_model_card_may_be_changed(folder):
    keep(folder)
    (folder / "README.md").write_text("a note of mine")
    keep_folder(folder, FILES, refuse)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), EncoderError("broken")])
def test_what_breaks_off_leaves_nothing(folder, error):
    def break_off(place):
        write(place)
        raise error

    with pytest.raises(type(error)):
        keep_folder(folder, FILES, break_off)
    assert list(folder.parent.iterdir()) == []


def test_a_full_disk_is_explained_and_leaves_nothing(folder):
    def fill(place):
        write(place)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(EncoderError, match=r"No space left on device.*CLEARBENCH_CACHE"):
        keep_folder(folder, FILES, fill)
    assert list(folder.parent.iterdir()) == []


def test_a_cache_that_is_a_file_is_explained(tmp_path):
    (tmp_path / MODELS).write_text("")
    with pytest.raises(EncoderError, match="Cannot write"):
        keep(tmp_path / MODELS / "model-1")


def test_the_second_of_two_takes_the_folder_of_the_first(folder):
    def be_late(place):
        write(place)
        keep_folder(folder, FILES, write)  # another process is done in the meantime
        os.utime(folder / "weights", (1, 1))

    keep_folder(folder, FILES, be_late)
    assert (folder / "weights").stat().st_mtime == 1 and alone(folder)


def test_a_damaged_folder_that_another_process_mends_meanwhile_is_taken(folder):
    keep(folder)
    (folder / "weights").write_bytes(b"")

    def be_late(place):
        write(place)
        keep_folder(folder, FILES, write)

    keep_folder(folder, FILES, be_late)
    assert is_whole(folder, FILES) and alone(folder)


def test_processes_at_once_all_find_a_whole_folder(folder):
    """Each process waits for the same moment, so that none finds the folder made already."""
    program = """
import sys, time
from pathlib import Path
from clearbench.encoders.packaged.cached_folder import is_whole, keep_folder
from hashlib import sha256

content = {name: b"w" * 3_000_000 for name in "abc"}
files = {name: sha256(data).hexdigest() for name, data in content.items()}


def write(place):
    place.mkdir()
    for name, data in content.items():
        (place / name).write_bytes(data)
    print("written", flush=True)


time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
keep_folder(Path(sys.argv[1]), files, write)
assert is_whole(Path(sys.argv[1]), files)
"""
    command = [sys.executable, "-c", program, str(folder), str(time.time() + 2)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
    ended = [(process.communicate(), process.returncode) for process in processes]
    assert [(error, code) for (_, error), code in ended] == [(b"", 0)] * 4
    assert any(output == b"written\n" for (output, _), _ in ended) and alone(folder)


def test_folders_of_killed_processes_go_after_an_hour(folder):
    old, new = (folder.with_name(f".model-1.{name}.tmp") for name in ("old", "new"))
    for place in (old, new):
        write(place)
    os.utime(old, (0, time.time() - ABANDONED - 1))
    keep(folder)
    assert not old.exists() and new.exists()
