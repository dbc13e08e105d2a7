"""Comparison of this installation's figures with published ones: each difference is OK, near or off."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from clearbench.evaluation.pipeline import Evaluation
from clearbench.records.published import Published

# Published figures are rounded to five decimals and were computed with other library versions.
OK, NEAR = 0.001, 0.005


@dataclass(frozen=True)
class ReproducedFigure:
    """One published figure and the figure measured here, both in [0, 1]."""

    task: str
    pair: str
    measure: str
    published: float
    measured: float

    @property
    def difference(self) -> float:
        """Measured minus published."""
        return self.measured - self.published

    @property
    def verdict(self) -> Literal["OK", "near", "off"]:
        """OK within 0.001, near within 0.005, else off."""
        distance = abs(self.difference)
        return "OK" if distance <= OK else "near" if distance <= NEAR else "off"


def compare_with_published(published: Sequence[Published], evaluations: Sequence[Evaluation]) -> list[ReproducedFigure]:
    """Return every published figure with the figure of the same task's record.

    Args:
        published: The published figures, one entry a task.
        evaluations: The evaluations of these tasks, in the same order.
    """
    figures = []
    for task, evaluation in zip(published, evaluations, strict=True):
        pairs = evaluation.record.by_pair
        for pair, measures in task.figures.items():
            for measure, value in measures.items():
                measured = pairs[pair].measures[measure].mean
                figures.append(ReproducedFigure(task.task, pair, measure, value, measured))
    return figures
