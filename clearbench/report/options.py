"""The options of a report."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from clearbench.common.options import Option, Range, check_numbers
from clearbench.verdicts.gate.options import check_margin
from clearbench.verdicts.options import MeasureName, Tasks


@dataclass(frozen=True)
class ReportOptions:
    """What a report shows. Without a baseline, models are compared with the best one and none is gated."""

    title: Annotated[str, Option("Heading of the page.")] = "Retrieval across languages"
    baseline: Annotated[
        str | None,
        Option("Model that others are compared with and gated against (default: compared with the best)."),
    ] = None
    margin: Annotated[
        float,
        Option(
            "Points (ranks for Max@R) of English that may be lost to the baseline at the most.",
            flag="--gate-margin",
            range=Range(minimum=0),
        ),
    ] = 1.0
    tasks: Tasks = None
    measure: MeasureName = None
    training: Annotated[
        tuple[Path, ...],
        Option("Checkpoint of `clearbench train`, or a folder of them, for loss curves (repeatable)."),
    ] = ()

    def __post_init__(self) -> None:
        check_numbers(self)
        check_margin(self.margin, self.measure, "--gate-margin")
