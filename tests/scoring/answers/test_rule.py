"""What both rules for answers share: passages that have to be there, and cut-offs from 1 up."""

import pytest

from clearbench.common.errors import ScoringError
from clearbench.scoring.answers.rule import check_cutoffs, look_up


def test_an_unknown_passage_is_an_error_that_names_passage_and_query() -> None:
    assert look_up({"p": ""}, "p", "q") == ""
    with pytest.raises(ScoringError, match=r"Query 'q' ranks passage 'x'.*Score a ranking against the pool"):
        look_up({"p": ""}, "x", "q")


@pytest.mark.parametrize("cutoffs", [(), (0,), (5, -1)])
def test_cutoffs_are_one_or_more_numbers_from_1_up(cutoffs: tuple[int, ...]) -> None:
    check_cutoffs((1,))
    with pytest.raises(ScoringError, match=r"from 1 up, not \("):
        check_cutoffs(cutoffs)
