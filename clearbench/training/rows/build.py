"""Building training rows from sources: group, split by group, leave out repeats and texts of the evaluation."""

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
# Leaks named in the manifest.
LEAKS_SHOWN = 20


@dataclass(frozen=True)
class Built:
    """The rows that were built, and what became of the others.

    Attributes:
        rows: The wanted part.
        other: The other part, with nothing left out.
        dropped: Reason -> number of rows left out.
        leaks: What the check for leaks found: its rule, rows per task, and the first leaks.
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
) -> Built:
    """Join sources, split them by cluster, and check the wanted part against the evaluation's texts.

    Args:
        sources: Where rows come from.
        split: Which part is wanted.
        index: The evaluation's texts; None checks nothing.
        on_leak: "refuse" raises if a row holds a text of the evaluation, "drop" leaves such rows out and counts them.
        against_other: Also check against the other part, which will be evaluated on. Splitting by cluster keeps
            passages apart; this finds questions that two articles share and excerpts that the clusters do not know.
    Raises:
        TrainingError: No rows are left, or a row holds a text of the evaluation.
    """
    dropped = sum((source.dropped for source in sources), Counter())
    rows = _drop_repeats(merge_clusters([row for source in sources for row in source.rows]), dropped)
    sides = {part: tuple(row for row in rows if split.trains(row.cluster) == (part == "train")) for part in PARTS}
    wanted, other = sides[split.part], sides["heldout" if split.part == "train" else "train"]
    if not wanted:
        num_clusters = len({row.cluster for row in rows})
        raise TrainingError(
            f"No rows in the part {split.part!r}: {len(rows):,} rows of {num_clusters:,} clusters, "
            f"fraction {split.fraction:g}, seed {split.seed}. Choose another --fraction or --seed."
        )
    if against_other and other:
        index = index or LeakIndex()
        index.add_rows(other, "the other part")
    if index is None:
        return Built(wanted, other, dropped, None)
    leaks = find_leaks(wanted, index)
    if on_leak == "refuse":
        refuse_leaks(wanted, leaks)
    for leak in leaks.values():
        dropped[f"leak: {leak.column.partition('[')[0]}, {'equal' if leak.equal else 'near-duplicate'}"] += 1
    kept = tuple(row for place, row in enumerate(wanted) if place not in leaks)
    if not kept:
        raise TrainingError(f"All {len(leaks):,} rows hold texts of the evaluation ({', '.join(index.tasks)}).")
    return Built(kept, other, dropped, _describe_check(index, wanted, leaks))


def merge_clusters(rows: Sequence[TrainingRow]) -> list[TrainingRow]:
    """Give rows that share a passage, a question's id or a cluster, directly or along a chain, one cluster.

    Two data sets may hold the same passage under different articles' names; neither may end on another side of a split.
    The name is the first of the joined ones in alphabetical order.
    """
    clusters = group_linked(
        (row.cluster, shared)
        for row in rows
        for shared in (("passage", normalise(row.passage)), ("query", row.query_id))
    )
    return [replace(row, cluster=clusters[row.cluster]) for row in rows]


def _drop_repeats(rows: Iterable[TrainingRow], dropped: Counter[str]) -> list[TrainingRow]:
    """Keep the first of rows with equal texts: a repeat would be a false negative of its twin, or count twice."""
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
    """Return what the manifest says about the check: its rule, how many rows had leaks, and the first of them."""
    examples = [f"{rows[place].query_id} ({rows[place].language}): {leak}" for place, leak in leaks.items()]
    return {**index.rule, "rows_dropped": len(leaks), "first": examples[:LEAKS_SHOWN]}
