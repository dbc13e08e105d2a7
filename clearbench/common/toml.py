"""TOML files and validated records: what is wrong with one is said in one sentence, by one rule everywhere."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from clearbench.common.errors import ClearbenchError, suggest

LARGEST = 4 << 20
"""Bytes of a TOML file; none that a person writes is near it."""


def read_toml(path: Path, error: type[ClearbenchError], what: str = "") -> dict[str, Any]:
    """Read a TOML file.

    Args:
        path: The file; a byte-order mark is allowed.
        error: The kind of error to raise.
        what: Start of messages, such as "--rules "; the path follows.
    Raises:
        ClearbenchError: The file cannot be read, is not UTF-8, or is not TOML; the error is of the given kind.
    """
    where = f"{what}{path}"
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise error(f"{where}: more than {LARGEST:,} bytes; expected a TOML file of settings.")
        return tomllib.loads(data.decode("utf-8-sig"))
    except OSError as problem:
        raise error(f"{where}: cannot be read: {problem.strerror or problem}.") from None
    except UnicodeDecodeError as problem:
        raise error(f"{where}: not UTF-8 at byte {problem.start}; expected a TOML file in UTF-8.") from None
    except RecursionError:
        raise error(f"{where}: not a usable TOML file: lists or tables are nested hundreds deep.") from None
    except ValueError as problem:  # TOMLDecodeError, or a number too long for Python
        raise error(f"{where}: not a TOML file: {problem}.") from None


def describe_problems(error: ValidationError, known: Iterable[str] = (), most: int = 5) -> str:
    """Return what pydantic found wrong, key by key, with what it expected. The text ends in a full stop.

    Args:
        error: The error that pydantic raised.
        known: The keys that exist; near ones are suggested for an unknown key.
        most: Number of problems that are named; the rest are only counted.
    """
    problems = error.errors(include_url=False)
    lines = [_describe_problem(problem, tuple(known)) for problem in problems[:most]]
    if len(problems) > most:
        lines.append(f"and {len(problems) - most:,} more")
    text = "; ".join(lines)
    return text if text.endswith("?") else f"{text.rstrip('.')}."


def _describe_problem(problem: Any, known: tuple[str, ...]) -> str:
    key = ".".join(map(str, problem["loc"]))
    message = str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
    match problem["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":  # of a model, of a dataclass
            names = f"; there are {', '.join(known)}.{suggest(key, known)}" if known else ""
            text = f"unknown key{names}"
        case "missing":
            text = "missing"
        case "value_error":
            text = message
        case _:
            found = repr(problem["input"])
            text = f"found {found[:80]}{'…' if len(found) > 80 else ''}, expected: {message[:1].lower() + message[1:]}"
    return f"{key}: {text}" if key else text
