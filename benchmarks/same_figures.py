"""Do two versions of clearbench give the same figures? Compare what each wrote with the same commands.

    python benchmarks/same_figures.py OLD NEW

Every record.json, per-query score, CSV, JSON, LaTeX and Markdown file below OLD is compared with the file of the same
path below NEW. What may differ between two runs is left out: times, the environment, the hash in a model's folder name.
Prints what differs, and exits with 1 if anything does.
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
"""Figures nearer than this are one: the order of a sum may have changed."""
TEXTS = (".csv", ".json", ".tex", ".latex", ".md", ".txt", ".xml")
HASH = re.compile(r"(?<=-)[0-9a-f]{8}\b")


def named(root: Path) -> dict[str, Path]:
    """Path below the root, with models' hashes taken out -> file."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {HASH.sub("*", str(path.relative_to(root))): path for path in files if "cache" not in path.parts}


def compare_records(old: Path, new: Path) -> Iterator[str]:
    """Fields of record.json that differ, the encoder's hash and what varies apart."""
    ours, theirs = (json.loads(path.read_text(encoding="utf-8")) for path in (old, new))
    for key in VARYING:
        ours.pop(key), theirs.pop(key)
    for name, before, after in walk(ours, theirs, ""):
        if not name.endswith(("identity.encoder", "model.weights")):
            yield f"{name}: {before!r} before, {after!r} now"


def walk(old: Any, new: Any, name: str) -> Iterator[tuple[str, Any, Any]]:
    """Leaves of two JSON values that differ: (name, old, new)."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from walk(old.get(key), new.get(key), f"{name}.{key}" if name else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, pair in enumerate(zip(old, new, strict=True)):
            yield from walk(*pair, f"{name}[{place}]")
    elif isinstance(old, float) and isinstance(new, float):
        if abs(old - new) > SAME:
            yield name, old, new
    elif old != new:
        yield name, old, new


def compare_scores(old: Path, new: Path) -> Iterator[str]:
    """The greatest difference of a per-query score, and columns that differ otherwise."""
    ours, theirs = (pq.read_table(path).to_pandas() for path in (old, new))
    if list(ours) != list(theirs) or len(ours) != len(theirs):
        yield f"{len(ours):,} rows of {len(list(ours))} columns before, {len(theirs):,} of {len(list(theirs))} now"
        return
    for column in ours:
        before, after = ours[column].to_numpy(), theirs[column].to_numpy()
        if before.dtype.kind == "f":
            distance = np.nan_to_num(np.abs(before - after)).max(initial=0.0)
            if distance > 0 or not np.array_equal(np.isnan(before), np.isnan(after)):
                yield f"{column}: differs by up to {distance:.3g}"
        elif not np.array_equal(before, after):
            yield f"{column}: differs"


def compare_texts(old: Path, new: Path) -> Iterator[str]:
    """How many lines of a text file differ, and the first of them."""
    ours, theirs = (HASH.sub("*", path.read_text(encoding="utf-8")).splitlines() for path in (old, new))
    other = [pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1]]
    if other or len(ours) != len(theirs):
        first = f"; first {other[0][0][:100]!r} before, {other[0][1][:100]!r} now" if other else ""
        yield f"{len(ours):,} lines before, {len(theirs):,} now, {len(other):,} differ{first}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    options = parser.parse_args()
    old, new = named(options.old), named(options.new)
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
