"""Planning which rows stand in which batch, for the whole run before it starts.

The plan depends on the rows, the batch size and the seed, never on the loss, so rivals see the same batches; a run that
is continued takes the rest of the same plan. Every batch is full. One pass after another goes over the shuffled rows;
what does not fill a batch at the end of a pass is left out of it.

What may occur twice in a batch (`duplicates`):

    candidates   no query, passage or target query twice, and no row's hard negative is another row's positive
    positives    no query, passage or target query twice
    allow        anything
    auto         "candidates" where that leaves enough of the rows in batches, else "positives"

A text that is both a positive and a candidate of the same query puts a floor of log 2 under that query's loss. Two
rows may share a hard negative: that repeats a candidate and contradicts nothing.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sentence_transformers.base.sampler import DefaultBatchSampler

from clearbench.common.arrays import IntArray
from clearbench.common.errors import TrainingError

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

Duplicates = Literal["candidates", "positives", "allow"]
POSITIVES = ("query", "passage", "target_query")
ROW = "row"
"""Column with a row's position in the file; the collator takes it out before texts are tokenized."""
# "auto" keeps the stricter rule while it forms this share of the batches that the looser one forms.
ENOUGH = 0.8


@dataclass(frozen=True)
class BatchRules:
    """How batches are formed.

    Attributes:
        batch_size: Rows per batch.
        num_batches: Batches of all steps and devices together.
        negatives: Hard negatives per row that are used.
        seed: Seed of the shuffling.
        per_language: Batches of one target language each, in proportion to the languages' rows.
        duplicates: What may occur twice in a batch, see above.
    """

    batch_size: int
    num_batches: int
    negatives: int
    seed: int
    per_language: bool = False
    duplicates: Literal["auto", "candidates", "positives", "allow"] = "auto"


@dataclass(frozen=True)
class BatchPlan:
    """Row positions per batch, for the whole run.

    Attributes:
        batches: One list of positions in the table per batch.
        duplicates: The rule that was kept.
        batch_size: Rows per batch.
    """

    batches: tuple[tuple[int, ...], ...]
    duplicates: Duplicates
    batch_size: int


def plan_training_batches(table: "pd.DataFrame", rules: BatchRules) -> BatchPlan:
    """Plan the batches of a run.

    Raises:
        TrainingError: Not one full batch can be formed.
    """
    source = _BatchSource.of(table, rules)
    duplicates = _choose_duplicates(source, rules)
    planned: list[tuple[int, ...]] = []
    number = 0
    while len(planned) < rules.num_batches:
        batches = source.one_pass(duplicates, number)
        if not batches:
            raise _too_few(table, rules, duplicates)
        planned += batches
        number += 1
    return BatchPlan(tuple(planned[: rules.num_batches]), duplicates, rules.batch_size)


@dataclass(frozen=True)
class _BatchSource:
    """The rows that batches are drawn from.

    Attributes:
        rules: How batches are formed.
        positives: Per row its query, passage and target query.
        mined: Per row its negative passages and their questions, as far as they are used.
        groups: Positions of rows that may stand in one batch.
    """

    rules: BatchRules
    positives: Sequence[tuple[str, ...]]
    mined: Sequence[tuple[str, ...]]
    groups: Sequence[Sequence[int]]

    @classmethod
    def of(cls, table: "pd.DataFrame", rules: BatchRules) -> "_BatchSource":
        positives = list(zip(*(table[column] for column in POSITIVES), strict=True))
        most = rules.negatives
        mined = [(*p[:most], *q[:most]) for p, q in zip(*_negatives(table), strict=True)]
        groups: dict[str, list[int]] = {}
        for position, language in enumerate(table["language"]):
            groups.setdefault(language if rules.per_language else "", []).append(position)
        return cls(rules, positives, mined, [groups[name] for name in sorted(groups)])

    def one_pass(self, duplicates: Duplicates, number: int) -> list[tuple[int, ...]]:
        """Return the batches of one pass over the shuffled rows, in random order."""
        rng = np.random.default_rng([self.rules.seed, number])
        batches = [batch for group in self.groups for batch in self._fill(rng.permutation(group), duplicates)]
        return [batches[place] for place in rng.permutation(len(batches))]

    def _fill(self, order: IntArray, duplicates: Duplicates) -> Iterator[tuple[int, ...]]:
        """Full batches, each of the first rows that fit; rows that do not fit wait for the next one."""
        size = self.rules.batch_size
        queue = deque(order.tolist())
        while len(queue) >= size:
            batch: list[int] = []
            waiting: list[int] = []
            gold: set[str] = set()
            negative: set[str] = set()
            while queue and len(batch) < size:
                row = queue.popleft()
                twice = not gold.isdisjoint(self.positives[row])
                contradicts = not gold.isdisjoint(self.mined[row]) or not negative.isdisjoint(self.positives[row])
                if duplicates == "allow" or not (twice or (duplicates == "candidates" and contradicts)):
                    batch.append(row)
                    gold.update(self.positives[row])
                    negative.update(self.mined[row])
                else:
                    waiting.append(row)
            if len(batch) < size:
                return
            yield tuple(batch)
            queue.extendleft(reversed(waiting))


def _choose_duplicates(source: _BatchSource, rules: BatchRules) -> Duplicates:
    if rules.duplicates != "auto":
        return rules.duplicates
    strict, loose = source.one_pass("candidates", 0), source.one_pass("positives", 0)
    return "candidates" if len(strict) >= max(ENOUGH * len(loose), 1) else "positives"


def _negatives(table: "pd.DataFrame") -> tuple[list[list[str]], list[list[str]]]:
    """Lists of negative passages and of their questions, row by row."""
    return [list(p) for p in table["passage_negatives"]], [list(q) for q in table["target_query_negatives"]]


def _too_few(table: "pd.DataFrame", rules: BatchRules, duplicates: Duplicates) -> TrainingError:
    most = min(table[column].nunique() for column in POSITIVES) if duplicates != "allow" else len(table)
    each = " of one language" if rules.per_language else ""
    return TrainingError(
        f"Not one batch of {rules.batch_size} rows{each} can be formed from {len(table):,} rows with {most:,} distinct "
        f"passages or questions (duplicates: {duplicates}). Use a smaller --batch-size or more rows."
    )


def make_dataset(table: "pd.DataFrame", columns: Sequence[str]) -> "Dataset":
    """Spread the rows to the loss's columns, in the loss's order, with the row's position last.

    A row with fewer negatives than the loss has columns gets empty texts there.
    """
    from datasets import Dataset

    passages, queries = _negatives(table)
    lists: Mapping[str, list[list[str]]] = {"passage_negative": passages, "target_query_negative": queries}
    spread: dict[str, list[Any]] = {}
    for column in columns:
        family, _, slot = column.rpartition("_")
        if family in lists:
            place = int(slot) - 1
            spread[column] = [texts[place] if place < len(texts) else "" for texts in lists[family]]
        else:
            spread[column] = table[column].tolist()
    return Dataset.from_dict({**spread, ROW: list(range(len(table)))})


class PlannedBatches(DefaultBatchSampler):
    """Gives the plan's batches once, so that one epoch of the trainer is the whole run."""

    def __init__(self, plan: BatchPlan, dataset: "Dataset") -> None:
        super().__init__(dataset, batch_size=plan.batch_size, drop_last=True)
        self.plan = plan

    def __iter__(self) -> Iterator[list[int]]:
        return (list(batch) for batch in self.plan.batches)

    def __len__(self) -> int:
        return len(self.plan.batches)
