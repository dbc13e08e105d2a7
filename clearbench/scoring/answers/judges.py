"""Judging by accepted answers: the judges of XOR-Retrieve's and of MKQA's rule."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from clearbench.common.errors import ScoringError, locate_errors
from clearbench.scoring.answers.mkqa import MkqaCache, score_mkqa
from clearbench.scoring.answers.rule import AnswerScores, RankedIds
from clearbench.scoring.answers.xor import Tokeniser, XorCache, score_xor
from clearbench.scoring.compute import DEPTH
from clearbench.scoring.judge import PairScores, rank_pairs
from clearbench.search.engine import OpenPool
from clearbench.search.pool import Rankings
from clearbench.tasks.dataset import Dataset, TaskPair


class _AnswerJudge(ABC):
    """Scores pairs by accepted answers; a subclass has the rule."""

    def __init__(self, data: Dataset) -> None:
        self.data = data
        self._texts = {
            key: text for pool in data.pools.values() for key, text in zip(pool.ids, pool.texts, strict=True)
        }

    def score(self, pool: OpenPool, pairs: Sequence[TaskPair], rankings: bool = False) -> Iterator[PairScores]:
        """See Judge; questions that the rule leaves out are skipped."""
        for pair, ranked in zip(pairs, rank_pairs(self.data, pool, pairs), strict=True):
            with locate_errors(f"{self.data.task} {pair}"):
                pair_scores = self._score_pair(pool.passages.ids, pair, ranked)
            yield pair_scores

    def verify(self, pool: OpenPool, pair_scores: PairScores) -> None:  # noqa: B027
        """Do nothing: there is no second implementation of these scores."""

    def _score_pair(self, ids: Sequence[str], pair: TaskPair, ranked: Rankings) -> PairScores:
        queries, answers = self.data.queries_of(pair).ids, self.data.answers
        if unanswered := [query for query in queries if query not in answers]:
            raise ScoringError(f"{len(unanswered)} queries have no accepted answers, first {unanswered[0]!r}.")
        lists = {query: [ids[p] for p in places] for query, places in zip(queries, ranked.positions, strict=True)}
        hits = self._apply_rule(lists, {query: answers[query] for query in queries})
        return PairScores(
            pair=pair,
            queries=tuple(hits.scores),
            measures=hits.measures,
            scores=np.array(list(hits.scores.values()), dtype=np.float64).reshape(-1, len(hits.measures)),
            skipped=hits.skipped,
            ranked=ranked,
        )

    @abstractmethod
    def _apply_rule(self, ranked: RankedIds, answers: Mapping[str, tuple[str, ...]]) -> AnswerScores:
        """Score the rankings of queries by their accepted answers."""


class XorJudge(_AnswerJudge):
    """XOR-Retrieve's answer rule, which skips questions with yes or no only; see scoring/answers/xor.py."""

    def __init__(self, data: Dataset, tokeniser: Tokeniser) -> None:
        """Judge a dataset with answers; tokens are those of the tokeniser."""
        super().__init__(data)
        self._tokeniser = tokeniser
        self._cache: XorCache = {}

    @property
    def settings(self) -> Mapping[str, str | int]:
        """See Judge."""
        return {"judged_by": "xor", "search": "exact", "tokeniser": self._tokeniser.name, "depth": DEPTH}

    def _apply_rule(self, ranked: RankedIds, answers: Mapping[str, tuple[str, ...]]) -> AnswerScores:
        return score_xor(ranked, self._texts, answers, self._tokeniser, cache=self._cache)


class MkqaJudge(_AnswerJudge):
    """MKQA's answer rule; see scoring/answers/mkqa.py."""

    settings: Mapping[str, str | int] = MappingProxyType({"judged_by": "mkqa", "search": "exact", "depth": DEPTH})

    def __init__(self, data: Dataset) -> None:
        """Judge a dataset with answers."""
        super().__init__(data)
        self._cache: MkqaCache = {}

    def _apply_rule(self, ranked: RankedIds, answers: Mapping[str, tuple[str, ...]]) -> AnswerScores:
        return score_mkqa(ranked, self._texts, answers, cache=self._cache)
