"""`clearbench tasks` as a user meets it: list, show, check and fetch."""

import os
import subprocess
import sys

import pytest
from builders.tasks import write_belebele, write_task
from typer.testing import CliRunner

from clearbench.cli.commands.tasks import tasks_app
from clearbench.common.errors import DataError, TaskError, UsageError

HEAVY = ("torch", "faiss", "pandas", "datasets", "transformers")


def run(*arguments):
    result = CliRunner().invoke(tasks_app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@pytest.fixture
def folder(tmp_path):
    write_belebele(tmp_path, "eng_Latn", "deu_Latn")
    write_task(tmp_path, title="A tiny task", licence="CC0", languages=["en", "de", "sw"], expected={"queries": 4})
    return tmp_path


def test_tasks_alone_lists_the_tasks():
    listed = run()
    assert listed == run("list")
    belebele = next(line.split() for line in listed.splitlines() if line.split()[:1] == ["belebele"])
    assert belebele[1:6] == ["1", "14,884", "122", "qrels", "nDCG@10"]


def test_a_folder_of_the_users_is_listed_too(folder):
    for arguments in (["--tasks-dir", folder], ["list", "--tasks-dir", folder], ["--tasks-dir", folder, "list"]):
        assert "tiny" in run(*arguments)


def test_show_prints_what_a_task_is(folder):
    shown = run("show", "tiny", "--tasks-dir", folder)
    for text in ("A tiny task", "CC0", "en, de, sw", "belebele/{variant}.jsonl", "4 queries a pair"):
        assert text in shown


def test_check_counts_and_hashes(folder):
    checked = run("check", "tiny", "--tasks-dir", folder, "--data-dir", folder)
    for text in ("eng_Latn.jsonl", "fingerprint", "languages without files: sw (1 of 3).", "as expected"):
        assert text in checked


def test_check_does_not_call_counts_expected_of_which_none_are_named(folder):
    write_task(folder, expected={}, sources=[{"key": "passages", "local": ["belebele/{variant}.jsonl"]}])
    checked = run("check", "tiny", "--tasks-dir", folder, "--data-dir", folder)
    assert "the task file expects none" in checked and "as expected" not in checked


def test_check_prints_everything_before_it_fails(folder):
    write_task(folder, expected={"queries": 5}, sources=[{"key": "passages", "local": ["belebele/{variant}.jsonl"]}])
    runner = CliRunner()
    result = runner.invoke(tasks_app, ["check", "tiny", "--tasks-dir", str(folder), "--data-dir", str(folder)])
    assert isinstance(result.exception, DataError)
    assert "tiny de-en: 4 queries, the task file expects 5" in result.stdout


def test_check_notes_a_local_file_that_is_another_edition(folder):
    source = {"key": "passages", "local": ["belebele/{variant}.jsonl"], "url": "https://x.org/{variant}.jsonl"}
    write_task(folder, sources=[{**source, "sha256": {"eng_Latn.jsonl": "0" * 64}}])
    checked = " ".join(run("check", "tiny", "--tasks-dir", folder, "--data-dir", folder).split())
    assert "its SHA-256 differs from that in the task file" in checked


def test_fetch_says_so_when_there_is_nothing_to_download(folder):
    result = CliRunner().invoke(tasks_app, ["fetch", "tiny", "--tasks-dir", str(folder)])
    assert isinstance(result.exception, UsageError)


@pytest.mark.parametrize("command", [["fetch", "evil.toml"], ["check", "evil.toml"], ["show", "evil.toml"]])
@pytest.mark.parametrize("split", ["../../../victim", "/etc", "..\\..\\victim"])
def test_a_value_that_leads_out_of_a_folder_stops_every_command(folder, monkeypatch, command, split):
    monkeypatch.chdir(folder)
    source = {"key": "questions", "local": ["{split}/passwd"], "url": "https://x.org/a.zip", "member": "{split}/x"}
    options = {"layout": "parallel", "split": split}
    write_task(folder, name="evil", reader="squad", sources=[source], options=options)
    result = CliRunner().invoke(tasks_app, command)
    assert isinstance(result.exception, TaskError) and "expected a name without slashes" in str(result.exception)


def test_listing_imports_nothing_heavy():
    code = (
        "import sys; from clearbench.cli.commands.tasks import tasks_app; tasks_app(standalone_mode=False); "
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"
    assert "xquad" in done.stdout
