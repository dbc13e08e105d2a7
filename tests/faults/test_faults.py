"""A short part of each fault injection, with a seed that never changes; `nox -s faults` injects many more."""

import random
from pathlib import Path
from typing import Any

import pytest
from faults import crowds, damage, disks, fuzz, kills
from faults.process import Finished, Limits, Running, run
from faults.stories import difference
from faults.targets import TARGETS, Target
from faults.world import build_world

from clearbench.common.errors import DataError

SEED = 20261128


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of every kind, made by commands."""
    return build_world(tmp_path_factory.mktemp("faults") / "world")


def test_killed_commands_go_on_and_end_as_if_nothing_had_happened(world: Path) -> None:
    tally = kills.inject(world, SEED, rounds=12)
    assert tally.failures == [] and tally.outcomes == {"equal": 12}


def test_a_full_disk_is_one_line_and_nothing_is_lost(world: Path) -> None:
    tally = disks.inject(world, SEED, rounds=8)
    assert tally.failures == [] and tally.outcomes["equal"] == 8 and tally.outcomes["one line"] >= 3


def test_runs_at_once_give_what_they_give_one_after_the_other(world: Path) -> None:
    tally = crowds.inject(world, SEED, rounds=4)
    assert tally.failures == [] and tally.outcomes == {"equal": 4}


def test_damage_to_any_file_never_changes_a_figure_without_a_word(world: Path) -> None:
    tally = damage.inject(world, SEED, rounds=2 * len(damage.KINDS))
    assert tally.failures == [] and tally.outcomes["error"] > len(damage.KINDS) // 2


def test_readers_of_odd_files_raise_known_errors_only(world: Path) -> None:
    tally = fuzz.inject(world, SEED, rounds=15 * len(TARGETS))
    assert tally.failures == [] and tally.outcomes["error"] > 5 * len(TARGETS)


@pytest.mark.parametrize("harm", damage.HARMS)
def test_every_harm_changes_a_file_and_says_how(harm) -> None:
    before = bytes(range(32, 120))
    data = bytearray(before)
    assert harm(data, random.Random(1)) and bytes(data) != before


def test_a_process_is_killed_before_the_change_that_is_asked_for(tmp_path: Path) -> None:
    whole = Running(_write_three, (), tmp_path, Limits()).wait()
    assert (whole.code, whole.changes) == (0, 3)
    killed = Running(_write_three, (), tmp_path / ".", Limits(die_at=3)).wait()
    assert killed.code == -9


def test_time_memory_and_file_size_are_bounded(tmp_path: Path) -> None:
    assert Running(_never_end, (), tmp_path, Limits(seconds=1)).wait().code is None
    greedy = Running(_fill_memory, (), tmp_path, Limits(memory=64 * 2**20)).wait()
    assert greedy.code == 1 and "MemoryError" in greedy.err
    large = Running(_write_three, (), tmp_path, Limits(file_size=10)).wait()
    assert large.code == 1 and "File too large" in large.err


def test_a_silent_difference_a_crash_and_a_rude_error_are_failures(world: Path) -> None:
    kind, file = damage.KINDS["record"], world / "out"
    finished = run(damage.COMMANDS["leaderboard"].arguments, world)

    def judged(**changes: object) -> tuple[str, bool]:
        fields = {**finished.__dict__, **changes}
        return damage.judge(Finished(**fields), world, world, "leaderboard", kind, file)[:2]

    assert judged() == ("same figures", True)
    assert judged(out=finished.out.replace(".", "1.")) == ("silent difference", False)
    assert judged(code=1, err="Traceback (most recent call last)") == ("crash", False)
    assert judged(code=1, err="Error: " + "x" * 5_000) == ("rude error", False)
    assert judged(code=None) == ("out of time", False)


def test_a_reader_that_raises_another_exception_fails() -> None:
    def raising(error: Exception) -> dict[str, Any]:
        def read() -> object:
            raise error

        return fuzz.read_once(Target(lambda folder, world: None, (), read))

    assert raising(ValueError("no"))["right"] is False
    assert raising(DataError("short")) == {"outcome": "error", "right": True, "what": "short"}


def test_a_difference_between_folders_is_said() -> None:
    expected, found = {"a": b"1", "b": b"2", "c": b"3"}, {"a": b"1", "b": b"0", "d": b"4"}
    assert difference(expected, found) == "missing: c; left behind: d; other content: b"
    assert difference(expected, dict(expected)) == ""


def _write_three() -> int:
    for number in range(3):
        Path(f"file-{number}").write_text("x" * 100)
    return 0


def _never_end() -> int:
    while True:
        pass


def _fill_memory() -> int:
    return len(bytearray(2**30))
