"""Building training rows from sources: group, split by group, leave out repeats and texts of the evaluation."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clearbench.common.errors import TrainingError
from clearbench.training.rows.leaks import LeakIndex, find_leaks, normalise, refuse_leaks
from clearbench.training.rows.options import OnLeak, Part, Split
from clearbench.training.rows.row import TrainingRow
from clearbench.training.rows.sources import RowSource


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
    sides = {part: tuple(row for row in rows if split.trains(row.cluster) == (part == "train")) for part in _PARTS}
    wanted, other = sides[split.part], sides["heldout" if split.part == "train" else "train"]
    if not wanted:
        num_clusters = len({row.cluster for row in rows})
        raise TrainingError(
            f"No rows in the part {split.part!r}: {len(rows):,} rows of {num_clusters:,} clusters, "
            f"fraction {split.fraction:g}, seed {split.seed}. Choose another --fraction or --seed."
        )
    leaks = None
    if against_other and other:
        index = index or LeakIndex()
        index.add_rows(other, "the other part")
    if index is not None:
        found = find_leaks(wanted, index)
        if on_leak == "refuse":
            refuse_leaks(wanted, found)
        examples = [f"{wanted[place].query_id} ({wanted[place].language}): {leak}" for place, leak in found.items()]
        leaks = {**index.rule, "rows_dropped": len(found), "first": examples[:_EXAMPLES]}
        for leak in found.values():
            dropped[f"leak: {leak.column.partition('[')[0]}, {'equal' if leak.equal else 'near-duplicate'}"] += 1
        wanted = tuple(row for place, row in enumerate(wanted) if place not in found)
        if not wanted:
            raise TrainingError(f"All {len(found):,} rows hold texts of the evaluation ({', '.join(index.tasks)}).")
    return Built(wanted, other, dropped, leaks)


def merge_clusters(rows: Sequence[TrainingRow]) -> list[TrainingRow]:
    """Give rows that share a passage, a question's id or a cluster, directly or along a chain, one cluster.

    Two data sets may hold the same passage under different articles' names; neither may end on another side of a split.
    The name is the first of the joined ones in alphabetical order.
    """
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = key = parent[parent[key]]
        return key

    holder: dict[tuple[str, str], str] = {}
    for row in rows:
        for link in (("passage", normalise(row.passage)), ("query", row.query_id)):
            first, second = sorted((root(row.cluster), root(holder.setdefault(link, row.cluster))))
            parent[second] = first
    return [replace(row, cluster=root(row.cluster)) for row in rows]


def describe_drops(dropped: Counter[str]) -> dict[str, int]:
    """Return reason -> number of rows, the largest number first."""
    return dict(dropped.most_common())


_PARTS: tuple[Part, ...] = ("train", "heldout")

# Leaks named in the manifest.
_EXAMPLES = 20


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
