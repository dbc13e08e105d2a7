"""Four runs at once on one results folder: the record holds in the end what the same runs give one after the other."""

import json
import random
import shutil
import time
from pathlib import Path

from faults.process import Finished, start
from faults.stories import OUT
from faults.tally import Tally
from faults.world import contents, copy_world, evaluation, expect_success

AT_ONCE = 4
LONGEST_DELAY = 0.4
"""Seconds between two starts, at most; a run takes about as long."""

PATTERNS = (("*-en", "*-de", "*-sw", "en-*"), ("en-en", "de-en", "sw-*", "de-de"))
"""Pairs of runs at once that differ: runs of the same pools, and of other ones."""


def inject(world: Path, seed: int, rounds: int) -> Tally:
    """Start runs of the same pairs, of different pairs, and runs that measure anew, in turn."""
    tally, rng = Tally("runs at once", seed), random.Random(seed)
    for number in range(rounds):
        name, commands = list(_crowds(rng).items())[number % 4]
        place = copy_world(world, world.parent / f"crowd-{number}")
        alone = copy_world(world, world.parent / f"alone-{number}")
        if name != "same pairs" and rng.random() < 0.5:
            shutil.rmtree(place / "cache")
        if "anew" in name:
            for folder in (place, alone):
                expect_success(start(evaluation("a", OUT), folder).wait(), ["run"])
        ended = _at_once(commands, place, rng, tally)
        for command in commands:
            expect_success(start(command, alone).wait(), command)
        _judge(name, ended, place, alone, tally)
        shutil.rmtree(place)
        shutil.rmtree(alone)
    return tally


def _crowds(rng: random.Random) -> dict[str, list[list[str]]]:
    """What runs at once -> the arguments of each."""
    everything = evaluation("a", OUT)
    different = [_of_pairs(pattern) for pattern in rng.choice(PATTERNS)]
    anew = [*everything, "--replace"]
    return {
        "same pairs": [everything] * AT_ONCE,
        "different pairs": different,
        "measured anew": [anew] * AT_ONCE,
        "measured anew beside others": [anew, *different[:2], everything],
    }


def _of_pairs(pattern: str) -> list[str]:
    return [*(part for part in evaluation("a", OUT) if part != "--all-pairs"), "--pairs", pattern]


def _at_once(commands: list[list[str]], place: Path, rng: random.Random, tally: Tally) -> list[Finished]:
    running = []
    for command in commands:
        running.append(start(command, place))
        time.sleep(rng.random() * LONGEST_DELAY)
    tally.faults += len(commands)
    return [tally.measure(one.wait()) for one in running]


def _judge(name: str, ended: list[Finished], place: Path, alone: Path, tally: Tally) -> None:
    failed = [finished for finished in ended if finished.code != 0]
    found, expected = _pairs(place), _pairs(alone)
    if failed:
        tally.note("a run fails", f"{name}: {len(failed)} of {len(ended)}, {failed[0].err[-300:]!r}", right=False)
    elif found != expected:
        tally.note("differs", f"{name}: {len(found)} pairs, expected {len(expected)}", right=False)
    elif left := [path for path in contents(place / OUT) if path.endswith(".tmp")]:
        tally.note("left behind", f"{name}: {left}", right=False)
    else:
        tally.note("equal")


def _pairs(place: Path) -> dict[str, str]:
    """Status and pairs of the record, each as it stands there."""
    [file] = (place / OUT / "records").glob("*/*/record.json")
    record = json.loads(file.read_text(encoding="utf-8"))
    return {"status": record["status"], **{pair["pair"]: json.dumps(pair) for pair in record["pairs"]}}
