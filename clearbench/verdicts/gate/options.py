"""The options of the gate: what is gated, and by how much it may lose."""

from dataclasses import dataclass
from typing import Annotated

from clearbench.common.options import Option, read_names
from clearbench.verdicts.gate.rules import Rule, read_rules

GATED = "What is gated"
"""Heading of the options in `--help`."""


@dataclass(frozen=True)
class GateOptions:
    """What is gated. The margin is in points, 100 times the measure, or in ranks where the measure is a rank."""

    margin: Annotated[float, Option("Points (ranks for Max@R) that may be lost at the most.", GATED)] = 1.0
    confidence: Annotated[float, Option("One-sided confidence.", GATED)] = 0.95
    pairs: Annotated[str | None, Option("Pairs that the margin holds for, all of them (default: en-en).", GATED)] = None
    tasks: Annotated[
        tuple[str, ...] | None,
        Option("Only these tasks, separated by commas (default: the baseline's).", GATED, read=read_names),
    ] = None
    measure: Annotated[str | None, Option("Measure (default: each task's main measure).", GATED)] = None
    rules: Annotated[tuple[Rule, ...], Option("gates.toml with rules on other pairs.", GATED, read=read_rules)] = ()
