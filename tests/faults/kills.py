"""SIGKILL at random: what a killed command left behind is gone on with, and ends as if nothing had happened."""

import random
import shutil
from pathlib import Path

from faults.process import Limits, run, start
from faults.stories import OUT, STORIES, Story, difference, undisturbed
from faults.tally import Tally
from faults.world import contents, copy_world

MOST_KILLS = 3
"""Kills in a round, one after the other."""


def inject(world: Path, seed: int, rounds: int) -> Tally:
    """Kill commands before a random change to the file system, or after a random time; then let them finish."""
    tally, rng = Tally("kills", seed), random.Random(seed)
    for number in range(rounds):
        story = STORIES[number % len(STORIES)]
        place = copy_world(world, world.parent / f"kills-{number}")
        (place / OUT).mkdir()
        _round(place, world, story, rng, tally)
        shutil.rmtree(place)
    return tally


def _round(place: Path, world: Path, story: Story, rng: random.Random, tally: Tally) -> None:
    whole = undisturbed(world, story)
    if story.caches and rng.random() < 0.5:
        shutil.rmtree(place / "cache")
    if story.before and rng.random() < 0.5:
        run(story.before, place)
    told = []
    for attempt in range(rng.randint(1, MOST_KILLS)):
        command = [*story.command, *(story.again if attempt else ())]
        told.append(_kill(command, place, whole.finished.changes, whole.finished.seconds, rng))
        tally.faults += 1
        if problem := story.wrong(place):
            tally.note("disagreeing files", f"{story.name}, {', '.join(told)}: {problem}", right=False)
            return
    finish(place, story, ", ".join(told), tally, whole.contents)


def _kill(command: list[str], place: Path, changes: int, seconds: float, rng: random.Random) -> str:
    """Kill a command that would change the file system so often, and take so long; say when it was killed."""
    if rng.random() < 0.5:
        die_at = rng.randint(1, changes)
        run(command, place, Limits(die_at=die_at))
        return f"killed before change {die_at} of {changes}"
    running, delay = start(command, place), rng.random() * seconds
    finished = running.kill_after(delay)
    return f"killed after {delay:.2f} s" if finished.code else "not killed in time"


def finish(place: Path, story: Story, told: str, tally: Tally, expected: dict[str, bytes]) -> None:
    """Go on with the command of a story, and note whether it ends as it would have without a fault."""
    finished = tally.measure(run([*story.command, *story.again], place))
    if finished.code != 0:
        tally.note("does not go on", f"{story.name}, {told}: {finished.err[-300:]!r}", right=False)
    elif problem := difference(expected, contents(place / OUT)):
        tally.note("differs", f"{story.name}, {told}: {problem}", right=False)
    else:
        tally.note("equal")
