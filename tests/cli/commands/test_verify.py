"""`clearbench verify` as a user meets it, and what other commands do with a record that was changed."""

import json
import re

import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets

from clearbench.cli.app import execute
from clearbench.evaluation.options import EvaluationOptions


@pytest.fixture
def folders(place):
    """Records of two models on one task."""
    evaluations = [
        evaluate_sets(HashEncoder(name=name, salt=name), [parallel_set(("en", "de"), size=8)], EvaluationOptions())
        for name in ("base", "other")
    ]
    return [evaluation.folder for [evaluation] in evaluations]


def test_a_line_per_record_and_exit_code_1_where_one_differs(folders, capsys):
    assert execute(["gate", "--baseline", "base", "--save-baseline", "base.parquet"]) == 0
    capsys.readouterr()
    for records in (["results"], [str(folders[0].parent), str(folders[1]), "base.parquet"]):
        assert execute(["verify", *records]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == len(records) + (records == ["results"]) and all(line.startswith("OK ") for line in lines)
    (folders[1] / "record.json").write_text("{")
    assert execute(["verify", "results"]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"OK       {folders[0]}: 4 pairs") and second.startswith(f"differs  {folders[1]}: ")


def test_rankings_of_an_older_version_have_no_checksums_which_the_line_says(place, capsys):
    options = EvaluationOptions(save_runs=True)
    [evaluation] = evaluate_sets(HashEncoder(), [parallel_set(("en", "de"), size=8)], options)
    capsys.readouterr()
    assert execute(["verify", "results"]) == 0
    assert "without checksums" not in capsys.readouterr().out
    for file in evaluation.folder.rglob("*.sha256"):
        file.unlink()
    assert execute(["verify", "results"]) == 0
    assert "4 pairs, 4 scored again, 4 saved without checksums by an older version" in capsys.readouterr().out


def test_what_cannot_be_found_or_read_is_an_error(place, capsys):
    assert execute(["verify", "nowhere"]) == 1
    assert "No records in nowhere" in capsys.readouterr().out
    (place / "base.parquet").write_text("hello")
    assert execute(["verify", "base.parquet"]) == 1
    assert "is not a baseline file, or is damaged" in capsys.readouterr().out


def test_all_that_are_named_are_checked_whatever_is_wrong_with_one_of_them(folders, place, capsys):
    (place / "base.parquet").write_text("hello")
    (place / "empty").mkdir()
    (place / "hollow" / "records").mkdir(parents=True)
    (folders[1] / "record.json").write_text("{")
    arguments = ["nowhere", "base.parquet", "empty", "hollow", str(folders[1]), str(folders[0])]
    assert execute(["verify", *arguments]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        *(f"differs  {name}" for name in arguments[:-1]),
        f"OK       {folders[0]}",
    ]


COMMANDS = (
    ["leaderboard", "results", "--models", "base"],
    ["leaderboard", "results", "--strict"],
    ["compare", "base", "other"],
    ["gate", "--baseline", "base", "--candidate", "other"],
    ["report", "results", "--out", "page.html", "--strict"],
    ["export", "base", "--task", "toy", "--format", "mteb", "--to", "mteb"],
    ["verify", "results"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:3]))
@pytest.mark.parametrize("edit", ["mean", "encoder", "dtype"])
def test_no_command_takes_a_record_that_was_changed(folders, capsys, command, edit):
    file = folders[0] / "record.json"
    record = json.loads(file.read_text())
    if edit == "mean":
        for pair in record["pairs"]:
            pair["measures"]["nDCG@10"]["mean"] = 0.99
    else:
        record["identity" if edit == "encoder" else "model"][edit] = "another"
    file.write_text(json.dumps(record))
    assert execute(command) == 1
    printed = capsys.readouterr()
    assert re.search("differs? from .*the scores", printed.out + printed.err) and "99.0" not in printed.out
