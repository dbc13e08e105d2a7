"""The types of a leaderboard: its columns, its rows, and the whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clearbench.stats.averages import GROUPS
from clearbench.verdicts.leaderboard.options import LeaderboardOptions

if TYPE_CHECKING:
    from clearbench.common.arrays import BoolArray

MEASURED = "measured"
"""Source of a row whose figures come from records."""

DAGGER = "†"
"""Marks the name of a model whose figures were published, not measured."""

AVERAGED = tuple(group for group in GROUPS if group != "all")
"""Groups of pairs that have a column in addition to the mean over all pairs, in the order of the columns."""


@dataclass(frozen=True)
class TaskColumns:
    """What the columns of one task average.

    Attributes:
        label: Task, with the reader options that make it another measurement.
        task: Task name.
        options: Those reader options.
        measure: The measure shown.
        pairs: Every pair that any model has.
        common: Pairs that all ranked models with this task have; if none of them has it, all models with it.
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
        mean: Mean over all pairs.
        common: Mean over the common pairs.
        groups: Group of pairs -> mean over its pairs.
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
        tasks: Label -> figures; tasks that the model lacks are left out.
        mean: Overall mean over the shared pairs; None for published rows, for models that have too few pairs to be
            ranked, and where nothing is shared.
        rank: Rank by mean; 1 is best, and equal means share the better rank.
        borda: Share of the other models that it beats.
        rank_borda: Rank by Borda.
        p_best: p of the difference to the first model, adjusted by Holm; None for the first.
        p_above: p of the difference to the model one rank above, adjusted by Holm; None for the first.
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

    @property
    def shown_name(self) -> str:
        """The model's name, with a DAGGER where its figures were published."""
        return self.model if self.source == MEASURED else f"{self.model} {DAGGER}"


@dataclass(frozen=True)
class Leaderboard:
    """Rows in order of rank, then those of models with too few pairs, then published ones.

    Attributes:
        tasks: The columns, in order of label.
        rows: One per model.
        shared: Task label -> the pairs that the ranks are over.
        options: What was asked for.
        left_out: A message on each record that could not be used.
        num_clusters: Clusters that were flipped.
        notes: What a reader has to know about these rows, one sentence each.
    """

    tasks: tuple[TaskColumns, ...]
    rows: tuple[BoardRow, ...]
    shared: Mapping[str, tuple[str, ...]]
    options: LeaderboardOptions
    left_out: tuple[str, ...] = ()
    num_clusters: int = 0
    notes: tuple[str, ...] = ()

    @property
    def num_shared(self) -> int:
        """Pairs that the ranks are over."""
        return sum(map(len, self.shared.values()))

    def not_separable(self, row: BoardRow) -> tuple[str, ...]:
        """Return which of "best" and "above" a model cannot be told apart from, at `options.alpha`."""
        tests = (("best", row.p_best), ("above", row.p_above))
        return tuple(name for name, p in tests if p is not None and not p < self.options.alpha)
