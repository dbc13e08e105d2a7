"""A gate as JSON and JUnit XML, read by their consumers; names cannot break them."""

import json
from xml.etree import ElementTree

import pytest
from builders.values import require

from clearbench.verdicts.gate import machine


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
    failure, error = require(cases["b"].find("failure")), require(cases["c"].find("error"))
    assert failure.get("type") == "fail" and "below -1.00" in require(failure.text)
    assert error.get("type") == "undecided"
    assert cases["b"].get("name") == "en-en nDCG@10: margin 1 point"
    properties = {p.get("name"): p.get("value") for p in suite.iter("property")}
    assert properties["margin"] == "1.0" and require(properties["candidate"]).startswith("cand-")


def test_hostile_names_stay_text_in_junit_and_json(hostile):
    root = ElementTree.fromstring(machine.to_junit(hostile))
    name = next(root.iter("testcase")).attrib["classname"]
    assert "<script>" in name and "\x00" not in name
    assert json.loads(machine.to_json(hostile))["candidate"] == hostile.candidate
