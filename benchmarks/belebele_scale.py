"""Measure the time of all 14,884 pairs of a Belebele-sized task without a model: reading, search, scoring, records.

    python benchmarks/belebele_scale.py

Makes 122 language files of 488 passages and 900 questions with distinct texts, encodes them with random unit vectors
(384 dimensions, like a small model), and runs all pairs as a whole process. For comparison, it measures the same 14,884
matrix products alone. Prints seconds, peak memory, and the size of the written files.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from clearbench.common.files import RECORD_FILE
from clearbench.common.languages import parse_language
from clearbench.records.parts import part_files
from clearbench.records.select import load_results
from clearbench.tasks.catalogue import find_task

ENCODER = """
import zlib

import numpy as np

def encode(texts, role):
    rngs = [np.random.Generator(np.random.SFC64(zlib.crc32(text.encode()))) for text in texts]
    vectors = np.stack([rng.standard_normal(384, dtype=np.float32) for rng in rngs])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

encode.fingerprint = "random-384"
"""


def main() -> None:
    """Make the files, run clearbench twice, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", type=int, default=122)
    count = parser.parse_args().languages
    variants = [parse_language(code).variant for code in find_task("belebele").languages[:count]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder / "data", variants)
        (folder / "random_encoder.py").write_text(ENCODER)
        command = [sys.executable, "-m", "clearbench", "run", "--model", "random_encoder:encode", "--tasks", "belebele"]
        command += ["--all-pairs", "--data-dir", "data", "--out", "out", "--cache-dir", "cache"]
        seconds = {}
        for label in ("first run", "second run (nothing to do)"):
            started = time.perf_counter()
            process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            if status:
                raise SystemExit(f"clearbench failed with status {status}")
            seconds[label] = time.perf_counter() - started
            print(f"{label}: {seconds[label]:.1f} s, peak memory {usage.ru_maxrss / 1e6:.2f} GB", flush=True)
        [entry] = load_results(folder / "out")
        timings, parts = entry.record.timings["seconds"], part_files(entry.place)
        print("phases of the first run, seconds:", {key: round(value, 1) for key, value in timings.items()})
        size = sum(part.stat().st_size for part in parts) / 1e6
        print(
            f"{len(parts)} parts, {size:.1f} MB; record.json {(entry.place / RECORD_FILE).stat().st_size / 1e6:.1f} MB"
        )
    print(f"matrix products alone: {time_products(count):.1f} s")


def write_files(folder: Path, variants: list[str]) -> None:
    """Write files in Belebele's format: 488 passages, 412 of them with two questions."""
    (folder / "belebele").mkdir(parents=True)
    for variant in variants:
        with (folder / "belebele" / f"{variant}.jsonl").open("w", encoding="utf-8") as lines:
            for passage in range(488):
                for number in range(1, 3 if passage < 412 else 2):
                    row = {"link": f"p{passage}", "question_number": number}
                    row["flores_passage"] = f"{variant} passage {passage}"
                    row["question"] = f"{variant} {passage} {number}?"
                    lines.write(json.dumps(row) + "\n")


def time_products(count: int) -> float:
    """Return the seconds for count x count products of [900, 384] by [384, 488]."""
    rng = np.random.default_rng(0)
    queries = rng.standard_normal((900, 384), dtype=np.float32)
    passages = rng.standard_normal((488, 384), dtype=np.float32)
    started = time.perf_counter()
    for _ in range(count * count):
        queries @ passages.T
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
