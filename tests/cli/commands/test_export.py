"""`clearbench export`: from a run to the files of other tools, and what it says of slips."""

import json

import pytest
from builders.tasks import write_belebele, write_task

from clearbench.cli.app import execute


@pytest.fixture(autouse=True)
def record(place, capsys):
    """A task, its data and a record of BM25 with saved rankings."""
    write_belebele(place / "data", "eng_Latn", "deu_Latn", passages=6)
    write_task(place)
    run = ["run", "--model", "bm25", "--tasks", "tiny.toml", "--data-dir", "data", "--all-pairs", "--save-runs"]
    assert execute(run) == 0
    capsys.readouterr()


def test_trec(place, capsys):
    assert execute(["export", "bm25", "--task", "tiny", "--format", "trec", "--to", "trec"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[:2] == ["trec/de-de.run", "trec/de-de.qrels"] and len(printed) == 8


def test_mteb(place, capsys):
    assert execute(["export", "bm25", "--task", "tiny.toml", "--format", "mteb", "--to", "mteb"]) == 0
    document = json.loads((place / "mteb" / "clearbench-tiny.json").read_text(encoding="utf-8"))
    assert len(document["scores"]["test"]) == 4


def test_beir_of_a_record_and_of_a_task(place, capsys):
    beir = ["--task", "tiny.toml", "--format", "beir", "--data-dir", "data"]
    assert execute(["export", "bm25", *beir, "--to", "one"]) == 0
    assert execute(["export", *beir, "--to", "two"]) == 0
    assert execute(["export", *beir, "--to", "three", "--pairs", "de-en"]) == 0
    capsys.readouterr()
    for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"):
        assert (place / "one" / name).read_bytes() == (place / "two" / name).read_bytes()
    assert len((place / "three" / "corpus.jsonl").read_text().splitlines()) == 6
    assert execute(["run", "--model", "bm25", "--tasks", "three/", "--out", "again"]) == 0


def test_changed_data_are_not_exported_as_a_records(place, capsys):
    write_belebele(place / "data", "eng_Latn", "deu_Latn", passages=7)
    arguments = ["--task", "tiny.toml", "--format", "beir", "--data-dir", "data", "--to", "out"]
    assert execute(["export", "bm25", *arguments]) == 1
    assert "not those of the record" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--task", "tiny", "--format", "trec"], 2, "--format trec needs MODEL"),
        (["bm26", "--task", "tiny", "--format", "trec"], 2, "Did you mean bm25"),
        (["bm25", "--task", "tinny", "--format", "mteb"], 2, "Did you mean tiny"),
        (
            ["bm25", "--task", "tiny", "--format", "mteb", "--pairs", "de-en"],
            2,
            "Pairs can be chosen only with",
        ),
        (["--task", "xor", "--format", "beir"], 1, "judged by answer strings"),
        (["bm25", "--task", "tiny", "--format", "html"], 2, "html"),
    ],
)
def test_slips_are_answered(place, capsys, arguments, code, message):
    assert execute(["export", *arguments, "--to", "out"]) == code
    assert message in capsys.readouterr().err
    assert not (place / "out").exists()
