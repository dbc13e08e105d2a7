"""The types of a comparison of two models: its rows, and the whole."""

import math
from dataclasses import dataclass
from typing import Literal

from clearbench.common.measures import find_measure
from clearbench.verdicts.compare.options import CompareOptions

# Marks of significance, by corrected p.
LEVELS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))


@dataclass(frozen=True, kw_only=True)
class ComparedRow:
    """One pair, or one group of pairs, of one task; scores are in the unit of the measure.

    Attributes:
        task: Label of the task.
        measure: Which measure.
        kind: "pair" or "group".
        name: "de-en", or a group of `stats.averages.GROUPS`.
        num_pairs: Number of pairs; 1 for a pair.
        num_queries: Number of queries; for a group, summed over its pairs.
        num_clusters: Clusters of dependent queries, the units of the interval and the test.
        base: Mean of the base; for a group, the mean of its pairs' means.
        other: Mean of the other model.
        difference: other - base.
        lower: Lower end of the difference's interval; None with fewer than two clusters, or where no difference varies.
        upper: Upper end, or None likewise.
        p: Two-sided p of the sign-flip test.
        p_corrected: That p, corrected for its family: all pairs, or all groups, of everything compared.
        wins: Queries on which the other is better; for a group, pairs on whose mean it is better.
        ties: Queries, or pairs, with no difference.
        losses: Queries, or pairs, on which the base is better.
        d_z: Mean difference / standard deviation of the per-query differences; None for groups, and where no
            difference varies.
    """

    task: str
    measure: str
    kind: Literal["pair", "group"]
    name: str
    num_pairs: int
    num_queries: int
    num_clusters: int
    base: float
    other: float
    difference: float
    lower: float | None
    upper: float | None
    p: float = math.nan
    p_corrected: float = math.nan
    wins: int
    ties: int
    losses: int
    d_z: float | None = None

    @property
    def marks(self) -> str:
        """Significance of the corrected p: *** below .001, ** below .01, * below .05."""
        return next((mark for level, mark in LEVELS if self.p_corrected < level), "")

    @property
    def gain(self) -> float:
        """The difference, positive where the other model is better."""
        return find_measure(self.measure).sign * self.difference

    @property
    def points(self) -> float:
        """What tables multiply scores by: 100 for shares, 1 for ranks."""
        return find_measure(self.measure).points


@dataclass(frozen=True)
class Comparison:
    """One model against the base.

    Attributes:
        base: Key of the base, `<name>-<hash8>`.
        other: Key of the other model.
        base_name: Name of the base, or its key where two of the compared models have the same name.
        other_name: Name of the other model, or its key likewise.
        options: What was asked for.
        pairs: One row per task and pair.
        groups: One row per task and group of pairs.
        num_tests: Tests that the correction of pairs covers, those of other models in the same call included.
        missing: Tasks and pairs that only one of the two has, one sentence each.
        notes: What a reader should know, such as differing precision or tests that cannot be significant.
    """

    base: str
    other: str
    base_name: str
    other_name: str
    options: CompareOptions
    pairs: tuple[ComparedRow, ...]
    groups: tuple[ComparedRow, ...]
    num_tests: int
    missing: tuple[str, ...]
    notes: tuple[str, ...]
