"""Comparison of this installation's figures with published ones: each difference is OK, near or off."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clearbench.common.arrays import Scores
from clearbench.evaluation.pipeline import Evaluation
from clearbench.records.published import NEAR, Published

# Published figures were computed with other library versions.
OK = 0.001
# Half the last of five decimals, which published figures are rounded to, and the rounding of a float.
ROUNDING = 0.5e-5 + 1e-12

Verdict = Literal["OK", "near", "off"]
VERDICTS: tuple[Verdict, ...] = ("OK", "near", "off")


@dataclass(frozen=True)
class ReproducedFigure:
    """One published figure and the figure measured here, both in [0, 1]; `near` is the largest near difference."""

    task: str
    pair: str
    measure: str
    published: float
    measured: float
    near: float = NEAR

    @property
    def difference(self) -> float:
        """Measured minus published."""
        return self.measured - self.published

    @property
    def verdict(self) -> Verdict:
        """OK within 0.001, near within `near`, otherwise off."""
        distance = abs(self.difference)
        return "OK" if distance <= OK else "near" if distance <= self.near else "off"


@dataclass(frozen=True)
class Distribution:
    """The differences of one measure of one task.

    Attributes:
        task: Task name.
        measure: Measure name.
        num_figures: How many there are.
        num_equal: How many are equal to five decimals.
        verdicts: How many are OK, near and off.
        mean: Mean difference, measured minus published.
        quantiles: Least, 5%, median, 95% and greatest difference.
    """

    task: str
    measure: str
    num_figures: int
    num_equal: int
    verdicts: tuple[int, ...]
    mean: float
    quantiles: tuple[float, ...]


def compare_with_published(published: Sequence[Published], evaluations: Sequence[Evaluation]) -> list[ReproducedFigure]:
    """Return every published figure of an evaluated pair, with the figure of the same task's record.

    Args:
        published: The published figures, one entry a task.
        evaluations: The evaluations of these tasks, in the same order.
    """
    figures = []
    for task, evaluation in zip(published, evaluations, strict=True):
        pairs = evaluation.record.by_pair
        for pair in (pair for pair in task.figures if pair in evaluation.asked):
            for measure, value in task.figures[pair].items():
                measured = pairs[pair].measures[measure].mean
                figures.append(ReproducedFigure(task.task, pair, measure, value, measured, task.near))
    return figures


def describe_differences(figures: Sequence[ReproducedFigure]) -> list[Distribution]:
    """Return how the differences of each measure of each task are distributed, in the order of the figures."""
    groups: dict[tuple[str, str], list[ReproducedFigure]] = {}
    for figure in figures:
        groups.setdefault((figure.task, figure.measure), []).append(figure)
    return [_describe(task, measure, group) for (task, measure), group in groups.items()]


def _describe(task: str, measure: str, figures: Sequence[ReproducedFigure]) -> Distribution:
    differences: Scores = np.array([figure.difference for figure in figures])
    verdicts = [figure.verdict for figure in figures]
    return Distribution(
        task=task,
        measure=measure,
        num_figures=len(figures),
        num_equal=int(np.count_nonzero(np.abs(differences) <= ROUNDING)),
        verdicts=tuple(verdicts.count(verdict) for verdict in VERDICTS),
        mean=float(differences.mean()),
        quantiles=tuple(np.quantile(differences, [0, 0.05, 0.5, 0.95, 1]).tolist()),
    )
