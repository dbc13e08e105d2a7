"""A matrix of a report: figures of one model, or differences between two models, by query and passage language.

    records, comparisons -> figures [F, M, Q, P] -> Matrix -> a table or canvas of the page, a drawing for files

Shapes: F fields, M models, Q query languages, P passage languages, R rows, C columns. Figures are in the unit that
tables show (points for shares). Pairs without a measurement are NaN.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from clearbench.common.arrays import Scores
from clearbench.common.languages import MULTIPLE, Language, english_first
from clearbench.common.measures import Measure
from clearbench.common.pairs import Pair, parse_pair
from clearbench.common.text import count, signed_figure
from clearbench.records.schema import PairRecord, Record
from clearbench.stats.averages import TIERS
from clearbench.verdicts.compare.result import ComparedRow

Labels = NDArray[np.object_]
_T = TypeVar("_T")
Form = Literal["models", "table", "small", "canvas"]

FIELDS = ("value", "lower", "upper", "p", "base", "other")
"""The figures of a cell. Cells of one model have the first three. "p" is corrected; "base" and "other" are the two
figures of a difference."""

WITH_DECIMAL, AS_TABLE = 14, 30
"""Largest numbers of languages per side for cells with one decimal, and for cells with whole numbers. Cells of a larger
matrix show only colours."""

SIGNIFICANT = 0.05
"""A difference with a corrected p below this level is marked."""


@dataclass(frozen=True)
class Heading:
    """The heading of a row or a column.

    Attributes:
        code: Language code, model name, or key of a group of pairs.
        name: Name in words.
        tier: Number of the language's resource tier; None for a model or a group.
        family: Family of the language; "" if it is unknown.
        script: ISO 15924 code of the language's script.
        about: Description of the row's cells, if the columns are models.
    """

    code: str
    name: str
    tier: int | None = None
    family: str = ""
    script: str = ""
    about: str = ""

    @property
    def label(self) -> str:
        """The name, followed by the code for a language."""
        return self.name if self.tier is None else f"{self.name} ({self.code})"


@dataclass(frozen=True)
class Scale:
    """The scale that maps figures to the colour steps 0 to 100.

    Attributes:
        low: Figure of step 0. For differences it is the greatest loss, which is positive if lower is better.
        high: Figure of step 100.
        unit: Unit of the figures: "points", "nDCG@10 × 100".
        signed: Whether the figures are differences.
    """

    low: float
    high: float
    unit: str
    signed: bool = False

    def step(self, figure: float) -> int:
        """Return the colour step of a figure; figures beyond an end have the colour of that end."""
        return round(min(max(100 * (figure - self.low) / (self.high - self.low), 0.0), 100.0))

    def show(self, figure: float, digits: int = 1) -> str:
        """Return a figure as cells show it; differences other than 0.0 have a sign."""
        text = signed_figure(figure, digits) if self.signed else f"{figure:.{digits}f}"
        return text.replace("-", "\u2212")


@dataclass(frozen=True)
class Matrix:
    """A matrix for the page or a file.

    Attributes:
        title: The model, or the model that is compared; "" if the columns are models.
        quantity: The quantity of the figures: "nDCG@10", "difference in nDCG@10".
        rows: Headings of the rows.
        columns: Headings of the columns, which are languages or models.
        figures: [F, R, C], in the order of FIELDS.
        counts: Numbers of queries, clusters and passages, in words [R, C].
        scale: The scale of the colours.
        models: Whether the columns are models.
    """

    title: str
    quantity: str
    rows: tuple[Heading, ...]
    columns: tuple[Heading, ...]
    figures: Scores
    counts: Labels
    scale: Scale
    models: bool = False

    @property
    def form(self) -> Form:
        """The form in which the page shows the matrix."""
        if self.models:
            return "models"
        side = max(len(self.rows), len(self.columns))
        return "table" if side <= WITH_DECIMAL else "small" if side <= AS_TABLE else "canvas"

    @property
    def legend(self) -> str:
        """The label of the colour bar."""
        return self.quantity if self.scale.signed else self.scale.unit

    @property
    def fields(self) -> Mapping[str, Scores]:
        """Field -> its figures [R, C]."""
        return dict(zip(FIELDS, self.figures, strict=False))

    @property
    def value(self) -> Scores:
        """The figures that cells show [R, C]."""
        figures: Scores = self.figures[0]
        return figures

    def step(self, row: int, column: int) -> int | None:
        """Return the colour step of a cell, or None if the pair was not measured."""
        value = float(self.value[row, column])
        return None if np.isnan(value) else self.scale.step(value)

    def text(self, row: int, column: int) -> str:
        """Return the text of a cell."""
        return self.scale.show(float(self.value[row, column]), 0 if self.form == "small" else 1)

    def is_marked(self, row: int, column: int) -> bool:
        """Return whether a difference is marked: it is significant or, without a test, its interval excludes 0."""
        known = self.fields
        if "p" in known:
            return bool(known["p"][row, column] < SIGNIFICANT)
        return self.scale.signed and bool(known["lower"][row, column] > 0 or known["upper"][row, column] < 0)


def value_matrices(records: Mapping[str, Record], measure: Measure) -> tuple[Matrix, ...]:
    """Return the matrices of one task: one per model, or one for all models if a side has a single language.

    Args:
        records: Title -> record, in display order; records that lack the measure are left out.
        measure: The measure to show.
    """
    found = {
        title: {parse_pair(pair.pair): pair for pair in record.pairs if measure.name in pair.measures}
        for title, record in records.items()
    }
    stack = _Stack.for_pairs({title: pairs for title, pairs in found.items() if pairs}, num_fields=3)
    for place, pair in stack.cells(found):
        value = pair.measures[measure.name]
        stack.figures[(slice(None), *place)] = measure.points * _to_array(value.mean, value.lower, value.upper)
        stack.counts[place] = _describe_pair(pair)
    top = 100.0 if measure.unit == "share" else round_end(stack.largest)
    return stack.matrices(measure.name, Scale(0.0, top, name_with_factor(measure)))


def difference_matrices(comparisons: Mapping[str, Sequence[ComparedRow]], measure: Measure) -> tuple[Matrix, ...]:
    """Return the matrices of differences of one task, all with the same scale.

    Args:
        comparisons: Title -> rows of the task's pairs, in display order; titles without rows are left out.
        measure: The compared measure. If lower is better, a drop has the colour of a gain.
    """
    found = {title: {parse_pair(row.name): row for row in rows} for title, rows in comparisons.items() if rows}
    stack = _Stack.for_pairs(found, num_fields=len(FIELDS))
    for place, row in stack.cells(found):
        figures = _to_array(row.difference, row.lower, row.upper, row.p_corrected, row.base, row.other)
        stack.figures[(slice(None), *place)] = figures * [1.0 if key == "p" else measure.points for key in FIELDS]
        stack.counts[place] = count(row.num_queries, "query")
    end = measure.sign * round_end(stack.largest)
    return stack.matrices(f"difference in {measure.name}", Scale(-end, end, measure.shown_in, signed=True))


def language_heading(language: Language, about: str = "") -> Heading:
    """Return the heading of a language's row or column."""
    tier = len(TIERS) if language == MULTIPLE else TIERS.index(language.tier)
    return Heading(str(language), language.name, tier, language.family, language.script, about)


def name_with_factor(measure: Measure) -> str:
    """Return a measure's name with the factor of its figures: "nDCG@10 × 100"."""
    return measure.name + measure.scale.replace("x", "×")


def round_end(largest: float) -> float:
    """Return a round number for the end of a scale, at least as large as the largest figure.

    It is one of ten numbers from 2 to 100, or a higher power of ten.
    """
    ends = (2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0, 100.0)
    return next((end for end in ends if largest <= end), float(10 ** int(np.ceil(np.log10(max(largest, 1.0))))))


@dataclass(frozen=True)
class _Stack:
    """The cells of all models of a task, to be filled: figures [F, M, Q, P] and counts [M, Q, P]."""

    titles: tuple[str, ...]
    queries: tuple[Language, ...]
    passages: tuple[Language, ...]
    figures: Scores
    counts: Labels

    @classmethod
    def for_pairs(cls, found: Mapping[str, Mapping[Pair, Any]], num_fields: int) -> "_Stack":
        """Return empty cells for every title and for every language of any pair."""
        pairs = {pair for model_pairs in found.values() for pair in model_pairs}
        queries, passages = english_first(p.query for p in pairs), english_first(p.passage for p in pairs)
        shape = (len(found), len(queries), len(passages))
        figures = np.full((num_fields, *shape), np.nan)
        return cls(tuple(found), tuple(queries), tuple(passages), figures, np.full(shape, "", dtype=object))

    def cells(self, found: Mapping[str, Mapping[Pair, _T]]) -> Iterator[tuple[tuple[int, int, int], _T]]:
        """Yield the indices (model, query language, passage language) of each cell, and its item."""
        rows = {language: place for place, language in enumerate(self.queries)}
        columns = {language: place for place, language in enumerate(self.passages)}
        for model, title in enumerate(self.titles):
            for pair, item in found[title].items():
                yield (model, rows[pair.query], columns[pair.passage]), item

    @property
    def largest(self) -> float:
        """The figure furthest from 0."""
        return float(np.nanmax(np.abs(self.figures[0]), initial=0.0))

    def matrices(self, quantity: str, scale: Scale) -> tuple[Matrix, ...]:
        """Return one matrix per title, or one matrix with the titles as columns if a side has a single language."""
        if not self.titles:
            return ()
        if min(len(self.queries), len(self.passages)) > 1:
            rows, columns = (tuple(map(language_heading, side)) for side in (self.queries, self.passages))
            return tuple(
                Matrix(title, quantity, rows, columns, self.figures[:, model], self.counts[model], scale)
                for model, title in enumerate(self.titles)
            )
        varying = self.passages if len(self.queries) == 1 else self.queries
        about = [
            f"{query.name} queries, {passage.name} passages" for query in self.queries for passage in self.passages
        ]
        rows = tuple(map(language_heading, varying, about))
        columns = tuple(Heading(title, title) for title in self.titles)
        num_fields, num_models = self.figures.shape[:2]
        figures = self.figures.reshape(num_fields, num_models, -1).swapaxes(1, 2)
        counts = self.counts.reshape(num_models, -1).T
        return (Matrix("", quantity, rows, columns, figures, counts, scale, models=True),)


def _to_array(*figures: float | None) -> Scores:
    return np.array([np.nan if figure is None else figure for figure in figures])


def _describe_pair(pair: PairRecord) -> str:
    scored = f"{count(pair.num_queries, 'query')} in {count(pair.num_clusters, 'cluster')}"
    return f"{scored}, {count(pair.num_passages, 'passage')}"
