"""Sign-flip tests of paired differences, and corrections of p-values for many tests.

Whole clusters of dependent queries are flipped: questions about one passage are dependent, and a question has
translations in every language.

Shapes: C clusters, P columns (language pairs, or groups of them), M flips.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clearbench.common.arrays import Scores
from clearbench.common.errors import ScoringError

# Flips drawn at a time, and columns flipped at a time: [256, 8192] float64 are 16 MiB. What a seed draws depends on the
# first, so changing it gives other p-values.
FLIPS_AT_ONCE = 256
COLUMNS_AT_ONCE = 8192
# Statistics that differ by less are ties: they are sums of some hundred terms with unit sum of squares, exact to 1e-14.
TIE = 1e-9
# A column of cluster sums shorter than this is rounding: one query's least difference, averaged over 122 x 122 pairs of
# 900 queries, is above 1e-10.
ROUNDING = 1e-14


@dataclass(frozen=True)
class FlipTest:
    """Two-sided p-values of a sign-flip test, float64 [P].

    Attributes:
        p: p-value of each column by itself.
        p_max_t: p-value adjusted for the family: the chance that any column reaches as much when no column has a true
            difference.
    """

    p: Scores
    p_max_t: Scores


def sign_flip_test(sums_CP: Scores, flips: int = 10_000, seed: int = 0) -> FlipTest:
    """Test by sign flips whether the mean difference of any column is other than 0.

    Args:
        sums_CP: Cluster sums of the differences, float64 [C, P].
        flips: Number of random flips.
        seed: Seed of the flips; not negative.
    Raises:
        ScoringError: See `sign_flip_tests`, which does this for several sets of clusters.
    """
    return sign_flip_tests([sums_CP], flips, seed)[0]


def sign_flip_tests(blocks: Sequence[Scores], flips: int = 10_000, seed: int = 0) -> list[FlipTest]:
    """Test by flipping the signs of whole clusters, one flip for all columns at once (a paired randomisation test).

    Statistic: |sum_c s_c| / sqrt(sum_c s_c^2). Flips do not change the denominator, so a column's own p is that of its
    mean; the denominator makes columns comparable for the maximum. (For one number of clusters this orders as the t
    statistic of the cluster sums does: t^2 = (C - 1) z^2 / (C - z^2).) p = (1 + flips that reach it) / (1 + flips),
    ties counting as reached.

    Args:
        blocks: One matrix of cluster sums, float64 [C, P], per set of clusters (a task has its own); the family that
            `p_max_t` adjusts for is all columns of all blocks. A column's `p` does not depend on the other columns
            or blocks.
        flips: Number of random flips.
        seed: Seed of the flips; not negative.
    Returns:
        One FlipTest per block.
    Raises:
        ScoringError: A sum is not finite, `flips` is below 1 or `seed` below 0.
    Source: Smucker, Allan & Carterette (2007), section 3.1, with clusters in place of queries; the family-wise
        maximum: Westfall & Young (1993), single step, in retrieval: Boytsov, Belova & Westfall (2013).
    """
    if flips < 1 or seed < 0:
        raise ScoringError(f"{flips} flips with seed {seed}: expected at least one flip and a seed of 0 or more.")
    if not all(np.isfinite(block).all() for block in blocks):
        raise ScoringError("A sign-flip test was given a sum that is not finite.")
    standard = [_unit_columns(block) for block in blocks]
    observed = [np.abs(block.sum(axis=0)) for block in standard]
    reached = [np.zeros(block.shape[1], dtype=np.int64) for block in standard]
    maxima = np.zeros(flips)
    width = max((len(block) for block in standard), default=0)
    for number, start in enumerate(range(0, flips, FLIPS_AT_ONCE)):
        signs_CM = _signs(seed, number, width)[:, : flips - start]
        highest_M = maxima[start : start + FLIPS_AT_ONCE]
        for block, own, count in zip(standard, observed, reached, strict=True):
            for left in range(0, block.shape[1], COLUMNS_AT_ONCE):
                columns = slice(left, left + COLUMNS_AT_ONCE)
                flipped_MP = np.abs(signs_CM[: len(block)].T @ block[:, columns])
                count[columns] += np.count_nonzero(flipped_MP >= own[columns] - TIE, axis=0)
                np.maximum(highest_M, flipped_MP.max(axis=1), out=highest_M)
    maxima.sort()
    family = [flips - np.searchsorted(maxima, own - TIE, side="left") for own in observed]
    return [
        FlipTest((1 + own) / (1 + flips), (1 + maximum) / (1 + flips))
        for own, maximum in zip(reached, family, strict=True)
    ]


def holm(p: Scores) -> Scores:
    """Adjust p-values by Holm (1979): family-wise control whatever the dependence."""
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def benjamini_hochberg(p: Scores) -> Scores:
    """Adjust p-values by Benjamini & Hochberg (1995), which bounds the share of false findings; for exploration."""
    from scipy.stats import false_discovery_control

    adjusted: Scores = false_discovery_control(p) if len(p) else np.empty(0)
    return adjusted


def _unit_columns(sums_CP: Scores) -> Scores:
    """Return columns scaled to unit sum of squares; a column that is only rounding becomes zeros."""
    length = np.sqrt((sums_CP**2).sum(axis=0))
    unit: Scores = np.where(length > ROUNDING, sums_CP / np.where(length > ROUNDING, length, 1.0), 0.0)
    return unit


def _signs(seed: int, number: int, width: int) -> Scores:
    """Return the flips of one draw, -1.0 or 1.0 [width, FLIPS_AT_ONCE]; no row depends on the width."""
    draws = np.random.default_rng([seed, number]).integers(0, 2, size=(width, FLIPS_AT_ONCE), dtype=np.int8)
    return 2.0 * draws.astype(np.float64) - 1.0
