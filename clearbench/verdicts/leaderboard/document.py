"""The types of a leaderboard's JSON, which describe every field."""

from typing import Literal

from clearbench.common.strict import StrictModel

SCHEMA_VERSION: Literal[1] = 1
Cell = str | int | float | None


class TaskDocument(StrictModel):
    """One task.

    Attributes:
        label: Task name, with the reader options that make it another measurement.
        task: Task name.
        options: Those reader options.
        measure: The measure shown.
        pairs: Every pair that any model has.
        common: Pairs that all ranked models with this task have.
        groups: Group of pairs -> how many of `pairs` it averages.
    """

    label: str
    task: str
    options: dict[str, str]
    measure: str
    pairs: list[str]
    common: list[str]
    groups: dict[str, int]


class RowDocument(StrictModel):
    """One model; the fields are the columns of the CSV.

    Attributes:
        rank: Rank by `mean`, 1 is best; null for published rows and for models with too few pairs.
        rank_borda: Rank by `borda`.
        model: Name; the key where two models have one name.
        key: `<name>-<hash8>`, the model's folder; for a published row its name.
        source: "measured", or where the figures were published.
        mean: Mean over tasks of the mean over a task's shared pairs.
        borda: Share of the other models beaten.
        ranked_pairs: Number of pairs that the ranks are over.
        p_best: p of the difference to the first model.
        p_above: p of the difference to the model one rank above.
        not_separable_from: "best", "above", both or neither.
        tasks: Label -> column -> figure; null where the model lacks a pair that the column averages.
    """

    rank: int | None
    rank_borda: int | None
    model: str
    key: str
    source: str
    mean: float | None
    borda: float | None
    ranked_pairs: int | None
    p_best: float | None
    p_above: float | None
    not_separable_from: list[str]
    tasks: dict[str, dict[str, Cell]]


class LeaderboardDocument(StrictModel):
    """A leaderboard.

    Attributes:
        schema_version: Version of this layout.
        alpha: Significance level.
        flips: Sign flips per test.
        seed: Seed of the flips.
        clusters: Clusters that were flipped.
        ranked_pairs: Task label -> the pairs that the ranks are over.
        notes: What a reader has to know about the rows.
        tasks: By label.
        rows: In order of rank, then models with too few pairs, then published ones.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    alpha: float
    flips: int
    seed: int
    clusters: int
    ranked_pairs: dict[str, list[str]]
    notes: list[str]
    tasks: list[TaskDocument]
    rows: list[RowDocument]
