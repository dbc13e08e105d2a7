"""A matrix of a report: figures of one model, or differences of two, query language x passage language.

    records, comparisons -> figures [F, M, Q, P] -> Matrix -> a table or canvas of the page, a drawing for files

In array code: F fields, M models, Q query languages, P passage languages, R rows, C columns. Figures are in the
measure's unit as tables show it (points for shares); NaN stands where a pair was not measured.
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
from clearbench.common.text import count
from clearbench.records.schema import PairRecord, Record
from clearbench.stats.averages import TIERS
from clearbench.verdicts.compare.result import ComparedRow

Labels = NDArray[np.object_]
T = TypeVar("T")
Form = Literal["models", "table", "small", "canvas"]

FIELDS = ("value", "lower", "upper", "p", "base", "other")
"""What is known of a cell. Figures of one model end after "upper"; "p" is corrected; "base" and "other" are the figures
that a difference was made of."""

WITH_DECIMAL, AS_TABLE = 14, 30
"""With at most so many languages a side, cells show one decimal, then whole numbers; with more, colours only."""

SIGNIFICANT = 0.05
"""Below this corrected p a difference is marked."""


@dataclass(frozen=True)
class Heading:
    """What a row or a column stands for.

    Attributes:
        code: Language code, model, or key of a group of pairs.
        name: Name in words.
        tier: Number of the language's resource tier; None for a model or a group.
        family: Family of the language, "" where it is not known.
        script: ISO 15924 code of the language's script.
        about: What every cell of the row is about, where the columns are models.
    """

    code: str
    name: str
    tier: int | None = None
    family: str = ""
    script: str = ""
    about: str = ""

    @property
    def label(self) -> str:
        """Its name, with the code of a language."""
        return self.name if self.tier is None else f"{self.name} ({self.code})"


@dataclass(frozen=True)
class Scale:
    """Which figure has which of the colour steps 0 to 100.

    Attributes:
        low: Figure of step 0. For differences it is the greatest loss, which is positive where lower is better.
        high: Figure of step 100.
        unit: What the figures are counted in: "points", "nDCG@10 × 100".
        signed: Whether figures are differences.
    """

    low: float
    high: float
    unit: str
    signed: bool = False

    def step(self, figure: float) -> int:
        """Return the number of a figure's colour; figures beyond an end have the colour of that end."""
        return round(min(max(100 * (figure - self.low) / (self.high - self.low), 0.0), 100.0))

    def show(self, figure: float, digits: int = 1) -> str:
        """Return a figure as cells show it: differences with their sign, which 0.0 has not."""
        text = f"{figure:+.{digits}f}" if self.signed else f"{figure:.{digits}f}"
        return (text[1:] if self.signed and float(text) == 0 else text).replace("-", "\u2212")


@dataclass(frozen=True)
class Matrix:
    """A matrix ready to be shown.

    Attributes:
        title: The model, or what is compared; "" where columns are models.
        quantity: What the figures are: "nDCG@10", "difference in nDCG@10".
        rows: See Heading.
        columns: Languages or models.
        figures: [F, R, C], in the order of FIELDS.
        counts: What was searched and scored, in words [R, C].
        scale: See Scale.
        models: Whether columns are models.
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
        """How the page shows it."""
        if self.models:
            return "models"
        side = max(len(self.rows), len(self.columns))
        return "table" if side <= WITH_DECIMAL else "small" if side <= AS_TABLE else "canvas"

    @property
    def legend(self) -> str:
        """What a colour bar says."""
        return self.quantity if self.scale.signed else self.scale.unit

    @property
    def fields(self) -> Mapping[str, Scores]:
        """What is known of the cells: field -> [R, C]."""
        return dict(zip(FIELDS, self.figures, strict=False))

    @property
    def value(self) -> Scores:
        """The figures that are shown [R, C]."""
        figures: Scores = self.figures[0]
        return figures

    def step(self, row: int, column: int) -> int | None:
        """Return the number of the cell's colour; None where the pair was not measured."""
        value = float(self.value[row, column])
        return None if np.isnan(value) else self.scale.step(value)

    def text(self, row: int, column: int) -> str:
        """Return what the cell shows."""
        return self.scale.show(float(self.value[row, column]), 0 if self.form == "small" else 1)

    def sure(self, row: int, column: int) -> bool:
        """Return whether a difference is marked: significant, or, where nothing was tested, its interval excludes 0."""
        known = self.fields
        if "p" in known:
            return bool(known["p"][row, column] < SIGNIFICANT)
        return self.scale.signed and bool(known["lower"][row, column] > 0 or known["upper"][row, column] < 0)


def value_matrices(records: Mapping[str, Record], measure: Measure) -> tuple[Matrix, ...]:
    """Make the matrices of one task: one per model, or one for all models where a side has a single language.

    Args:
        records: Title -> record, in the order of showing; records that lack the measure are left out.
        measure: What to show.
    """
    found = {
        title: {parse_pair(pair.pair): pair for pair in record.pairs if measure.name in pair.measures}
        for title, record in records.items()
    }
    stack = _Stack.over({title: pairs for title, pairs in found.items() if pairs}, num_fields=3)
    for place, pair in stack.places(found):
        of_pair = pair.measures[measure.name]
        stack.figures[(slice(None), *place)] = measure.points * _floats(of_pair.mean, of_pair.lower, of_pair.upper)
        stack.counts[place] = _searched(pair)
    top = 100.0 if measure.unit == "share" else round_end(stack.largest)
    return stack.matrices(measure.name, Scale(0.0, top, with_factor(measure)))


def difference_matrices(comparisons: Mapping[str, Sequence[ComparedRow]], measure: Measure) -> tuple[Matrix, ...]:
    """Make the matrices of differences of one task; all share one scale.

    Args:
        comparisons: Title -> rows of the task's pairs, in the order of showing; a title without rows is left out.
        measure: What was compared. Where a lower figure is better, a drop has the colour of a gain.
    """
    found = {title: {parse_pair(row.name): row for row in rows} for title, rows in comparisons.items() if rows}
    stack = _Stack.over(found, num_fields=len(FIELDS))
    for place, row in stack.places(found):
        figures = _floats(row.difference, row.lower, row.upper, row.p_corrected, row.base, row.other)
        stack.figures[(slice(None), *place)] = figures * [1.0 if key == "p" else measure.points for key in FIELDS]
        stack.counts[place] = count(row.num_queries, "query")
    end = measure.sign * round_end(stack.largest)
    return stack.matrices(f"difference in {measure.name}", Scale(-end, end, measure.shown_in, signed=True))


def language_heading(language: Language, about: str = "") -> Heading:
    """Return the heading of a language's row or column."""
    tier = len(TIERS) if language == MULTIPLE else TIERS.index(language.tier)
    return Heading(str(language), language.name, tier, language.family, language.script, about)


def with_factor(measure: Measure) -> str:
    """Return a measure's name with what its figures are multiplied by: "nDCG@10 × 100"."""
    return measure.name + measure.scale.replace("x", "×")


def round_end(largest: float) -> float:
    """Return a round end, 2 to 100 or a power of ten above, for a scale that holds figures up to the largest."""
    ends = (2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0, 100.0)
    return next((end for end in ends if largest <= end), float(10 ** int(np.ceil(np.log10(max(largest, 1.0))))))


@dataclass(frozen=True)
class _Stack:
    """Cells of all models of a task, to be filled in: figures [F, M, Q, P] and counts [M, Q, P]."""

    titles: tuple[str, ...]
    queries: tuple[Language, ...]
    passages: tuple[Language, ...]
    figures: Scores
    counts: Labels

    @classmethod
    def over(cls, found: Mapping[str, Mapping[Pair, Any]], num_fields: int) -> "_Stack":
        """Empty cells for every title, and every language of any pair."""
        pairs = {pair for of_model in found.values() for pair in of_model}
        queries, passages = english_first(p.query for p in pairs), english_first(p.passage for p in pairs)
        shape = (len(found), len(queries), len(passages))
        figures = np.full((num_fields, *shape), np.nan)
        return cls(tuple(found), tuple(queries), tuple(passages), figures, np.full(shape, "", dtype=object))

    def places(self, found: Mapping[str, Mapping[Pair, T]]) -> Iterator[tuple[tuple[int, int, int], T]]:
        """(model, query language, passage language) as indices, and what was found there."""
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
        """A matrix per title; or one whose columns are the titles, where a side has a single language."""
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


def _floats(*figures: float | None) -> Scores:
    return np.array([np.nan if figure is None else figure for figure in figures])


def _searched(pair: PairRecord) -> str:
    scored = f"{count(pair.num_queries, 'query')} in {count(pair.num_clusters, 'cluster')}"
    return f"{scored}, {count(pair.num_passages, 'passage')}"
