"""Commands of clearbench in forked processes: quick to start, bounded in time and memory, killed where a test says.

A fork server imports the heavy packages once; each command is then a process of its own that starts in milliseconds.
"""

import json
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

MIB = 2**20
HEAVY = (
    "clearbench.cli.app", "faiss", "jinja2", "pandas", "pyarrow.dataset", "pyarrow.parquet", "pytrec_eval",
    "scipy.stats", "sentence_transformers", "torch", "transformers", "hypothesis", "faults.process",
)  # fmt: skip
"""Imported before the first fork."""
FOREIGN = ("CLEARBENCH_DATA", "CLEARBENCH_TASKS", "CLEARBENCH_TRACEBACK", "GITHUB_STEP_SUMMARY")
"""Variables of the user's environment that commands must not see."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate")
"""Audit events of the interpreter that change the file system, beside opening a file for writing."""


@dataclass(frozen=True)
class Limits:
    """What a command may use.

    Attributes:
        seconds: Wall-clock time; a command that takes longer is killed.
        memory: Bytes of address space beyond those that it starts with.
        file_size: Bytes of a file, beyond which writing fails as on a full disk; None: any.
        die_at: Number of the change to the file system, from 1, before which the process kills itself; None: never.
    """

    seconds: float = 120.0
    memory: int = 3072 * MIB
    file_size: int | None = None
    die_at: int | None = None


@dataclass(frozen=True)
class Finished:
    """How a command ended.

    Attributes:
        code: Exit code; negative for the signal that ended it; None where its time was over.
        out: What it wrote to stdout.
        err: What it wrote to stderr.
        seconds: How long it ran.
        memory: Bytes by which its resident memory grew at most; 0 where it was killed.
        changes: How often it changed the file system below its folder; 0 where it was killed.
    """

    code: int | None
    out: str
    err: str
    seconds: float
    memory: int
    changes: int


class Running:
    """A command that runs."""

    def __init__(self, work: Callable[..., int], arguments: Sequence[Any], folder: Path, limits: Limits) -> None:
        """Start a function in a process of its own.

        Args:
            work: Called with the arguments; what it returns is the exit code.
            arguments: What it is called with.
            folder: Where it works.
            limits: What it may use.
        """
        self._logs = tempfile.TemporaryDirectory(prefix="faults-")
        self._limits = limits
        self._started = time.perf_counter()
        described = (work, tuple(arguments), str(folder), self._logs.name, limits)
        self._process: ForkServerProcess = _server().Process(target=_work, args=described)
        self._process.start()

    def kill_after(self, seconds: float) -> Finished:
        """Send SIGKILL after a time, if the command has not ended before; return how it ended."""
        self._process.join(seconds)
        self._process.kill()
        return self.wait()

    def wait(self) -> Finished:
        """Wait until the command has ended, or end it when its time is over."""
        self._process.join(self._limits.seconds)
        code = self._process.exitcode
        seconds = time.perf_counter() - self._started
        if code is None:
            self._process.kill()
            self._process.join()
        out, err, usage = (self._read(name) for name in ("out", "err", "usage"))
        self._logs.cleanup()
        used = json.loads(usage) if usage else {"memory": 0, "changes": 0}
        return Finished(code, out, err, seconds, **used)

    def _read(self, name: str) -> str:
        file = Path(self._logs.name) / name
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""


def start(arguments: Sequence[str], folder: Path, limits: Limits = Limits()) -> Running:
    """Start a command line of clearbench.

    Args:
        arguments: What follows `clearbench`.
        folder: Where it runs.
        limits: What it may use.
    """
    return Running(_execute, (list(arguments),), folder, limits)


def run(arguments: Sequence[str], folder: Path, limits: Limits = Limits(), **changes: Any) -> Finished:
    """Run a command line of clearbench to its end; see `start`. Keywords change the limits."""
    return start(arguments, folder, replace(limits, **changes)).wait()


@cache
def _server() -> ForkServerContext:
    """Return the context whose server has imported the heavy packages."""
    paths = [
        str(Path(__file__).resolve().parents[1]),
        *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)),
    ]
    before = dict(os.environ)
    os.environ.update(PYTHONPATH=os.pathsep.join(paths), OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")
    os.environ.update(HF_HUB_OFFLINE="1", NO_COLOR="1", CLEARBENCH_CACHE="cache")
    for name in FOREIGN:
        os.environ.pop(name, None)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(HEAVY))
    first = context.Process(target=int)  # the server starts with it, and takes this environment
    first.start()
    first.join()
    os.environ.clear()
    os.environ.update(before)
    return context


def _work(work: Callable[..., int], arguments: tuple[Any, ...], folder: str, logs: str, limits: Limits) -> None:
    """Do the work of a process: set it apart, bound it, watch it, and end it with its exit code."""
    for name, descriptor in (("out", 1), ("err", 2)):
        log = os.open(Path(logs) / name, os.O_WRONLY | os.O_CREAT)
        os.dup2(log, descriptor)
        os.close(log)
    os.chdir(folder)
    _bound(limits)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    changes = _watch(folder, limits.die_at)
    try:
        code = work(*arguments)
        sys.stdout.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        used = {"memory": max(0, grown), "changes": len(changes)}
        (Path(logs) / "usage").write_text(json.dumps(used))
    sys.exit(code)


def _execute(arguments: Sequence[str]) -> int:
    from clearbench.cli.app import execute

    return execute(arguments)


def _bound(limits: Limits) -> None:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + limits.memory
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    if limits.file_size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_size, resource.RLIM_INFINITY))


def _watch(folder: str, die_at: int | None) -> list[str]:
    """Note each change to the file system below a folder before it is done; kill the process before the chosen one."""
    changes: list[str] = []
    root = os.path.join(os.path.realpath(folder), "")  # noqa: PTH118  quick: this runs at every opened file

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        changing = event in CHANGES or (event == "open" and bool((arguments[2] or 0) & WRITES))
        if not changing or not isinstance(arguments[0], str | os.PathLike):
            return
        if not os.path.abspath(os.fspath(arguments[0])).startswith(root):  # noqa: PTH100
            return
        changes.append(event)
        if len(changes) == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(note)
    return changes
