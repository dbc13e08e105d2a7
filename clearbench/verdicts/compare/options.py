"""The options of a comparison: what is compared, and how."""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from clearbench.common.errors import UsageError
from clearbench.common.options import Option, read_names

Correction = Literal["max-t", "holm", "bh", "none"]
CORRECTIONS: tuple[str, ...] = get_args(Correction)

WHAT, STATISTICS = "What is compared", "Statistics"
"""Headings of the options in `--help`."""


@dataclass(frozen=True)
class CompareOptions:
    """What to compare and how; with nothing given, all that both models have.

    Intervals are per row and not corrected.
    """

    tasks: Annotated[
        tuple[str, ...] | None, Option("Only these tasks, separated by commas.", WHAT, read=read_names)
    ] = None
    pairs: Annotated[str | None, Option("Only these pairs, query language first: '*-en,de-de'.", WHAT)] = None
    measure: Annotated[str | None, Option("Default: each task's main measure.", WHAT)] = None
    correction: Annotated[
        Correction,
        Option("max-t and holm bound the chance of any false mark, bh the share of false marks.", STATISTICS),
    ] = "max-t"
    confidence: Annotated[float, Option("Confidence of the intervals.", STATISTICS)] = 0.95
    flips: Annotated[int, Option("Number of random sign flips.", STATISTICS, minimum=1)] = 10_000
    seed: Annotated[int, Option("Seed of the flips.", STATISTICS, minimum=0)] = 0

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1:
            raise UsageError(f"--confidence {self.confidence:g}: expected a value between 0 and 1, such as 0.95.")
