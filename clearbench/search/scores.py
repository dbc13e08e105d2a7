"""The score of a query and a passage, exact however it is computed.

The score of two vectors is their exact inner product, rounded to float64 and from there to float32. A matrix product in
float32 only approximates it, with an error that depends on blocks, threads and library. So such products only narrow
the candidates down: wherever their proved error leaves a comparison open, exact scores decide. Therefore ranks,
rankings, saved runs and trec_eval, which compares scores as float32, all agree.

Sources: products of two float32 numbers are exact in float64 (24 + 24 bits fit into 53). Sums of n terms in any order,
with or without fused operations, are off by at most n * u / (1 - n * u) times the sum of magnitudes, u being half the
spacing of numbers at 1: Higham (2002), "Accuracy and Stability of Numerical Algorithms", section 3.1. `math.fsum` sums
exactly (Shewchuk 1997).

Shape letters: N pairs of a query and a text, R queries of a block, U distinct passage texts, D dimensions.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from clearbench.common.arrays import BoolArray, FloatArray, IntArray, Scores
from clearbench.common.errors import SearchError
from clearbench.common.text import count

# Half the spacing of numbers at 1.
UNIT_32, UNIT_64 = 2.0**-24, 2.0**-53
# Each of a sum's products and steps may also lose what is smaller than the least normal float32 number.
UNDERFLOW_32 = 2.0**-125
# The least float32 number with all of its digits.
LEAST_NORMAL_32 = 2.0**-126
# Products of single pairs computed at a time: float64, 1 MB, stays in the processor's cache.
PRODUCTS_AT_ONCE = 131_072
# Passage components, or products with all of a block's queries, in memory as float64 at a time: 64 MB.
DOUBLES_AT_ONCE = 8_000_000
# Where more than this share of a block's scores is wanted, a float64 matrix product of all of them is quicker.
DENSE = 0.1


@dataclass(frozen=True)
class Vectors:
    """Vectors with their lengths.

    Attributes:
        values: float32 [N, D].
        lengths: Euclidean length of each, float64 [N]; NaN or infinite where a value is.
    """

    values: FloatArray
    lengths: Scores


def measure_vectors(values: FloatArray) -> Vectors:
    """Return vectors with their lengths."""
    return Vectors(values, np.sqrt(np.einsum("nd,nd->n", values, values, dtype=np.float64)))


def refuse_underflow(queries: Vectors, passages: Vectors) -> None:
    """Refuse queries that have no score with all the digits of float32 because the vectors are too short.

    By the Cauchy-Schwarz inequality no score is larger than the product of the two lengths. Vectors of zeros pass:
    their scores of 0 are exact.

    Raises:
        SearchError: All scores of a query are too small for float32.
    """
    largest_Q = queries.lengths * passages.lengths.max()
    num_small = int(np.count_nonzero((largest_Q > 0) & (largest_Q < LEAST_NORMAL_32)))
    if num_small:
        raise SearchError(
            f"All scores of {count(num_small, 'query')} are below {LEAST_NORMAL_32:.1e}, so they cannot be ranked: the "
            "vectors' values are too small for an inner product in float32. Scale them up."
        )


class BlockScores(Protocol):
    """Scores of queries against the distinct texts of a pool, by blocks of queries."""

    def rough_scores(self, start: int, stop: int) -> tuple[FloatArray, Scores]:
        """Return approximate scores of a block's queries, float32 [R, U], and each query's largest error, [R]."""

    def exact_scores(self, start: int, stop: int) -> FloatArray:
        """Return the scores of a block's queries, float32 [R, U]."""

    def settle(self, query_R: IntArray, score_RU: FloatArray, doubt_RU: BoolArray) -> None:
        """Replace the rough scores that are in doubt by exact ones.

        Args:
            query_R: Which queries the rows belong to, int64 [R].
            score_RU: Their scores, rough; changed in place.
            doubt_RU: Which of them to replace.
        """


class RowScores:
    """Scores that are computed row by row, the same way each time: those of BM25."""

    def __init__(self, rows: Callable[[int, int], FloatArray]) -> None:
        """Take a function: (start, stop) -> scores of those queries, float32 [stop - start, U]."""
        self.exact_scores = rows

    def rough_scores(self, start: int, stop: int) -> tuple[FloatArray, Scores]:
        """See BlockScores; the error is 0."""
        return self.exact_scores(start, stop), np.zeros(stop - start)

    def settle(self, query_R: IntArray, score_RU: FloatArray, doubt_RU: BoolArray) -> None:
        """See BlockScores; there is nothing to replace."""


class InnerProducts:
    """Scores of vectors."""

    def __init__(self, queries: Vectors, passages: Vectors) -> None:
        """Compare queries, [Q, D], with the vectors of the distinct texts, [U, D]."""
        self._queries = queries
        self._passages = passages

    def rough_scores(self, start: int, stop: int) -> tuple[FloatArray, Scores]:
        """See BlockScores: a float32 matrix product."""
        with np.errstate(over="ignore", invalid="ignore"):  # `check_scores` refuses what is not finite
            score_RU = self._queries.values[start:stop] @ self._passages.values.T
        return score_RU, product_margins(self._queries.lengths[start:stop], self._passages)

    def exact_scores(self, start: int, stop: int) -> FloatArray:
        """See BlockScores: a float64 matrix product, rounded; where that is in doubt, exact sums."""
        return self._compute_exactly(np.arange(start, stop))

    def settle(self, query_R: IntArray, score_RU: FloatArray, doubt_RU: BoolArray) -> None:
        """See BlockScores."""
        if np.count_nonzero(doubt_RU) > DENSE * doubt_RU.size:
            np.copyto(score_RU, self._compute_exactly(query_R), where=doubt_RU)
            return
        row_N, text_N = np.nonzero(doubt_RU)
        score_RU[row_N, text_N] = pair_scores(self._queries.values, query_R[row_N], self._passages.values, text_N)

    def _compute_exactly(self, query_R: IntArray) -> FloatArray:
        query_RD, passage_UD = self._queries.values[query_R], self._passages.values
        magnitude_R = self._queries.lengths[query_R] * self._passages.lengths.max()
        double_RD = query_RD.astype(np.float64)
        score_RU = np.empty((len(query_R), len(passage_UD)), dtype=np.float32)
        step = max(DOUBLES_AT_ONCE // max(passage_UD.shape[1], len(query_R), 1), 1)
        for start in range(0, len(passage_UD), step):
            block = slice(start, start + step)
            product_RU = double_RD @ passage_UD[block].T.astype(np.float64)
            score_RU[:, block], unsure_RU = _round(product_RU, magnitude_R[:, None], passage_UD.shape[1])
            for row, text in np.argwhere(unsure_RU):
                score_RU[row, start + text] = _sum_exactly(double_RD[row] * passage_UD[start + text])
        return score_RU


def pair_scores(query_QD: FloatArray, query_N: IntArray, passage_PD: FloatArray, passage_N: IntArray) -> FloatArray:
    """Return the scores of single pairs of a query and a passage.

    Args:
        query_QD: Vectors of queries, float32 [Q, D].
        query_N: The pairs' queries, int64 [N].
        passage_PD: Vectors of passages, float32 [P, D].
        passage_N: The pairs' passages, int64 [N].
    Returns:
        float32 [N].
    """
    score_N = np.empty(len(query_N), dtype=np.float32)
    dimensions = query_QD.shape[1]
    step = max(PRODUCTS_AT_ONCE // max(dimensions, 1), 1)
    for start in range(0, len(query_N), step):
        block = slice(start, start + step)
        product_ND = query_QD[query_N[block]].astype(np.float64) * passage_PD[passage_N[block]]
        score_N[block], unsure_N = _round(product_ND.sum(axis=1), np.abs(product_ND).sum(axis=1), dimensions)
        for place in np.flatnonzero(unsure_N):
            score_N[start + place] = _sum_exactly(product_ND[place])
    return score_N


def product_margins(lengths: Scores, passages: Vectors) -> Scores:
    """Return how far a float32 product of a query with any passage may be from its score, float64 [Q].

    By the Cauchy-Schwarz inequality the magnitudes of the products of two vectors' components sum up to at most the
    product of the vectors' lengths. One more unit covers the rounding of the score itself, and another the rounding of
    this margin and of the lengths.

    Args:
        lengths: Of the queries' vectors, float64 [Q].
        passages: All that the queries are compared with.
    """
    dimensions = passages.values.shape[1]
    share = (dimensions + 2) * UNIT_32
    margin_Q: Scores = share / (1 - share) * lengths * passages.lengths.max() + dimensions * UNDERFLOW_32
    return margin_Q


def _round(sums: Scores, magnitudes: Scores, num_terms: int) -> tuple[FloatArray, BoolArray]:
    """Round float64 sums to float32, and mark those whose error leaves the rounding in doubt; NaN and infinities stay.

    Args:
        sums: In any order.
        magnitudes: At least the sums of the terms' magnitudes; broadcast to the shape of the sums.
        num_terms: Terms of each sum.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # `check_scores` refuses what is not finite
        error = 2 * (num_terms + 1) * UNIT_64 * magnitudes
        low, high = (sums - error).astype(np.float32), (sums + error).astype(np.float32)
        unsure = (low != high) & np.isfinite(error)
        rounded = np.where(np.isfinite(error), low, sums.astype(np.float32))
    return rounded + np.float32(0.0), unsure  # adding turns -0.0 into 0.0


def _sum_exactly(product_D: Scores) -> np.float32:
    with np.errstate(over="ignore"):
        return np.float64(math.fsum(product_D) + 0.0).astype(np.float32)
