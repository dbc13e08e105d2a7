"""The options of a comparison: what is compared, and how."""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from clearbench.common.options import Option, check_numbers
from clearbench.verdicts.options import (
    STATISTICS,
    WHAT,
    Confidence,
    Flips,
    MeasureName,
    Seed,
    Tasks,
)

Correction = Literal["max-t", "holm", "bh", "none"]
CORRECTIONS: tuple[str, ...] = get_args(Correction)


@dataclass(frozen=True)
class CompareOptions:
    """What to compare and how; by default, all that both models have.

    An interval is for one row and is not corrected.
    """

    tasks: Tasks = None
    pairs: Annotated[str | None, Option("Only these pairs, query language first: '*-en,de-de'.", WHAT)] = None
    measure: MeasureName = None
    correction: Annotated[
        Correction,
        Option("max-t and holm bound the chance of any false mark, bh the share of false marks.", STATISTICS),
    ] = "max-t"
    confidence: Confidence = 0.95
    flips: Flips = 10_000
    seed: Seed = 0

    def __post_init__(self) -> None:
        check_numbers(self)
