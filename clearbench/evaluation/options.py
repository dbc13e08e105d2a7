"""The options of an evaluation: where results and vectors are written, and which checks are made."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from clearbench.common.options import CACHE_DIR, Option

OUTPUT = "Output"
"""Heading of the options in `--help`."""


@dataclass(frozen=True)
class EvaluationOptions:
    """Where results and vectors are written, and which checks an evaluation makes.

    `save_runs` writes each pair's ranking and judgements as TREC files, and the texts that they name. Without a cache
    folder, vectors are kept in memory only. Without a name, results carry the encoder's name.
    """

    out: Annotated[Path, Option("Results folder.", OUTPUT)] = Path("results")
    name: Annotated[str | None, Option("Model name in results.", OUTPUT)] = None
    save_runs: Annotated[bool, Option("Also write TREC runs, qrels and texts.", OUTPUT)] = False
    replace: Annotated[bool, Option("Measure again what has results already.", OUTPUT)] = False
    verify: Annotated[bool, Option("Compare scores made from ranks with pytrec_eval's.", OUTPUT)] = False
    cache: Annotated[Path | None, CACHE_DIR] = None
