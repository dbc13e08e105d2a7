"""Options that several verdicts share, each declared once: their fields are annotated with these."""

from typing import Annotated

from clearbench.common.errors import UsageError
from clearbench.common.options import Option, read_names

WHAT, STATISTICS = "What is compared", "Statistics"
"""Headings of the options in `--help`."""

Tasks = Annotated[
    tuple[str, ...] | None,
    Option("Only these tasks, separated by commas (default: all that there are).", WHAT, read=read_names),
]
MeasureName = Annotated[str | None, Option("Measure, such as nDCG@10 (default: each task's main measure).", WHAT)]
Confidence = Annotated[float, Option("Confidence of intervals, and of the tests that tell models apart.", STATISTICS)]
Flips = Annotated[int, Option("Number of random sign flips.", STATISTICS, minimum=1)]
Seed = Annotated[int, Option("Seed of the flips.", STATISTICS, minimum=0)]


def check_confidence(confidence: float, above: float = 0.0) -> None:
    """Check that a confidence can be one.

    Args:
        confidence: What the user asked for.
        above: Where it has to lie above; 0.5 for one-sided confidence.
    Raises:
        UsageError: It is not between `above` and 1.
    """
    if not above < confidence < 1:
        raise UsageError(f"--confidence {confidence:g}: expected a value between {above:g} and 1, such as 0.95.")
