"""Golden files: results, a baseline, a leaderboard and vectors as the code of one version writes them.

    cd tests && python -m builders.golden golden/parts-N

writes them with today's code: for a new version of a format, never over the files of an old one.
"""

import sys
from pathlib import Path

from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets
from clearbench.cli.app import execute
from clearbench.evaluation.options import EvaluationOptions
from clearbench.evaluation.pipeline import Evaluation
from clearbench.tasks.mixed import mix

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def evaluate_golden(folder: Path, languages: tuple[str, ...] = ("en", "de")) -> list[Evaluation]:
    """Evaluate what golden files hold, or more languages, in a folder that has `results` and `cache`."""
    data = parallel_set(languages, size=6)
    sets = [data, mix(data)] if languages == ("en", "de") else [data]
    options = EvaluationOptions(folder / "results", save_runs=True, cache=folder / "cache")
    return evaluate_sets(HashEncoder(name="base", salt="a"), sets, options)


def write_golden(folder: Path) -> None:
    """Write golden files into a folder that does not exist yet."""
    folder.mkdir(parents=True)
    evaluate_golden(folder)
    results, baseline = str(folder / "results"), str(folder / "baseline.parquet")
    assert execute(["gate", "--baseline", "base", "--results", results, "--save-baseline", baseline]) == 0
    assert execute(["leaderboard", results, "--out", str(folder / "leaderboard.json")]) == 0
    for lock in folder.rglob(".*.lock"):
        lock.unlink()


if __name__ == "__main__":
    write_golden(Path(sys.argv[1]))
