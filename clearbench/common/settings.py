"""Options from the keyword arguments of the Python interface."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast, get_origin, get_type_hints

from clearbench.common.errors import UsageError, suggest
from clearbench.common.options import Option, Options, alternatives, defaults_of, marked_fields


def make_options(kind: type[Options], given: Mapping[str, Any], caller: str) -> Options:
    """Make options from keyword arguments, as `make_several` does.

    Args:
        kind: The type of the options.
        given: The keyword arguments.
        caller: The function that was called, for messages.
    Raises:
        UsageError: See `make_several`.
    """
    [options] = make_several((kind,), given, caller)
    return cast(Options, options)


def make_several(kinds: Sequence[type], given: Mapping[str, Any], caller: str) -> tuple[Any, ...]:
    """Make several kinds of options from keyword arguments, each from its own fields.

    A text will do for a path or a list.

    Args:
        kinds: The types of the options.
        given: The keyword arguments; each must be a field of one of these types.
        caller: The function that was called, for messages.
    Raises:
        UsageError: A name does not exist, or a value is of another type; the message begins with `caller`.
    """
    known = list(dict.fromkeys(name for kind in kinds for name in defaults_of(kind)))
    for name in given:
        if name not in known:
            raise UsageError(f"{caller} has no setting {name!r}: there are {', '.join(known)}.{suggest(name, known)}")
    return tuple(_make(kind, given, caller) for kind in kinds)


def _make(kind: type, given: Mapping[str, Any], caller: str) -> Any:
    hints, options = get_type_hints(kind), {field.name: field.option for field in marked_fields(kind)}
    values = {name: option.absent() for name, option in options.items() if option.absent is not None}
    for name in hints:
        if (value := given.get(name)) is not None:
            values[name] = _read_setting(value, hints[name], options.get(name), f"{caller}: {name}")
    return kind(**values)


def _read_setting(value: Any, annotation: Any, option: Option | None, where: str) -> Any:
    """Return a value of the annotated type; a text is read as on the command line."""
    expected = alternatives(annotation)
    if isinstance(value, str) and Path in expected:
        return Path(value)
    if isinstance(value, str) and option is not None and option.read is not None:
        return option.read(value, where)
    if isinstance(value, list) and any(get_origin(kind) is tuple for kind in expected):
        return tuple(value)
    if not any(_fits(value, kind_expected) for kind_expected in expected):
        raise wrong_kind(where, value, " or ".join(map(_name, expected)))
    return value


def wrong_kind(where: str, value: object, expected: str) -> UsageError:
    """Return the error for an argument of a type that cannot be used.

    Args:
        where: Function and argument: "evaluate: tasks".
        value: What was given.
        expected: What could be used, in words.
    """
    inside = f" of {type(value[0]).__name__}" if isinstance(value, list | tuple) and value else ""
    return UsageError(f"{where}: found a {type(value).__name__}{inside}, expected {expected}.")


def _fits(value: object, expected: Any) -> bool:
    if get_origin(expected) is Literal:
        return isinstance(value, str)  # the options know their words, and what to say of others
    kind = get_origin(expected) or expected
    if isinstance(value, bool):  # to Python True is also the number 1
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _name(kind: Any) -> str:
    names = {type(None): "None", str: "a text", Path: "a path"}
    return names.get(kind) or str(getattr(kind, "__name__", kind))
