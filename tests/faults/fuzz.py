"""Every reader and record parser on odd files: only known errors leave it, soon and in little memory.

Each reader runs in a process of its own, so that one that never ends, fills the memory or crashes is a failure by name.
"""

import contextlib
import io
import json
import time
import traceback
from pathlib import Path
from typing import Any

from faults.mutate import mutated
from faults.process import MIB, Finished, Limits, Running
from faults.tally import Tally
from faults.targets import TARGETS, Target

from clearbench.common.errors import ClearbenchError

SLOWEST = 10.0
"""Seconds that a reader of a small file may take on a busy machine."""
LIMITS = Limits(seconds=900.0, memory=1024 * MIB)
REPORT = "fuzz.json"


def inject(world: Path, seed: int, rounds: int) -> Tally:
    """Have each reader read mutations of its files.

    Args:
        world: Where files of every kind lie.
        seed: Of the mutations.
        rounds: Mutations in all, spread over the readers.
    """
    tally = Tally("fuzz", seed)
    each = max(1, round(rounds / sum(target.share for target in TARGETS.values())))
    for name, target in TARGETS.items():
        folder = world.parent / f"fuzz-{list(TARGETS).index(name)}"
        folder.mkdir()
        target.prepare(folder, world)
        finished = tally.measure(Running(_fuzz, (name, seed, max(1, int(each * target.share))), folder, LIMITS).wait())
        _count(name, finished, folder, tally)
    return tally


def _count(name: str, finished: Finished, folder: Path, tally: Tally) -> None:
    report = folder / REPORT
    lines = report.read_text(encoding="utf-8").splitlines() if report.exists() else []
    for line in lines:
        entry = json.loads(line)
        tally.faults += 1
        tally.note(entry["outcome"], f"{name}, {entry['file']}: {entry['what']}", entry["right"])
    if finished.code != 0:
        outcome = "out of time" if finished.code is None else "crash"
        tally.note(outcome, f"{name}, the reading after {len(lines)}: {finished.err[-300:]}", right=False)


def _fuzz(name: str, seed: int, rounds: int) -> int:
    """Read mutations of the current folder's files and write a line about each reading."""
    import hypothesis
    from hypothesis import strategies as st

    target = TARGETS[name]
    originals = {file: file.read_bytes() for pattern in target.files for file in sorted(Path().glob(pattern))}
    target.read()  # the files as they are must be readable
    with Path(REPORT).open("w", encoding="utf-8") as report:

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=rounds, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck),
            phases=[hypothesis.Phase.generate],
        )  # fmt: skip
        @hypothesis.given(st.data())
        def read_one(data: Any) -> None:
            file = data.draw(st.sampled_from(sorted(originals)))
            file.write_bytes(data.draw(mutated(originals[file], file.name)))
            report.write(json.dumps({"file": str(file), **read_once(target)}) + "\n")
            report.flush()
            file.write_bytes(originals[file])

        read_one()
    return 0


def read_once(target: Target) -> dict[str, Any]:
    """Read once; say what came of it and whether it may be."""
    started = time.perf_counter()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            target.read()
        found = {"outcome": "read", "right": True, "what": ""}
    except ClearbenchError as error:
        found = {"outcome": "error", "right": True, "what": str(error)[:200]}
    except (Exception, SystemExit) as error:
        told = f"{type(error).__name__}: {str(error)[:200]} {_origin(error)}"
        found = {"outcome": "another exception", "right": False, "what": told}
    seconds = time.perf_counter() - started
    return {"outcome": "slow", "right": False, "what": f"{seconds:.1f} s"} if seconds > SLOWEST else found


def _origin(error: BaseException) -> str:
    """The last line of clearbench that an exception went through."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if "/clearbench/" in frame.filename]
    return f"({Path(inside[-1].filename).name}:{inside[-1].lineno})" if inside else ""
