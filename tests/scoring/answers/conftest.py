"""The official tokeniser, where its data is."""

from collections.abc import Iterator

import nltk
import pytest
from builders.answers import DATA

from clearbench.common.errors import ScoringError
from clearbench.scoring.answers.xor import Tokeniser, official_tokeniser


@pytest.fixture(scope="module")
def official() -> Iterator[Tokeniser]:
    before = list(nltk.data.path)
    nltk.data.path.append(str(DATA / "nltk_data"))
    try:
        yield official_tokeniser(offline=True)
    except ScoringError:
        pytest.skip("no punkt_tab: set NLTK_DATA or CLEARBENCH_DATA")
    finally:
        nltk.data.path[:] = before
