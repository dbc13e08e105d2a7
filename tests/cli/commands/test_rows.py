"""`clearbench rows build` and `rows mine` as a user meets them."""

import json
import re
import subprocess
import sys

import pytest
from builders.encoders import tiny_checkpoint
from builders.files import write_jsonl
from builders.tasks import write_belebele, write_task
from typer.testing import CliRunner

from clearbench.cli.commands.rows import rows_app
from clearbench.common.errors import ClearbenchError, DataError, TrainingError, UsageError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.load import load_encoder
from clearbench.tasks.load import load_task
from clearbench.training.rows.files import read_rows

ENCODER = """
    import numpy as np
    from clearbench.common.hashing import content_hash

    def encode(texts, role):
        return np.array([[int(content_hash(t, str(i)), 16) % 97 / 97 - 0.5 for i in range(8)] for t in texts])
"""


def run(*arguments):
    result = CliRunner().invoke(rows_app, [str(argument) for argument in arguments])
    if result.exception is not None:
        raise result.exception
    assert result.exit_code == 0
    return result.stdout


@pytest.fixture(autouse=True)
def files(place):
    """A task of two languages and an encoder module."""
    write_belebele(place / "data", "eng_Latn", "deu_Latn", passages=30)
    write_task(place)
    (place / "row_encoder.py").write_text("\n".join(line[4:] for line in ENCODER.splitlines()))


BUILD = ("build", "--task", "tiny.toml", "--data-dir", "data", "--languages", "de", "--out", "rows.parquet")
MINE = ("mine", "--rows", "rows.parquet", "--model", "row_encoder:encode", "--out", "mined.parquet", "--margin", "-2")


def manifest(place, name):
    return json.loads((place / f"{name}.manifest.json").read_text())


def test_build_then_mine(place):
    printed = run(*BUILD)
    assert "60 rows (de 60)" in printed and "30 passages, 30 clusters" in printed
    printed = run(*MINE[:-1], "0.3", "--window", "5-20")
    assert re.search(r"candidates left out: [\d,]+ within the margin of the positive", printed)
    printed = run(*MINE, "--window", "5-20")
    assert "ranks: 5-20\nrows full: 60" in printed
    rows = read_rows(place / "mined.parquet")
    assert [len(row.passage_negatives) for row in rows.rows] == [5] * 60
    for row in rows.rows:
        for passage, question in zip(row.passage_negatives, row.target_query_negatives, strict=True):
            assert passage.removeprefix("eng_Latn passage ") == question.split()[-1].split(".")[0]
    mined = manifest(place, "mined.parquet")
    assert mined["input"]["fingerprint"] == read_rows(place / "rows.parquet").fingerprint
    assert mined["rows"]["fingerprint"] == rows.fingerprint
    assert mined["encoder"]["name"] == "row_encoder.encode"
    assert mined["mining"]["window_used"] == [5, 20]


def test_the_same_command_gives_the_same_files(place):
    for name in ("one", "two"):
        run(*BUILD[:-1], f"{name}.parquet")
        run("mine", "--rows", f"{name}.parquet", *MINE[3:5], "--out", f"{name}-mined.jsonl", "--margin", "-2")
    for kind in (".parquet", "-mined.jsonl"):
        assert (place / f"one{kind}").read_bytes() == (place / f"two{kind}").read_bytes()


def test_the_manifest_of_build_says_where_rows_come_from(place):
    run(*BUILD, "--fraction", "0.5", "--seed", "3")
    written = manifest(place, "rows.parquet")
    [source] = written["sources"]
    assert source["task"] == "tiny" and len(source["files"][0]["sha256"]) == 64
    assert written["arguments"]["seed"] == 3 and written["arguments"]["fraction"] == 0.5
    assert written["rows"]["count"] + written["other_part"]["rows"] == 60
    assert str(place) not in json.dumps(written), "no path of this machine"


def test_texts_of_the_evaluation_are_refused_and_can_be_left_out(place):
    write_belebele(place / "later", "eng_Latn", "deu_Latn", passages=3)
    write_task(place / "later", name="later", sources=[{"key": "passages", "bundled": "belebele/{variant}.jsonl"}])
    check = (*BUILD, "--exclude-task", "later/later.toml")
    with pytest.raises(TrainingError, match=r"6 of 60 rows hold texts of the evaluation: tiny:https://x\.org/0#1"):
        run(*check)
    assert not (place / "rows.parquet").exists()
    assert "left out: 6 (leak: passage, equal)" in run(*check, "--on-leak", "drop")
    assert len(read_rows(place / "rows.parquet")) == 54
    assert manifest(place, "rows.parquet")["leak_check"]["against"] == ["later"]


def test_the_other_part_becomes_a_task_that_shares_nothing_with_the_rows(place):
    run(*BUILD, "--fraction", "0.5", "--heldout-task", "kept")
    data = load_task(str(place / "kept"))
    assert [str(pair) for pair in data.pairs] == ["de-en", "en-en"]
    rows = read_rows(place / "rows.parquet").rows
    assert len(rows) + len(data.queries_of(data.pairs[0])) == 60
    assert not {row.passage for row in rows} & set(data.pools["en"].texts)
    run(*BUILD, "--fraction", "0.5", "--exclude-task", "kept")
    with pytest.raises(TrainingError, match="hold texts of the evaluation"):
        run(*BUILD, "--exclude-task", "kept")


def test_rows_of_ones_own(place):
    lines = [{"q": f"Where is {n}?", "p": f"At {n}.", "x": f"Wo ist {n}?"} for n in range(8)]
    write_jsonl(place / "own.jsonl", lines)
    fields = [part for pair in ("query=q", "passage=p", "target_query=x") for part in ("--field", pair)]
    assert "8 rows (de 8)" in run("build", "--data", "own.jsonl", *fields, "--languages", "de", "--out", "own.parquet")
    printed = run("mine", "--rows", "own.parquet", *MINE[3:])
    assert "ranks: 1-8 (moved from 50-100: 8 in all)" in printed
    pool = run("mine", "--rows", "own.parquet", *MINE[3:], "--pool", "own.parquet")
    assert pool == printed and manifest(place, "mined.parquet")["pool"]["file"] == "own.parquet"


def test_a_checkpoint_mines_with_its_vectors_kept(place):
    tiny_checkpoint(place / "base")
    run(*BUILD)
    run(
        "mine",
        "--rows",
        "rows.parquet",
        "--model",
        "base",
        "--out",
        "mined.parquet",
        "--margin",
        "0",
        "--device",
        "cpu",
    )
    encoder = load_encoder("base", EncoderOptions(device="cpu"))
    assert list((place / "cache" / "embeddings" / encoder.fingerprint).glob("*.safetensors"))
    assert manifest(place, "mined.parquet")["encoder"]["fingerprint"] == encoder.fingerprint


BAD = {
    "neither task nor data": (("build", "--out", "rows.parquet"), UsageError, "either --task or --data"),
    "both": ((*BUILD, "--data", "own.jsonl"), UsageError, "either --task or --data"),
    "unknown task": (("build", "--task", "xquat", "--out", "r.parquet"), UsageError, "Did you mean xquad"),
    "unknown language": ((*BUILD, "--languages", "fr"), UsageError, "No language pair matches 'fr-en'"),
    "field with a task": ((*BUILD, "--field", "query=q"), UsageError, "--field works only with --data"),
    "suffix": ((*BUILD[:-1], "rows.csv"), UsageError, "ends in .parquet"),
    "held out of nothing": ((*BUILD, "--heldout-task", "kept"), UsageError, "--fraction below 1"),
    "near": ((*BUILD, "--near", "0"), UsageError, "--near 0: expected more than 0"),
    "unwritable": ((*BUILD[:-1], "tiny.toml/rows.parquet"), TrainingError, "Choose another --out"),
    "no rows file": (MINE, DataError, "there is no such file"),
    "window": ((*MINE, "--window", "5"), UsageError, "two ranks"),
    "same file": ((*MINE[:-3], "rows.parquet"), UsageError, "--out is the file of --rows"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_users_mistake_is_a_known_error(place, case):
    arguments, kind, message = BAD[case]
    with pytest.raises(ClearbenchError) as caught:
        run(*arguments)
    assert type(caught.value) is kind and message in str(caught.value)
    assert not list(place.glob("*.parquet"))


def test_bm25_cannot_mine(place):
    run(*BUILD)
    with pytest.raises(UsageError, match="bm25 has no vectors"):
        run("mine", "--rows", "rows.parquet", "--model", "bm25", "--out", "mined.parquet")


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom clearbench.cli.commands.rows import rows_app\n"
        "rows_app(['build', '--help'], standalone_mode=False)\n"
        "heavy = {'torch', 'faiss', 'pandas', 'pyarrow', 'transformers'} & set(sys.modules)\nassert not heavy, heavy\n"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stderr


def test_real_rows_from_mlqa_are_free_of_xquad(data_dir, place):
    arguments = ("--data-dir", data_dir, "--exclude-task", "xquad", "--languages", "de,es")
    printed = run("build", "--task", "mlqa", *arguments, "--out", "mlqa.parquet")
    assert "1,012 rows (de 512, es 500)" in printed
    assert manifest(place, "mlqa.parquet")["leak_check"]["rows_dropped"] == 0
    with pytest.raises(TrainingError, match="2,371 of 2,371 rows"):
        run("build", "--task", "xquad", *arguments, "--out", "xquad.parquet")
