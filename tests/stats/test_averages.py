"""Macro averages: each pair once, English apart."""

from clearbench.common.pairs import parse_pair
from clearbench.stats.averages import group_members, macro_averages, pair_tier

MEANS = {"en-en": 0.9, "de-en": 0.7, "sw-en": 0.3, "en-de": 0.5, "de-de": 0.8, "sw-de": 0.1}


def test_groups_hold_the_pairs_they_name():
    averages = macro_averages({parse_pair(pair): {"nDCG@10": value} for pair, value in MEANS.items()})
    got = {group: (values["num_pairs"], round(values["nDCG@10"], 9)) for group, values in averages.items()}
    assert got == {
        "english": (1, 0.9),
        "*-en": (2, 0.5),
        "en-*": (1, 0.5),
        "monolingual": (1, 0.8),
        "cross-lingual": (4, 0.4),
        "high": (3, round(2.0 / 3, 9)),
        "low": (2, 0.2),
        "all": (6, 0.55),
    }


def test_a_pair_has_the_lower_tier_and_english_none():
    assert [pair_tier(parse_pair(p)) for p in ("en-en", "de-en", "en-sw", "sw-de", "bn-de")] == [
        None,
        "high",
        "low",
        "low",
        "mid",
    ]


def test_queries_against_a_mixed_pool_are_in_their_tier_and_in_all():
    means = {"en-mul": 0.9, "de-mul": 0.5, "sw-mul": 0.1}
    averages = macro_averages({parse_pair(pair): {"nDCG@10": value} for pair, value in means.items()})
    assert {group: values["num_pairs"] for group, values in averages.items()} == {"high": 1, "low": 1, "all": 3}


def test_english_of_any_region_counts_as_english():
    means = {
        pair: {"nDCG@10": 1.0} for pair in map(parse_pair, ("en_US-en", "en_US-en_US", "pt_BR-en_GB", "en_GB-pt_BR"))
    }
    counts = {group: values["num_pairs"] for group, values in macro_averages(means).items()}
    assert counts == {"english": 2, "*-en": 1, "en-*": 1, "cross-lingual": 2, "high": 2, "all": 4}


def test_a_measure_that_a_pair_lacks_is_not_averaged():
    means = {parse_pair("de-mul"): {"nDCG@10": 0.5, "lpr_first": 0.2}, parse_pair("sw-mul"): {"nDCG@10": 0.1}}
    assert macro_averages(means)["all"] == {"num_pairs": 2, "nDCG@10": 0.3}


def test_members_are_the_pairs_that_an_average_is_over():
    averages = macro_averages({parse_pair(pair): {"nDCG@10": value} for pair, value in MEANS.items()})
    members = group_members(list(MEANS))
    assert list(members) == list(averages)
    for group, mask in members.items():
        figures = [value for value, belongs in zip(MEANS.values(), mask, strict=True) if belongs]
        assert sum(figures) / len(figures) == averages[group]["nDCG@10"]
