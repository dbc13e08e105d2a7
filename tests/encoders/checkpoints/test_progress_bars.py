"""Progress bars are hidden while a block lasts, whatever they were before."""

import pytest
from transformers.utils import logging

from clearbench.encoders.checkpoints.progress_bars import hide_progress_bars


@pytest.mark.parametrize("shown", [True, False])
def test_a_block_hides_the_bars_and_then_leaves_them_as_they_were(shown: bool) -> None:
    before = logging.is_progress_bar_enabled()
    switch = {True: logging.enable_progress_bar, False: logging.disable_progress_bar}
    try:
        switch[shown]()
        with pytest.raises(KeyError), hide_progress_bars():
            assert not logging.is_progress_bar_enabled()
            raise KeyError
        assert logging.is_progress_bar_enabled() == shown
    finally:
        switch[before]()
