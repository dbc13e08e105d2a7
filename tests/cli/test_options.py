"""Options are declared once: in a record, from which every command that takes it has its flags."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest
import typer
from typer.testing import CliRunner

from clearbench.cli.app import app
from clearbench.cli.options import Panel, command
from clearbench.common.errors import UsageError
from clearbench.common.options import CACHE_DIR, Given, Option, marked_fields, read_names, read_settings
from clearbench.encoders.base import EncoderOptions


@dataclass(frozen=True)
class Shown:
    """A record with every kind of field."""

    width: Annotated[int, Option("Columns.", minimum=1)] = 80
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

    def tool(model: Annotated[str, Option("Model.")], given: Given[Shown], names: Given[Beside]) -> None:
        found.append((model, dict(given), "loud" in names))

    run(tool, "--model", "m", "--width", "80")
    assert found[0][0] == "m" and found[0][1].keys() == {"width", "cache"} and not found[0][2]


def test_help_shows_options_by_panel():
    def tool(shown: Annotated[Shown, Panel("Everything")], beside: Beside) -> None:
        """Do it."""

    shown = run(tool, "--help")
    everything, rest = shown.split("Everything:")[1].split("Options:")
    assert "--width" in everything and "[default: 80; x>=1]" in everything and "CLEARBENCH_CACHE" in everything
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


def test_one_flag_is_not_declared_in_two_ways():
    def tool(shown: Shown, width: Annotated[float, Option("Of something else.")] = 1.0) -> None: ...

    with pytest.raises(TypeError, match="--width is declared in two ways"):
        run(tool)


@pytest.mark.parametrize("name", ["run", "rows mine"])
def test_every_command_that_loads_an_encoder_has_all_options_of_encoders(name):
    wanted = {option.flag for option in marked_fields(EncoderOptions)}
    assert {"--truncate-dim", "--pooling", "--offline"} <= wanted <= flags_of(ALL[name])
