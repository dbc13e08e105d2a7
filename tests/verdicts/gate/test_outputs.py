"""What the gate writes, read by its consumers: JSON, JUnit XML, Markdown; names cannot break any of them."""

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from builders.records import scores_with, write_record

from clearbench.common.measures import Measure
from clearbench.records.select import select_model
from clearbench.verdicts.gate import machine, sentences, tables
from clearbench.verdicts.gate.compute import gate
from clearbench.verdicts.gate.options import GateOptions
from clearbench.verdicts.gate.rules import Rule

HOSTILE = "a|b<script>alert(1)</script>`x`\n*y*\x00\x1b[31m@team #1"


@pytest.fixture
def result(tmp_path):
    """One pass, one fail, one undecided, one without an interval."""
    rng = np.random.default_rng(0)
    for task, mean, spread, size in (
        ("a", 0, 0.01, 400),
        ("b", -0.1, 0.01, 400),
        ("c", -0.01, 0.1, 400),
        ("d", 0, 0, 1),
    ):
        noise = rng.normal(0, spread, size) if size > 1 else np.zeros(1)
        base, candidate = scores_with(np.clip(noise - noise.mean() + mean + 0.0005, -0.9, 0.9))
        write_record(tmp_path, "base", {"en-en": base, "de-en": base}, task=task)
        write_record(tmp_path, "cand", {"en-en": candidate, "de-en": candidate}, task=task)
    rules = (Rule(group="*-en", tasks=("a",), mean_at_least=20.0),)
    return gate(select_model(tmp_path, "base"), select_model(tmp_path, "cand"), GateOptions(rules=rules))


def test_json_holds_everything_and_is_strict(result):
    def refuse(constant):
        raise AssertionError(constant)

    data = json.loads(machine.to_json(result), parse_constant=refuse)
    assert data["outcome"] == "fail" and data["margin"] == 1.0
    assert [v["outcome"] for v in data["verdicts"]] == ["pass", "fail", "undecided", "undecided", "pass"]
    assert data["verdicts"][3]["interval"]["lower"] is None
    assert data["verdicts"][0]["interval"]["mean"] == pytest.approx(0.0005)
    assert data["verdicts"][2]["needed_queries"] > 400


def test_junit_counts_what_is_in_it(result):
    root = ElementTree.fromstring(machine.to_junit(result))
    [suite] = root.iter("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors"), suite.get("skipped")) == (
        "5",
        "1",
        "2",
        "0",
    )
    cases = {case.get("classname"): case for case in suite.iter("testcase")}
    assert len(list(suite.iter("testcase"))) == 5
    assert cases["b"].find("failure").get("type") == "fail" and "below -1.00" in cases["b"].find("failure").text
    assert cases["c"].find("error").get("type") == "undecided"
    assert cases["b"].get("name") == "en-en nDCG@10: margin 1 point"
    properties = {p.get("name"): p.get("value") for p in suite.iter("property")}
    assert properties["margin"] == "1.0" and properties["candidate"].startswith("cand-")


def test_markdown_has_a_row_per_verdict(result):
    text = tables.to_markdown(result)
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    assert len(rows) == 2 + 5
    assert {row.count("|") for row in rows} == {len(tables.HEADINGS) + 1}
    assert text.startswith("### ❌ English gate: fail")


def test_sentences_say_what_would_decide(result):
    told = sentences.explain_all(result)
    [undecided] = [sentence for sentence in told if sentence.startswith("c ")]
    assert re.search(r"about [\d,]+ queries \([\d,]+ clusters\) would decide with a chance of 80%", undecided)
    assert "1 query in 1 cluster give no interval" in next(s for s in told if s.startswith("d "))
    assert not any(sentence.startswith("a ") for sentence in told)


def test_the_badge_is_one_line_about_the_tightest_verdict(result):
    passing = replace(result, verdicts=result.verdicts[:1])
    assert sentences.badge(passing).startswith("English gate: pass · a en-en +0.05 [")
    assert "\n" not in sentences.badge(result)
    assert " b en-en " in sentences.badge(replace(result, verdicts=result.verdicts[:3]))


def test_zero_has_no_sign():
    measure = Measure("nDCG@10")
    assert sentences.signed(-0.00001, measure) == "0.00" == sentences.signed(0.0, measure)
    assert (sentences.signed(-0.1, measure), sentences.signed(0.1, measure)) == ("-10.00", "+10.00")


def test_hostile_names_stay_text(result):
    verdicts = tuple(replace(verdict, task=HOSTILE, rule=HOSTILE) for verdict in result.verdicts)
    hostile = replace(result, baseline=HOSTILE, candidate=HOSTILE, verdicts=verdicts, notes=(HOSTILE,))
    root = ElementTree.fromstring(machine.to_junit(hostile))
    name = next(root.iter("testcase")).get("classname")
    assert "<script>" in name and "\x00" not in name
    text = tables.to_markdown(hostile)
    assert re.search(r"(?<!\\)<", text) is None and re.search(r"(?<!\\)`", text) is None
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {len(tables.HEADINGS) + 1}
    assert "\n" not in sentences.badge(hostile)
    assert json.loads(machine.to_json(hostile))["candidate"] == HOSTILE
    assert tables.to_tables(hostile)


def test_many_verdicts_are_cut_to_the_tightest_and_counted(result):
    many = tuple(
        replace(
            result.verdicts[0], where=f"p{k}", interval=replace(result.verdicts[0].interval, guarded=0.5 - k / 1000)
        )
        for k in range(100)
    )
    [(_, table, rest)] = tables.to_tables(replace(result, verdicts=many))
    assert table.row_count == sentences.SHOWN
    assert rest == "the 12 of 100 with the least room; all: 100 pass"
    assert next(iter(table.columns[1].cells)) == "p99"
