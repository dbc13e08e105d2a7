"""A compared row: its marks."""

from dataclasses import replace

import pytest
from builders.compare import TOY, model

from clearbench.verdicts.compare.compute import compare


@pytest.mark.parametrize(("p", "marks"), [(0.0009, "***"), (0.001, "**"), (0.0099, "**"), (0.049, "*"), (0.05, "")])
def test_marks_by_level(out, p, marks):
    row = compare(model(out, "base"), model(out, "tuned"), TOY).pairs[0]
    assert replace(row, p_corrected=p).marks == marks
