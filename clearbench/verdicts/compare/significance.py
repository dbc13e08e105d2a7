"""p-values of a comparison: sign flips of clusters that all models and pairs of a task share, and corrections."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from clearbench.common.arrays import Scores
from clearbench.stats.flips import FlipTest, benjamini_hochberg, holm, sign_flip_tests
from clearbench.verdicts.compare.options import CompareOptions


class Flippable(NamedTuple):
    """What is tested of one model on one task.

    Attributes:
        task: The task's label; parts of one task share their flips.
        cluster_names: Names of the rows.
        sums: Sums of differences whose signs are flipped, float64 [C, P].
    """

    task: str
    cluster_names: tuple[str, ...]
    sums: Scores


class PValues(NamedTuple):
    """p-values of each column, float64 [P]: its own, and corrected for the family of all parts' columns."""

    p: Scores
    corrected: Scores


def flip_parts(parts: Sequence[Flippable], options: CompareOptions) -> list[PValues]:
    """Test all parts as one family, with one flip per cluster of a task, whatever model or pair.

    Args:
        parts: Any number of models and tasks.
        options: Flips, seed and correction.
    """
    by_task: dict[str, list[int]] = {}
    for place, part in enumerate(parts):
        by_task.setdefault(part.task, []).append(place)
    blocks = [_join([parts[place] for place in places]) for places in by_task.values()]
    tests = sign_flip_tests(blocks, options.flips, options.seed)
    corrected = _correct(tests, options.correction)
    by_place: dict[int, PValues] = {}
    for places, test, adjusted in zip(by_task.values(), tests, corrected, strict=True):
        ends = np.cumsum([parts[place].sums.shape[1] for place in places])[:-1]
        split = zip(np.split(test.p, ends), np.split(adjusted, ends), strict=True)
        by_place |= {place: PValues(*values) for place, values in zip(places, split, strict=True)}
    return [by_place[place] for place in range(len(parts))]


def _join(parts: Sequence[Flippable]) -> Scores:
    """Put the columns of parts of one task side by side, over the clusters of all, float64 [C, P]."""
    names = sorted({name for part in parts for name in part.cluster_names})
    index: Mapping[str, int] = {name: number for number, name in enumerate(names)}
    block = np.zeros((len(names), sum(part.sums.shape[1] for part in parts)))
    left = 0
    for part in parts:
        width = part.sums.shape[1]
        block[[index[name] for name in part.cluster_names], left : left + width] = part.sums
        left += width
    return block


def _correct(tests: Sequence[FlipTest], correction: str) -> list[Scores]:
    if correction == "max-t":
        return [test.p_max_t for test in tests]
    if correction == "none":
        return [test.p for test in tests]
    adjusted = (holm if correction == "holm" else benjamini_hochberg)(np.concatenate([test.p for test in tests]))
    return np.split(adjusted, np.cumsum([len(test.p) for test in tests])[:-1])
