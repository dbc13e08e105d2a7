"""The columns that a loss reads, found by name.

    query                      English question
    passage                    its English passage
    target_query               the question in the target language
    passage_negative_<k>       hard-negative English passages, k = 1..n
    target_query_negative_<k>  the target-language question of passage_negative_<k>

sentence-transformers passes the columns to a loss in the dataset's order and without their names. A loss here takes the
names as an argument and checks them: the set of names when it is created, the number of columns in every batch, and the
order as far as the features show it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clearbench.common.errors import TrainingError, suggest

Features = Mapping[str, Any]
"""The tokenizer's output for the texts of one column."""

BASES = ("query", "passage", "target_query")
NEGATIVE = re.compile(r"(passage|target_query)_negative_([1-9][0-9]*)")
MIXED_IN = re.compile(r"(negative_[0-9]+)_(.+)")
"""The trainer finds a column's features by the prefix of their flat names, so the features of `passage` also contain
those of `passage_negative_1`, under names such as `negative_1_input_ids`."""
HOW_TO_ORDER = "Pass dataset.select_columns(loss.columns) to the trainer."


@dataclass(frozen=True)
class LossColumns:
    """The dataset's columns in its order, and which of them a loss reads.

    Attributes:
        names: The dataset's columns in its order.
        slots: Base column that the loss reads -> the columns of its slots: the positive, then the negatives.
    """

    names: tuple[str, ...]
    slots: Mapping[str, tuple[str, ...]]

    def name_features(self, features: Sequence[Features]) -> dict[str, Features]:
        """Return column -> features, for the columns that the loss reads, without features of other columns.

        Raises:
            TrainingError: The batch has more or fewer columns, or another order of columns.
        """
        if len(features) != len(self.names):
            raise TrainingError(
                f"The batch has {len(features)} text columns, the loss expects {len(self.names)}: "
                f"{list(self.names)}. {HOW_TO_ORDER}"
            )
        named = dict(zip(self.names, features, strict=True))
        self._check_order(named)
        used = {slot for slots in self.slots.values() for slot in slots}
        # Features of other columns would be taken for token-level features if their shapes agree.
        return {
            column: {name: value for name, value in named[column].items() if not MIXED_IN.match(name)}
            for column in self.names
            if column in used
        }

    def _check_order(self, named: Mapping[str, Features]) -> None:
        # `negative_1_input_ids` of `passage` must be the same tensor object as in column `passage_negative_1`.
        for column, features in named.items():
            for name, value in features.items():
                if not (match := MIXED_IN.fullmatch(name)) or match[2] != "input_ids":
                    continue
                other = f"{column}_{match[1]}"
                if other not in named or named[other]["input_ids"] is not value:
                    raise TrainingError(
                        "The batch's columns are not in the order that the loss expects: "
                        f"{list(self.names)}. {HOW_TO_ORDER}"
                    )


def read_columns(names: Sequence[str], needed: Sequence[str], candidates: Iterable[str]) -> LossColumns:
    """Check the names of a dataset's columns and return the ones that a loss reads.

    Args:
        names: The dataset's columns in its order; it may have further columns that the loss does not need.
        needed: Base columns that the loss reads.
        candidates: The needed base columns for which the loss also reads the negatives.
    Raises:
        TrainingError: A column is unknown, repeated or missing, or the negatives are not numbered 1, 2, 3, ...
    """
    numbers: dict[str, list[int]] = {"passage": [], "target_query": []}
    for column in names:
        if match := NEGATIVE.fullmatch(column):
            numbers[match[1]].append(int(match[2]))
        elif column not in BASES:
            raise _wrong_columns(f"unknown column {column!r}.{suggest(column, BASES)}", names, needed)
    if missing := [column for column in needed if column not in names]:
        raise _wrong_columns(f"no column {', '.join(map(repr, missing))}.", names, needed)
    for base, found in numbers.items():
        if sorted(found) != list(range(1, len(found) + 1)):
            raise _wrong_columns(f"the negatives of {base!r} are not numbered 1, 2, 3, ...", names, needed)
    if len(set(names)) < len(names):
        raise _wrong_columns("a column occurs twice.", names, needed)
    num_negatives = {base: len(numbers[base]) for base in candidates}
    slots = {
        base: (base, *(f"{base}_negative_{k}" for k in range(1, num_negatives.get(base, 0) + 1))) for base in needed
    }
    return LossColumns(tuple(names), slots)


def _wrong_columns(reason: str, names: Sequence[str], needed: Iterable[str]) -> TrainingError:
    bases = list(needed)
    negatives = [f"{base}_negative_<k>" for base in bases if base != "query"]
    return TrainingError(f"{reason} Found {list(names)}, expected {bases} and optionally {negatives}.")
