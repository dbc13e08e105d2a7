"""`clearbench run` as a user meets it: whole commands, kills, bad inputs, exit codes."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest
from builders.encoders import tiny_checkpoint
from builders.files import write_jsonl
from builders.tasks import write_belebele, write_task

from clearbench.cli.app import execute

ENCODER = """
    import os, signal
    import numpy as np
    from clearbench.encoders.vectors import embed as encoding
    from clearbench.records.folder import RecordFolder
    from clearbench.common.hashing import content_hash

    encoding.PART_SECONDS = -1.0  # a part after every batch
    calls = 0

    def encode(texts, role):
        global calls
        calls += 1
        if os.environ.get("KILL") == "encoding" and calls == 6:
            os.kill(os.getpid(), signal.SIGKILL)
        print(f"encoded {len(texts)}", flush=True)
        words = [[int(content_hash(word), 16) % 97 / 97 - 0.5 for word in text.split()] for text in texts]
        return np.array([[sum(w), sum(x * x for x in w), len(w)] for w in words], dtype=np.float32)

    encode.fingerprint = "v1"
    add = RecordFolder.add

    def add_then_die(self, pool, results):
        add(self, pool, results)
        if os.environ.get("KILL") == "scoring":
            os.kill(os.getpid(), signal.SIGKILL)

    RecordFolder.add = add_then_die
"""


@pytest.fixture(autouse=True)
def files(place):
    """A task of two languages and an encoder module."""
    write_belebele(place / "data", "eng_Latn", "deu_Latn", passages=20)
    write_task(place)
    (place / "my_encoder.py").write_text(textwrap.dedent(ENCODER))


def arguments(*more, model="bm25"):
    return ["run", "--model", model, "--tasks", "tiny.toml", "--data-dir", "data", "--all-pairs", "--out", "out", *more]


def process(*more, kill=None, out="out", cache="cache"):
    command = [sys.executable, "-m", "clearbench", *arguments("--batch-tokens", "64", model="my_encoder:encode"), *more]
    environment = {**os.environ, "KILL": kill or "", "CLEARBENCH_CACHE": cache}
    command[command.index("--out") + 1] = out
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def results(out):
    """Everything in a results folder except times, as bytes."""
    found = {}
    for file in sorted(out.rglob("*")):
        if file.name == "record.json":
            record = json.loads(file.read_text())
            del record["timings"]
            found[file.relative_to(out)] = json.dumps(record).encode()
        elif file.is_file():
            found[file.relative_to(out)] = file.read_bytes()
    return found


@pytest.mark.parametrize("phase", ["encoding", "scoring"])
def test_a_killed_run_goes_on_and_equals_an_undisturbed_one(place, phase):
    whole = process(out="whole", cache="other")
    assert whole.returncode == 0, whole.stderr
    killed = process(kill=phase)
    assert killed.returncode == -signal.SIGKILL
    if phase == "scoring":
        assert len(list((place / "out").rglob("*.parquet"))) == 1
    resumed = process()
    assert resumed.returncode == 0, resumed.stderr
    assert results(place / "out") == results(place / "whole")

    def texts_encoded(finished):
        return sum(int(line.split()[1]) for line in finished.stdout.splitlines() if line.startswith("encoded"))

    everything = texts_encoded(whole)
    assert texts_encoded(killed) > 0
    assert everything == 120  # (20 passages + 40 questions) x 2 languages
    # A killed run may lose the one batch whose part was being written, nothing more.
    assert texts_encoded(killed) + texts_encoded(resumed) in range(everything, everything + 20)


def test_a_second_run_encodes_nothing(place):
    first, second = process(), process()
    assert "encoded" in first.stdout and "encoded" not in second.stdout
    assert "0 pairs to score" in second.stderr and second.returncode == 0


def test_two_runs_at_once_do_not_disturb_each_other(place):
    command = [sys.executable, "-m", "clearbench", *arguments(model="my_encoder:encode")]
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [run.wait(timeout=120) for run in both] == [0, 0]
    alone = process(out="alone", cache="other")
    assert alone.returncode == 0
    assert results(place / "out") == results(place / "alone")


def test_the_table_and_the_json_show_the_same_figure(place, capsys):
    assert execute(arguments()) == 0
    table = capsys.readouterr()
    assert "rows: query language, columns: passage language" in table.out
    assert execute(arguments("--format", "json")) == 0
    [summary] = json.loads(capsys.readouterr().out)
    value = next(p for p in summary["pairs"] if p["pair"] == "de-en")["measures"]["nDCG@10"]["mean"]
    assert f"{100 * value:.1f}" in table.out
    assert summary["folder"] in table.err


def test_runs_and_verification(place):
    assert execute(arguments("--save-runs", "--verify")) == 0
    assert sorted(file.name for file in (place / "out").rglob("*.trec")) == [
        "de-de.trec",
        "de-en.trec",
        "en-de.trec",
        "en-en.trec",
    ]


def test_options_make_another_measurement_beside_the_usual_one(place):
    assert execute(arguments()) == 0
    assert execute(arguments("--option", "merge_duplicate_questions=true")) == 0
    names = sorted(folder.name for folder in (place / "out" / "records").glob("*/tiny*"))
    assert names == ["tiny", "tiny+merge_duplicate_questions=True"]


def test_own_data_is_a_beir_folder(place):
    write_jsonl(place / "mine" / "corpus.jsonl", [
        {"_id": "a", "title": "", "text": "the river Nile", "language": "en"},
        {"_id": "b", "title": "", "text": "bread and butter", "language": "en"},
    ])  # fmt: skip
    write_jsonl(place / "mine" / "queries.jsonl", [{"_id": "q", "text": "wo fließt der Nile", "language": "de"}])
    (place / "mine" / "qrels").mkdir()
    (place / "mine" / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\ta\t1\n")
    assert execute(["run", "--model", "bm25", "--tasks", "mine", "--out", "out", "--format", "json"]) == 0
    [record] = (place / "out").rglob("record.json")
    [pair] = json.loads(record.read_text())["pairs"]
    assert (pair["pair"], pair["measures"]["nDCG@10"]["mean"]) == ("de-en", 1.0)


BAD = {
    "unknown task": (["--tasks", "beleblee"], 2, "belebele"),
    "no tasks": (["--tasks", " , "], 2, "--tasks is empty"),
    "unknown language": (["--languages", "xx"], 2, "xx"),
    "unknown pair": (["--pairs", "de-fr"], 2, "de-fr"),
    "both selections": (["--all-pairs", "--pairs", "de-en"], 2, "exclude"),
    "unknown option": (["--option", "merge=1"], 2, "merge"),
    "option without value": (["--option", "merge"], 2, "name=value"),
    "no such checkpoint": (["--model", "no such model"], 1, "neither a folder"),
    "a text file as checkpoint": (["--model", "tiny.toml"], 1, "is a file"),
    "no such data folder": (["--data-dir", "nowhere"], 1, "nowhere"),
    "unwritable output": (["--out", "tiny.toml"], 1, "Choose another --out"),
    "no such flag": (["--modle", "x"], 2, "--modle"),
    "unknown dtype": (["--model", "models/tiny", "--dtype", "fp8"], 2, "fp32, bf16, fp16"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_users_mistake_is_one_message_and_the_right_exit_code(place, capsys, case):
    more, code, message = BAD[case]
    if "models/tiny" in more:
        tiny_checkpoint(place / "models" / "tiny")
    command = ["run", "--model", "bm25", "--tasks", "tiny.toml", "--data-dir", "data", "--out", "out", *more]
    assert execute(command) == code
    captured = capsys.readouterr()
    [line] = [line for line in captured.err.splitlines() if line.startswith("Error:")]
    assert message in line and "Traceback" not in captured.err and captured.out == ""
    assert not (place / "out").exists()


DAMAGE = {
    "truncated line": (lambda data: data[:-20], "deu_Latn.jsonl:40"),
    "wrong encoding": (lambda data: data.replace(b"question 3", b"question \xff"), "UTF-8"),
    "empty file": (lambda data: b"", "deu_Latn.jsonl"),
    "duplicate ids": (lambda data: data + data.splitlines(keepends=True)[0], "deu_Latn.jsonl"),
    "empty query": (lambda data: data.replace(b"deu_Latn question 3.1?", b""), "'https://x.org/3#1' has an empty text"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_data_is_located(place, capsys, case):
    damage, message = DAMAGE[case]
    file = place / "data" / "belebele" / "deu_Latn.jsonl"
    file.write_bytes(damage(file.read_bytes()))
    assert execute(arguments()) == 1
    assert message in capsys.readouterr().err
    assert not (place / "out").exists()


def test_interruption_says_that_nothing_is_lost(place, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("clearbench.records.folder.RecordFolder.add", interrupt)
    assert execute(arguments()) == 130
    assert "run the same command again" in capsys.readouterr().err


def test_a_full_disk_is_one_message_and_keeps_what_was_there(place, capsys, monkeypatch):
    assert (
        execute(
            ["run", "--model", "bm25", "--tasks", "tiny.toml", "--data-dir", "data", "--pairs", "de-en", "--out", "out"]
        )
        == 0
    )
    before = results(place / "out")
    capsys.readouterr()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert execute(arguments()) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert results(place / "out") == before


@pytest.mark.parametrize(
    "command", [["--help"], ["run", "--help"], ["tasks"], ["tasks", "show", "xquad"], ["cache", "ls"]]
)
def test_quick_commands_import_nothing_heavy(place, command):
    code = (
        "import sys\nfrom clearbench.cli.app import execute\n"
        f"assert execute({command!r}) == 0\n"
        "heavy = {'torch', 'faiss', 'pandas', 'datasets', 'transformers', 'nltk'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stderr


def test_cache_commands(place, capsys):
    assert process().returncode == 0
    assert execute(["cache", "ls"]) == 0
    assert "my_encoder.encode" in capsys.readouterr().out
    assert execute(["cache", "prune", "--idle-days", "0"]) == 0
    assert "Deleted 1 encoder," in capsys.readouterr().out
    assert execute(["cache", "prune", "--idle-days", "-1"]) == 2


@pytest.mark.parametrize("flag", [["--tokeniser", "official"], ["--option", "tokeniser=official"]])
def test_the_tokeniser_has_one_identity_whichever_way_it_is_chosen(place, capsys, monkeypatch, flag):
    from clearbench.scoring.answers import xor

    monkeypatch.setattr(xor, "official_tokeniser", lambda *, offline=False: xor.fallback_tokeniser())
    command = ["run", "--model", "bm25", "--tasks", "demo-xor", "--pairs", "fi-en", "--out", "out", "--format", "json"]
    assert execute([*command, *flag]) == 0
    identity = json.loads(capsys.readouterr().out)[0]["identity"]
    assert identity["options"] == {"tokeniser": "official"}
    assert identity["scoring"]["tokeniser"] == "nltk-treebank-unsplit"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--tasks", "tiny.toml", "--tokeniser", "unsplit"], "No option 'tokeniser': task tiny.toml has merge_dup"),
        (["--tasks", "demo-xor", "--tokeniser", "unsplt"], "tokeniser: found 'unsplt', expected: input should be 'off"),
        (["--tasks", "demo-xor", "--tokeniser", "unsplit", "--option", "tokeniser=official"], "contradicts --option"),
    ],
)
def test_a_tokeniser_that_a_task_does_not_have_is_an_error(place, capsys, more, message):
    assert execute(["run", "--model", "bm25", "--data-dir", "data", "--out", "out", *more]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (place / "out").exists()
