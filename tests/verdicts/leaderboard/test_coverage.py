"""A model with few pairs does not decide over which pairs the others are ranked."""

import numpy as np
import pytest
from builders.leaderboard import PAIRS, rows_of, scores
from builders.records import write_model
from hypothesis import given
from hypothesis import strategies as st

from clearbench.records.select import load_results
from clearbench.verdicts.leaderboard.compute import make_leaderboard
from clearbench.verdicts.leaderboard.coverage import coverage_from_pairs
from clearbench.verdicts.leaderboard.options import LeaderboardOptions

FEW = LeaderboardOptions(flips=50)


def write_models(out, **pairs):
    """Models whose level falls from the first to the last, each with scores of the named pairs."""
    for place, (name, names) in enumerate(pairs.items()):
        level = 0.9 - 0.2 * place
        write_model(out, name, {"toy": {pair: np.full(6, level) for pair in names}})


def ranks(out):
    board = make_leaderboard(load_results(out), FEW)
    return {row.model: row.rank for row in board.rows}, board


@pytest.mark.parametrize(
    ("pairs", "expected", "num_ranked_pairs"),
    [
        ({"a": PAIRS, "b": PAIRS, "small": PAIRS[:1]}, {"a": 1, "b": 2, "small": None}, 7),
        ({"a": PAIRS, "b": PAIRS, "c": PAIRS[:1], "d": PAIRS[:1]}, {"a": 1, "b": 2, "c": None, "d": None}, 7),
        ({"a": PAIRS, "b": PAIRS, "other": ("fr-fr",)}, {"a": 1, "b": 2, "other": None}, 7),
        ({"a": PAIRS, "b": PAIRS, "most": PAIRS[:4]}, {"a": 1, "b": 2, "most": 3}, 4),
        ({"large": PAIRS, "b": PAIRS[:1], "c": PAIRS[:1]}, {"large": 1, "b": 2, "c": 3}, 1),
        ({"a": PAIRS, "small": PAIRS[:1]}, {"a": 1, "small": 2}, 1),
    ],
)
def test_ranks_are_over_the_pairs_of_most_models(tmp_path, pairs, expected, num_ranked_pairs):
    write_models(tmp_path, **pairs)
    found, board = ranks(tmp_path)
    assert found == expected
    assert board.num_shared == num_ranked_pairs
    for name, rank in expected.items():
        assert any(note.startswith(f"{name} is not ranked") for note in board.notes) == (rank is None)


def test_a_poor_model_with_one_pair_neither_ties_with_the_others_nor_leads(tmp_path):
    """All three answer en-en in full; over that pair alone they would share the first rank."""
    for name, level in (("best", 0.9), ("good", 0.8)):
        write_model(tmp_path, name, {"toy": dict.fromkeys(PAIRS, [level] * 6) | {"en-en": [1.0] * 6}})
    write_model(tmp_path, "a-poor-one", {"toy": {"en-en": [1.0] * 6}})
    found, board = ranks(tmp_path)
    assert found == {"best": 1, "good": 2, "a-poor-one": None}
    assert [row.model for row in board.rows] == ["best", "good", "a-poor-one"]
    [note] = board.notes
    assert note.startswith("a-poor-one is not ranked: it has 1 of the 7 pairs that at least half of the models have.")
    assert rows_of(board)["a-poor-one"].tasks["toy"].groups["cross-lingual"] is None


def test_a_model_without_one_of_the_tasks_is_left_out_of_the_ranking_by_its_pairs(tmp_path):
    for name in ("a", "b"):
        write_model(tmp_path, name, {"large": scores(1), "small": {"en-en": [0.5, 0.6]}})
    write_model(tmp_path, "c", {"small": {"en-en": [0.5, 0.6]}})
    found, board = ranks(tmp_path)
    assert found["c"] is None and set(board.shared) == {"large", "small"}


def test_ranked_models_that_lack_pairs_are_named_with_what_the_ranks_are_over(tmp_path):
    write_models(tmp_path, a=PAIRS, b=PAIRS, most=PAIRS[:5])
    assert ranks(tmp_path)[1].notes == ("Of the 7 pairs of toy, most has 5: blanks, and ranks over 5 of them.",)


@given(st.lists(st.sets(st.sampled_from(PAIRS), min_size=1), min_size=1, max_size=6))
def test_at_least_two_models_are_ranked_and_none_of_those_with_all_usual_pairs_is_left_out(having):
    coverage = coverage_from_pairs({f"m{number}": {"toy": pairs} for number, pairs in enumerate(having)})
    assert len(having) - len(coverage.missing) >= min(2, len(having))
    usual = {pair for pair in PAIRS if 2 * sum(pair in pairs for pairs in having) >= len(having)}
    assert coverage.num_usual == len(usual)
    for number, pairs in enumerate(having):
        if usual <= pairs:
            assert f"m{number}" not in coverage.missing
