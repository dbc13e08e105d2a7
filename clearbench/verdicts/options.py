"""Options that several verdicts share, each declared once: their fields are annotated with these."""

from typing import Annotated

from clearbench.common.options import Option, Range, read_names

WHAT, STATISTICS = "What is compared", "Statistics"
"""Headings of the options in `--help`."""

MOST_FLIPS = 1_000_000
"""A limit, because the statistics of all flips are held in memory; p-values are then exact to 0.001 and better."""

Tasks = Annotated[
    tuple[str, ...] | None,
    Option("Only these tasks, separated by commas (default: all that there are).", WHAT, read=read_names),
]
MeasureName = Annotated[str | None, Option("Measure, such as nDCG@10 (default: each task's main measure).", WHAT)]
Confidence = Annotated[
    float,
    Option(
        "Confidence of intervals, and of the tests that tell models apart.", STATISTICS, range=Range(above=0, below=1)
    ),
]
Flips = Annotated[int, Option("Number of random sign flips.", STATISTICS, range=Range(minimum=1, maximum=MOST_FLIPS))]
Seed = Annotated[int, Option("Seed of the flips.", STATISTICS, range=Range(minimum=0))]
