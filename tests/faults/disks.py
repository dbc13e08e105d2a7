"""Full disks: a command that cannot write says so in one line, and goes on once there is room."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faults.kills import finish
from faults.process import Finished, Limits, run
from faults.stories import OUT, STORIES, Story, undisturbed
from faults.tally import Tally
from faults.world import copy_world

LEAST_FILE = 12_000
"""Bytes that the limit leaves, so that what a command prints, which goes to files too, always has room."""
ROOM = "256m"
"""Size of a small disk once it is made larger."""


def inject(world: Path, seed: int, rounds: int) -> Tally:
    """Have commands write to a disk that is too small: a limit on the size of files, and a small tmpfs in turn."""
    tally, rng = Tally("full disks", seed), random.Random(seed)
    mounts = can_mount(world.parent)
    if not mounts:
        tally.note("no tmpfs: may not mount")
    for number in range(rounds):
        story = STORIES[number % len(STORIES)]
        place = copy_world(world, world.parent / f"disks-{number}")
        (place / OUT).mkdir()
        if story.caches:
            shutil.rmtree(place / "cache")
        if mounts and rng.random() < 0.5:
            _small_disk(place, world, story, rng, tally)
        else:
            _small_files(place, world, story, rng, tally)
        shutil.rmtree(place)
    return tally


def can_mount(folder: Path) -> bool:
    """Return whether this user may mount a tmpfs."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        return False
    probe = folder / "probe"
    probe.mkdir(exist_ok=True)
    try:
        with _tmpfs(probe, 64):
            return True
    except subprocess.CalledProcessError:
        return False


def _small_files(place: Path, world: Path, story: Story, rng: random.Random, tally: Tally) -> None:
    whole = undisturbed(world, story).contents
    limit = rng.randint(LEAST_FILE, LEAST_FILE + max(map(len, whole.values())))
    _meet(run(story.command, place, Limits(file_size=limit)), f"{story.name}, files of {limit:,} bytes", tally)
    finish(place, story, f"files of {limit:,} bytes", tally, whole)


def _small_disk(place: Path, world: Path, story: Story, rng: random.Random, tally: Tally) -> None:
    """Mount a small disk where results go, or where vectors are kept."""
    whole = undisturbed(world, story).contents
    on_cache = story.caches and rng.random() < 0.5
    kibibytes = rng.randint(4, 40 if on_cache else 16 + sum(map(len, whole.values())) // 1024)
    told = f"{kibibytes} KiB for {'vectors' if on_cache else 'results'}"
    point = place / ("cache" if on_cache else OUT)
    point.mkdir(exist_ok=True)
    with _tmpfs(point, kibibytes):
        _meet(run(story.command, place), f"{story.name}, {told}", tally)
        subprocess.run(["mount", "-o", f"remount,size={ROOM}", str(point)], check=True, capture_output=True)
        finish(place, story, told, tally, whole)


def _meet(finished: Finished, told: str, tally: Tally) -> None:
    """Note how a command met the full disk: with one line, or not at all where all fitted."""
    tally.faults += 1
    tally.measure(finished)
    errors = [line for line in finished.err.splitlines() if line.startswith("Error:")]
    if finished.code == 0:
        tally.note("fitted")
    elif finished.code == 1 and len(errors) == 1 and "Traceback" not in finished.err:
        tally.note("one line")
    else:
        tally.note("not one line", f"{told}: exit code {finished.code}, {finished.err[-300:]!r}", right=False)


@contextmanager
def _tmpfs(point: Path, kibibytes: int) -> Iterator[None]:
    size = f"size={kibibytes}k"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(point)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(point)], check=True, capture_output=True)
