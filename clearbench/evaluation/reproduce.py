"""Compare this installation's figures with published ones: each pair of figures is OK, near or off."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from clearbench.evaluation.pipeline import Evaluation
from clearbench.records.published import Published

# Published figures are rounded to five decimals and were computed with other library versions.
OK, NEAR = 0.001, 0.005


@dataclass(frozen=True)
class ReproducedFigure:
    """One published figure beside ours, both in [0, 1]."""

    task: str
    pair: str
    measure: str
    published: float
    found: float

    @property
    def difference(self) -> float:
        """Ours minus the published one."""
        return self.found - self.published

    @property
    def verdict(self) -> Literal["OK", "near", "off"]:
        """OK within 0.001, near within 0.005, else off."""
        size = abs(self.difference)
        return "OK" if size <= OK else "near" if size <= NEAR else "off"


def compare_with_published(published: Sequence[Published], evaluations: Sequence[Evaluation]) -> list[ReproducedFigure]:
    """Put every published figure beside the one in the record of the same task; both are in the same order."""
    figures = []
    for task, evaluation in zip(published, evaluations, strict=True):
        pairs = evaluation.record.by_pair
        for pair, measures in task.figures.items():
            for measure, value in measures.items():
                found = pairs[pair].measures[measure].mean
                figures.append(ReproducedFigure(task.task, pair, measure, value, found))
    return figures
