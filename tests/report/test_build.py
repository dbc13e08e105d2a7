"""The report as data: who is compared with whom, what the summary says, which options are refused."""

import numpy as np
import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets
from builders.report import Page, write_records
from builders.values import require

from clearbench.cli.app import execute
from clearbench.evaluation.options import EvaluationOptions
from clearbench.records.select import load_results
from clearbench.report.build import make_report
from clearbench.report.options import ReportOptions
from clearbench.report.page import render


def test_the_baseline_is_gated_against_and_named(entries):
    report = make_report(entries, ReportOptions(baseline="two", margin=2.5))
    assert report.reference == "two" and len(report.gates) == 2
    assert all(gate.margin == 2.5 and gate.baseline.startswith("two-") for gate in report.gates)
    assert sum("English gate" in fact for fact in report.facts) == 2
    without = make_report(entries)
    assert without.gates == () and without.reference == without.board.rows[0].model


def test_a_model_that_cannot_be_gated_is_named_with_the_reason(tmp_path):
    write_records(tmp_path, models=(("base", "1"),))
    encoder = HashEncoder(name="rough", salt="2", settings={"kind": "hash", "dtype": "bf16"})
    evaluate_sets(encoder, [parallel_set(("en", "de", "sw"))], EvaluationOptions(tmp_path))
    report = make_report(load_results(tmp_path), ReportOptions(baseline="base"))
    assert report.gates == () and "rough" in report.ungated[0] and "bf16" in report.ungated[0]
    assert "Not gated: rough" in render(report)


def test_the_summary_counts_what_the_comparison_shows(entries):
    report = make_report(entries, ReportOptions(baseline="one"))
    for comparison in report.comparisons:
        better = sum(row.p_corrected < 0.05 and row.gain > 0 for row in comparison.pairs)
        told = [fact for fact in report.facts if f"better on {better or 'none'} of 9 pairs" in fact]
        assert told


def test_two_models_of_one_name_are_told_apart(tmp_path):
    write_records(tmp_path, models=(("final", "1"), ("final", "2")))
    report = make_report(load_results(tmp_path))
    assert len(set(report.names.values())) == 2 and all(name.startswith("final-") for name in report.names.values())


def test_many_models_share_sentences_and_tables(tmp_path):
    out = write_records(tmp_path, models=[(f"m{number}", str(number)) for number in range(9)])
    entries = load_results(out)
    report = make_report(entries, ReportOptions(baseline="m0"))
    told = [fact for fact in report.facts if "better / worse than m0" in fact]
    assert len(told) == 1 and all(f"<b>m{number}</b>" in told[0] for number in range(1, 9))
    gated = [fact for fact in report.facts if "English gate" in fact]
    assert len(gated) <= 3 and sum(fact.count("<b>m") for fact in gated) == 8
    # Nine models are more than there are colours: groups become a table with the same figures.
    table = require(report.tasks[0].group_matrix)
    assert len(table.columns) == 9 and table.rows[0].code == "english"
    for row, group in enumerate(report.tasks[0].groups):
        by_name = {mean.name: mean.mean for mean in group.means}
        np.testing.assert_allclose(table.value[row], np.array([by_name[column.name] for column in table.columns]))
    assert "task-1-groups-1" in Page(render(report)).blocks


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--baseline", "ona"], "Did you mean one"),
        (["--tasks", "toi"], "toy"),
        (["--tasks", ""], "--tasks is empty"),
        (["--measure", "nDCG"], "nDCG@10"),
        (["--gate-margin", "nan"], "--gate-margin nan"),
        (["--baseline", "one", "--gate-margin", "-1"], "margin"),
    ],
)
def test_wrong_options_are_said(results, tmp_path, capsys, arguments, message):
    code = execute(["report", str(results), "--out", str(tmp_path / "x.html"), *arguments])
    assert code in (1, 2) and message in capsys.readouterr().err
    assert not (tmp_path / "x.html").exists()


def test_broken_records_are_named_and_refused_on_request(tmp_path, capsys):
    out = write_records(tmp_path / "out", models=(("good", "1"), ("bad", "2")))
    [broken] = (out / "records").glob("bad-*/toy/record.json")
    broken.write_text("{", encoding="utf-8")
    page = tmp_path / "page.html"
    assert execute(["report", str(out), "--out", str(page), "--strict"]) == 1
    assert "damaged" in capsys.readouterr().err and not page.exists()
    assert execute(["report", str(out), "--out", str(page)]) == 0
    assert "Left out: " in page.read_text(encoding="utf-8")
    assert "Left out: " in capsys.readouterr().err
    assert execute(["report", str(tmp_path / "nothing"), "--out", str(page)]) == 1


def test_a_model_that_shares_no_pair_with_the_others_is_shown_and_compared_with_none(tmp_path):
    write_records(write_records(tmp_path), models=(("alone", "3"),), languages=("fr",))
    report = make_report(load_results(tmp_path), ReportOptions(baseline="one"))
    assert [model.name for model in report.models][-1] == "alone"
    assert {comparison.other_name for comparison in report.comparisons} == {"two"}
    assert [reason.partition(":")[0] for reason in report.ungated] == ["alone"]
