"""Comparisons: every figure against its own computation."""

import numpy as np
import pytest
from builders.compare import PAIRS, SIZE, TOY, model, sample
from builders.records import write_record
from builders.values import require
from scipy import stats

from clearbench.common.errors import RecordError, UsageError
from clearbench.records.select import load_results, models
from clearbench.stats.averages import GROUPS
from clearbench.stats.flips import benjamini_hochberg, holm, sign_flip_test
from clearbench.stats.intervals import cluster_sums, macro_mean_interval, mean_interval
from clearbench.verdicts.compare.compute import compare, compare_models
from clearbench.verdicts.compare.latex import to_latex
from clearbench.verdicts.compare.machine import to_csv, to_json
from clearbench.verdicts.compare.options import CompareOptions
from clearbench.verdicts.compare.tables import summary, to_markdown

# Numbered as names sort: c0, c1, c10, ...
CODES = np.unique([f"c{number // 2}" for number in range(SIZE)], return_inverse=True)[1]


def differences(pairs=PAIRS):
    return np.stack([sample(1, 0.1)[pair] - sample(0)[pair] for pair in pairs], axis=1).round(9)


def test_each_pair_s_row_is_what_the_parts_give(out):
    found = compare(model(out, "base"), model(out, "tuned"), TOY)
    own = differences()
    interval, test = mean_interval(own, CODES), sign_flip_test(cluster_sums(own, CODES), 2000)
    for p, row in enumerate(found.pairs):
        assert (row.name, row.task, row.kind, row.measure) == (PAIRS[p], "toy", "pair", "nDCG@10")
        assert (row.num_queries, row.num_clusters, row.num_pairs) == (40, 20, 1)
        assert row.base == pytest.approx(sample(0)[row.name].mean())
        assert row.other == pytest.approx(sample(1, 0.1)[row.name].mean())
        assert (row.difference, row.lower, row.upper) == pytest.approx(
            (interval.mean[p], interval.lower[p], interval.upper[p]), abs=1e-12
        )
        assert (row.p, row.p_corrected) == (test.p[p], test.p_max_t[p])
        assert row.wins == (own[:, p] > 0).sum() and row.losses == (own[:, p] < 0).sum()
        assert row.wins + row.ties + row.losses == 40 and row.ties > 0
        t = stats.ttest_rel(sample(1, 0.1)[row.name].round(9), sample(0)[row.name]).statistic
        assert row.d_z == pytest.approx(t / np.sqrt(40), rel=1e-6)
    assert found.num_tests == 6 and found.base_name == "base" and found.other.startswith("tuned-")


def test_each_group_s_row_is_the_macro_average_with_the_pair_s_own_p_where_it_has_one_pair(out):
    found = compare(model(out, "base"), model(out, "tuned"), TOY)
    rows = {row.name: row for row in found.groups}
    assert list(rows) == [group for group in GROUPS if group != "mid"]
    members = np.array([[pair.endswith("-en") and pair != "en-en" for pair in PAIRS]])
    macro = macro_mean_interval(differences(), CODES, members)
    row = rows["*-en"]
    assert (row.num_pairs, row.num_queries, row.num_clusters, row.d_z) == (2, 80, 20, None)
    assert (row.difference, row.lower, row.upper) == pytest.approx((macro.mean[0], macro.lower[0], macro.upper[0]))
    assert row.p == sign_flip_test(macro.contributions, 2000).p[0]
    assert row.other - row.base == pytest.approx(row.difference)
    assert rows["all"].wins + rows["all"].ties + rows["all"].losses == 6
    english = next(row for row in found.pairs if row.name == "en-en")
    assert rows["english"].p == english.p and rows["english"].lower == pytest.approx(english.lower)


@pytest.mark.parametrize(("correction", "adjust"), [("holm", holm), ("bh", benjamini_hochberg), ("none", np.array)])
def test_corrections_cover_all_tasks_and_models_of_a_call(out, correction, adjust):
    options = CompareOptions(correction=correction, flips=500)
    found = compare_models(model(out, "base"), [model(out, "tuned"), model(out, "third")], options)
    rows = [row for one in found for row in one.pairs]
    assert len(rows) == 14 and {one.num_tests for one in found} == {14}
    assert [row.p_corrected for row in rows] == pytest.approx(adjust(np.array([row.p for row in rows])))


def test_max_t_covers_all_tasks_and_models_of_a_call_and_p_does_not_depend_on_them(out):
    one = compare(model(out, "base"), model(out, "tuned"), TOY)
    everything = compare_models(
        model(out, "base"), [model(out, "third"), model(out, "tuned")], CompareOptions(flips=2000)
    )
    again = [row for row in everything[1].pairs if row.task == "toy"]
    assert [row.p for row in again] == [row.p for row in one.pairs]
    assert all(wide.p_corrected >= row.p_corrected for wide, row in zip(again, one.pairs, strict=True))
    assert any(wide.p_corrected > row.p_corrected for wide, row in zip(again, one.pairs, strict=True))


def test_swapping_the_models_turns_the_signs_and_keeps_p(out):
    there = compare(model(out, "base"), model(out, "tuned"), TOY)
    back = compare(model(out, "tuned"), model(out, "base"), TOY)
    for row, turned in zip((*there.pairs, *there.groups), (*back.pairs, *back.groups), strict=True):
        assert (row.p, row.p_corrected, row.wins, row.ties) == (
            turned.p,
            turned.p_corrected,
            turned.losses,
            turned.ties,
        )
        assert (row.difference, row.lower) == pytest.approx((-turned.difference, -require(turned.upper)))


def test_a_model_does_not_differ_from_its_copy(out):
    write_record(out, "copy", sample(0))
    found = compare(model(out, "base"), model(out, "copy"), TOY)
    assert all((row.p, row.difference, row.ties) == (1.0, 0.0, 40) for row in found.pairs)
    assert all((row.lower, row.upper) == (None, None) for row in (*found.pairs, *found.groups))
    assert all(row.d_z == 0.0 for row in found.pairs)
    assert "0.00, " not in to_markdown([found]) and "+0.00, " not in to_latex([found])


def test_what_only_one_model_has_is_said(out):
    found = compare(model(out, "base"), model(out, "third"))
    assert len(found.missing) == 2
    assert found.missing[0].startswith("second: only base-")
    assert "4 pairs (de-de, en-de, en-sw, sw-en)" in found.missing[1]
    assert "Precision differs" in found.notes[0] and "fp32" in found.notes[0] and "bf16" in found.notes[0]


def test_models_without_a_common_task_are_refused(out):
    write_record(out, "elsewhere", sample(0), task="third_task")
    with pytest.raises(RecordError, match="share no task: second, toy against third_task"):
        compare(model(out, "base"), model(out, "elsewhere"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"correction": "maxt"}, "Did you mean max-t"),
        ({"tasks": ("toys",)}, "Did you mean toy"),
        ({"measure": "MRR"}, "no measure 'MRR'"),
        ({"pairs": "fr-*"}, "No language pair matches"),
    ],
)
def test_options_that_do_not_exist_are_usage_errors(out, options, message):
    with pytest.raises(UsageError, match=message):
        compare(model(out, "base"), model(out, "tuned"), CompareOptions(**options))


def test_nothing_to_compare_with_is_a_usage_error(out):
    with pytest.raises(UsageError, match="at least one other"):
        compare_models(model(out, "base"), [])


def test_a_pair_of_one_query_has_no_interval_and_p_1(tmp_path):
    for name, score in (("base", 0.0), ("tuned", 1.0)):
        write_record(tmp_path, name, {"de-en": [score]})
    found = compare(model(tmp_path, "base"), model(tmp_path, "tuned"))
    row = found.pairs[0]
    assert (row.difference, row.lower, row.upper, row.p, row.d_z) == (1.0, None, None, 1.0, None)
    assert found.groups[0].lower is None
    assert any("fewer than 6 clusters" in note for note in found.notes)
    for text in (to_csv([found]), to_json([found]), to_markdown([found]), to_latex([found])):
        assert "nan" not in text.lower()


def test_too_few_flips_for_holm_are_said(out):
    found = compare(model(out, "base"), model(out, "tuned"), CompareOptions(correction="holm", flips=100))
    assert any("no corrected p can be below 0.05" in note for note in found.notes)
    fewest = compare(model(out, "base"), model(out, "tuned"), CompareOptions(correction="holm", flips=300))
    assert not any("no corrected p" in note for note in fewest.notes)


def test_ranks_are_better_when_lower(tmp_path):
    for name, rank in (("base", 4.0), ("tuned", 2.0)):
        write_record(tmp_path, name, {"de-en": [rank] * 9 + [8.0]}, measures=["Max@R"])
    found = compare(model(tmp_path, "base"), model(tmp_path, "tuned"))
    row = found.pairs[0]
    assert (row.wins, row.ties, row.losses, row.points) == (9, 1, 0, 1.0) and row.gain == pytest.approx(1.8)
    assert found.groups[0].wins == 1
    assert "4.4" in to_markdown([found]) and "x 100" not in to_markdown([found])
    assert r"$\times$ 100" not in to_latex([found])


@pytest.mark.parametrize("measure", ["top1_wrong_same", "top1_wrong_other"])
def test_a_share_of_which_less_is_better_is_won_by_the_lower(tmp_path, measure):
    for name, score in (("base", 0.8), ("tuned", 0.2)):
        clusters = list("abcdefghij")
        write_record(tmp_path, name, {"de-en": [score] * 9 + [0.5]}, measures=[measure], clusters=clusters)
    found = compare(model(tmp_path, "base"), model(tmp_path, "tuned"))
    row = found.pairs[0]
    assert (row.wins, row.losses, row.points) == (9, 0, 100.0) and row.gain == pytest.approx(0.54)
    assert "tuned is better in 1 of 1 pairs, worse in 0" in summary(found, "toy", found.pairs)
    assert r"Scores $\times$ 100" in to_latex([found])


def test_a_measure_that_judges_nothing_is_higher_or_lower(tmp_path):
    for name, score in (("base", 0.0), ("tuned", 1.0)):
        write_record(
            tmp_path, name, {"de-en": [score] * 9 + [0.5]}, measures=["lpr_first"], clusters=list("abcdefghij")
        )
    found = compare(model(tmp_path, "base"), model(tmp_path, "tuned"))
    assert "tuned is higher in 1 of 1 pairs, lower in 0" in summary(found, "toy", found.pairs)


def test_two_models_of_one_name_are_shown_by_key(tmp_path):
    for encoder in ("one", "two"):
        write_record(tmp_path, "final", sample(len(encoder)), encoder=encoder)
    first, second = models(load_results(tmp_path)).values()
    found = compare(first, second)
    assert (found.base_name, found.other_name) == (found.base, found.other) and found.base != found.other
