"""File patterns of task files: literal `{name}` placeholders, filled with values that cannot be paths.

A task file may come from a stranger. It can only name files below a folder of the user's: patterns are relative and
have no `..`, and no value adds a folder. Files are written inside the cache only, even if a link there leads elsewhere;
files that are read may be links, because only the owner of a folder can put one there.
"""

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath

from clearbench.common.errors import TaskError

PLACEHOLDERS = frozenset({"language", "short", "variant", "name", "split", "query", "passage"})
"""What may stand in braces in a file pattern.

`{language}` is the language as the task file spells it, `{short}` as clearbench prints it, `{variant}` in the form
of FLORES, `{name}` as the task file's `names` has it; `{query}` and `{passage}` are the two sides of a pair as the
task file spells them; `{split}` is an option.
"""

_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")


def check_pattern(pattern: str) -> str:
    """Return a pattern that can be filled.

    Raises:
        ValueError: It contains a brace that belongs to no placeholder, or a control character.
    """
    for name in _PLACEHOLDER.findall(pattern):
        if name not in PLACEHOLDERS:
            raise ValueError(f"unknown placeholder {{{name}}}; there are: {', '.join(sorted(PLACEHOLDERS))}")
    if "{" in (rest := _PLACEHOLDER.sub("", pattern)) or "}" in rest:
        raise ValueError(f"{pattern[:80]!r} is not a file pattern: braces hold {' or '.join(sorted(PLACEHOLDERS))}")
    if not pattern.isprintable():
        raise ValueError(f"{pattern[:80]!r} is not a file pattern: it contains a control character")
    return pattern


def check_relative(pattern: str) -> str:
    """Return a pattern that can be filled and stays below its folder.

    Raises:
        ValueError: It cannot be filled, or leads out of the folder.
    """
    if not _stays_below(check_pattern(pattern)):
        raise ValueError(f"{pattern[:80]!r} must be a relative path without '..'")
    return pattern


def check_value(value: str) -> str:
    """Return a value that may replace a placeholder or name a file, because it is not a path.

    Raises:
        ValueError: It contains a slash, a backslash, a colon or a control character, or is `.` or `..`.
    """
    if value in (".", "..") or any(sign in value for sign in "/\\:") or not value.isprintable():
        raise ValueError(f"found {value[:80]!r}, expected a name without slashes that can stand in a file's name")
    return value


def fill(pattern: str, fields: Mapping[str, str]) -> str:
    """Return a file pattern with a value for each placeholder: `xquad.{short}.json` -> `xquad.de.json`.

    Raises:
        TaskError: A value is a path.
    """

    def value_of(match: re.Match[str]) -> str:
        try:
            return check_value(fields[match[1]])
        except ValueError as error:
            raise TaskError(f"{pattern}: {match[0]}: {error}.") from None

    return _PLACEHOLDER.sub(value_of, pattern)


def path_below(root: Path, pattern: str, fields: Mapping[str, str]) -> Path:
    """Return the path of a filled pattern in a folder.

    Raises:
        TaskError: It leads out of the folder.
    """
    path = fill(pattern, fields)
    if not _stays_below(path):
        raise TaskError(f"{path}: leads out of {root}; expected a path below it.")
    return root / path


def check_writable(root: Path, path: Path) -> Path:
    """Return a path whose folder is below a root after following links, so that no other file is overwritten.

    Raises:
        TaskError: It does not.
    """
    if not path.parent.resolve().is_relative_to(root.resolve()):
        raise TaskError(f"{path}: leads out of {root}, by a link; expected a folder below it. Remove the link.")
    return path


def _stays_below(path: str) -> bool:
    windows = PureWindowsPath(path)
    parts = {*PurePosixPath(path).parts, *windows.parts}
    return not (PurePosixPath(path).is_absolute() or windows.drive or windows.root or ".." in parts)
