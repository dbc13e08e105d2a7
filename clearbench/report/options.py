"""The options of a report."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from clearbench.common.options import Option, Range, check_numbers
from clearbench.verdicts.gate.options import check_margin
from clearbench.verdicts.options import MeasureName, Tasks


@dataclass(frozen=True)
class ReportOptions:
    """The options of a report. Without a baseline, models are compared with the best model and there is no gate."""

    title: Annotated[str, Option("Heading of the page.")] = "Retrieval across languages"
    baseline: Annotated[
        str | None,
        Option("Model to compare and to gate with (default: compare with the best model, no gate)."),
    ] = None
    margin: Annotated[
        float,
        Option(
            "Largest allowed loss of English against the baseline, in points (in ranks for Max@R).",
            flag="--gate-margin",
            range=Range(minimum=0),
        ),
    ] = 1.0
    tasks: Tasks = None
    measure: MeasureName = None
    training: Annotated[
        tuple[Path, ...],
        Option("Checkpoint of `clearbench train`, or a folder of checkpoints, for loss curves (repeatable)."),
    ] = ()

    def __post_init__(self) -> None:
        check_numbers(self)
        check_margin(self.margin, self.measure, "--gate-margin")
