"""Run clearbench and the MTEB side as whole processes, as their users start them."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent


@dataclass(frozen=True)
class Outcome:
    """One finished process, start-up included.

    Attributes:
        seconds: Wall time.
        cpu_seconds: Processor time of all its threads, which stays comparable on a busy machine.
        load_before: Load average (1 minute) at the start; if it is high, the wall time is not reliable.
        answer: The JSON that the process wrote: a record, or the answer of mteb_peer.py.
    """

    seconds: float
    cpu_seconds: float
    load_before: float
    answer: dict[str, Any]


def default_data_dir() -> Path:
    """Return CLEARBENCH_DATA, or the folder `shared/data` next to the checkout."""
    return Path(os.environ.get("CLEARBENCH_DATA") or REPOSITORY.parent / "shared" / "data")


def run_clearbench(arguments: Sequence[str], task: str, out: Path, **environment: str) -> Outcome:
    """Run `clearbench run` with the interpreter that runs this script and read the one record it leaves in `out`."""
    command = [sys.executable, "-m", "clearbench", "run", "--tasks", task, "--out", str(out), *arguments]
    times = _run_timed(command, environment | {"PYTHONPATH": _python_path()})
    # The name of the task's folder can contain options, so the record is searched for.
    records = list(out.glob("records/*/*/record.json"))
    if len(records) != 1:
        raise SystemExit(f"clearbench left {len(records)} records in {out}; expected one: {records}")
    return Outcome(*times, json.loads(records[0].read_text("utf-8")))


def run_mteb(python: str, arguments: Sequence[str], output: Path) -> Outcome:
    """Run mteb_peer.py with MTEB's own interpreter."""
    command = [python, str(HERE / "mteb_peer.py"), *arguments, "--output", str(output)]
    return Outcome(*_run_timed(command, {}), json.loads(output.read_text("utf-8")))


def _run_timed(command: Sequence[str], environment: dict[str, str]) -> tuple[float, float, float]:
    """Run a command; return wall seconds, processor seconds and the load before."""
    load = os.getloadavg()[0]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(
        command,
        # Without this, either side may wait for a network that does not exist.
        env=os.environ | {"HF_HUB_OFFLINE": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\nfailed with exit code {done.returncode}:\n{done.stdout[-3000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, load


def _python_path() -> str:
    return os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH", "")]))


def means_by_pair(record: dict[str, Any], measure: str) -> dict[str, float]:
    """Return pair -> mean of a measure."""
    return {row["pair"]: row["measures"][measure]["mean"] for row in record["pairs"]}
