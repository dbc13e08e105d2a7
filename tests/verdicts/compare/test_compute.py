"""Comparisons: every figure against its own computation, and tables as their consumers read them."""

import io
import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from builders.records import write_record
from scipy import stats

from clearbench.common.errors import RecordError, UsageError
from clearbench.records.select import load_results, models, select_model
from clearbench.stats.averages import GROUPS
from clearbench.stats.flips import benjamini_hochberg, holm, sign_flip_test
from clearbench.stats.intervals import cluster_sums, macro_mean_interval, mean_interval
from clearbench.verdicts.compare.compute import compare, compare_models
from clearbench.verdicts.compare.latex import escape_latex, to_latex
from clearbench.verdicts.compare.machine import CSV_COLUMNS, to_csv, to_json
from clearbench.verdicts.compare.options import CompareOptions
from clearbench.verdicts.compare.tables import summary, to_markdown, to_tables

PAIRS = ("de-de", "de-en", "en-de", "en-en", "en-sw", "sw-en")
SIZE = 40
# Numbered as names sort: c0, c1, c10, ...
CODES = np.unique([f"c{number // 2}" for number in range(SIZE)], return_inverse=True)[1]


def sample(seed, shift=0.0, pairs=PAIRS):
    """Scores that share what is hard about a query; `shift` is added to other pairs than en-en."""
    common = np.random.default_rng(99).uniform(0.2, 0.7, SIZE)
    noise = np.random.default_rng(seed).normal(0, 0.08, (len(PAIRS), SIZE))
    moved = {pair: common + noise[PAIRS.index(pair)] + shift * (pair != "en-en") for pair in pairs}
    return {pair: np.round(np.clip(scores, 0, 1), 1) for pair, scores in moved.items()}


@pytest.fixture
def out(tmp_path):
    write_record(tmp_path, "base", sample(0))
    write_record(tmp_path, "tuned", sample(1, 0.1))
    write_record(tmp_path, "third", sample(2, 0.02, ("de-en", "en-en")), dtype="bf16")
    for name, seed in (("base", 3), ("tuned", 4)):
        write_record(tmp_path, name, sample(seed), task="second", encoder=f"encoder of {name}")
    return tmp_path


def model(out, name):
    return select_model(out, name)


def differences(pairs=PAIRS):
    return np.stack([sample(1, 0.1)[pair] - sample(0)[pair] for pair in pairs], axis=1).round(9)


TOY = CompareOptions(tasks=("toy",), flips=2000)


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
        assert (row.difference, row.lower) == pytest.approx((-turned.difference, -turned.upper))


def test_a_model_does_not_differ_from_its_copy(out):
    write_record(out, "copy", sample(0))
    found = compare(model(out, "base"), model(out, "copy"), TOY)
    assert all((row.p, row.difference, row.ties) == (1.0, 0.0, 40) for row in found.pairs)
    assert all((row.lower, row.upper, row.d_z) == (0.0, 0.0, 0.0) for row in found.pairs)


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
    assert (row.wins, row.ties, row.losses, row.gain, row.points) == (9, 1, 0, pytest.approx(1.8), 1.0)
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
    assert (row.wins, row.losses, row.gain, row.points) == (9, 0, pytest.approx(0.54), 100.0)
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


# --- tables


def both(out, **options):
    return compare_models(
        model(out, "base"), [model(out, "tuned"), model(out, "third")], CompareOptions(flips=500, **options)
    )


def test_pandas_reads_the_csv_back(out):
    found = both(out)
    frame = pd.read_csv(io.StringIO(to_csv(found)))
    assert list(frame.columns) == ["base", "other", "correction", *CSV_COLUMNS]
    rows = [(one, row) for one in found for row in (*one.pairs, *one.groups)]
    assert len(frame) == len(rows)
    for (one, row), line in zip(rows, frame.to_dict("records"), strict=True):
        assert (line["base"], line["other"]) == (one.base, one.other)
        for column, field in CSV_COLUMNS.items():
            value = getattr(row, field)
            exact = value if value is None or isinstance(value, str) else pytest.approx(value, rel=1e-14)
            assert pd.isna(line[column]) if value is None else line[column] == exact, column


def test_json_holds_every_field(out):
    found = both(out)
    read = json.loads(to_json(found))["comparisons"]
    assert [one["other"] for one in read] == [one.other for one in found]
    assert read[0]["pairs"][0]["p_corrected"] == found[0].pairs[0].p_corrected
    assert read[0]["options"]["correction"] == "max-t" and read[1]["missing"] == list(found[1].missing)


def test_markdown_escapes_names_and_keeps_its_columns(out):
    write_record(out, "a|b*c<script>\n", sample(1))
    text = to_markdown([compare(model(out, "base"), model(out, "a|b*c<script>\n"), TOY)])
    assert "a\\|b\\*c\\<script\\>" in text and "<script" not in text.replace("\\<script", "")
    lines = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1 and "\\*-en (mean)" in text


def test_the_terminal_s_tables_hold_all_figures_or_the_most_changed(tmp_path, out):
    shown = list(to_tables(both(out)))
    tables = [part for part in shown if not isinstance(part, str)]
    assert [table.row_count for table in tables][:1] == [6 + 8] and len(tables) == 3
    codes = ["ar", "bn", "de", "es", "fi", "fr", "hi"]
    many = [f"{q}-{p}" for q in codes for p in codes]
    for number, name in enumerate(("base", "tuned")):
        rng = np.random.default_rng(number)
        write_record(tmp_path / "many", name, {pair: rng.random(12) for pair in many})
    found = compare(model(tmp_path / "many", "base"), model(tmp_path / "many", "tuned"))
    parts = list(to_tables([found]))
    table = next(part for part in parts if not isinstance(part, str))
    assert table.row_count == 20 + len(found.groups) and any("29 pairs" in str(part) for part in parts)


def test_the_summary_counts_what_the_marks_say(out):
    found = compare(model(out, "base"), model(out, "tuned"), TOY)
    better = sum(bool(row.marks) and row.difference > 0 for row in found.pairs)
    assert 0 < better < 6
    assert f"better in {better} of 6 pairs, worse in 0, not told apart in {6 - better}" in summary(
        found, "toy", found.pairs
    )


@pytest.mark.parametrize(("p", "marks"), [(0.0009, "***"), (0.001, "**"), (0.0099, "**"), (0.049, "*"), (0.05, "")])
def test_marks_by_level(out, p, marks):
    from dataclasses import replace

    row = compare(model(out, "base"), model(out, "tuned"), TOY).pairs[0]
    assert replace(row, p_corrected=p).marks == marks


SIGNS = 'a_b%c&d#e$f{g}h~i^j\\k<l>m|n"o'


def test_latex_has_a_cell_for_each_column_and_marks_on_differences(out):
    found = both(out, tasks=("toy",))
    text = to_latex(found)
    rows = [line for line in text.splitlines() if line.endswith("\\\\") and "multicolumn" not in line]
    assert {line.replace("\\&", "").count("&") for line in rows} == {8}
    row = found[0].pairs[1]
    assert f"${100 * row.difference:+.2f}^{{{'{*}' * len(row.marks)}}}$" in text and row.marks
    assert any(line.startswith("de-de & 40 &") for line in rows)
    sw = next(line for line in rows if line.startswith("sw-en"))
    assert sw.endswith(" &  &  &  \\\\")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles_with_any_name(out, tmp_path):
    write_record(out, SIGNS, sample(1, 0.1))
    found = [*both(out), compare(model(out, "base"), model(out, SIGNS))]
    body = to_latex(found)
    document = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n" + body + "\\end{document}\n"
    (tmp_path / "table.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "table.pdf").stat().st_size > 1000


def test_latex_keeps_the_asterisk_of_a_group_after_the_end_of_a_row(out):
    assert "\n{*}-en (mean) &" in to_latex(both(out)) and "\n*" not in to_latex(both(out))


def test_latex_escapes_every_special_sign():
    assert escape_latex("a_b%\n\x00") == "a\\_b\\%  "
    assert escape_latex(SIGNS).count("\\") >= 13
