"""The options of the gate: what is gated, and by how much it may lose."""

from dataclasses import dataclass
from typing import Annotated

from clearbench.common.errors import UsageError
from clearbench.common.measures import find_measure
from clearbench.common.options import Option, Range, check_numbers
from clearbench.verdicts.gate.rules import Rule, read_rules
from clearbench.verdicts.options import WHAT, MeasureName, Tasks


@dataclass(frozen=True)
class GateOptions:
    """What is gated, and how much it may lose; by default the tasks that the baseline has.

    The margin is in points, 100 times the measure, or in ranks where the measure is a rank. The confidence is
    one-sided.
    """

    margin: Annotated[
        float, Option("Points (ranks for Max@R) that may be lost at the most.", WHAT, range=Range(minimum=0))
    ] = 1.0
    confidence: Annotated[
        float, Option("One-sided confidence of the limits.", WHAT, range=Range(above=0.5, below=1))
    ] = 0.95
    pairs: Annotated[str | None, Option("Pairs that the margin holds for, all of them (default: en-en).", WHAT)] = None
    tasks: Tasks = None
    measure: MeasureName = None
    rules: Annotated[tuple[Rule, ...], Option("gates.toml with rules on other pairs.", WHAT, read=read_rules)] = ()

    def __post_init__(self) -> None:
        check_numbers(self)
        check_margin(self.margin, self.measure)


def check_margin(margin: float, measure: str | None, flag: str = "--margin") -> None:
    """Check that a margin is within the measure's range.

    Args:
        margin: In points or ranks.
        measure: Name of the measure; None is a main measure, which is a share.
        flag: The option, for messages.
    Raises:
        UsageError: More points may be lost than there are.
    """
    if margin > 100 and (measure is None or find_measure(measure).unit == "share"):
        raise UsageError(f"{flag} {margin:g}: expected points between 0 and 100, such as 1.0.")
