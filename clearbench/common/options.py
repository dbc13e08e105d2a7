"""Options declared once: a field of a record says what the command line shows of it.

    @dataclass(frozen=True)
    class EncoderOptions:
        pooling: Annotated[str | None, Option("cls, mean or last.", panel="Model")] = None

`clearbench.cli.options` makes the flags of a command from the records that the command takes; `make_record` makes a
record from the keyword arguments of the Python interface.
"""

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from clearbench.common.environment import default_cache
from clearbench.common.errors import UsageError, suggest

Record = TypeVar("Record")
REQUIRED = MISSING
"""Stands for the default of a field that has none."""


@dataclass(frozen=True)
class Option:
    """What the command line shows of a field.

    Attributes:
        help: Text of `--help`.
        panel: Heading of `--help` that it stands under.
        flag: Its name, where it is not the field's: "--lr".
        variable: Environment variable that is read where the flag is not given.
        metavar: What stands for the value in `--help`.
        minimum: Least value of a number.
        show_default: Whether `--help` names the default.
        read: Makes the field's value from what the user writes, which has the type of its first parameter. The second
            is the flag, for messages.
        absent: Makes the value where the flag is not given.
    """

    help: str
    panel: str | None = None
    flag: str | None = None
    variable: str | None = None
    metavar: str | None = None
    minimum: int | None = None
    show_default: bool = True
    read: Callable[[Any, str], Any] | None = None
    absent: Callable[[], Any] | None = None


class Given(dict[str, Any], Generic[Record]):
    """Fields of a record that the user gave, by name: what a command takes that fills the others itself."""


@dataclass(frozen=True)
class MarkedField:
    """A field that is an option.

    Attributes:
        name: Of the field.
        type: Of its values.
        option: What it is marked with.
        default: REQUIRED where there is none; None also where it is made anew for each record.
    """

    name: str
    type: Any
    option: Option
    default: Any

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return self.option.flag or f"--{self.name.replace('_', '-')}"

    @property
    def said(self) -> tuple[Any, ...]:
        """What two records that share a flag have to agree on; the panel may be another."""
        return (replace(self.option, panel=None), self.type, self.default)


def marked_fields(kind: type) -> Iterator[MarkedField]:
    """Yield the options among the fields of a dataclass or of a pydantic model, in their order."""
    plain, marked = get_type_hints(kind), get_type_hints(kind, include_extras=True)
    for name, default in _defaults(kind).items():
        if (option := option_of(marked[name])) is not None:
            yield MarkedField(name, plain[name], option, default)


def option_of(annotation: Any) -> Option | None:
    """Return the Option that an annotation is marked with."""
    marks = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return next((mark for mark in marks if isinstance(mark, Option)), None)


def same_option(kind: type, name: str) -> Option:
    """Return the option of another record's field, for a field that means the same."""
    return next(field.option for field in marked_fields(kind) if field.name == name)


def is_record(kind: Any) -> bool:
    """Whether a type is a record with options."""
    return isinstance(kind, type) and (is_dataclass(kind) or hasattr(kind, "model_fields")) and any(marked_fields(kind))


def _defaults(kind: Any) -> dict[str, Any]:
    if is_dataclass(kind):
        made = {field.name for field in fields(kind) if field.default_factory is not MISSING}
        return {field.name: None if field.name in made else field.default for field in fields(kind)}
    return {name: REQUIRED if field.is_required() else field.default for name, field in kind.model_fields.items()}


def read_names(text: str, flag: str) -> tuple[str, ...]:
    """Split a list at its commas, without repeats.

    Raises:
        UsageError: Nothing is named.
    """
    names = tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
    if not names:
        hint = "; `clearbench tasks` lists what there is" if "task" in flag else ""
        raise UsageError(f"{flag} is empty{hint}.")
    return names


def read_settings(texts: list[str], flag: str) -> dict[str, str]:
    """Split settings, each `name=value`.

    Raises:
        UsageError: One has no name or no `=`.
    """
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{flag} {text}: expected name=value.")
        settings[name.strip()] = value.strip()
    return settings


def make_record(kind: type[Record], given: Mapping[str, Any], caller: str) -> Record:
    """Make a record of options from keyword arguments; see `make_records`."""
    [record] = make_records((kind,), given, caller)
    return cast(Record, record)


def make_records(kinds: Sequence[type], given: Mapping[str, Any], caller: str) -> tuple[Any, ...]:
    """Make records of options from keyword arguments, each from its own fields; a text will do for a path.

    Raises:
        UsageError: A name does not exist, or a value is of another type; the message begins with `caller`.
    """
    known = list(dict.fromkeys(name for kind in kinds for name in _defaults(kind)))
    for name in given:
        if name not in known:
            raise UsageError(f"{caller} has no setting {name!r}: there are {', '.join(known)}.{suggest(name, known)}")
    records = []
    for kind in kinds:
        absent = {field.name: field.option.absent() for field in marked_fields(kind) if field.option.absent is not None}
        hints = get_type_hints(kind)
        values = {name: _converted(given[name], hints[name], f"{caller}: {name}") for name in given if name in hints}
        records.append(kind(**absent | {name: value for name, value in values.items() if value is not None}))
    return tuple(records)


def _converted(value: Any, annotation: Any, where: str) -> Any:
    expected = _alternatives(annotation)
    if isinstance(value, str) and Path in expected:
        return Path(value)
    if isinstance(value, list) and any(get_origin(kind) is tuple for kind in expected):
        return tuple(value)
    if not any(_fits(value, one) for one in expected):
        raise wrong_kind(where, value, " or ".join(map(_name, expected)))
    return value


def wrong_kind(where: str, value: object, expected: str) -> UsageError:
    """Return the error for an argument of a type that cannot be used."""
    inside = f" of {type(value[0]).__name__}" if isinstance(value, list | tuple) and value else ""
    return UsageError(f"{where}: found a {type(value).__name__}{inside}, expected {expected}.")


def without_none(annotation: Any) -> Any:
    """Return `X` of `X | None`."""
    kept = [kind for kind in _alternatives(annotation) if kind is not type(None)]
    return kept[0] if len(kept) == 1 else annotation


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def _fits(value: object, expected: Any) -> bool:
    if get_origin(expected) is Literal:
        return isinstance(value, str)  # the record knows its words, and what to say of others
    kind = get_origin(expected) or expected
    return isinstance(value, (int, float) if kind is float else kind)


def _name(kind: Any) -> str:
    names = {type(None): "None", str: "a text", Path: "a path"}
    return names.get(kind) or str(getattr(kind, "__name__", kind))


OFFLINE = Option("Never use the network.")
CACHE_DIR = Option(
    "Cache folder (default: the user's cache).", flag="--cache-dir", variable="CLEARBENCH_CACHE", absent=default_cache
)
DATA_DIR = Option("Folder with the official files; nothing is downloaded then.", variable="CLEARBENCH_DATA")
TASKS_DIR = Option("Folder with task definitions of your own.", variable="CLEARBENCH_TASKS")
