"""What a gate is about: what is refused because it cannot be compared, and what is never left out silently."""

import math
from typing import Any

import numpy as np
import pytest
from builders.gate import changes_of, run_gate
from builders.records import scores_with, write_record, write_two

from clearbench.common.errors import RecordError, UsageError
from clearbench.verdicts.gate.rules import Rule


def test_a_task_without_english_is_named(tmp_path):
    write_two(tmp_path, changes_of(100, 0.0, 0.02))
    write_two(tmp_path, changes_of(100, 0.0, 0.02), pairs=("de-en",), task="german")
    result = run_gate(tmp_path)
    assert [verdict.task for verdict in result.verdicts] == ["toy"]
    assert any(note.startswith("german: has no pair en-en") for note in result.notes)


def test_no_english_at_all_is_an_error(tmp_path):
    write_two(tmp_path, np.zeros(800), pairs=("de-en",))
    with pytest.raises(RecordError, match=r"no scores of en-en.*toy: de-en"):
        run_gate(tmp_path)
    assert run_gate(tmp_path, pairs="de-en").outcome == "pass"


def test_what_the_candidate_lacks_is_an_error(tmp_path):
    write_two(tmp_path, np.zeros(800), pairs=("en-en",))
    base, _ = scores_with(np.zeros(10))
    write_record(tmp_path, "base", {"en-en": base}, task="second")
    with pytest.raises(RecordError, match=r"cand-\w{8} has no record of second, which base-"):
        run_gate(tmp_path)
    assert run_gate(tmp_path, tasks=("toy",)).outcome == "pass"
    write_record(tmp_path, "cand", {"de-en": base}, task="second")
    with pytest.raises(RecordError, match=r"second: cand-\w{8} has no scores of en-en"):
        run_gate(tmp_path)


def test_what_only_the_candidate_has_is_named(tmp_path):
    write_two(tmp_path, np.zeros(10))
    write_record(tmp_path, "cand", {"en-en": np.ones(10)}, task="second")
    assert any(note.startswith("second: not gated") for note in run_gate(tmp_path).notes)


REFUSED: dict[str, Any] = {
    "dtype": ({"dtype": "bf16"}, "measured in fp32.*measured in bf16|in fp32, .* in bf16"),
    "precision not stated": ({"dtype": None, "kind": "function"}, "does not state"),
    "search": ({"scoring": {"judged_by": "qrels", "search": "ivf4096"}}, "exact search only"),
    "version": ({"version": 2}, "task_version 1 against 2"),
    "data": ({"data": {"en-en": "0" * 32}}, "different texts or judgements"),
    "options": ({"options": {"merge": "True"}}, "has no record of toy"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_records_that_cannot_be_compared_are_refused(tmp_path, what):
    changes, message = REFUSED[what]
    base, candidate = scores_with(np.zeros(20))
    write_record(tmp_path, "base", {"en-en": base})
    write_record(tmp_path, "cand", {"en-en": candidate}, **changes)
    with pytest.raises(RecordError, match=message):
        run_gate(tmp_path)


def test_two_approximate_searches_are_refused_too(tmp_path):
    write_two(tmp_path, np.zeros(20), scoring={"judged_by": "qrels", "search": "ivf4096"})
    with pytest.raises(RecordError, match="search was ivf4096; a gate compares exact search only"):
        run_gate(tmp_path)


def test_bm25_has_no_precision(tmp_path):
    base, candidate = scores_with(np.zeros(800))
    write_record(tmp_path, "base", {"en-en": base}, kind="lexical", dtype=None)
    write_record(tmp_path, "cand", {"en-en": candidate})
    assert run_gate(tmp_path).outcome == "pass"


def test_other_software_is_noted(tmp_path):
    base, candidate = scores_with(np.zeros(20))
    write_record(tmp_path, "base", {"en-en": base})
    write_record(tmp_path, "cand", {"en-en": candidate}, environment={"torch": "2.9.0"})
    assert "measured with different software: torch 2.13.0 (baseline), 2.9.0 (candidate)." in run_gate(tmp_path).notes


@pytest.mark.parametrize(
    ("options", "message"),
    [({"margin": -1.0}, "--margin -1"), ({"margin": math.nan}, "--margin nan"), ({"margin": 101.0}, "--margin 101"),
     ({"confidence": 0.5}, "--confidence 0.5"), ({"confidence": 95.0}, "--confidence 95"),
     ({"pairs": "fr-fr"}, "fr-fr"), ({"tasks": ("tyo",)}, "toy"), ({"measure": "ndcg@10"}, "nDCG@10")],
)  # fmt: skip
def test_options_that_make_no_sense(tmp_path, options, message):
    write_two(tmp_path, np.zeros(10))
    with pytest.raises(UsageError, match=message):
        run_gate(tmp_path, **options)


def test_a_rule_about_nothing_is_an_error(tmp_path):
    write_two(tmp_path, np.zeros(10))
    with pytest.raises(UsageError, match="No pair belongs to group 'low'"):
        run_gate(tmp_path, rules=(Rule(group="low", mean_drop=1.0),))
    with pytest.raises(UsageError, match="No language pair matches 'de-en'"):
        run_gate(tmp_path, rules=(Rule(pairs="de-en", worst_drop=1.0),))
    with pytest.raises(UsageError, match="No record of task 'tyo'"):
        run_gate(tmp_path, rules=(Rule(pairs="en-en", tasks=("tyo",), worst_drop=1.0),))


def test_equal_titles_are_told_apart(tmp_path):
    write_two(tmp_path, np.zeros(10))
    rule = Rule(name="english", pairs="en-en", worst_drop=1.0)
    result = run_gate(tmp_path, rules=(rule, rule))
    assert [verdict.rule for verdict in result.verdicts] == ["margin 1 point", "english", "english (2)"]
