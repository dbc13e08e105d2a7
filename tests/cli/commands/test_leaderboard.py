"""`clearbench leaderboard`: where it writes what, and what it says of bad input."""

import json
import shutil

import pytest
from builders.files import write
from builders.records import write_model

from clearbench.cli.app import execute


@pytest.fixture
def results(tmp_path):
    for name, level in (("good", 0.8), ("bad", 0.3)):
        write_model(tmp_path / "results", name, {"xquad": {p: [level, level - 0.1] * 8 for p in ("en-en", "de-en")}})
    return tmp_path / "results"


def test_the_table_goes_to_stdout(results, capsys):
    assert execute(["leaderboard", str(results), "--flips", "100"]) == 0
    out = capsys.readouterr().out
    assert "Overall, x 100" in out and "xquad: nDCG@10 x 100" in out and "75.0" in out


@pytest.mark.parametrize(
    ("name", "arguments", "start"),
    [
        ("board.csv", [], "rank,rank_borda,model"),
        ("board.md", [], "**Overall, x 100**"),
        ("board.json", [], "{"),
        ("board.data", [], "rank,rank_borda,model"),
        ("board.csv", ["--format", "table"], "Overall, x 100"),
    ],
)
def test_a_file_is_written_in_the_form_of_its_ending(results, tmp_path, capsys, name, arguments, start):
    target = tmp_path / "new" / name
    assert execute(["leaderboard", str(results), "--out", str(target), "--flips", "100", *arguments]) == 0
    printed = capsys.readouterr()
    assert target.read_text(encoding="utf-8").startswith(start)
    assert printed.out == "" and f"{target}: 2 models, 1 task\n" in printed.err


def test_csv_and_json_go_to_stdout_as_they_go_to_a_file(results, tmp_path, capsys):
    for style in ("csv", "json", "markdown"):
        execute(["leaderboard", str(results), "--format", style, "--flips", "100"])
        printed = capsys.readouterr().out
        execute(["leaderboard", str(results), "--format", style, "--flips", "100", "--out", str(tmp_path / "file")])
        capsys.readouterr()
        assert (tmp_path / "file").read_text(encoding="utf-8") == printed


def test_models_tasks_and_seed_are_passed_on(results, capsys):
    assert execute(["leaderboard", str(results), "--models", "bad", "--tasks", "xquad", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["model"] for row in document["rows"]] == ["bad"]
    execute(["leaderboard", str(results), "--seed", "7", "--confidence", "0.9", "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert (document["seed"], document["alpha"]) == (7, 0.1)


def test_published_rows_are_shown_on_request(tmp_path, capsys):
    write_model(tmp_path, "mine", {"belebele": {pair: [0.5, 0.6] for pair in ("en-en", "de-en")}})
    execute(["leaderboard", str(tmp_path)])
    assert "†" not in capsys.readouterr().out
    execute(["leaderboard", str(tmp_path), "--with-published"])
    out = capsys.readouterr().out
    assert "BAAI/bge-m3 †" in out and "94.2" in out  # (95.629 + 92.801) / 2


def test_rows_of_a_checkout_of_the_mteb_results_are_shown_and_marked(tmp_path, capsys):
    results, checkout = tmp_path / "results", tmp_path / "mteb"
    write_model(results, "mine", {"belebele": {pair: [0.5, 0.6] for pair in ("en-en", "de-en")}})
    subsets = {"eng_Latn-eng_Latn": 0.8, "eng_Latn-deu_Latn": 0.7, "deu_Latn-eng_Latn": 0.1}
    scores = {"test": [{"hf_subset": name, "ndcg_at_10": value} for name, value in subsets.items()]}
    content = {"dataset_revision": "75b399", "mteb_version": "1.38.3", "scores": scores}
    write(checkout / "results/some__model/0123456789/BelebeleRetrieval.json", json.dumps(content))
    execute(["leaderboard", str(results), "--mteb-results", str(checkout)])
    out = capsys.readouterr().out
    assert "some/model @ 0123456 †" in out and "75.0" in out
    assert "MTEB 1.38.3, model revision 0123456789, data revision 75b399" in " ".join(out.split())
    assert execute(["leaderboard", str(results), "--mteb-results", str(checkout), "--mteb-models", "some/mode"]) == 2
    assert "Did you mean some/model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--confidence", "95"], 2, "--confidence 95: expected more than 0 and less than 1"),
        (["--flips", "99999999999"], 2, "--flips 99999999999: expected"),
        (["--models", "goood"], 2, "Did you mean good"),
        (["--models", ","], 2, "--models is empty"),
        (["--tasks", "xqad"], 2, "Did you mean xquad"),
        (["--measure", "nDCG@99"], 2, "no measure 'nDCG@99'"),
    ],
)
def test_slips_are_answered(results, capsys, arguments, code, message):
    assert execute(["leaderboard", str(results), *arguments]) == code
    assert message in capsys.readouterr().err


def test_an_empty_folder_and_a_damaged_record_are_named(results, tmp_path, capsys):
    assert execute(["leaderboard", str(tmp_path / "nothing")]) == 1
    assert "nothing" in capsys.readouterr().err
    [record] = results.glob("records/good-*/xquad/record.json")
    record.write_text(record.read_text(encoding="utf-8").replace('"schema_version": 1', '"schema_version": 0'))
    assert execute(["leaderboard", str(results), "--strict"]) == 1
    assert "schema version 0" in capsys.readouterr().err


BROKEN = {
    "failed": lambda folder: (folder / "record.json").unlink(),
    "under way": lambda folder: edit(folder, '"status": "complete"', '"status": "running"'),
    "of another schema": lambda folder: edit(folder, '"schema_version": 1', '"schema_version": 0'),
    "half written": lambda folder: (folder / "record.json").write_text("{"),
}


def edit(folder, old, new):
    file = folder / "record.json"
    assert old in file.read_text(encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("style", ["table", "csv", "json", "markdown"])
def test_a_run_that_cannot_be_used_is_named_and_the_others_are_ranked(results, tmp_path, capsys, what, style):
    write_model(results, "third", {"xquad": {p: [0.1, 0.2] * 8 for p in ("en-en", "de-en")}})
    [folder] = results.glob("records/third-*/xquad")
    BROKEN[what](folder)
    assert execute(["leaderboard", str(results), "--flips", "50", "--format", style]) == 0
    printed = capsys.readouterr()
    assert "good" in printed.out and "bad" in printed.out
    assert printed.err.count("Left out: ") == 1 and str(folder) in printed.err
    assert ("Left out: " in printed.out) == (style != "csv")
    assert execute(["leaderboard", str(results), "--strict", "--format", style]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and str(folder) in printed.err


def test_an_unwritable_file_is_named(results, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert execute(["leaderboard", str(results), "--out", str(tmp_path / "file" / "board.csv"), "--flips", "10"]) == 1
    assert "Choose another --out" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["leaderboard"], ["report", "--out", "page.html"]])
def test_a_record_that_is_not_comparable_or_misplaced_is_named_and_the_others_are_shown(
    results, tmp_path, capsys, monkeypatch, command
):
    monkeypatch.chdir(tmp_path)
    scores = {"xquad": {"en-en": [0.9] * 16, "de-en": [0.9] * 16}}
    [other] = write_model(results, "other", scores, data={"de-en": "other data"})
    stray = shutil.copytree(other, next(results.glob("records/bad-*")) / "copy")
    assert execute([command[0], str(results), *command[1:]]) == 0
    printed = capsys.readouterr()
    assert f"Left out: {other} is not comparable with " in printed.err
    assert f"Left out: {stray} cannot be used: the folder bad-" in printed.err
    assert "75.0" in printed.out or (tmp_path / "page.html").exists()
    assert execute([command[0], str(results), *command[1:], "--strict"]) == 1
