"""Averages by group of pairs in a report equal those of records."""

import pytest
from builders.report import shown

from clearbench.common.measures import find_measure
from clearbench.report.content.groups import group_chart, group_means

NDCG = find_measure("nDCG@10")


@pytest.fixture(scope="module")
def groups(entries):
    entry = entries[0]
    return group_means([shown(entry)], entry.label, NDCG, [pair.pair for pair in entry.record.pairs])


def test_group_means_equal_those_of_the_record(entries, groups):
    entry = entries[0]
    averages = entry.record.averages
    assert {group.key for group in groups} >= {"english", "*-en", "monolingual", "high", "low", "all"}
    for group in groups:
        assert group.means[0].mean == pytest.approx(100 * averages[group.key]["nDCG@10"])
        assert group.num_pairs == averages[group.key]["num_pairs"]
    [english] = [group.means[0] for group in groups if group.key == "english"]
    [known] = [pair.measures["nDCG@10"] for pair in entry.record.pairs if pair.pair == "en-en"]
    assert (english.lower, english.upper) == (pytest.approx(100 * known.lower), pytest.approx(100 * known.upper))


def test_group_axis_holds_every_interval(groups):
    axis = group_chart(groups, NDCG).axis
    assert all(axis.low <= mean.lower and mean.upper <= axis.high for group in groups for mean in group.means)
    assert axis.share(axis.low) == 0 and axis.share(axis.high) == 1


def test_models_without_a_record_of_the_task_are_passed_over(entries):
    assert group_means([shown(entries[0])], "another task", NDCG, ["en-en"]) == ()
