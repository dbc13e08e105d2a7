"""Examine this installation: versions, devices, cache, data, network. Nothing is changed, and no model is loaded."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from clearbench.common.environment import default_cache, describe_environment
from clearbench.common.errors import ClearbenchError
from clearbench.encoders.cache import list_vectors
from clearbench.encoders.packaged.table import PACKAGED
from clearbench.tasks.catalogue import list_tasks
from clearbench.tasks.formats.table import open_files
from clearbench.tasks.options import DataLocation
from clearbench.tasks.spec import TaskSpec

State = Literal["ok", "note", "problem"]

EXTRAS = (
    *(("demo", model.package, f"`{model.name}`, {model.title}") for model in PACKAGED.values()),
    ("lora", "peft", "training with --lora"),
    ("report", "matplotlib", "figures with `report --figures`"),
)
"""Extra, one of its packages, and the package's purpose."""
HUB, NETWORK_SECONDS = "huggingface.co", 3.0
LEAST_SPACE = 2e9
"""Free bytes that the cache needs; with less there is a problem."""
BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
"""Flags of processors with bf16 instructions."""


@dataclass(frozen=True)
class Finding:
    """One line of the result.

    Attributes:
        topic: The part of the installation that was examined.
        state: "problem" if clearbench cannot work as expected, "note" if something optional is missing.
        text: What was found, or what to do.
    """

    topic: str
    state: State
    text: str


def examine(location: DataLocation) -> Iterator[Finding]:
    """Yield the findings about each part of the installation; errors become findings."""
    yield Finding("versions", "ok", ", ".join(f"{name} {found}" for name, found in describe_environment().items()))
    yield from _examine_devices()
    yield from _examine_extras()
    yield _examine_cache(location.cache_dir or default_cache())
    yield from _examine_data(location)
    yield _examine_tokeniser()
    if not location.offline:
        yield _examine_network()


def _examine_devices() -> Iterator[Finding]:
    import torch

    threads = f"{torch.get_num_threads()} threads of {os.cpu_count()} cores"
    bf16 = "bf16 instructions" if _cpu_flags() & BF16_FLAGS else "no bf16 instructions, so --dtype bf16 is slower"
    yield Finding("cpu", "ok", f"{threads}, {bf16}")
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        yield Finding("gpu", "ok", ", ".join(names))
    elif torch.backends.mps.is_available():
        yield Finding("gpu", "ok", "Apple (mps)")
    else:
        yield Finding("gpu", "note", "torch can use no GPU; everything runs on the CPU")


def _cpu_flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    return {flag for line in text.splitlines() if line.startswith(("flags", "Features")) for flag in line.split()}


def _examine_extras() -> Iterator[Finding]:
    for extra, package, purpose in EXTRAS:
        try:
            yield Finding(f"extra {extra}", "ok", f"{package} {version(package)}: {purpose}")
        except PackageNotFoundError:
            hint = f"{package} is not installed; {purpose}: pip install 'clearbench[{extra}]'"
            yield Finding(f"extra {extra}", "note", hint)


def _examine_cache(cache: Path) -> Finding:
    existing = next(folder for folder in (cache, *cache.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if not os.access(existing, os.W_OK):
        return Finding("cache", "problem", f"{cache} cannot be written. Set CLEARBENCH_CACHE to another folder.")
    try:
        num_bytes = sum(entry.num_bytes for entry in list_vectors(cache))
    except (ClearbenchError, OSError) as error:
        return Finding("cache", "problem", str(error))
    text = f"{cache}: {num_bytes / 1e6:,.0f} MB of vectors, {free / 1e9:,.0f} GB free"
    return Finding("cache", "problem" if free < LEAST_SPACE else "ok", text)


def _examine_data(location: DataLocation) -> Iterator[Finding]:
    data_dir = location.data_dir
    if data_dir is not None and not data_dir.is_dir():
        yield Finding("data", "problem", f"--data-dir {data_dir}: there is no such folder.")
        return
    for spec in list_tasks(location.tasks_dir):
        try:
            found, defined = count_files(spec, location)
        except ClearbenchError as error:
            yield Finding(f"task {spec.name}", "problem", str(error))
            continue
        if found:
            yield Finding(f"task {spec.name}", "ok", f"{found} of {defined} files found")
        else:
            hint = "give --data-dir, or download: " if data_dir is None else "not in the data folder; download: "
            yield Finding(f"task {spec.name}", "note", f"{hint}clearbench tasks fetch {spec.name}")


def count_files(spec: TaskSpec, location: DataLocation) -> tuple[int, int]:
    """Return how many of a task's files exist locally, and how many files the task defines."""
    files = open_files(spec, location)
    found = defined = 0
    for source in spec.sources:
        for language, pair in files.combinations(source, "".join([*source.local, source.bundled or ""])):
            defined += 1
            found += files.find_local(source.key, language=language, pair=pair) is not None
    return found, defined


def _examine_tokeniser() -> Finding:
    from clearbench.scoring.answers.xor import official_tokeniser

    try:
        name = official_tokeniser(offline=True).name
    except ClearbenchError:
        text = "XOR-Retrieve's official tokeniser lacks nltk's punkt data (NLTK_DATA); the first use downloads it"
        return Finding("nltk", "note", text)
    return Finding("nltk", "ok", f"XOR-Retrieve's official tokeniser: {name}")


def _examine_network(connect: Callable[..., socket.socket] = socket.create_connection) -> Finding:
    try:
        connect((HUB, 443), timeout=NETWORK_SECONDS).close()
    except OSError as error:
        return Finding("network", "note", f"{HUB} cannot be reached ({error}): use local checkpoints and --data-dir")
    return Finding("network", "ok", f"{HUB} can be reached")
