"""A gate that its outputs are tested with: one pass, one fail, two undecided; and one with hostile names."""

from dataclasses import replace

import numpy as np
import pytest
from builders.records import scores_with, write_record

from clearbench.records.select import select_model
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
    rules = (Rule.model_validate({"group": "*-en", "tasks": "a", "mean_at_least": 20.0}),)
    return gate(select_model(tmp_path, "base"), select_model(tmp_path, "cand"), GateOptions(rules=rules))


@pytest.fixture
def hostile(result):
    """The same with names that would break each form that a gate is written in."""
    verdicts = tuple(replace(verdict, task=HOSTILE, rule=HOSTILE) for verdict in result.verdicts)
    return replace(result, baseline=HOSTILE, candidate=HOSTILE, verdicts=verdicts, notes=(HOSTILE,))
