"""Judges by answers: they score what their rule says of what the pool ranks; messages name task and pair."""

from dataclasses import replace

import numpy as np
import pytest
from builders.answers import WORDS
from builders.datasets import parallel_set
from builders.search import open_pool
from builders.values import require

from clearbench.common.errors import ScoringError
from clearbench.scoring.answers.judges import MkqaJudge, XorJudge
from clearbench.scoring.answers.mkqa import score_mkqa
from clearbench.scoring.answers.xor import score_xor
from clearbench.scoring.table import make_judge
from clearbench.tasks.dataset import Dataset


@pytest.fixture
def data() -> Dataset:
    """Eight questions about four passages: each is answered by the first word of its passage, the last by yes."""
    parallel = parallel_set(("en",), size=4)
    texts = parallel.pools["en"]
    words = dict(zip(texts.ids, (text.split()[0] for text in texts.texts), strict=True))
    answers = {query: (words[query.split("#")[0]],) for query in parallel.queries_of(parallel.pairs[0]).ids}
    last = list(answers)[-1]
    return replace(parallel, judged_by="xor", answers=answers | {last: ("yes",)})


def rankings_of(data: Dataset, ranked: np.ndarray) -> dict[str, list[str]]:
    ids = data.pools["en"].ids
    queries = data.queries_of(data.pairs[0]).ids
    return {query: [ids[place] for place in places] for query, places in zip(queries, ranked, strict=True)}


def test_xor_s_judge_scores_what_its_rule_says_of_the_ranking(data):
    judge = XorJudge(data, tokeniser=WORDS)
    pool = open_pool(data, "en")
    [scored] = judge.score(pool, data.pairs)
    texts = dict(zip(data.pools["en"].ids, data.pools["en"].texts, strict=True))
    expected = score_xor(rankings_of(data, require(scored.ranked).positions), texts, data.answers, WORDS)
    assert dict(zip(scored.queries, map(tuple, scored.scores), strict=True)) == expected.scores
    assert len(scored.queries) == 7 and list(scored.skipped) == [list(data.answers)[-1]]
    assert dict(judge.settings) == {"judged_by": "xor", "search": "exact", "tokeniser": "white space", "depth": 100}
    judge.verify(pool, scored)  # has nothing to compare with, and says nothing


def test_mkqa_s_judge_scores_what_its_rule_says_of_the_ranking(data):
    data = replace(data, judged_by="mkqa")
    judge = make_judge(data)
    assert isinstance(judge, MkqaJudge) and judge.settings["judged_by"] == "mkqa"
    pool = open_pool(data, "en")
    [scored] = judge.score(pool, data.pairs)
    texts = dict(zip(data.pools["en"].ids, data.pools["en"].texts, strict=True))
    expected = score_mkqa(rankings_of(data, require(scored.ranked).positions), texts, data.answers)
    assert dict(zip(scored.queries, map(tuple, scored.scores), strict=True)) == expected.scores
    assert scored.scores.any() and scored.measures == expected.measures
    judge.verify(pool, scored)


def test_a_query_without_accepted_answers_is_an_error():
    data = replace(parallel_set(("en",), size=4), judged_by="mkqa", answers={"p0#1": ("topic0",)})
    with pytest.raises(ScoringError, match=r"toy en-en: 7 queries have no accepted answers, first 'p0#2'"):
        list(make_judge(data).score(open_pool(data, "en"), data.pairs))


def test_a_language_whose_questions_are_all_yes_or_no_has_no_scores(data):
    data = replace(data, answers=dict.fromkeys(data.answers, ("yes",)))
    [scored] = XorJudge(data, tokeniser=WORDS).score(open_pool(data, "en"), data.pairs)
    assert scored.queries == () and len(scored.skipped) == 8
    assert scored.scores.shape == (0, len(scored.measures))
