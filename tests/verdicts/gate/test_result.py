"""Types of the gate's answer: a negated interval, the room to a bound, and the outcome of several verdicts."""

import math
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common.measures import find_measure
from clearbench.verdicts.gate.result import GateResult, Interval, Outcome, Verdict, worst_outcome

OUTCOMES: tuple[Outcome, ...] = ("pass", "fail", "undecided")
INTERVAL = Interval(-0.25, -0.5, 0.125, -0.75, 0.1, 40, 20, 9, -0.5, 3.5)
VERDICT = Verdict(
    "margin", "toy", "en-en", 1, find_measure("nDCG@10"), "difference", 0.5, 0.25, INTERVAL, -1.0, "pass", 23
)


def test_a_turned_interval_keeps_its_limits_in_order_and_turns_back():
    negated = INTERVAL.negate()
    assert (negated.mean, negated.lower, negated.upper, negated.guarded, negated.skewness) == (
        0.25,
        -0.125,
        0.5,
        0.75,
        0.5,
    )
    assert (negated.se, negated.kurtosis, negated.num_varying) == (0.1, 3.5, 9)
    again = negated.negate()
    assert replace(again, sd=0.0, design_effect=0.0) == replace(INTERVAL, sd=0.0, design_effect=0.0)


def test_room_is_the_distance_to_the_bound_on_the_claim_s_side():
    assert VERDICT.room == 0.25
    ranks = replace(VERDICT, measure=find_measure("Max@R"), interval=INTERVAL.negate(), bound=1.0)
    assert ranks.room == 0.25, "lower is better: the guarded limit 0.75 is below the bound"
    assert replace(ranks, bound=0.5).room == -0.25
    assert replace(VERDICT, interval=replace(INTERVAL, guarded=math.nan)).room == -math.inf


@given(st.lists(st.sampled_from(OUTCOMES)))
def test_several_verdicts_pass_only_if_all_pass_and_one_failure_decides(outcomes):
    expected = "pass" if set(outcomes) <= {"pass"} else "fail" if "fail" in outcomes else "undecided"
    assert worst_outcome(outcomes) == expected


def test_a_result_takes_the_worst_of_its_verdicts_in_any_order():
    for outcomes in product(OUTCOMES, repeat=2):
        verdicts = tuple(replace(VERDICT, outcome=outcome) for outcome in outcomes)
        assert GateResult("a", "b", 1.0, 0.95, verdicts).outcome == worst_outcome(outcomes)


@pytest.mark.parametrize(("measure", "margin", "text"), [("nDCG@10", 1.0, "1 point"), ("Max@R", 3.0, "3 ranks")])
def test_the_margin_is_said_in_the_measure_s_unit(measure, margin, text):
    verdict = replace(VERDICT, measure=find_measure(measure))
    assert GateResult("a", "b", margin, 0.95, (verdict,)).allowed == text
