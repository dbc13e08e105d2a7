"""What a leaderboard is: its options, its columns, its rows, the whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from clearbench.common.errors import UsageError
from clearbench.common.options import Option, read_names
from clearbench.stats.averages import GROUPS

if TYPE_CHECKING:
    from clearbench.common.arrays import BoolArray

MEASURED = "measured"
"""Source of a row whose figures come from records."""

AVERAGED = tuple(group for group in GROUPS if group != "all")
"""Groups of pairs that have a column beside the mean over all pairs, in the order of the columns."""


@dataclass(frozen=True)
class LeaderboardOptions:
    """What a leaderboard shows, and how its models are told apart.

    `confidence` is family-wise: 1 - confidence is the level at which two models are called separable.
    """

    tasks: Annotated[tuple[str, ...] | None, Option("Only these tasks, separated by commas.", read=read_names)] = None
    measure: Annotated[str | None, Option("Measure instead of each task's main one: nDCG@10.")] = None
    confidence: Annotated[float, Option("Of the tests that tell models apart.")] = 0.95
    flips: Annotated[int, Option("Sign flips of these tests.", minimum=1)] = 10_000
    seed: Annotated[int, Option("Of the flips.", minimum=0)] = 0

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1:
            raise UsageError(f"--confidence {self.confidence:g}: expected a value between 0 and 1, such as 0.95.")

    @property
    def alpha(self) -> float:
        """A p-value below it says that two models differ."""
        return round(1 - self.confidence, 12)


@dataclass(frozen=True)
class TaskColumns:
    """What the columns of one task average.

    Attributes:
        label: Task, with the reader options that make it another measurement.
        task: Task name.
        options: Those reader options.
        measure: The measure shown.
        pairs: Every pair that any model has.
        common: Pairs that all models with this task have.
        members: Group of pairs -> which of `pairs` it averages, bool [P]; groups without a pair are left out.
    """

    label: str
    task: str
    options: Mapping[str, str]
    measure: str
    pairs: tuple[str, ...]
    common: tuple[str, ...]
    members: Mapping[str, "BoolArray"]


@dataclass(frozen=True)
class TaskFigures:
    """One model's figures on one task, as measured; None where it lacks a pair that the column averages.

    Attributes:
        num_pairs: How many of the task's pairs the model has.
        mean: Over all pairs.
        common: Over the pairs that all models with the task have.
        groups: By group of pairs.
        worst_pair: The common pair with the worst figure: the highest where lower is better.
        worst: That figure.
    """

    num_pairs: int
    mean: float | None
    common: float | None
    groups: Mapping[str, float | None]
    worst_pair: str | None
    worst: float | None


@dataclass(frozen=True)
class BoardRow:
    """One model.

    Attributes:
        key: `<name>-<hash8>`, the model's folder; for a published row its name.
        model: Its name; the key where two models have the same name.
        source: "measured", or where the figures were published.
        tasks: By label; tasks that the model lacks are left out.
        mean: Overall mean over the shared pairs; None for published rows and where nothing is shared.
        rank: By mean, 1 is best, equal means share the better rank.
        borda: Share of the other models that it beats.
        rank_borda: By Borda.
        p_best: Of the difference to the first model, adjusted by Holm; None for the first.
        p_above: Of the difference to the model one rank above, adjusted by Holm; None for the first.
    """

    key: str
    model: str
    source: str
    tasks: Mapping[str, TaskFigures]
    mean: float | None = None
    rank: int | None = None
    borda: float | None = None
    rank_borda: int | None = None
    p_best: float | None = None
    p_above: float | None = None


@dataclass(frozen=True)
class Leaderboard:
    """Rows in order of rank, published ones last.

    Attributes:
        tasks: The columns, in order of label.
        rows: One per model.
        shared: Task label -> the pairs that the ranks are over.
        options: What was asked for.
        num_clusters: Clusters that were flipped.
        notes: What a reader has to know about these rows, one sentence each.
    """

    tasks: tuple[TaskColumns, ...]
    rows: tuple[BoardRow, ...]
    shared: Mapping[str, tuple[str, ...]]
    options: LeaderboardOptions
    num_clusters: int = 0
    notes: tuple[str, ...] = field(default=())

    @property
    def num_shared(self) -> int:
        """Pairs that the ranks are over."""
        return sum(map(len, self.shared.values()))

    def not_separable(self, row: BoardRow) -> tuple[str, ...]:
        """Which of "best" and "above" a model cannot be told apart from, at `options.alpha`."""
        tests = (("best", row.p_best), ("above", row.p_above))
        return tuple(name for name, p in tests if p is not None and not p < self.options.alpha)
