"""The demo in XOR-Retrieve's and MKQA's official forms is what the per-language files say, and runs offline."""

import json
import runpy
from pathlib import Path

import pytest

from clearbench.cli.app import execute

DEMO = Path(__file__).resolve().parents[2] / "tasks" / "demo"


@pytest.fixture
def script():
    return runpy.run_path(str(DEMO / "make_official.py"))


def test_official_files_are_up_to_date(script):
    for name, text in script["official_files"]().items():
        assert (DEMO / "official" / name).read_text(encoding="utf-8") == text, f"run {DEMO / 'make_official.py'}"


def test_a_changed_source_is_seen(script, monkeypatch):
    before = script["official_files"]()["xor_questions.jsonl"]
    monkeypatch.setitem(script["official_files"].__globals__, "XOR_LANGUAGES", {"ar": "ben_Beng"})
    assert script["official_files"]()["xor_questions.jsonl"] != before


@pytest.mark.parametrize(
    ("task", "measure", "rule", "pairs"),
    [("demo-xor", "R@2kt", "xor", 7), ("demo-mkqa", "answer_recall@20", "mkqa", 12)],
)
def test_a_run_needs_nothing_but_the_package(tmp_path, capsys, monkeypatch, task, measure, rule, pairs):
    monkeypatch.delenv("NLTK_DATA", raising=False)
    assert execute(["run", "--model", "bm25", "--tasks", task, "--out", str(tmp_path), "--format", "json"]) == 0
    [record] = json.loads(capsys.readouterr().out)
    assert record["main_measure"] == measure and len(record["pairs"]) == pairs
    assert record["identity"]["scoring"]["judged_by"] == rule
    if rule == "xor":
        assert record["identity"]["scoring"]["tokeniser"] == "nltk-treebank-unsplit"
    for pair in record["pairs"]:
        assert pair["num_queries"] == 128 and pair["num_passages"] == 64
        assert pair["measures"][measure]["mean"] >= 0.25  # chance, where the limit holds a third of the passages
