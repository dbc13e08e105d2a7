"""Whatever strangers' records and users' slips are called, no command prints what a terminal obeys, or megabytes."""

import csv
import io
import json
import re

import numpy as np
import pytest
from builders.records import write_record

from clearbench.cli.app import execute
from clearbench.records.select import load_results

OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
NAMES = {
    "escapes": "\x1b]0;owned\x07\x1b[31mred\x9b2J",
    "directions": "\u202egnp.exe\u202c \u2066x\u2069\u200f",
    "formula": '=HYPERLINK("http://evil.example";"x")',
    "minus": "-2+3",
    "tab": "\t=1+1",
    "tags": "<script>alert(1)</script> | `x` *y* $z$",
}


@pytest.fixture(params=NAMES)
def name(request):
    return NAMES[request.param]


@pytest.fixture
def results(place, name):
    """Two models, of which one has the name."""
    out = place / "results"
    for number, model in enumerate(("base", name)):
        scores = {pair: np.random.default_rng(number).random(60) for pair in ("en-en", "de-en")}
        write_record(out, model, scores)
    assert {entry.record.model["name"] for entry in load_results(out)} == {name, "base"}
    return out


@pytest.fixture
def evil(results):
    """Path of the folder of the model with the name, which may begin like an option."""
    [folder] = {folder.name for folder in (results / "records").iterdir()} - {
        folder.name for folder in (results / "records").glob("base-*")
    }
    return f"results/records/{folder}"


COMMANDS = {
    "leaderboard": ["leaderboard", "results", "--flips", "50"],
    "compare": ["compare", "base", "evil", "--flips", "50"],
    "gate": ["gate", "--baseline", "base", "--candidate", "evil", "--junit", "out.xml", "--summary", "out.md"],
    "report": ["report", "results", "--baseline", "base", "--out", "out.html"],
    "mteb": ["export", "evil", "--task", "toy", "--format", "mteb", "--to", "to"],
    "trec": ["export", "evil", "--task", "toy", "--format", "trec", "--to", "to"],
}
FORMS = [
    *(("leaderboard", style) for style in ("table", "csv", "markdown", "json")),
    *(("compare", style) for style in ("table", "csv", "markdown", "json", "latex")),
    *(("gate", style) for style in ("table", "json")),
    *((command, None) for command in ("report", "mteb", "trec")),
]


@pytest.mark.parametrize(("command", "style"), FORMS)
def test_no_output_holds_what_is_obeyed(place, evil, capsys, command, style):
    arguments = [evil if word == "evil" else word for word in COMMANDS[command]]
    execute([*arguments, *(["--format", style] if style else [])])
    printed = capsys.readouterr()
    assert printed.out or printed.err
    assert not OBEYED.search(printed.out) and not OBEYED.search(printed.err)
    written = [path for path in (*place.glob("out.*"), *place.glob("to/*")) if path.is_file()]
    for file in written:
        assert not OBEYED.search(file.read_text(encoding="utf-8")), file
    if style == "csv":
        for row in csv.reader(io.StringIO(printed.out)):
            assert not any(re.match(r"[=+@\t\r]|-(?![\d.])|-\d+\+", cell) for cell in row), row
    if style == "json":
        assert json.loads(printed.out)


@pytest.mark.parametrize("name", [NAMES["minus"]], indirect=False)
def test_negative_figures_of_a_csv_stay_numbers(evil, capsys, name):
    execute(["compare", "base", evil, "--flips", "50", "--format", "csv"])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    differences = [float(row["difference"]) for row in rows]
    assert min(map(abs, differences)) > 0
    execute([*COMMANDS["leaderboard"], "--format", "csv"])
    assert "'-2+3" in {row["model"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}


LONG = "x" * 3_000_000


@pytest.mark.parametrize(
    "arguments",
    [
        ["leaderboard", LONG],
        ["compare", "base", LONG],
        ["gate", "--baseline", LONG, "--candidate", "base"],
        ["leaderboard", "--tasks", LONG],
        ["compare", "base", "evil", "--measure", LONG],
        ["compare", "base", "evil", "--pairs", LONG],
        ["export", "base", "--task", LONG, "--format", "mteb", "--to", "to"],
        [LONG],
    ],
)
@pytest.mark.parametrize("name", ["evil"], indirect=False)
def test_a_message_is_cut(place, results, capsys, name, arguments):
    assert execute(arguments) != 0
    printed = capsys.readouterr()
    assert printed.err.startswith("Error: ") and len(printed.err) < 1200 and not printed.out


@pytest.mark.parametrize("text", [NAMES["escapes"], NAMES["directions"]])
def test_a_slip_is_named_with_its_escapes(place, capsys, text):
    for arguments in (["leaderboard", text], ["tasks", "show", text], [text], ["run", "--model", text]):
        assert execute(arguments) != 0
        assert not OBEYED.search(capsys.readouterr().err)
