"""Build training rows from sources: cluster them, drop repeats, split by cluster, check for texts of the evaluation."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clearbench.common.errors import TrainingError
from clearbench.common.groups import group_linked
from clearbench.training.rows.leaks import Leak, LeakIndex, find_leaks, normalise, refuse_leaks
from clearbench.training.rows.options import OnLeak, Part, Split
from clearbench.training.rows.row import TrainingRow
from clearbench.training.rows.sources import RowSource

PARTS: tuple[Part, ...] = ("train", "heldout")
# Number of leaks that the manifest names.
LEAKS_SHOWN = 20


@dataclass(frozen=True)
class BuiltRows:
    """The rows that were built, and counts of the rows that were dropped.

    Attributes:
        rows: The wanted part of the split.
        other: The other part of the split, before the check for leaks.
        dropped: Reason -> number of rows dropped.
        leaks: The result of the check for leaks: its rule, the number of rows with leaks, and the first leaks.
    """

    rows: tuple[TrainingRow, ...]
    other: tuple[TrainingRow, ...]
    dropped: Counter[str]
    leaks: dict[str, Any] | None


def build_rows(
    sources: Sequence[RowSource],
    split: Split,
    index: LeakIndex | None = None,
    on_leak: OnLeak = "refuse",
    *,
    against_other: bool = False,
) -> BuiltRows:
    """Join sources, split them by cluster, and check the wanted part against the evaluation's texts.

    Args:
        sources: The sources of the rows.
        split: The division into two parts, and which part is wanted.
        index: The evaluation's texts; None means no check.
        on_leak: "refuse" raises an error if a row holds a text of the evaluation, "drop" drops and counts such rows.
        against_other: Also check against the other part, which will be used for evaluation. Splitting by cluster keeps
            passages apart; this check also finds questions that two articles share, and excerpts of passages.
    Raises:
        TrainingError: No rows remain, or a row holds a text of the evaluation and `on_leak` is "refuse".
    """
    dropped = sum((source.dropped for source in sources), Counter())
    rows = _drop_repeats(merge_clusters([row for source in sources for row in source.rows]), dropped)
    sides = {part: tuple(row for row in rows if split.is_training(row.cluster) == (part == "train")) for part in PARTS}
    wanted, other = sides[split.part], sides["heldout" if split.part == "train" else "train"]
    if not wanted:
        num_clusters = len({row.cluster for row in rows})
        raise TrainingError(
            f"The part {split.part!r} has no rows: there are {len(rows):,} rows of {num_clusters:,} clusters, "
            f"fraction {split.fraction:g}, seed {split.seed}. Choose another --fraction or --seed."
        )
    if against_other and other:
        index = index or LeakIndex()
        index.add_rows(other, "the other part")
    if index is None:
        return BuiltRows(wanted, other, dropped, None)
    leaks = find_leaks(wanted, index)
    if on_leak == "refuse":
        refuse_leaks(wanted, leaks)
    for leak in leaks.values():
        dropped[f"leak: {leak.column.partition('[')[0]}, {'equal' if leak.equal else 'near-duplicate'}"] += 1
    kept = tuple(row for place, row in enumerate(wanted) if place not in leaks)
    if not kept:
        raise TrainingError(f"All {len(leaks):,} rows hold texts of the evaluation ({', '.join(index.tasks)}).")
    return BuiltRows(kept, other, dropped, _describe_check(index, wanted, leaks))


def merge_clusters(rows: Sequence[TrainingRow]) -> list[TrainingRow]:
    """Return the rows with one cluster for all rows that share a passage, a question's id or a cluster.

    The rule is transitive. Two data sets may hold the same passage under different article names, and all rows of a
    passage must be in the same part of a split. A merged cluster gets the alphabetically first of its names.
    """
    clusters = group_linked(
        (row.cluster, shared)
        for row in rows
        for shared in (("passage", normalise(row.passage)), ("query", row.query_id))
    )
    return [replace(row, cluster=clusters[row.cluster]) for row in rows]


def _drop_repeats(rows: Iterable[TrainingRow], dropped: Counter[str]) -> list[TrainingRow]:
    """Return the first of all rows with equal texts: a repeat would be a false negative in a batch, or count twice."""
    seen: set[tuple[str, ...]] = set()
    kept = []
    for row in rows:
        texts = (normalise(row.query), normalise(row.passage), normalise(row.target_query), row.language)
        if texts in seen:
            dropped["repeats an earlier row"] += 1
        else:
            seen.add(texts)
            kept.append(row)
    return kept


def _describe_check(index: LeakIndex, rows: Sequence[TrainingRow], leaks: Mapping[int, Leak]) -> dict[str, Any]:
    """Return the manifest's description of the check: its rule, the number of rows with leaks, and the first leaks."""
    examples = [f"{rows[place].query_id} ({rows[place].language}): {leak}" for place, leak in leaks.items()]
    return {**index.rule, "rows_dropped": len(leaks), "first": examples[:LEAKS_SHOWN]}
