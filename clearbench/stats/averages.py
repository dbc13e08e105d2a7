"""Macro averages over language pairs: each pair counts once, whatever its number of queries."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from clearbench.common.languages import MULTIPLE
from clearbench.common.pairs import Pair, parse_pair

if TYPE_CHECKING:
    from clearbench.common.arrays import BoolArray

TIERS = ("high", "mid", "low")


def pair_tier(pair: Pair) -> str | None:
    """Return the resource tier of a pair: the lower tier of its languages other than English; None for en-en.

    A mixed pool has no tier: de-mul has that of German, en-mul none.
    """
    counted = [language for language in pair if not language.is_english and language != MULTIPLE]
    tiers = [language.tier for language in counted]
    return max(tiers, key=TIERS.index) if tiers else None


def _is_english(pair: Pair) -> bool:
    return pair.query.is_english and pair.passage.is_english


GROUPS: Mapping[str, Callable[[Pair], bool]] = {
    "english": _is_english,
    "*-en": lambda pair: pair.passage.is_english and not pair.query.is_english,
    "en-*": lambda pair: pair.query.is_english and not pair.passage.is_english and pair.passage != MULTIPLE,
    "monolingual": lambda pair: pair.query == pair.passage and not pair.query.is_english,
    "cross-lingual": lambda pair: pair.query != pair.passage != MULTIPLE and not _is_english(pair),
    "high": lambda pair: pair_tier(pair) == "high",
    "mid": lambda pair: pair_tier(pair) == "mid",
    "low": lambda pair: pair_tier(pair) == "low",
    "all": lambda pair: True,
}
"""Group -> which pairs it averages. Only the groups `english` and `all` contain en-en.

Queries against a mixed pool (de-mul) are neither monolingual nor cross-lingual: they are in their tier and in `all`.
"""


def group_members(pairs: Sequence[str]) -> "dict[str, BoolArray]":
    """Return group -> which of the pairs belong to it, bool [P]; groups without a pair are left out."""
    import numpy as np  # --help reads the names of the groups and needs no arrays

    parsed = [parse_pair(pair) for pair in pairs]
    members = {group: np.array([belongs(pair) for pair in parsed], dtype=bool) for group, belongs in GROUPS.items()}
    return {group: mask for group, mask in members.items() if mask.any()}


def macro_averages(means: Mapping[Pair, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Average each measure over the pairs of each group.

    Args:
        means: pair -> measure -> mean over the pair's queries.
    Returns:
        group -> {"num_pairs": n, measure: average}; groups without a pair are left out, and measures that a pair of
        the group lacks.
    """
    averages: dict[str, dict[str, float]] = {}
    for group, belongs in GROUPS.items():
        members = [values for pair, values in means.items() if belongs(pair)]
        if members:
            averages[group] = {
                "num_pairs": len(members),
                **{
                    measure: sum(values[measure] for values in members) / len(members)
                    for measure in members[0]
                    if all(measure in values for values in members)
                },
            }
    return averages
