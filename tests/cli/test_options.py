"""Options are declared once: in a record, from which every command that takes it has its flags."""

import inspect
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, get_args

import pytest
import typer
from builders.tasks import write_belebele, write_task
from typer.testing import CliRunner

from clearbench.cli.app import app, execute
from clearbench.cli.options import Panel, command
from clearbench.common.errors import UsageError
from clearbench.common.options import (
    CACHE_DIR,
    GivenOptions,
    Option,
    Range,
    marked_fields,
    read_names,
    read_settings,
    unwrap_optional,
)
from clearbench.encoders.base import EncoderOptions

HEAVY = ("numpy", "scipy", "pandas", "torch", "transformers", "sentence_transformers", "faiss", "datasets")


@dataclass(frozen=True)
class Shown:
    """A record with every kind of field."""

    width: Annotated[int, Option("Columns.", range=Range(minimum=1))] = 80
    style: Annotated[Literal["plain", "bold"], Option("Look.", panel="Look")] = "plain"
    names: Annotated[tuple[str, ...] | None, Option("Names.", read=read_names)] = None
    settings: Annotated[dict[str, str], Option("Settings.", flag="--set", read=read_settings)] = field(
        default_factory=dict
    )
    files: Annotated[tuple[Path, ...], Option("Files.", flag="--file")] = ()
    cache: Annotated[Path | None, CACHE_DIR] = None
    hidden: int = 7


@dataclass(frozen=True)
class Beside:
    """A record that shares a flag with the other, under another field's name."""

    place: Annotated[Path | None, CACHE_DIR] = None
    loud: Annotated[bool, Option("Noise.")] = False


def run(function, *arguments):
    tool = typer.Typer(rich_markup_mode=None)
    command(tool, "tool")(function)
    result = CliRunner().invoke(tool, list(arguments))
    if isinstance(result.exception, UsageError):
        raise result.exception
    return result.output


def commands(group, words=()):
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from commands(found, (*words, name))
        else:
            yield " ".join((*words, name)), found


def numbers(group, words=()):
    """Yield each option of each command that is a number, and whether it may have a fraction."""
    for sub in group.registered_groups:
        yield from numbers(sub.typer_instance, (*words, sub.name))
    for found in group.registered_commands:
        for parameter in inspect.signature(found.callback).parameters.values():
            kind = unwrap_optional(next(iter(get_args(parameter.annotation)), None))
            if kind in (int, float):
                yield " ".join((*words, found.name, f"--{parameter.name.replace('_', '-')}")), kind is float


ALL = dict(commands(typer.main.get_command(app)))


def flags_of(found):
    return {flag for parameter in found.params for flag in parameter.opts}


def test_flags_make_the_record(monkeypatch):
    monkeypatch.setenv("CLEARBENCH_CACHE", "/from/environment")
    found = []

    def tool(shown: Shown, beside: Beside) -> None:
        found.append((shown, beside))

    run(tool)
    run(tool, "--width", "3", "--style", "bold", "--names", "a, b,a", "--set", "x=1", "--set", "y = 2", "--loud")
    run(tool, "--file", "one", "--file", "two", "--cache-dir", "cache")
    environment, cache = Path("/from/environment"), Path("cache")
    assert found == [
        (Shown(cache=environment), Beside(environment)),
        (Shown(3, "bold", ("a", "b"), {"x": "1", "y": "2"}, cache=environment), Beside(environment, loud=True)),
        (Shown(files=(Path("one"), Path("two")), cache=cache), Beside(cache)),
    ]


def test_only_what_was_given_is_handed_on():
    found = []

    def tool(model: Annotated[str, Option("Model.")], given: GivenOptions[Shown], names: GivenOptions[Beside]) -> None:
        found.append((model, dict(given), "loud" in names))

    run(tool, "--model", "m", "--width", "80")
    assert found[0][0] == "m" and found[0][1].keys() == {"width", "cache"} and not found[0][2]


def test_help_shows_options_by_panel():
    def tool(shown: Annotated[Shown, Panel("Everything")], beside: Beside) -> None:
        """Do it."""

    shown = run(tool, "--help")
    everything, rest = shown.split("Everything:")[1].split("Options:")
    assert "--width" in everything and "Columns. [at least 1]" in everything and "CLEARBENCH_CACHE" in everything
    assert "--loud" in rest and "--cache-dir" not in rest and "hidden" not in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--names", " ,"], "--names is empty"),
        (["--set", "x"], "--set x: expected name=value"),
        (["--set", "=x"], "--set =x: expected name=value"),
    ],
)
def test_a_text_that_cannot_be_read_is_named_with_its_flag(arguments, message):
    def tool(shown: Shown) -> None: ...

    with pytest.raises(UsageError, match=message):
        run(tool, *arguments)


ENOUGH = {
    "demo": (),
    "run": ("--model", "bm25", "--tasks", "demo"),
    "compare": ("a", "b"),
    "gate": ("--baseline", "a", "--candidate", "b"),
    "leaderboard": (),
    "report": (),
    "train": ("--model", "m", "--data", "rows.jsonl", "--out", "ckpt"),
    "reproduce": ("minilm",),
    "rows build": ("--task", "demo-train", "--out", "rows.jsonl"),
    "rows mine": ("--rows", "rows.jsonl", "--model", "bm25", "--out", "mined.jsonl"),
    "cache prune": (),
}
"""Command with numbers among its options -> what it needs besides."""
MAY_BE_NEGATIVE = {"rows build --seed", "rows mine --seed", "rows mine --margin"}
NUMBERS = dict(numbers(app))
"""Every option of every command that is a number -> whether it may have a fraction."""


def test_every_command_with_numbers_is_tried_with_numbers_that_make_no_sense():
    assert {name.rpartition(" ")[0] for name in NUMBERS} == set(ENOUGH)
    assert {"gate --margin", "train --scale", "rows build --near", "report --gate-margin"} <= set(NUMBERS)
    assert sum(NUMBERS.values()) > 10


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "-1"])
def test_no_option_takes_a_number_that_makes_no_sense(name, value, capsys, place):
    if value == "-1" and name in MAY_BE_NEGATIVE:
        return
    command_name, _, flag = name.rpartition(" ")
    assert execute([*command_name.split(), *ENOUGH[command_name], flag, value]) == 2
    said = capsys.readouterr().err
    if value == "-1":
        assert "-1" in said and "expected" in said
    elif NUMBERS[name]:
        assert said.startswith(f"Error: {flag} {float(value):g}: expected")
    assert not list(place.iterdir())


def test_one_flag_is_not_declared_in_two_ways():
    def by_type(shown: Shown, width: Annotated[float, Option("Of something else.")] = 1.0) -> None: ...

    def by_argument(shown: Shown, names: Annotated[str, typer.Argument()]) -> None: ...

    for tool in (by_type, by_argument):
        with pytest.raises(TypeError, match="is declared in two ways"):
            run(tool)


@pytest.mark.parametrize("name", ["run", "rows mine", "reproduce"])
def test_every_command_that_loads_an_encoder_has_all_options_of_encoders(name):
    wanted = {option.flag for option in marked_fields(EncoderOptions)}
    assert {"--truncate-dim", "--pooling", "--offline"} <= wanted <= flags_of(ALL[name])


@pytest.mark.parametrize(
    ("flag", "variable"),
    [("--tasks-dir", "CLEARBENCH_TASKS"), ("--data-dir", "CLEARBENCH_DATA"), ("--cache-dir", "CLEARBENCH_CACHE")],
)
def test_a_folder_s_variable_is_read_wherever_its_flag_is(flag, variable):
    found = {
        name: parameter.envvar for name, held in ALL.items() for parameter in held.params if flag in parameter.opts
    }
    assert len(found) > 4 and set(found.values()) == {variable}


def test_run_and_rows_find_tasks_of_the_folder_in_the_environment(place, monkeypatch, capsys):
    write_belebele(place / "data", "eng_Latn", "deu_Latn", passages=6)
    write_task(place / "tasks")
    monkeypatch.setenv("CLEARBENCH_TASKS", str(place / "tasks"))
    monkeypatch.setenv("CLEARBENCH_DATA", str(place / "data"))
    assert execute(["run", "--model", "bm25", "--tasks", "tiny", "--pairs", "de-en"]) == 0
    assert execute(["rows", "build", "--task", "tiny", "--out", "rows.jsonl"]) == 0
    assert execute(["tasks", "check", "tiny"]) == 0
    assert "12 rows" in capsys.readouterr().out


def test_help_needs_no_numbers_and_no_models():
    code = (
        "import sys; from clearbench.cli.app import execute; execute(['run', '--help']); execute(['train', '--help']); "
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stderr.strip() == "[]"
