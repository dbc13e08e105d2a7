"""The languages of a task in order: how well each is searched with, and how well it is found, by model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clearbench.common.arrays import Scores
from clearbench.common.measures import Measure
from clearbench.report.content.matrix import Heading, Matrix


@dataclass(frozen=True)
class RankedLanguage:
    """One language's means over the other languages, in the unit of the matrices.

    Attributes:
        heading: The language.
        as_query: Mean over the passage languages for each model; None where no pair was measured.
        as_passage: Mean over the query languages for each model; None where no pair was measured.
    """

    heading: Heading
    as_query: tuple[float | None, ...]
    as_passage: tuple[float | None, ...]


def rank_languages(matrices: Sequence[Matrix], measure: Measure) -> tuple[RankedLanguage, ...]:
    """Return the languages in order of the first model's mean with each as the query language, the best first.

    Pairs of a language with itself do not count: they say how well it is searched within, not across.

    Args:
        matrices: One matrix of figures per model, all with the same languages.
        measure: What the figures are; it says which is the best.
    Returns:
        Every language that is a row or a column; one that is not searched with comes last, by its mean as passages.
    """
    if not matrices or matrices[0].models:
        return ()
    headings = {heading.code: heading for heading in (*matrices[0].rows, *matrices[0].columns)}
    as_query = [_means(matrix.value, matrix.rows, matrix.columns) for matrix in matrices]
    as_passage = [_means(matrix.value.T, matrix.columns, matrix.rows) for matrix in matrices]
    ranked = (
        RankedLanguage(
            heading,
            tuple(means.get(code) for means in as_query),
            tuple(means.get(code) for means in as_passage),
        )
        for code, heading in headings.items()
    )
    return tuple(sorted(ranked, key=lambda language: _order(language, measure.sign)))


def _means(figures_RC: Scores, rows: Sequence[Heading], columns: Sequence[Heading]) -> dict[str, float]:
    """Return each row's mean over the columns of other languages, by code; rows without a figure are left out."""
    codes = np.array([column.code for column in columns])
    means = {}
    for row, figures_C in zip(rows, figures_RC, strict=True):
        others = figures_C[(codes != row.code) & ~np.isnan(figures_C)]
        if len(others):
            means[row.code] = float(others.mean())
    return means


def _order(language: RankedLanguage, sign: float) -> tuple[float, float, str]:
    means = (language.as_query[0], language.as_passage[0])
    as_query, as_passage = (np.inf if mean is None else -sign * mean for mean in means)
    return as_query, as_passage, language.heading.code
