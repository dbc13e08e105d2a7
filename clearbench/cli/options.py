"""Commands whose parameters are options: each field that is marked as an Option becomes a flag.

    @command(app, "run")
    def run(model: Annotated[str, Option("Checkpoint folder.")], encoder: EncoderOptions) -> None: ...

Typer reads one flag per option, with its help and panel, and the function gets them by kind. A flag that
several kinds declare is one flag, whose value all of them get.
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

ResultsFolder = Annotated[Path, Option("Results folder in which names of models are looked up.")]
Strict = Annotated[bool, Option("Fail on an unfinished or damaged record, instead of leaving it out and naming it.")]

Result = TypeVar("Result")
Build = Callable[..., Any]
KEYWORD = inspect.Parameter.KEYWORD_ONLY


@dataclass(frozen=True)
class Panel:
    """Heading of `--help` for an option, or for all of a kind of options: Annotated[DataLocation, Panel("Data")]."""

    name: str


@dataclass(frozen=True)
class Without:
    """Leaves out a field of options that the command has no use for: Annotated[DataLocation, Without("corpus")]."""

    name: str


class PanelCommand(TyperCommand):
    """A command whose `--help` lists options by panel, which Typer does only with rich, and slower."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write a section per panel, in the order of their first options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
            if (shown := parameter.get_help_record(ctx)) is not None:
                sections.setdefault(getattr(parameter, "rich_help_panel", None) or usual, []).append(shown)
        for title, lines in sections.items():
            with formatter.section(title):
                formatter.write_dl(lines)


def command(app: typer.Typer, name: str) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Return a decorator that adds a function to an app as a command; the function itself stays as it is."""

    def add(function: Callable[..., Result]) -> Callable[..., Result]:
        app.command(name, cls=PanelCommand)(flatten(function))
        return function

    return add


def flatten(function: Callable[..., Result]) -> Callable[..., Result]:
    """Return a function that Typer can read, with a parameter per flag; it calls the given one with its options.

    Raises:
        TypeError: Two kinds of options declare one flag differently.
    """
    hints = get_type_hints(function, include_extras=True)
    flags: dict[str, inspect.Parameter] = {}
    declared: dict[str, object] = {}
    builds: dict[str, Build] = {}
    for parameter in inspect.signature(function).parameters.values():
        annotated = parameter.replace(kind=KEYWORD, annotation=hints[parameter.name])
        fields, builds[parameter.name] = _expand(annotated)
        declarations: list[tuple[inspect.Parameter, object]] = [(_flag(field), field.declaration) for field in fields]
        for flag, declaration in declarations or [(annotated, annotated)]:
            if declared.setdefault(flag.name, declaration) != declaration:
                raise TypeError(f"{function.__name__}: {flag.name} is declared in two ways.")
            flags.setdefault(flag.name, flag)

    @wraps(function)
    def flat(**values: Any) -> Result:
        return function(**{name: build(values) for name, build in builds.items()})

    del flat.__wrapped__  # Typer would read the parameters of the function inside
    flat.__signature__ = inspect.Signature(list(flags.values()))  # type: ignore[attr-defined]
    flat.__annotations__ = {flag.name: flag.annotation for flag in flags.values()} | {"return": hints.get("return")}
    return flat


def _expand(parameter: inspect.Parameter) -> tuple[list[MarkedField], Build]:
    """Return the options that a parameter stands for, and what makes its value from theirs; no options: itself."""
    annotation, default = parameter.annotation, parameter.default
    kind, *marks = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    if (option := option_of(annotation)) is not None:
        field = MarkedField(parameter.name, kind, option, REQUIRED if default is parameter.empty else default)
        return _placed([field], marks), lambda values: _value(field, values, default)
    if get_origin(kind) is GivenOptions:
        given = [replace(field, default=None) for field in marked_fields(get_args(kind)[0])]
        return _placed(given, marks), lambda values: dict(_given(given, values))
    if has_options(kind):
        fields = _placed(marked_fields(kind), marks)
        return fields, lambda values: kind(**dict(_given(fields, values)))
    return [], lambda values: values[parameter.name]


def _placed(fields: Iterable[MarkedField], marks: Sequence[object]) -> list[MarkedField]:
    """Return the fields that are options of a command, under the panel that the command names."""
    left_out = {mark.name for mark in marks if isinstance(mark, Without)}
    panel = next((mark.name for mark in marks if isinstance(mark, Panel)), None)
    return [
        replace(field, option=replace(field.option, panel=panel or field.option.panel))
        for field in fields
        if field.name not in left_out
    ]


def _given(marked: Iterable[MarkedField], values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields whose flags were given, and those that are made where they were not."""
    for field in marked:
        if (value := _value(field, values, None)) is not None:
            yield field.name, value


def _value(field: MarkedField, values: Mapping[str, Any], default: Any) -> Any:
    value = values[_parameter(field)]
    if value is None:
        return field.option.absent() if field.option.absent else default
    check_number(value, field.option, field.flag)
    if field.option.read is not None:
        return field.option.read(value, field.flag)
    return tuple(value) if isinstance(value, list) else value


def _flag(field: MarkedField) -> inspect.Parameter:
    """Return the parameter that Typer reads as the flag of an option."""
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
    annotated: Any = Annotated  # a type that is made at run time, which the type checker cannot follow
    annotation = annotated[kind | None if default is None else kind, shown]
    return inspect.Parameter(_parameter(field), KEYWORD, default=default, annotation=annotation)


def _written_type(field: MarkedField) -> Any:
    """Type of what the user writes: a field read from text says so in the first parameter of its reader."""
    if field.option.read is not None:
        return next(iter(get_type_hints(field.option.read).values()))
    kind = unwrap_optional(field.type)
    return types.GenericAlias(list, get_args(kind)[:1]) if get_origin(kind) is tuple else kind


def _parameter(field: MarkedField) -> str:
    return field.flag.lstrip("-").replace("-", "_")
