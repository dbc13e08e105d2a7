"""A matrix of a report: figures of one model, or differences of two, query language x passage language.

Shapes: R rows, C columns. Figures are x 100; NaN stands where a pair was not measured. A page shows a matrix as a
table with figures where they can be read, and draws larger ones on a canvas; both take what they say on hover from
one block of 16-bit integers, so that 122 x 122 pairs cost 40 kB a field.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Form = Literal["models", "table", "small", "canvas"]

FIELDS = ("value", "lower", "upper", "p", "base", "other")
"""The matrices of a map."""

WITH_DECIMAL, AS_TABLE = 14, 30
"""Up to so many languages a side, cells show one decimal; up to so many, whole points; above, colours only."""

MISSING = -32768


@dataclass(frozen=True)
class Difference:
    """One pair of two models; figures in points (x 100).

    Attributes:
        mean: Other minus base.
        lower: Lower end of its interval, None where there is none.
        upper: Upper end.
        p: Corrected for the family of all pairs shown; None where it was not tested.
        base: Mean of the base.
        other: Mean of the other.
        num_queries: Queries that both scored.
    """

    mean: float
    lower: float | None
    upper: float | None
    p: float | None
    base: float
    other: float
    num_queries: int


@dataclass(frozen=True)
class Map:
    """A matrix ready to be shown.

    Attributes:
        title: The model, or what is compared; "" where columns are models.
        unit: Measure.
        rows: What rows stand for: language codes.
        columns: Language codes, or models.
        value: Figures [R, C].
        lower: Lower ends of intervals.
        upper: Upper ends.
        p: Corrected p-values of differences.
        base: Base's figures behind differences.
        other: Other's figures behind differences.
        counts: What was searched and scored: one text for all cells, or one for each.
        signed: Whether figures are differences.
        range: Difference at which colours end.
        level: Below this corrected p a difference is marked.
        models: Whether columns are models.
        names: What codes of rows and columns stand for.
        tiers: Resource tier of each language, as a number.
        places: What each cell is about where that does not follow from row and column.
    """

    title: str
    unit: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    value: Matrix
    lower: Matrix
    upper: Matrix
    p: Matrix | None = None
    base: Matrix | None = None
    other: Matrix | None = None
    counts: tuple[str, ...] = ()
    signed: bool = False
    range: float = 100.0
    level: float = 0.05
    models: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    tiers: Mapping[str, int] = field(default_factory=dict)
    places: tuple[str, ...] = ()

    @property
    def form(self) -> Form:
        """How the page shows it."""
        if self.models:
            return "models"
        side = max(len(self.rows), len(self.columns))
        return "table" if side <= WITH_DECIMAL else "small" if side <= AS_TABLE else "canvas"

    @property
    def payload(self) -> dict[str, Any]:
        """What the page's script reads."""
        more = {"places": self.places, "titles": self.columns} if self.models else {}
        return {
            "title": self.title,
            "unit": self.unit,
            "rows": self.rows,
            "columns": self.columns,
            "names": self.names,
            "tiers": self.tiers,
            "counts": self.counts,
            "signed": self.signed,
            "range": self.range,
            "level": self.level,
            **more,
            **{
                name: _pack(100 * matrix if name == "p" else matrix)
                for name in FIELDS
                if (matrix := getattr(self, name)) is not None
            },
        }

    def step(self, row: int, column: int) -> int | None:
        """Number of the cell's colour; None where the pair was not measured."""
        value = self.value[row, column]
        if np.isnan(value):
            return None
        share = 50 + 50 * value / self.range if self.signed else value
        return round(min(max(float(share), 0.0), 100.0))

    def text(self, row: int, column: int) -> str:
        """What the cell shows."""
        value = float(self.value[row, column])
        digits = 0 if self.form == "small" else 1
        text = f"{value:+.{digits}f}" if self.signed else f"{value:.{digits}f}"
        if self.signed and float(text) == 0:
            text = text[1:]
        return text.replace("-", "\u2212")

    def sure(self, row: int, column: int) -> bool:
        """Whether a difference is marked: significant after correction; without tests, its interval is beside 0."""
        if self.p is not None:
            return bool(self.p[row, column] < self.level)
        return self.signed and bool(self.lower[row, column] > 0 or self.upper[row, column] < 0)


def nice_range(largest: float) -> float:
    """Return the end of a colour scale that holds a difference: a round number of points, 2 to 100."""
    return next((end for end in (2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0) if largest <= end), 100.0)


def _pack(matrix: Matrix) -> str:
    """Base64 of little-endian 16-bit integers: figure x 100, MISSING for NaN."""
    scaled = np.where(np.isnan(matrix), MISSING, np.clip(np.round(100 * matrix), -32767, 32767)).astype("<i2")
    return base64.b64encode(scaled.tobytes()).decode()
