"""Judges by answers: messages name task and pair."""

from dataclasses import replace

import pytest
from builders.datasets import parallel_set
from builders.search import open_pool

from clearbench.common.errors import ScoringError
from clearbench.scoring.table import make_judge


def test_a_query_without_accepted_answers_is_an_error():
    data = replace(parallel_set(("en",), size=4), judged_by="mkqa", answers={"p0#1": ("topic0",)})
    with pytest.raises(ScoringError, match=r"toy en-en: 7 queries have no accepted answers, first 'p0#2'"):
        list(make_judge(data).score(open_pool(data, "en"), data.pairs))
