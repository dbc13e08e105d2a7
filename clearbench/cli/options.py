"""Make Typer commands from functions with options classes: each field marked as an Option becomes a flag.

    @command(app, "run")
    def run(model: Annotated[str, Option("Checkpoint folder.")], encoder: EncoderOptions) -> None: ...

Typer sees one flag per option, with its help text and panel. The function receives instances of its options classes.
If several classes declare the same flag, the command has it once, and all of them receive its value.
"""

import inspect
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand

from clearbench.common.options import (
    REQUIRED,
    GivenOptions,
    MarkedField,
    Option,
    check_number,
    has_options,
    marked_fields,
    option_of,
    unwrap_optional,
)

ResultsFolder = Annotated[Path, Option("Results folder that contains the models.")]
Strict = Annotated[bool, Option("Fail on an unfinished or damaged record instead of leaving it out with a message.")]

Result = TypeVar("Result")
Build = Callable[..., Any]
KEYWORD = inspect.Parameter.KEYWORD_ONLY


@dataclass(frozen=True)
class Panel:
    """Names the `--help` heading for an option or an options class: Annotated[DataLocation, Panel("Data")]."""

    name: str


@dataclass(frozen=True)
class Omit:
    """Omits a field of an options class from a command: Annotated[DataLocation, Omit("corpus")]."""

    name: str


class PanelCommand(TyperCommand):
    """A command with `--help` that lists options by panel; Typer can do this only with rich, which is slower."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write one section per panel, in the order of their first options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
            if (shown := parameter.get_help_record(ctx)) is not None:
                sections.setdefault(getattr(parameter, "rich_help_panel", None) or usual, []).append(shown)
        for title, lines in sections.items():
            with formatter.section(title):
                formatter.write_dl(lines)


def command(app: typer.Typer, name: str) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Return a decorator that adds a function to an app as a command and returns the function unchanged."""

    def add(function: Callable[..., Result]) -> Callable[..., Result]:
        app.command(name, cls=PanelCommand)(flatten(function))
        return function

    return add


def flatten(function: Callable[..., Result]) -> Callable[..., Result]:
    """Return a function with one parameter per flag, which Typer can read; it calls the given function.

    Raises:
        TypeError: Two options classes declare the same flag differently.
    """
    hints = get_type_hints(function, include_extras=True)
    flags: dict[str, inspect.Parameter] = {}
    declared: dict[str, object] = {}
    builds: dict[str, Build] = {}
    for parameter in inspect.signature(function).parameters.values():
        annotated = parameter.replace(kind=KEYWORD, annotation=hints[parameter.name])
        fields, builds[parameter.name] = _expand_parameter(annotated)
        declarations: list[tuple[inspect.Parameter, object]]
        declarations = [(_make_flag(field), field.declaration) for field in fields]
        for flag, declaration in declarations or [(annotated, annotated)]:
            if declared.setdefault(flag.name, declaration) != declaration:
                raise TypeError(f"{function.__name__}: {flag.name} is declared in two ways.")
            flags.setdefault(flag.name, flag)

    @wraps(function)
    def call(**values: Any) -> Result:
        return function(**{name: build(values) for name, build in builds.items()})

    del call.__wrapped__  # otherwise Typer reads the parameters of the wrapped function
    call.__signature__ = inspect.Signature(list(flags.values()))  # type: ignore[attr-defined]
    call.__annotations__ = {flag.name: flag.annotation for flag in flags.values()} | {"return": hints.get("return")}
    return call


def _expand_parameter(parameter: inspect.Parameter) -> tuple[list[MarkedField], Build]:
    """Return the options of a parameter, and a function that makes the parameter's value from the flags' values.

    A parameter that is neither an option nor an options class has no options and takes its value unchanged.
    """
    annotation, default = parameter.annotation, parameter.default
    kind, *marks = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    if (option := option_of(annotation)) is not None:
        field = MarkedField(parameter.name, kind, option, REQUIRED if default is parameter.empty else default)
        return _select_fields([field], marks), lambda values: _read_value(field, values, default)
    if get_origin(kind) is GivenOptions:
        given = [replace(field, default=None) for field in marked_fields(get_args(kind)[0])]
        return _select_fields(given, marks), lambda values: dict(_read_fields(given, values))
    if has_options(kind):
        fields = _select_fields(marked_fields(kind), marks)
        return fields, lambda values: kind(**dict(_read_fields(fields, values)))
    return [], lambda values: values[parameter.name]


def _select_fields(fields: Iterable[MarkedField], marks: Sequence[object]) -> list[MarkedField]:
    """Return the fields that a command has as options, with the panel that the command names."""
    left_out = {mark.name for mark in marks if isinstance(mark, Omit)}
    panel = next((mark.name for mark in marks if isinstance(mark, Panel)), None)
    return [
        replace(field, option=replace(field.option, panel=panel or field.option.panel))
        for field in fields
        if field.name not in left_out
    ]


def _read_fields(marked: Iterable[MarkedField], values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield (name, value) of each field that has a value: its flag was given, or the field computes a default."""
    for field in marked:
        if (value := _read_value(field, values, None)) is not None:
            yield field.name, value


def _read_value(field: MarkedField, values: Mapping[str, Any], default: Any) -> Any:
    value = values[_parameter_name(field)]
    if value is None:
        return field.option.absent() if field.option.absent else default
    check_number(value, field.option, field.flag)
    if field.option.read is not None:
        return field.option.read(value, field.flag)
    return tuple(value) if isinstance(value, list) else value


def _make_flag(field: MarkedField) -> inspect.Parameter:
    """Return the parameter from which Typer makes the flag of an option."""
    option, kind, default = field.option, _written_type(field), field.default
    if option.absent is not None:
        default = None
    elif default in ((), REQUIRED):
        default = None if default == () else inspect.Parameter.empty
    elif default is not None and option.read is not None:
        default = str(default)
    shown = typer.Option(
        field.flag,
        help=f"{option.help} [{option.range}]" if str(option.range) else option.help,
        rich_help_panel=option.panel,
        envvar=option.variable,
        metavar=option.metavar,
        show_default=option.show_default,
    )
    annotated: Any = Annotated  # the type checker cannot follow a type made at run time
    annotation = annotated[kind | None if default is None else kind, shown]
    return inspect.Parameter(_parameter_name(field), KEYWORD, default=default, annotation=annotation)


def _written_type(field: MarkedField) -> Any:
    """Return the type of the flag's text: that of the reader's first parameter, or that of the field itself."""
    if field.option.read is not None:
        return next(iter(get_type_hints(field.option.read).values()))
    kind = unwrap_optional(field.type)
    return types.GenericAlias(list, get_args(kind)[:1]) if get_origin(kind) is tuple else kind


def _parameter_name(field: MarkedField) -> str:
    return field.flag.lstrip("-").replace("-", "_")
