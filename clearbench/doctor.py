"""What this installation can do: versions, devices, cache, data, network. Reads only; loads no model."""

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
from clearbench.common.languages import Language, parse_language
from clearbench.common.pairs import Pair
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
)
"""Extra, a package of it, and what that is for."""
HUB, NETWORK_SECONDS = "huggingface.co", 3.0
LITTLE_SPACE = 2e9
"""Bytes; with less free space the cache is a problem."""
BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
"""Flags of processors that multiply in bf16."""


@dataclass(frozen=True)
class Finding:
    """One line of what was found.

    Attributes:
        topic: What was looked at.
        state: "problem" where something stands in the way, "note" where something could be had that is not there.
        text: What was seen, or what to do.
    """

    topic: str
    state: State
    text: str


def examine(location: DataLocation) -> Iterator[Finding]:
    """Look at everything, one finding after the other; nothing raises."""
    yield Finding("versions", "ok", ", ".join(f"{name} {found}" for name, found in describe_environment().items()))
    yield from _devices()
    yield from _extras()
    yield _cache(location.cache_dir or default_cache())
    yield from _data(location)
    yield _tokeniser()
    if not location.offline:
        yield _network()


def _devices() -> Iterator[Finding]:
    import torch

    threads = f"{torch.get_num_threads()} threads of {os.cpu_count()} cores"
    bf16 = "bf16 instructions" if _cpu_flags() & BF16_FLAGS else "no bf16 instructions: --dtype bf16 is slower here"
    yield Finding("cpu", "ok", f"{threads}, {bf16}")
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        yield Finding("gpu", "ok", ", ".join(names))
    elif torch.backends.mps.is_available():
        yield Finding("gpu", "ok", "Apple (mps)")
    else:
        yield Finding("gpu", "note", "none that this torch can use; everything runs on the CPU")


def _cpu_flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    return {flag for line in text.splitlines() if line.startswith(("flags", "Features")) for flag in line.split()}


def _extras() -> Iterator[Finding]:
    for extra, package, purpose in EXTRAS:
        try:
            yield Finding(f"extra {extra}", "ok", f"{package} {version(package)}: {purpose}")
        except PackageNotFoundError:
            hint = f"{package} is not installed; {purpose}: pip install 'clearbench[{extra}]'"
            yield Finding(f"extra {extra}", "note", hint)


def _cache(cache: Path) -> Finding:
    existing = next(folder for folder in (cache, *cache.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if not os.access(existing, os.W_OK):
        return Finding("cache", "problem", f"{cache} cannot be written. Set CLEARBENCH_CACHE to a folder of yours.")
    try:
        held = sum(entry.num_bytes for entry in list_vectors(cache))
    except (ClearbenchError, OSError) as error:
        return Finding("cache", "problem", str(error))
    text = f"{cache}: {held / 1e6:,.0f} MB of vectors, {free / 1e9:,.0f} GB free"
    return Finding("cache", "problem" if free < LITTLE_SPACE else "ok", text)


def _data(location: DataLocation) -> Iterator[Finding]:
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
    """Return how many of a task's files are there, and how many it defines."""
    files = open_files(spec, location)
    languages = [parse_language(name) for name in spec.languages]
    found = defined = 0
    for source in spec.sources:
        for language, pair in _slots("".join([*source.local, source.bundled or ""]), languages):
            defined += 1
            found += files.find_local(source.key, language=language, pair=pair) is not None
    return found, defined


def _slots(patterns: str, languages: list[Language]) -> list[tuple[Language | None, Pair | None]]:
    """What the placeholders of a file name stand for: nothing, each language, or each pair."""
    if "{query}" in patterns or "{passage}" in patterns:
        return [(None, Pair(query, passage)) for query in languages for passage in languages]
    if "{" in patterns.replace("{split}", ""):
        return [(language, None) for language in languages]
    return [(None, None)]


def _tokeniser() -> Finding:
    from clearbench.scoring.answers.xor import official_tokeniser

    try:
        name = official_tokeniser(offline=True).name
    except ClearbenchError:
        text = "XOR-Retrieve's official tokeniser lacks nltk's punkt data (NLTK_DATA); it is fetched at first use"
        return Finding("nltk", "note", text)
    return Finding("nltk", "ok", f"XOR-Retrieve's official tokeniser: {name}")


def _network(connect: Callable[..., socket.socket] = socket.create_connection) -> Finding:
    try:
        connect((HUB, 443), timeout=NETWORK_SECONDS).close()
    except OSError as error:
        return Finding("network", "note", f"{HUB} cannot be reached ({error}): use local checkpoints and --data-dir")
    return Finding("network", "ok", f"{HUB} can be reached")
