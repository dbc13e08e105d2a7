"""A small world to inject faults into: a task, two encoders, a checkpoint, rows, and all that commands make of them."""

import json
import re
import shutil
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from builders.encoders import tiny_checkpoint
from builders.tasks import write_belebele, write_task
from faults.process import Finished, run

VARIANTS = ("eng_Latn", "deu_Latn", "swh_Latn")
LANGUAGES = ["en", "de", "sw"]
ENCODERS = """
    import numpy as np
    from clearbench.common.hashing import content_hash
    from clearbench.encoders.vectors import embed

    embed.PART_SECONDS = -1.0  # a part of the embedding cache after every batch


    class Encoder:
        def __init__(self, salt):
            self.salt = self.fingerprint = salt

        def __call__(self, texts, role):
            vectors = np.zeros((len(texts), 32), dtype=np.float32)
            for place, text in enumerate(texts):
                for word in text.replace(".", " ").replace("?", " ").split()[1:]:  # the first word is the language
                    seed = int(content_hash(self.salt, word), 16) % 2**32
                    vectors[place] += np.random.default_rng(seed).standard_normal(32)
            return vectors


    a, b = Encoder("a"), Encoder("b")
"""
DATA = ("--tasks", "tiny.toml", "--data-dir", "data", "--all-pairs", "--cache-dir", "cache", "--batch-tokens", "64")
TRAIN = (
    "train", "--model", "base", "--data", "rows.parquet", "--loss", "infonce", "--steps", "4", "--batch-size", "4",
    "--save-every", "2", "--device", "cpu", "--lr", "0.01",
)  # fmt: skip
BUILD = ("rows", "build", "--task", "tiny.toml", "--data-dir", "data", "--languages", "de")
TIMES = {"timings", "finished", "software_commit"}
"""Keys of JSON files that differ between two runs of the same command."""
CLOCK = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?Z?|\d+(\.\d+)? (s|seconds|minutes|rows/s)\b")


def evaluation(model: str = "a", out: str = "out", *more: str) -> list[str]:
    """Return the arguments that evaluate an encoder of this world on all pairs.

    Args:
        model: `a` or `b`.
        out: Results folder.
        more: Further arguments.
    """
    return ["run", "--model", f"fault_encoders:{model}", *DATA, "--out", out, *more]


def build_files(folder: Path) -> Path:
    """Write the task, its data, the encoders and a checkpoint: what a user brings."""
    folder.mkdir(parents=True, exist_ok=True)
    write_belebele(folder / "data", *VARIANTS, passages=6)
    write_task(folder, languages=LANGUAGES)
    (folder / "fault_encoders.py").write_text(textwrap.dedent(ENCODERS))
    tiny_checkpoint(folder / "base")
    return folder


MADE: Sequence[Sequence[str]] = (
    evaluation("a", "out", "--save-runs"),
    evaluation("b", "out", "--save-runs"),
    ["gate", "--baseline", "fault_encoders.a", "--results", "out", "--save-baseline", "baseline.parquet"],
    [*BUILD, "--out", "rows.parquet"],
    [*TRAIN, "--out", "trained"],
)
"""Commands that make a file of every kind."""


def build_world(folder: Path) -> Path:
    """Write what a user brings, and have commands make a file of every kind of it."""
    build_files(folder)
    for arguments in MADE:
        expect_success(run(arguments, folder), arguments)
    _train_half(folder)
    return folder


def _train_half(folder: Path) -> None:
    """Leave a training run that was killed between its two checkpoints."""
    half = folder / "half"
    for die_at in range(16, 200, 4):
        run([*TRAIN, "--out", "half"], folder, die_at=die_at)
        if (half / "checkpoint-2").is_dir():
            break
        shutil.rmtree(half)
    assert not (half / "checkpoint-4").exists()


def expect_success(finished: Finished, arguments: Sequence[str]) -> Finished:
    """Return how a command ended, which must be well."""
    assert finished.code == 0, f"clearbench {' '.join(arguments)}: exit code {finished.code}\n{finished.err}"
    return finished


def copy_world(world: Path, folder: Path) -> Path:
    """Return a copy of a world to harm."""
    shutil.copytree(world, folder, symlinks=True)
    return folder


def contents(folder: Path, lasting: Callable[[Path], bool] = lambda file: True) -> dict[str, bytes]:
    """Return the files below a folder, as bytes without times.

    Args:
        folder: Where to look.
        lasting: Whether a file counts.
    """
    files = sorted(file for file in folder.rglob("*") if file.is_file() and lasting(file))
    return {file.relative_to(folder).as_posix(): without_times(file) for file in files}


def without_times(file: Path) -> bytes:
    """Return a file's bytes without what tells when it was made, or how long that took."""
    data = file.read_bytes()
    if file.suffix == ".json":
        try:
            return json.dumps(_strip(json.loads(data)), sort_keys=True).encode()
        except ValueError:
            return data
    return CLOCK.sub(b"", data) if file.suffix in {".html", ".md"} else data


def _strip(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _strip(item) for key, item in value.items() if key not in TIMES}
    return [_strip(item) for item in value] if isinstance(value, list) else value
