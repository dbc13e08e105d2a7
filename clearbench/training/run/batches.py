"""Plan the batches of a whole run before it starts.

The plan depends on the rows, the batch size and the seed, but not on the loss, so all losses train on the same batches.
A resumed run uses the rest of the same plan. Every batch is full. The plan makes pass after pass over the shuffled
rows; rows that do not fill a batch at the end of a pass are not used in that pass.

The rules for texts that occur twice in a batch (`duplicates`):

    candidates   no query, passage or target query twice, and no row's hard negative is another row's positive
    positives    no query, passage or target query twice
    allow        no rule
    auto         "candidates" if it still puts enough of the rows into batches, else "positives"

If a text is both the positive and a further candidate of a query, the query's loss cannot fall below log 2. Two rows
may share a hard negative, which only repeats a candidate.
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
"""Column with a row's position in the file; the collator removes it before the texts are tokenized."""
ENOUGH = 0.8
"""The value "auto" uses the stricter rule if it gives at least this share of the batches that the looser rule gives."""


@dataclass(frozen=True)
class BatchRules:
    """How batches are formed.

    Attributes:
        batch_size: Rows per batch.
        num_batches: Number of batches over all steps and devices.
        negatives: Number of hard negatives used per row.
        seed: Seed of the shuffling.
        per_language: Whether each batch has one target language, in proportion to the languages' rows.
        duplicates: The rule for texts that occur twice in a batch, see above.
    """

    batch_size: int
    num_batches: int
    negatives: int
    seed: int
    per_language: bool = False
    duplicates: Literal["auto", "candidates", "positives", "allow"] = "auto"


@dataclass(frozen=True)
class BatchPlan:
    """The row positions of each batch, for the whole run.

    Attributes:
        batches: For each batch, its rows' positions in the table.
        duplicates: The rule that was used.
        batch_size: Rows per batch.
    """

    batches: tuple[tuple[int, ...], ...]
    duplicates: Duplicates
    batch_size: int


def plan_training_batches(table: "pd.DataFrame", rules: BatchRules) -> BatchPlan:
    """Return the plan of a run's batches.

    Raises:
        TrainingError: Not one full batch can be formed.
    """
    source = _BatchSource.from_table(table, rules)
    duplicates = _choose_duplicates(source, rules)
    planned: list[tuple[int, ...]] = []
    number = 0
    while len(planned) < rules.num_batches:
        batches = source.plan_pass(duplicates, number)
        if not batches:
            raise _no_batch_error(table, rules, duplicates)
        planned += batches
        number += 1
    return BatchPlan(tuple(planned[: rules.num_batches]), duplicates, rules.batch_size)


@dataclass(frozen=True)
class _BatchSource:
    """The rows that batches are drawn from.

    Attributes:
        rules: How batches are formed.
        positives: For each row, its query, passage and target query.
        mined: For each row, the negative passages and their questions that are used.
        groups: Groups of row positions; a batch takes its rows from one group.
    """

    rules: BatchRules
    positives: Sequence[tuple[str, ...]]
    mined: Sequence[tuple[str, ...]]
    groups: Sequence[Sequence[int]]

    @classmethod
    def from_table(cls, table: "pd.DataFrame", rules: BatchRules) -> "_BatchSource":
        positives = list(zip(*(table[column] for column in POSITIVES), strict=True))
        most = rules.negatives
        mined = [(*p[:most], *q[:most]) for p, q in zip(*_negative_texts(table), strict=True)]
        groups: dict[str, list[int]] = {}
        for position, language in enumerate(table["language"]):
            groups.setdefault(language if rules.per_language else "", []).append(position)
        return cls(rules, positives, mined, [groups[name] for name in sorted(groups)])

    def plan_pass(self, duplicates: Duplicates, number: int) -> list[tuple[int, ...]]:
        """Return the batches of one pass over the shuffled rows, in random order."""
        rng = np.random.default_rng([self.rules.seed, number])
        batches = [batch for group in self.groups for batch in self._fill_batches(rng.permutation(group), duplicates)]
        return [batches[place] for place in rng.permutation(len(batches))]

    def _fill_batches(self, order: IntArray, duplicates: Duplicates) -> Iterator[tuple[int, ...]]:
        """Yield full batches, each of the first rows that fit; rows that do not fit wait for the next batch."""
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
    strict, loose = source.plan_pass("candidates", 0), source.plan_pass("positives", 0)
    return "candidates" if len(strict) >= max(ENOUGH * len(loose), 1) else "positives"


def _negative_texts(table: "pd.DataFrame") -> tuple[list[list[str]], list[list[str]]]:
    """Return the negative passages of each row, and their questions."""
    return [list(p) for p in table["passage_negatives"]], [list(q) for q in table["target_query_negatives"]]


def _no_batch_error(table: "pd.DataFrame", rules: BatchRules, duplicates: Duplicates) -> TrainingError:
    most = min(table[column].nunique() for column in POSITIVES) if duplicates != "allow" else len(table)
    each = " of one language" if rules.per_language else ""
    return TrainingError(
        f"{len(table):,} rows with {most:,} distinct passages or questions are too few for one batch of "
        f"{rules.batch_size} rows{each} (duplicates: {duplicates}). Use a smaller --batch-size or more rows."
    )


def make_dataset(table: "pd.DataFrame", columns: Sequence[str]) -> "Dataset":
    """Return a dataset with the loss's columns in the loss's order, and the row's position as the last column.

    A row with fewer negatives than the loss has columns gets empty texts in the remaining columns.
    """
    from datasets import Dataset

    passages, queries = _negative_texts(table)
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
    """A sampler that yields the plan's batches once: the trainer's only epoch is the whole run."""

    def __init__(self, plan: BatchPlan, dataset: "Dataset") -> None:
        super().__init__(dataset, batch_size=plan.batch_size, drop_last=True)
        self.plan = plan

    def __iter__(self) -> Iterator[list[int]]:
        return (list(batch) for batch in self.plan.batches)

    def __len__(self) -> int:
        return len(self.plan.batches)
