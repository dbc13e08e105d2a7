"""Macro averages over language pairs: each pair counts once, whatever its number of queries."""

from collections.abc import Callable, Mapping

from clearbench.languages import ENGLISH, Pair

TIERS = ("high", "mid", "low")


def pair_tier(pair: Pair) -> str | None:
    """Resource tier of a pair: the lower tier of its languages other than English; None for en-en."""
    tiers = [language.tier for language in (pair.query, pair.passage) if language != ENGLISH]
    return max(tiers, key=TIERS.index) if tiers else None


GROUPS: Mapping[str, Callable[[Pair], bool]] = {
    "english": lambda pair: pair.query == pair.passage == ENGLISH,
    "*-en": lambda pair: pair.passage == ENGLISH != pair.query,
    "en-*": lambda pair: pair.query == ENGLISH != pair.passage,
    "monolingual": lambda pair: pair.query == pair.passage != ENGLISH,
    "cross-lingual": lambda pair: pair.query != pair.passage,
    "high": lambda pair: pair_tier(pair) == "high",
    "mid": lambda pair: pair_tier(pair) == "mid",
    "low": lambda pair: pair_tier(pair) == "low",
    "all": lambda pair: True,
}
"""Group -> which pairs it averages. English alone stands apart: no group but `english` and `all` holds en-en."""


def macro_averages(means: Mapping[Pair, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Average each measure over the pairs of each group.

    Args:
        means: pair -> measure -> mean over the pair's queries.
    Returns:
        group -> {"num_pairs": n, measure: average}; groups without a pair are left out.
    """
    averages: dict[str, dict[str, float]] = {}
    for group, belongs in GROUPS.items():
        members = [values for pair, values in means.items() if belongs(pair)]
        if members:
            averages[group] = {
                "num_pairs": len(members),
                **{measure: sum(values[measure] for values in members) / len(members) for measure in members[0]},
            }
    return averages
