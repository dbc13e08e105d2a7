"""Every command that judges models takes every measure in its direction and unit, in every form of its output."""

import csv
import io
import json
import re

import numpy as np
import pytest
from builders.records import write_record
from builders.values import require

from clearbench.cli.app import execute
from clearbench.common.measures import RULES, find_measure
from clearbench.records.select import load_results
from clearbench.report.build import make_report
from clearbench.report.figures import _named_drawings
from clearbench.report.options import ReportOptions
from clearbench.report.page import render

BIAS = (
    *("TLR@10", "TLR@100", "lang_nDCG_strict@10", "PEER@10", "PEER@100", "Max@R"),
    *("top1_right_same", "top1_right_other", "top1_wrong_same", "top1_wrong_other"),
)
MEASURES = [*(name for rule in RULES.values() for name in rule.measures), *BIAS]
GAP = 5.0  # points or ranks between the two models


@pytest.fixture(params=MEASURES)
def measure(request):
    return find_measure(request.param)


@pytest.fixture
def results(place, measure):
    """Models `strong` and `weak`, of which the weak one is worse by GAP on every pair, with some noise."""
    random = np.random.default_rng(0)
    middle = random.uniform(40, 60, (2, 120))
    for name, side in (("strong", 0.5), ("weak", -0.5)):
        noise = random.normal(0, 0.3, (2, 120))
        values = (middle + measure.sign * side * GAP + noise) / measure.points
        write_record(
            place / "results", name, dict(zip(("en-en", "de-en"), values, strict=True)), measures=[str(measure)]
        )
    return place / "results"


def run(capsys, *arguments):
    code = execute(list(arguments))
    return code, capsys.readouterr().out


def test_every_verdict_is_in_the_measure_s_direction_and_unit(results, measure, capsys):
    """One test for all commands, as they read the same records."""
    signed = f"{-measure.sign * GAP:+.0f}"[0]
    check_gate(measure, capsys, signed)
    check_compare(measure, capsys, signed)
    check_leaderboard(measure, capsys)
    check_report(results, measure, signed)


def check_gate(measure, capsys, signed):
    arguments = ["--measure", str(measure), "--margin", "1"]
    code, out = run(capsys, "gate", "--baseline", "strong", "--candidate", "weak", *arguments)
    assert code == 3 and f"margin 1 {'point' if measure.unit == 'share' else 'rank'}" in out
    assert ("lower is better" in out) == (measure.better == "lower")
    code, out = run(capsys, "gate", "--baseline", "strong", "--candidate", "weak", "--badge", *arguments)
    assert code == 3 and re.search(
        rf"en-en {re.escape(signed)}\d\.\d\d .*bound {re.escape(signed)}1\.00 {measure.shown_in}", out
    )
    assert run(capsys, "gate", "--baseline", "weak", "--candidate", "strong", *arguments)[0] == 0


def check_compare(measure, capsys, signed):
    command = ["compare", "strong", "weak", "--measure", str(measure), "--flips", "500", "--format"]
    for style in ("table", "markdown"):
        _, out = run(capsys, *command, style)
        assert "weak is better in 0 of 2 pairs, worse in 2" in out
        assert ("x 100" in out) == (measure.unit == "share")
        assert re.search(rf"en-en\W+120\W.*{re.escape(signed)}[45]\.\d\d", out)
    _, latex = run(capsys, *command, "latex")
    assert (r"$\times$ 100" in latex) == (measure.unit == "share") and f"${signed}" in latex
    for row in csv.DictReader(io.StringIO(run(capsys, *command, "csv")[1])):
        assert float(row["difference"]) * measure.sign < 0 and int(row["wins"]) < int(row["losses"])
        assert measure.points * abs(float(row["difference"])) == pytest.approx(GAP, abs=0.3)
    [comparison] = json.loads(run(capsys, *command, "json")[1])["comparisons"]
    assert all(row["losses"] > row["wins"] for row in comparison["pairs"])


def check_leaderboard(measure, capsys):
    command = ["leaderboard", "results", "--measure", str(measure), "--flips", "200", "--format"]
    rows = list(csv.DictReader(io.StringIO(run(capsys, *command, "csv")[1])))
    assert [(row["model"], row["rank"], row["rank_borda"]) for row in rows] == [
        ("strong", "1", "1"),
        ("weak", "2", "2"),
    ]
    assert rows[1]["not_separable_from"] == ""
    assert [row["model"] for row in json.loads(run(capsys, *command, "json")[1])["rows"]] == ["strong", "weak"]
    for style in ("table", "markdown"):
        _, out = run(capsys, *command, style)
        assert out.index("strong") < out.index("weak")
        assert ("lower is better" in out) == (measure.better == "lower")
        assert f"{measure} x 100".replace("_", "\\_" if style == "markdown" else "_") in out.replace("\\@", "@") or (
            measure.unit == "rank" and "x 100" not in out.replace("Borda x 100", "")
        )


def check_report(results, measure, signed):
    report = make_report(load_results(results), ReportOptions(baseline="strong", measure=str(measure)))
    facts = " ".join(map(str, report.facts))
    assert [model.name for model in report.models] == ["strong", "weak"]
    assert f"<b>strong</b> has the {'lowest' if measure.better == 'lower' else 'highest'} mean" in facts
    assert "<b>weak</b> is significantly better on none of 2 pairs and worse on 2" in facts.replace("\u00a0", " ")
    [gate] = report.gates
    assert gate.outcome == "fail" and "worse than strong by more than 1" in facts
    [task] = report.tasks
    [matrix] = task.differences
    assert matrix.scale.unit == measure.shown_in
    steps = [require(matrix.step(row, 0)) for row in range(len(matrix.rows))]
    assert max(steps) < 50, "a loss has the colours of a loss, whatever its sign"
    assert all(matrix.text(row, 0).startswith(signed.replace("-", "\u2212")) for row in range(len(matrix.rows)))
    page = render(report)
    assert f"Differences are {measure.shown_in} of {measure}" in page
    assert ("× 100" in page) == (measure.unit == "share")
    assert ("Lower is better" in page) == (measure.better == "lower")
    assert {title for title, _ in _named_drawings(report)} == {
        f"toy models {measure}", "toy models minus strong", "toy groups",
    }  # fmt: skip
