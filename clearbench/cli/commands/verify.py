"""`clearbench verify`: check that records still state what was measured."""

from pathlib import Path
from typing import Annotated

import typer


def verify(
    records: Annotated[list[Path], typer.Argument(help="Results folders, folders of records, baseline files.")],
) -> int:
    """Check records against their scores' hashes and sums, and scores against saved rankings.

    Rankings that --save-runs kept are scored again by pytrec_eval. All that are named are checked; exit code 1 if any
    of them differs, or cannot be found or read.

    Example: clearbench verify results
    """
    from clearbench.common.errors import ClearbenchError

    are_sound = []
    for place in records:
        try:
            are_sound.append(_check_baseline(place) if place.is_file() else _check_records(place))
        except ClearbenchError as error:
            print(f"differs  {place}: {error}")
            are_sound.append(False)
    return 0 if all(are_sound) else 1


def _check_records(place: Path) -> bool:
    """Print a line on each record in a folder, or one on each of its problems; return whether there are none."""
    from clearbench.common.text import count
    from clearbench.evaluation.verify import verify_record
    from clearbench.records.tree import record_folders

    is_sound = True
    for folder in record_folders(place):
        verification = verify_record(folder)
        num_unsummed = verification.num_unsummed
        is_sound &= not verification.problems
        if verification.problems:
            print("\n".join(f"differs  {folder}: {problem}" for problem in verification.problems))
        else:
            what = f"{count(verification.num_pairs, 'pair')}, {verification.num_rescored:,} scored again"
            older = f", {num_unsummed:,} saved without checksums by an older version" if num_unsummed else ""
            print(f"OK       {folder}: {what}{older}")
    return is_sound


def _check_baseline(file: Path) -> bool:
    """Read a baseline file's scores, each of which its records sum up, and print what it holds; return True.

    Raises:
        RecordError: It is damaged.
    """
    from clearbench.common.text import count
    from clearbench.records.matrix import scores_matrix
    from clearbench.verdicts.gate.baseline import read_baseline

    entries = read_baseline(file)
    num_pairs = sum(len(scores_matrix(entry, entry.record.main_measure).pairs) for entry in entries)
    print(f"OK       {file}: a baseline, {count(num_pairs, 'pair')}")
    return True
