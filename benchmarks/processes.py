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
        cpu_seconds: Processor time of all its threads: what remains comparable when something else ran beside it.
        load_before: Load average (1 minute) at the start; above zero, the wall time is not to be trusted.
        answer: What it wrote: a record, or the peer's answer.
    """

    seconds: float
    cpu_seconds: float
    load_before: float
    answer: dict[str, Any]


def default_data_dir() -> Path:
    """CLEARBENCH_DATA, or the folder `shared/data` beside the checkout."""
    return Path(os.environ.get("CLEARBENCH_DATA") or REPOSITORY.parent / "shared" / "data")


def run_clearbench(arguments: Sequence[str], task: str, out: Path, **environment: str) -> Outcome:
    """Run `clearbench run` with the interpreter that runs this script and read the one record it leaves in `out`."""
    command = [sys.executable, "-m", "clearbench", "run", "--tasks", task, "--out", str(out), *arguments]
    times = _timed(command, environment | {"PYTHONPATH": _python_path()})
    # The task's folder may carry options in its name, so the record is found, not assumed.
    records = list(out.glob("records/*/*/record.json"))
    if len(records) != 1:
        raise SystemExit(f"clearbench left {len(records)} records in {out}; expected one: {records}")
    return Outcome(*times, json.loads(records[0].read_text("utf-8")))


def run_mteb(python: str, arguments: Sequence[str], output: Path) -> Outcome:
    """Run mteb_peer.py with MTEB's own interpreter."""
    command = [python, str(HERE / "mteb_peer.py"), *arguments, "--output", str(output)]
    return Outcome(*_timed(command, {}), json.loads(output.read_text("utf-8")))


def _timed(command: Sequence[str], environment: dict[str, str]) -> tuple[float, float, float]:
    """Run a command; return wall seconds, processor seconds and the load before."""
    load = os.getloadavg()[0]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(
        command,
        # Nothing is to be fetched; without this either side may wait for a network that is not there.
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


def measured(record: dict[str, Any], measure: str) -> dict[str, float]:
    """Pair -> mean of a measure."""
    return {row["pair"]: row["measures"][measure]["mean"] for row in record["pairs"]}
