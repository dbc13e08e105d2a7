"""What a leaderboard says of its rows: names, and which models cannot be told apart."""

import pytest

from clearbench.verdicts.leaderboard.options import LeaderboardOptions
from clearbench.verdicts.leaderboard.result import MEASURED, BoardRow, Leaderboard

OPTIONS = LeaderboardOptions(confidence=0.95)


@pytest.mark.parametrize(
    ("p_best", "p_above", "same"),
    [
        (None, None, ()),
        (0.01, 0.01, ()),
        (0.05, 0.01, ("best",)),
        (0.01, 0.05, ("above",)),
        (1.0, 1.0, ("best", "above")),
        (float("nan"), 0.01, ("best",)),
    ],
)
def test_a_model_is_told_apart_only_by_a_p_value_below_the_level(p_best, p_above, same):
    row = BoardRow("m-1", "m", MEASURED, {}, p_best=p_best, p_above=p_above)
    assert Leaderboard((), (row,), {}, OPTIONS).not_separable(row) == same


def test_only_published_models_have_the_dagger():
    assert BoardRow("m-1", "m", MEASURED, {}).shown_name == "m"
    assert BoardRow("m", "m", "arXiv 2402.05672", {}).shown_name == "m †"


def test_ranks_are_over_the_shared_pairs_of_all_tasks():
    board = Leaderboard((), (), {"xquad": ("de-en", "en-en"), "mlqa": ("de-en",), "mkqa": ()}, OPTIONS)
    assert board.num_shared == 3
