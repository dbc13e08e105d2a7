"""`clearbench verify`: whether records still say what was measured."""

from pathlib import Path
from typing import Annotated

import typer


def verify(
    records: Annotated[list[Path], typer.Argument(help="Results folders, folders of records, baseline files.")],
) -> int:
    """Check records against their scores' hashes and sums, and scores against saved rankings.

    Rankings that --save-runs kept are scored again by pytrec_eval. Exit code 1 if anything differs.

    Example: clearbench verify results
    """
    from clearbench.common.text import count
    from clearbench.evaluation.verify import verify_record
    from clearbench.records.select import record_folders

    differs = False
    for place in records:
        if place.is_file():
            print(f"OK       {place}: {_check_baseline(place)}")
            continue
        for folder in record_folders(place):
            found = verify_record(folder)
            differs |= bool(found.problems)
            if found.problems:
                print("\n".join(f"differs  {folder}: {problem}" for problem in found.problems))
            else:
                print(f"OK       {folder}: {count(found.num_pairs, 'pair')}, {found.num_rescored:,} scored again")
    return int(differs)


def _check_baseline(file: Path) -> str:
    """Read a baseline file's scores, each of which its records sum up; return what it holds."""
    from clearbench.common.text import count
    from clearbench.records.matrix import scores_matrix
    from clearbench.verdicts.gate.baseline import read_baseline

    entries = read_baseline(file)
    num_pairs = sum(len(scores_matrix(entry, entry.record.main_measure).pairs) for entry in entries)
    return f"a baseline, {count(num_pairs, 'pair')}"
