"""Names of a training row's columns, as a loss reads them.

query                      English question
passage                    its English passage
target_query               the question in the target language
passage_negative_<k>       hard-negative English passages, k = 1..n
target_query_negative_<k>  the target-language question of passage_negative_<k>
"""

import re
from collections.abc import Iterable, Sequence

from clearbench.common.errors import TrainingError, suggest

BASES = ("query", "passage", "target_query")
NEGATIVE = re.compile(r"(passage|target_query)_negative_([1-9][0-9]*)")


def count_negatives(columns: Sequence[str], needed: Iterable[str]) -> dict[str, int]:
    """Return how many negatives the columns hold, per base column.

    Raises:
        TrainingError: A column is unknown, twice there or missing; the negatives are not numbered 1, 2, 3, ...
    """
    numbers: dict[str, list[int]] = {"passage": [], "target_query": []}
    for column in columns:
        if match := NEGATIVE.fullmatch(column):
            numbers[match[1]].append(int(match[2]))
        elif column not in BASES:
            raise TrainingError(
                f"unknown column {column!r}.{suggest(column, BASES)} "
                f"Found {list(columns)}, expected {_expected(needed)}."
            )
    missing = [column for column in needed if column not in columns]
    gaps = [base for base, found in numbers.items() if sorted(found) != list(range(1, len(found) + 1))]
    if missing or gaps or len(set(columns)) < len(columns):
        reason = (
            f"no column {', '.join(map(repr, missing))}" if missing
            else f"the negatives of {gaps[0]!r} are not numbered 1, 2, 3, ..." if gaps
            else "a column is there twice"
        )  # fmt: skip
        raise TrainingError(f"{reason}. Found {list(columns)}, expected {_expected(needed)}.")
    return {base: len(found) for base, found in numbers.items()}


def _expected(needed: Iterable[str]) -> str:
    names = list(needed)
    return f"{names} and, as far as there are any, {[f'{name}_negative_<k>' for name in names if name != 'query']}"
