"""Damage to one file of any kind: no command may give another figure without a word.

A command on a damaged file ends with an error in one line, or says what it left out, or gives the same figures. Data,
task files and checkpoints may be changed by their owner; then the result has to say that it is about something else.
"""

import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from faults.observe import Observer, Seen, files_in, page, printed, record_of, rows_in, training_in
from faults.process import Finished, run
from faults.tally import Tally
from faults.world import BUILD, DATA, TRAIN, copy_world, evaluation, expect_success

A, B = "fault_encoders.a", "fault_encoders.b"
RESULTS = ("--results", "out")
LONGEST_ERROR = 1_500
"""Characters of a message."""
LONGEST_BLOCK = 16_384
"""Bytes that are zeroed at once, at most."""


@dataclass(frozen=True)
class Command:
    """A command that reads.

    Attributes:
        arguments: Its arguments.
        observe: Takes what it tells.
    """

    arguments: Sequence[str]
    observe: Observer = printed


COMMANDS: Mapping[str, Command] = {
    "run again": Command(evaluation("a", "out"), record_of("out", A)),
    "run anew": Command(evaluation("a", "fresh"), record_of("fresh", A)),
    "run base": Command(
        ["run", "--model", "base", *DATA, "--device", "cpu", "--out", "fresh"], record_of("fresh", "base")
    ),
    "run trained": Command(
        ["run", "--model", "trained", *DATA, "--device", "cpu", "--out", "fresh"], record_of("fresh", "trained")
    ),
    "leaderboard": Command(["leaderboard", "out"]),
    "compare": Command(["compare", A, B, *RESULTS, "--format", "json"]),
    "compare --queries": Command(["compare", A, B, *RESULTS, "--queries", "3"]),
    "gate": Command(["gate", "--baseline", A, "--candidate", B, *RESULTS, "--format", "json"]),
    "gate by file": Command(["gate", "--baseline", "baseline.parquet", "--candidate", B, *RESULTS, "--format", "json"]),
    "report": Command(["report", "out", "--out", "report.html"], page("report.html")),
    "export mteb": Command(["export", A, *RESULTS, "--task", "tiny", "--format", "mteb", "--to", "to"], files_in("to")),
    "verify": Command(["verify", "out"]),
    "tasks check": Command(["tasks", "check", "tiny.toml", "--data-dir", "data"]),
    "rows build": Command([*BUILD, "--out", "built.jsonl"], rows_in("built.jsonl")),
    "rows mine": Command(
        [
            *("rows", "mine", "--rows", "rows.parquet", "--model", "fault_encoders:a", "--out", "mined.jsonl"),
            *("--margin", "-2", "--window", "1-5", "--cache-dir", "cache"),
        ],
        rows_in("mined.jsonl"),
    ),
    "train": Command([*TRAIN, "--out", "anew"], training_in("anew")),
    "train --resume": Command([*TRAIN, "--out", "half", "--resume"], training_in("half")),
}
VERDICTS = (
    "leaderboard",
    "compare",
    "compare --queries",
    "gate",
    "gate by file",
    "report",
    "export mteb",
    "run again",
    "verify",
)


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        patterns: Where its files lie in a world.
        commands: Those of COMMANDS that read it.
        owned: Whether it is for its owner to change, which changes what a result is about.
    """

    patterns: Sequence[str]
    commands: Sequence[str]
    owned: bool = False


KINDS: Mapping[str, Kind] = {
    "record": Kind(["out/records/*/*/record.json"], VERDICTS),
    "score part": Kind(["out/records/*/*/scores/*.parquet"], VERDICTS),
    "saved run": Kind(["out/records/*/*/runs/*"], ("verify", "compare --queries", "run again")),
    "vectors": Kind(["cache/embeddings/*/part-*"], ("run anew", "run again", "rows mine")),
    "description of vectors": Kind(["cache/embeddings/*/encoder.json"], ("run anew",)),
    "rows": Kind(["rows.parquet"], ("rows mine", "train")),
    "manifest of rows": Kind(["rows.parquet.manifest.json"], ("rows mine", "train")),
    "training checkpoint": Kind(["half/checkpoint-2/*", "half/checkpoint-2/*/*", "half/*.json"], ("train --resume",)),
    "baseline": Kind(["baseline.parquet"], ("gate by file",)),
    "trained checkpoint": Kind(["trained/*.*", "trained/1_Pooling/*"], ("run trained",), owned=True),
    "base checkpoint": Kind(["base/*.*", "base/1_Pooling/*"], ("run base", "train"), owned=True),
    "task file": Kind(["tiny.toml"], ("run anew", "run again", "tasks check", "rows build"), owned=True),
    "data": Kind(["data/belebele/*"], ("run anew", "run again", "tasks check", "rows build"), owned=True),
}


def inject(world: Path, seed: int, rounds: int) -> Tally:
    """Damage a random file of each kind in turn, and run a random one of the commands that read it."""
    tally, rng = Tally("damaged files", seed), random.Random(seed)
    for number in range(rounds):
        name, kind = list(KINDS.items())[number % len(KINDS)]
        place = copy_world(world, world.parent / f"damage-{number}")
        file = rng.choice([path for pattern in kind.patterns for path in sorted(place.glob(pattern)) if path.is_file()])
        command = rng.choice(kind.commands)
        told = f"{name} {file.relative_to(place)}, {_harm(file, rng)}, {command}"
        tally.faults += 1
        finished = tally.measure(run(COMMANDS[command].arguments, place))
        outcome, right, more = judge(finished, place, world, command, kind, file)
        tally.note(outcome, f"{told}: {more}", right)
        shutil.rmtree(place)
    return tally


def flip(data: bytearray, rng: random.Random) -> str:
    """Turn one bit over."""
    place = rng.randrange(len(data))
    bit = rng.randrange(8)
    data[place] ^= 1 << bit
    return f"bit {bit} of byte {place} turned over"


def zero(data: bytearray, rng: random.Random) -> str:
    """Put zeros in place of a block, as a file system does that lost it."""
    place = rng.randrange(len(data))
    length = min(rng.randint(1, LONGEST_BLOCK), len(data) - place)
    data[place : place + length] = bytes(length)
    return f"{length} bytes from {place} zeroed"


def truncate(data: bytearray, rng: random.Random) -> str:
    """Cut the end off."""
    del data[rng.randrange(len(data)) :]
    return f"cut to {len(data)} bytes"


def edit(data: bytearray, rng: random.Random) -> str:
    """Put another digit in place of one, as somebody does who edits a figure; without digits, turn a bit over."""
    digits = [place for place, byte in enumerate(data) if 48 <= byte <= 57]
    if not digits:
        return flip(data, rng)
    place = rng.choice(digits)
    before = chr(data[place])
    data[place] = 48 + (data[place] - 48 + rng.randint(1, 9)) % 10
    return f"digit {before} at byte {place} now {chr(data[place])}"


HARMS: Sequence[Callable[[bytearray, random.Random], str]] = (flip, flip, zero, truncate, edit, edit)


def _harm(file: Path, rng: random.Random) -> str:
    """Damage a file, or put another one of its kind in its place, or remove it; say how."""
    others = [path for path in sorted(file.parents[1].rglob(f"*{file.suffix}")) if path.is_file() and path != file]
    way = rng.random()
    if way < 0.08:
        file.unlink()
        return "removed"
    if way < 0.16 and others:
        other = rng.choice(others)
        shutil.copyfile(other, file)
        return f"replaced by {other.name}"
    data = bytearray(file.read_bytes())
    told = rng.choice(HARMS)(data, rng) if data else "empty as it was"
    file.write_bytes(data)
    return told


@cache
def _undamaged(world: Path, command: str) -> tuple[Seen, frozenset[str]]:
    """What a command tells on an undamaged world, and its lines on stderr."""
    place = copy_world(world, world.parent / "undamaged")
    finished = run(COMMANDS[command].arguments, place)
    if finished.code not in {3, 4}:  # verdicts of the gate
        expect_success(finished, COMMANDS[command].arguments)
    seen = COMMANDS[command].observe(place, finished)
    shutil.rmtree(place)
    return seen, frozenset(finished.err.splitlines())


def judge(finished: Finished, place: Path, world: Path, command: str, kind: Kind, file: Path) -> tuple[str, bool, str]:
    """Say how a command took a damaged file: the outcome, whether it may be, and what shows it."""
    errors = [line for line in finished.err.splitlines() if line.startswith("Error:")]
    if finished.code is None:
        return "out of time", False, ""
    if "Traceback" in finished.err or finished.code < 0:
        return "crash", False, finished.err[-400:]
    if errors:
        short = len(errors) == 1 and len(errors[0]) < LONGEST_ERROR and finished.code in {1, 2}
        return ("error", True, "") if short else ("rude error", False, f"{finished.code} {finished.err[-400:]!r}")
    if command == "verify" and finished.code == 1 and "differs" in finished.out:
        return "differs, it says", True, ""
    expected, usual = _undamaged(world, command)
    seen = COMMANDS[command].observe(place, finished)
    if (seen.code, seen.figures) == (expected.code, expected.figures):
        return "same figures", True, ""
    if kind.owned and seen.identity != expected.identity:
        return "another identity", True, ""
    told = [line for line in finished.err.splitlines() if line not in usual]
    if any(kind.owned or _names(line, file, place) for line in told):
        return "said", True, ""
    return "silent difference", False, f"{_first_other(expected, seen)}; stderr: {finished.err[-200:]!r}"


def _names(line: str, file: Path, place: Path) -> bool:
    """Return whether a line names a file or a folder of its own, below the world."""
    above = [
        path.name for path in file.parents if place in path.parents and path.name not in {"out", "records", "data"}
    ]
    return any(name in line for name in (file.name, *above))


def _first_other(expected: Seen, found: Seen) -> str:
    if expected.code != found.code:
        return f"exit code {found.code}, expected {expected.code}"
    for before, after in zip(expected.figures, found.figures, strict=False):
        if before != after:
            return f"{str(after)[:120]!r}, expected {str(before)[:120]!r}"
    return f"{len(found.figures)} figures, expected {len(expected.figures)}"
