"""What a page of Markdown asks its reader to do: files to write, commands to run, programs to run.

    ```console      commands, run in order (a line may continue after a backslash; with `$ ` before commands,
                    other lines are output); `# exit code 3` behind a command says how it ends
    ```python       a program; the programs of a page share their names
    ```<any> title="path"   a file that the reader writes
    ```bash         commands that tests cannot run (they install, or need several devices): only their clearbench
                    options are checked

Lines outside fences that are indented by four blanks and begin with `clearbench` or `for` are commands too; where they
call clearbench after `&&`, only their options are checked.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import typer

from clearbench.cli.app import app

FENCE = re.compile(r"^( *)```(\w*)(?: title=\"([^\"]+)\")?$")
CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
EXIT_CODE = re.compile(r"\s+# exit code (\d+)$")
LOOP = re.compile(r"for (\w+) in (.+?); do (.+?);? done")
ASSIGNMENT = re.compile(r"([A-Z_]+)=(\S*)")


@dataclass(frozen=True)
class Step:
    """One thing to do: kind ("command", "python", "file" or "shown"), text, and the path of a file."""

    page: str
    line: int
    kind: str
    text: str
    path: str = ""

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Command:
    """What follows `clearbench`, the environment before it, and how it is to end."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    exit_code: int


def read_steps(file: Path) -> list[Step]:
    """Everything that a page asks for, in its order."""
    return list(_steps(file.name, file.read_text(encoding="utf-8").splitlines()))


def _steps(page: str, lines: list[str]) -> Iterator[Step]:
    fence: re.Match[str] | None = None
    start, block = 0, list[str]()
    for number, line in enumerate(lines, start=1):
        if fence is None:
            fence, start, block = FENCE.match(line), number, []
            if fence is None and re.match(r"    (clearbench|for \w+ in) ", line):
                yield Step(page, number, "command", line.strip())
            elif fence is None and re.match(r"    .* && .*clearbench ", line):
                yield Step(page, number, "shown", line.strip())
            elif fence is None and "```" in line:
                raise ValueError(f"{page}:{number}: cannot tell what this fence opens: {line}")
        elif line == f"{fence[1]}```":
            yield from _block(page, start, fence, block)
            fence = None
        else:
            block.append(line.removeprefix(fence[1]))
    if fence is not None:
        raise ValueError(f"{page}:{start}: this fence is not closed")


def _block(page: str, start: int, fence: re.Match[str], block: list[str]) -> Iterator[Step]:
    text = "\n".join(block) + "\n"
    if fence[3]:
        yield Step(page, start, "file", text, fence[3])
    elif fence[2] == "python":
        yield Step(page, start, "python", text)
    elif fence[2] in ("console", "bash"):
        kind = "command" if fence[2] == "console" else "shown"
        prompts = any(line.startswith("$ ") for line in block)
        pending, first = "", start
        for number, line in enumerate(block, start=start + 1):
            if not pending:
                first = number
                if prompts and not line.startswith("$ "):
                    continue
                line = line.removeprefix("$ ")
            pending += line
            if pending.endswith("\\"):
                pending = pending[:-1]
            elif pending.strip() and not pending.startswith("#"):
                yield Step(page, first, kind, pending.strip())
                pending = ""
            else:
                pending = ""


def commands(line: str) -> list[Command]:
    """The clearbench commands of one line of shell: one, or those of a `for` loop."""
    if loop := LOOP.fullmatch(line):
        name, values, body = loop.groups()
        bodies = [re.sub(rf"\$\{{?{name}\b\}}?", value, body) for value in shlex.split(values)]
        return [command for body in bodies for command in commands(body)]
    found = EXIT_CODE.search(line)
    words = shlex.split(line[: found.start()] if found else line)
    environment = {}
    while words and (match := ASSIGNMENT.fullmatch(words[0])):
        environment[match[1]] = match[2]
        words = words[1:]
    if not words or words[0] != "clearbench" or {"|", ">", ">>", "&&", ";", "<"} & set(words):
        raise ValueError(f"not one clearbench command: {line!r}; put it into a bash block")
    return [Command(tuple(words[1:]), environment, int(found[1]) if found else 0)]


def mentioned(text: str) -> Iterator[str]:
    """What follows `clearbench` wherever a text (of a bash block, or of inline code) calls it."""
    for call in re.findall(r"(?:^|[\s/(])clearbench +([a-z][^|;&`\n]*)", text.replace("\\\n", " ")):
        yield call.split(" #")[0].strip()


def inline_code(file: Path) -> list[str]:
    """Inline code of a page, outside its fences."""
    outside, inside = [], False
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.lstrip().startswith("```"):
            inside = not inside
        elif not inside and not line.startswith("    "):
            outside.append(line)
    return [" ".join(text.split()) for _, text in CODE.findall("\n".join(outside))]


def options_of(words: list[str]) -> set[str] | None:
    """Options of the (sub)command that the words begin with; None if there is no such command."""
    command = typer.main.get_command(app)
    if words and words[0] not in command.commands:  # type: ignore[attr-defined]
        return None
    found = {"--help", *(flag for parameter in command.params for flag in parameter.opts)}
    for word in words:
        if word in getattr(command, "commands", {}):
            command = command.commands[word]  # type: ignore[attr-defined]
            found |= {flag for parameter in command.params for flag in parameter.opts}
    return found


def all_options() -> set[str]:
    """Options of all commands."""

    def walk(command: object) -> Iterator[str]:
        yield from (flag for parameter in command.params for flag in parameter.opts)  # type: ignore[attr-defined]
        for child in getattr(command, "commands", {}).values():
            yield from walk(child)

    return {*walk(typer.main.get_command(app)), "--help"}
