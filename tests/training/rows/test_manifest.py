"""Rows, their manifest and a held-out task belong together, or are refused; rows have a version."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from builders.tasks import write_belebele, write_task

from clearbench.cli.app import execute
from clearbench.common.errors import ClearbenchError, TrainingError
from clearbench.tasks.load import load_task
from clearbench.training.rows.files import read_rows, write_rows
from clearbench.training.rows.manifest import manifest_path, mark_unfinished
from clearbench.training.rows.row import TrainingRow

GOLDEN = Path(__file__).parent / "golden"
ROWS = [
    TrainingRow("Where is it?", "It is here.", "Wo ist es?", "de", "q1", "c1"),
    TrainingRow(
        "Who is she?", "She is Ada.", "¿Quién es?", "es", "q2", "c2", ("Not here.", "Nor there."), ("¿A?", "¿B?")
    ),
]


@pytest.mark.parametrize("name", ["rows-1.parquet", "rows-1.jsonl"])
def test_rows_that_version_1_wrote_are_read(name):
    assert read_rows(GOLDEN / name).rows == tuple(ROWS)
    assert json.loads(manifest_path(GOLDEN / name).read_text(encoding="utf-8"))["rows_version"] == 1


@pytest.fixture(params=["rows.parquet", "rows.jsonl"])
def rows(request, tmp_path):
    path = tmp_path / request.param
    write_rows(path, ROWS, {"command": "rows build"})
    return path


def change_manifest(path, change):
    beside = manifest_path(path)
    beside.write_text(json.dumps({**json.loads(beside.read_text()), **change}))


def test_rows_without_a_version_are_of_the_first(rows):
    beside = manifest_path(rows)
    told = json.loads(beside.read_text())
    del told["rows_version"]
    beside.write_text(json.dumps(told))
    assert read_rows(rows).rows == tuple(ROWS)
    beside.unlink()
    assert read_rows(rows).rows == tuple(ROWS)


@pytest.mark.parametrize("version", [0, 2, "1.1", None])
def test_rows_of_another_version_are_refused_with_what_to_do(rows, version):
    change_manifest(rows, {"rows_version": version})
    with pytest.raises(TrainingError, match=rf"rows have version {version}; this clearbench reads version 1.*build"):
        read_rows(rows)


def test_a_parquet_file_says_its_version_itself(tmp_path):
    path = tmp_path / "rows.parquet"
    write_rows(path, ROWS, {})
    manifest_path(path).unlink()
    table = pq.read_table(path).drop_columns(["cluster"])
    assert table.schema.metadata == {b"clearbench_rows_version": b"1"}
    pq.write_table(table.replace_schema_metadata({"clearbench_rows_version": "2"}), path)
    with pytest.raises(TrainingError, match="the rows have version 2"):  # comes before errors about columns
        read_rows(path)


def test_rows_with_the_manifest_of_others_are_refused(rows):
    kept = manifest_path(rows).read_bytes()
    write_rows(rows, ROWS[:1], {})
    manifest_path(rows).write_bytes(kept)
    with pytest.raises(TrainingError, match=r"describes other rows.* or delete .*manifest\.json if"):
        read_rows(rows)
    manifest_path(rows).unlink()
    assert len(read_rows(rows)) == 1


def test_rows_whose_command_did_not_finish_are_refused(rows):
    mark_unfinished(rows)
    with pytest.raises(TrainingError, match=r"did not finish\. Run it again"):
        read_rows(rows)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"rows": 3}', "[" * 100_000, "\0", '{"rows": {"fingerprint": "x"', "1"]
)
def test_a_damaged_manifest_is_one_message(rows, text):
    manifest_path(rows).write_text(text)
    with pytest.raises(TrainingError, match=r"not a manifest of training rows\. Make the rows again, or delete"):
        read_rows(rows)


class Killed(BaseException):
    """Ends a command before it renames a file, as a kill would."""


def left_behind(folder):
    """The rows and the held-out task that readers find: fingerprints, None where it is refused."""

    def tried(read):
        try:
            return read()
        except ClearbenchError:
            return None

    def task():
        data = load_task(str(folder / "kept"))
        return tuple(data.pair_fingerprint(pair) for pair in data.pairs)

    return tried(lambda: read_rows(folder / "rows.parquet").fingerprint), tried(task)


def test_a_killed_build_leaves_rows_and_task_of_one_build_or_is_noticed(tmp_path, monkeypatch):
    def build(folder, seed):
        monkeypatch.chdir(folder)
        arguments = ("--fraction", "0.5", "--seed", seed, "--heldout-task", "kept", "--out", "rows.parquet")
        return execute(["rows", "build", "--task", "tiny.toml", "--data-dir", "data", "--languages", "de", *arguments])

    (tmp_path / "old").mkdir()
    write_belebele(tmp_path / "old" / "data", "eng_Latn", "deu_Latn", passages=12)
    write_task(tmp_path / "old")
    assert build(tmp_path / "old", "0") == 0
    new = shutil.copytree(tmp_path / "old", tmp_path / "new")
    assert build(new, "1") == 0
    old_state, new_state = left_behind(tmp_path / "old"), left_behind(new)
    assert None not in (*old_state, *new_state) and old_state[0] != new_state[0] and old_state[1] != new_state[1]
    usual, found = Path.replace, []
    for kill_at in range(1, 8):
        place = shutil.copytree(tmp_path / "old", tmp_path / f"killed-{kill_at}")
        renames: list[Path] = []

        def replace(path, target, kill_at=kill_at, renames=renames):
            renames.append(target)
            if len(renames) == kill_at:
                raise Killed
            return usual(path, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", replace)
            try:
                code = build(place, "1")
            except Killed:
                code = None
        found.append(left_behind(place))
        assert code is None or found[-1] == new_state
        assert found[-1] in (old_state, new_state) or found[-1][0] is None
        assert found[-1][1] in (old_state[1], new_state[1], None)
        assert build(place, "1") == 0 and left_behind(place) == new_state
    assert found[0] == old_state and found[-1] == new_state and (None, None) in found


def test_what_a_killed_writer_left_is_swept_and_a_living_one_s_is_kept(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead, living = (tmp_path / f".rows.jsonl.{process}-ab.tmp" for process in (gone.pid, os.getppid()))
    other = tmp_path / f".else.jsonl.{gone.pid}-ab.tmp"
    for file in (dead, living, other):
        file.write_text("")
    write_rows(tmp_path / "rows.jsonl", ROWS, {})
    assert not dead.exists() and living.exists() and other.exists()
