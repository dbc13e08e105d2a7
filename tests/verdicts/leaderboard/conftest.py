"""A results folder with three models on one task."""

import pytest
from builders.leaderboard import PAIRS, scores
from builders.records import write_model


@pytest.fixture
def out(tmp_path):
    """Three models on xquad; `good` lacks a pair that the others have."""
    write_model(tmp_path, "plain", {"xquad": scores(1)})
    write_model(tmp_path, "good", {"xquad": scores(2, PAIRS[:-1], shift=0.2)})
    write_model(tmp_path, "twin", {"xquad": scores(1)})
    return tmp_path
