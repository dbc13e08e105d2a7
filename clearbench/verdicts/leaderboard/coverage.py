"""Which models have enough pairs to be ranked with the others, and the notes on models that have too few.

Ranks are over the pairs that all ranked models have, so one model with few pairs would take most of the others' pairs
out of the ranking. The usual pairs are those that at least half of the models have; a model that lacks more than half
of them is shown and not ranked. Where that leaves fewer than two models, all are ranked over what they share.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from clearbench.common.text import count, join_names
from clearbench.records.select import Entry
from clearbench.verdicts.leaderboard.result import BoardRow, Leaderboard

Pairs = dict[str, set[str]]
"""Task label -> names of pairs."""


@dataclass(frozen=True)
class Coverage:
    """Which models are ranked.

    Attributes:
        pairs: Key of each model -> the pairs that it has.
        missing: Key of each model that is not ranked -> how many of the usual pairs it lacks.
        num_usual: How many usual pairs there are.
    """

    pairs: Mapping[str, Pairs]
    missing: Mapping[str, int]
    num_usual: int


def find_coverage(entries: Iterable[Entry]) -> Coverage:
    """Return which models are ranked, from the records of all models."""
    pairs: dict[str, Pairs] = {}
    for entry in entries:
        pairs.setdefault(entry.key, {})[entry.label] = set(entry.record.by_pair)
    return coverage_from_pairs(pairs)


def coverage_from_pairs(pairs: Mapping[str, Pairs]) -> Coverage:
    """Return which models are ranked, from the pairs that each has, by model key."""
    pairs_of = {key: {(label, pair) for label in by_task for pair in by_task[label]} for key, by_task in pairs.items()}
    counts = Counter(pair for model_pairs in pairs_of.values() for pair in model_pairs)
    usual = {pair for pair, number in counts.items() if 2 * number >= len(pairs)}
    num_missing = {key: len(usual - model_pairs) for key, model_pairs in pairs_of.items()}
    missing = {key: number for key, number in num_missing.items() if 2 * number > len(usual)}
    return Coverage(pairs, missing if len(pairs) - len(missing) >= 2 else {}, len(usual))


def coverage_notes(board: Leaderboard, unranked: Iterable[BoardRow], coverage: Coverage) -> list[str]:
    """Return a sentence on each model that is not ranked, and one on each task of which some ranked models lack pairs.

    Args:
        board: Only the rows of the models that are to be ranked.
        unranked: The other models.
        coverage: Why they are not ranked.
    """
    notes = [
        f"{row.model} is not ranked: it has {coverage.num_usual - coverage.missing[row.key]:,} of the "
        f"{count(coverage.num_usual, 'pair')} that at least half of the models have. Evaluate it on the others, or "
        "choose models with --models."
        for row in unranked
    ]
    if len(board.rows) < 2:
        return notes
    if not board.shared:
        return [*notes, f"No pair of any task is in the records of all {len(board.rows)} models, so none is ranked."]
    return [*notes, *(note for column in board.tasks if (note := _incomplete_note(board, column.label, coverage)))]


def _incomplete_note(board: Leaderboard, label: str, coverage: Coverage) -> str:
    """Return a sentence on the ranked models that lack pairs of a task, "" if none does."""
    pairs_of = {row.model: coverage.pairs[row.key].get(label, set()) for row in board.rows}
    num_pairs = len(set().union(*pairs_of.values()))
    incomplete = [
        f"{name} has {len(model_pairs):,}" for name, model_pairs in pairs_of.items() if len(model_pairs) < num_pairs
    ]
    if not incomplete:
        return ""
    num_ranked = len(board.shared.get(label, ()))
    pairs = count(num_pairs, "pair")
    return f"Of the {pairs} of {label}, {join_names(incomplete)}: blanks, and ranks over {num_ranked:,} of them."
