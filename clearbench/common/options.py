"""Options declared once: a field of an options class states how the command line presents it.

    @dataclass(frozen=True)
    class EncoderOptions:
        pooling: Annotated[str | None, Option("cls, mean or last.", panel="Model")] = None

`clearbench.cli.options` makes the flags of a command from the options that the command takes;
`clearbench.common.settings` makes options from the keyword arguments of the Python interface.
"""

import types
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from math import isfinite
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from clearbench.common.environment import default_cache
from clearbench.common.errors import UsageError
from clearbench.common.text import split_list

Options = TypeVar("Options")
REQUIRED = MISSING
"""Stands for the default of a field that has none."""


@dataclass(frozen=True)
class Range:
    """The numbers that an option takes; neither NaN nor infinity is ever one. Prints as "more than 0 and at most 1".

    Attributes:
        above: Every number is larger than this.
        minimum: The smallest number.
        below: Every number is smaller than this.
        maximum: The largest number.
    """

    above: float | None = None
    minimum: float | None = None
    below: float | None = None
    maximum: float | None = None

    def __contains__(self, number: float) -> bool:
        return (
            (isinstance(number, int) or isfinite(number))
            and (self.above is None or number > self.above)
            and (self.minimum is None or number >= self.minimum)
            and (self.below is None or number < self.below)
            and (self.maximum is None or number <= self.maximum)
        )

    def __str__(self) -> str:
        words = {"more than": self.above, "at least": self.minimum, "less than": self.below, "at most": self.maximum}
        return " and ".join(f"{word} {bound:g}" for word, bound in words.items() if bound is not None)


@dataclass(frozen=True)
class Option:
    """How the command line presents a field.

    Attributes:
        help: Text of `--help`.
        panel: Heading of `--help` under which it is listed.
        flag: The flag, where it is not made from the field's name: "--lr".
        variable: Environment variable that is read where the flag is not given.
        metavar: The word that stands for the value in `--help`.
        range: The numbers allowed, where the value is a number.
        show_default: Whether `--help` names the default.
        read: Makes the field's value from what the user gives. Its first parameter has the type of that input; its
            second is the flag, for messages.
        absent: Makes the value where the flag is not given.
    """

    help: str
    panel: str | None = None
    flag: str | None = None
    variable: str | None = None
    metavar: str | None = None
    range: Range = Range()
    show_default: bool = True
    read: Callable[[Any, str], Any] | None = None
    absent: Callable[[], Any] | None = None


class GivenOptions(dict[str, Any], Generic[Options]):
    """The options that the user gave, by field name; a command takes this when it fills the others itself."""


@dataclass(frozen=True)
class MarkedField:
    """A field that is an option.

    Attributes:
        name: The field's name.
        type: The type of its values.
        option: The Option that it is marked with.
        default: REQUIRED where there is none; None also where it is made afresh each time.
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
    def declaration(self) -> tuple[Any, ...]:
        """Everything that two kinds of options which share a flag have to agree on; their panels may differ."""
        return (replace(self.option, panel=None), self.type, self.default)


def marked_fields(kind: type) -> Iterator[MarkedField]:
    """Yield the options among the fields of a dataclass or of a pydantic model, in their order."""
    plain, marked = get_type_hints(kind), get_type_hints(kind, include_extras=True)
    for name, default in defaults_of(kind).items():
        if (option := option_of(marked[name])) is not None:
            yield MarkedField(name, plain[name], option, default)


def option_of(annotation: Any) -> Option | None:
    """Return the Option that an annotation is marked with."""
    marks = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return next((mark for mark in marks if isinstance(mark, Option)), None)


def find_option(kind: type, name: str) -> Option:
    """Return the option of another class's field, for a field that means the same."""
    return next(field.option for field in marked_fields(kind) if field.name == name)


def has_options(kind: Any) -> bool:
    """Return whether a type holds options."""
    return isinstance(kind, type) and (is_dataclass(kind) or hasattr(kind, "model_fields")) and any(marked_fields(kind))


def defaults_of(kind: Any) -> dict[str, Any]:
    """Return the fields of a dataclass or pydantic model with their defaults, as in MarkedField."""
    if is_dataclass(kind):
        made = {field.name for field in fields(kind) if field.default_factory is not MISSING}
        return {field.name: None if field.name in made else field.default for field in fields(kind)}
    return {name: REQUIRED if field.is_required() else field.default for name, field in kind.model_fields.items()}


def check_number(value: object, option: Option, flag: str) -> None:
    """Refuse a number that an option does not take; a value of another type is left to others.

    Raises:
        UsageError: The number is NaN, infinite or out of the option's range.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and value not in option.range:
        shown = f"{value:.12g}" if isinstance(value, float) else value
        finite = "" if isinstance(value, int) or isfinite(value) else "a finite number"
        raise UsageError(f"{flag} {shown}: expected {', '.join(filter(None, (finite, str(option.range))))}.")


def check_numbers(options: Any) -> None:
    """Refuse options that hold a number which its field does not take; every options class with numbers calls it.

    Raises:
        UsageError: See `check_number`.
    """
    for field in marked_fields(type(options)):
        check_number(getattr(options, field.name), field.option, field.flag)


def read_names(text: str, flag: str) -> tuple[str, ...]:
    """Split a list at its commas, without repeats.

    Raises:
        UsageError: Nothing is named.
    """
    names = tuple(dict.fromkeys(split_list(text)))
    if not names:
        hint = "; `clearbench tasks` lists what there is" if "task" in flag else ""
        raise UsageError(f"{flag} is empty{hint}.")
    return names


def read_name_lists(texts: list[str], flag: str) -> tuple[str, ...]:
    """Split the lists of a flag that may be repeated, each at its commas, without repeats.

    Raises:
        UsageError: Nothing is named.
    """
    return read_names(",".join(texts), flag)


def read_settings(texts: list[str], flag: str) -> dict[str, str]:
    """Split settings, each `name=value`.

    Raises:
        UsageError: One has no name or no `=`.
    """
    return dict(split_setting(text, flag) for text in texts)


def split_setting(text: str, flag: str) -> tuple[str, str]:
    """Return the name and the value of a setting, `name=value`.

    Raises:
        UsageError: It has no name or no `=`.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"{flag} {text}: expected name=value.")
    return name.strip(), value.strip()


def unwrap_optional(annotation: Any) -> Any:
    """Return `X` of `X | None`."""
    kept = [kind for kind in alternatives(annotation) if kind is not type(None)]
    return kept[0] if len(kept) == 1 else annotation


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """Return the types of a union; another type alone."""
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


OFFLINE = Option("Never use the network.")
CACHE_DIR = Option(
    "Cache folder (default: the user's cache).", flag="--cache-dir", variable="CLEARBENCH_CACHE", absent=default_cache
)
DATA_DIR = Option("Folder with the official files; nothing is downloaded then.", variable="CLEARBENCH_DATA")
TASKS_DIR = Option("Folder with task definitions of your own.", variable="CLEARBENCH_TASKS")
