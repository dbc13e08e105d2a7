"""Check that two versions of clearbench give the same figures, by comparing the files of the same commands.

    python benchmarks/same_figures.py OLD NEW

Compares every record.json, per-query score, CSV, JSON, LaTeX and Markdown file below OLD with the file at the same path
below NEW. Ignores values that may differ between two runs: times, the environment, and the hash in the name of a
model's folder. Prints the differences, and exits with 1 if there are any.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

VARYING = ("timings", "environment")
SAME = 1e-12
"""Figures with a smaller difference are equal, because the order of a sum may have changed."""
TEXTS = (".csv", ".json", ".tex", ".latex", ".md", ".txt", ".xml")
HASH = re.compile(r"(?<=-)[0-9a-f]{8}\b")


def files_by_name(root: Path) -> dict[str, Path]:
    """Return path below the root, without models' hashes -> file."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {HASH.sub("*", str(path.relative_to(root))): path for path in files if "cache" not in path.parts}


def compare_records(old: Path, new: Path) -> Iterator[str]:
    """Yield the fields of record.json that differ, except for the encoder's hash and VARYING."""
    old_record, new_record = (json.loads(path.read_text(encoding="utf-8")) for path in (old, new))
    for key in VARYING:
        old_record.pop(key), new_record.pop(key)
    for name, before, after in find_differences(old_record, new_record, ""):
        if not name.endswith(("identity.encoder", "model.weights")):
            yield f"{name}: {before!r} before, {after!r} now"


def find_differences(old: Any, new: Any, name: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield (name, old, new) of the leaves of two JSON values that differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from find_differences(old.get(key), new.get(key), f"{name}.{key}" if name else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from find_differences(*pair, f"{name}[{index}]")
    elif isinstance(old, float) and isinstance(new, float):
        if abs(old - new) > SAME:
            yield name, old, new
    elif old != new:
        yield name, old, new


def compare_scores(old: Path, new: Path) -> Iterator[str]:
    """Yield the largest difference in each column of scores, and the other columns that differ."""
    old_table, new_table = (pq.read_table(path).to_pandas() for path in (old, new))
    old_columns, new_columns = list(old_table), list(new_table)
    if old_columns != new_columns or len(old_table) != len(new_table):
        yield (
            f"{len(old_table):,} rows of {len(old_columns)} columns before, "
            f"{len(new_table):,} of {len(new_columns)} now"
        )
        return
    for column in old_columns:
        before, after = old_table[column].to_numpy(), new_table[column].to_numpy()
        if before.dtype.kind == "f":
            distance = np.nan_to_num(np.abs(before - after)).max(initial=0.0)
            if distance > 0 or not np.array_equal(np.isnan(before), np.isnan(after)):
                yield f"{column}: differs by up to {distance:.3g}"
        elif not np.array_equal(before, after):
            yield f"{column}: differs"


def compare_texts(old: Path, new: Path) -> Iterator[str]:
    """Yield the number of lines of a text file that differ, and the first of them."""
    old_lines, new_lines = (HASH.sub("*", path.read_text(encoding="utf-8")).splitlines() for path in (old, new))
    different = [pair for pair in zip(old_lines, new_lines, strict=False) if pair[0] != pair[1]]
    if different or len(old_lines) != len(new_lines):
        first = f"; first {different[0][0][:100]!r} before, {different[0][1][:100]!r} now" if different else ""
        yield f"{len(old_lines):,} lines before, {len(new_lines):,} now, {len(different):,} differ{first}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    options = parser.parse_args()
    old, new = files_by_name(options.old), files_by_name(options.new)
    counts: Counter[str] = Counter()
    differing = [f"only one has {name}" for name in sorted(old.keys() ^ new.keys())]
    for name in sorted(old.keys() & new.keys()):
        compare = {"record.json": compare_records}.get(old[name].name)
        if compare is None:
            kinds = {".parquet": compare_scores, **dict.fromkeys(TEXTS, compare_texts)}
            compare = kinds.get(old[name].suffix)
        if compare is None:
            continue
        counts[old[name].name if old[name].name == "record.json" else old[name].suffix] += 1
        differing += [f"{name}: {difference}" for difference in compare(old[name], new[name])]
    print(f"compared: {', '.join(f'{number:,} {kind}' for kind, number in sorted(counts.items()))}")
    print("\n".join(differing) or "no difference")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
