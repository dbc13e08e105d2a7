"""Commands that write: what each is, how it goes on after a fault, and what must be there in the end."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from faults.process import Finished, run
from faults.world import BUILD, TRAIN, contents, copy_world, evaluation, expect_success

from clearbench.common.errors import ClearbenchError
from clearbench.training.rows.files import read_rows
from clearbench.training.rows.manifest import manifest_path

OUT = "written"
"""Folder of this world that a story's command writes to."""
ROWS = f"{OUT}/rows.parquet"


def nothing_wrong(folder: Path) -> str:
    """Find nothing wrong with what a fault left behind."""
    return ""


def disagreeing_rows(folder: Path) -> str:
    """Return whether a fault left rows beside the manifest of others, which a reader of the rows does not refuse."""
    file = folder / ROWS
    beside = manifest_path(file)
    if not (file.exists() and beside.exists()):
        return ""
    try:
        fingerprint = read_rows(file).fingerprint
    except ClearbenchError:
        return ""
    told = json.loads(beside.read_text(encoding="utf-8"))["rows"]["fingerprint"]
    return "" if told == fingerprint else f"{file.name} has the manifest of other rows, and is read without a word"


@dataclass(frozen=True)
class Story:
    """A command that writes.

    Attributes:
        name: For people.
        command: Its arguments.
        again: Arguments that it goes on with after a fault.
        before: A command whose results it replaces in every other round, or none.
        wrong: Says what is wrong with what a fault left behind.
        caches: Whether it keeps vectors, which every other round does without.
    """

    name: str
    command: tuple[str, ...]
    again: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    wrong: Callable[[Path], str] = nothing_wrong
    caches: bool = False


STORIES = (
    Story("run", tuple(evaluation("a", OUT, "--save-runs")), caches=True),
    Story("train", (*TRAIN, "--out", OUT), ("--resume",)),
    Story("rows", (*BUILD, "--out", ROWS), before=(*BUILD[:-1], "sw", "--out", ROWS), wrong=disagreeing_rows),
    Story("report", ("report", "out", "--out", f"{OUT}/report.html")),
)


@dataclass(frozen=True)
class Undisturbed:
    """A story without a fault: how it ended, and what it wrote."""

    finished: Finished
    contents: dict[str, bytes]


@cache
def undisturbed(world: Path, story: Story) -> Undisturbed:
    """Return what a story gives without a fault."""
    place = copy_world(world, world.parent / f"undisturbed-{story.name}")
    (place / OUT).mkdir()
    finished = expect_success(run(story.command, place), story.command)
    return Undisturbed(finished, contents(place / OUT))


def difference(expected: dict[str, bytes], found: dict[str, bytes]) -> str:
    """Say in words how the files differ from those expected; an empty string if they do not."""
    missing, more = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    other = sorted(name for name in expected.keys() & found.keys() if expected[name] != found[name])
    named = (("missing", missing), ("left behind", more), ("other content", other))
    return "; ".join(f"{what}: {', '.join(names[:4])}" for what, names in named if names)
