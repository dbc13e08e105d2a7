"""Judges: from an open pool to per-query scores, by the rule of the task: judgements (qrels), XOR-Retrieve's, MKQA's.

A judge holds its dataset. What it needs from the pool is its own business: the rank of the only relevant passage is
enough where every query has one, everything else takes rankings. `JUDGES` is the list of all rules.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np

from clearbench.common.arrays import Scores
from clearbench.common.errors import DataError, ScoringError, located
from clearbench.common.measures import Rule
from clearbench.scoring.answers.mkqa import score_mkqa
from clearbench.scoring.answers.rule import AnswerScores, Rankings
from clearbench.scoring.answers.xor import Tokeniser, find_tokeniser, score_xor
from clearbench.scoring.compute import DEPTH, MEASURE_NAMES, score_ranks, score_run
from clearbench.search.engine import OpenPool
from clearbench.search.pool import Ranked
from clearbench.tasks.dataset import Dataset, Qrels, TaskPair

# Two ways to compute one score may differ by this much.
SAME_SCORE = 1e-12


@dataclass(frozen=True)
class PairScores:
    """Scores of one pair.

    Attributes:
        pair: The pair.
        queries: Scored query ids.
        measures: Measure names.
        scores: float64 [Q, M].
        skipped: Query ids that the protocol leaves out.
        ranked: The rankings of all the pair's queries, where they were needed or asked for.
    """

    pair: TaskPair
    queries: tuple[str, ...]
    measures: tuple[str, ...]
    scores: Scores
    skipped: tuple[str, ...] = ()
    ranked: Ranked | None = None


class Judge(Protocol):
    """One task's data with the rule that scores it."""

    @property
    def data(self) -> Dataset:
        """What is judged."""

    @property
    def settings(self) -> Mapping[str, str | int]:
        """Settings of the rule that belong to a result's identity."""

    def score(self, pool: OpenPool, pairs: Sequence[TaskPair], rankings: bool = False) -> Iterator[PairScores]:
        """Score pairs that share a pool, in their order.

        Args:
            pool: Their pool, open.
            pairs: Pairs of `data`.
            rankings: Also return rankings where the scores do not need them.
        """

    def verify(self, pool: OpenPool, scored: PairScores) -> None:
        """Score again by another way where there is one; a difference is a ScoringError."""


class QrelsJudge:
    """Relevance judgements, by trec_eval's measures."""

    settings: Mapping[str, str | int] = MappingProxyType({"judged_by": "qrels", "search": "exact"})

    def __init__(self, data: Dataset, offline: bool = False) -> None:
        """Judge a dataset; nothing has to be downloaded."""
        self.data = data

    def score(self, pool: OpenPool, pairs: Sequence[TaskPair], rankings: bool = False) -> Iterator[PairScores]:
        """See Judge; queries without a relevant passage are skipped.

        Raises:
            DataError: A judged passage is not in the pool.
            SearchError, ScoringError: The message names the pair.
        """
        position = {passage: place for place, passage in enumerate(pool.pool.ids)}
        shared = {key: self._only_relevant(key, position) for key in dict.fromkeys(pair.qrels for pair in pairs)}
        golds = [self._gold(pair, shared[pair.qrels]) for pair in pairs]
        ranked = _rank(self.data, pool, pairs, [rankings or gold is None for gold in golds])
        for pair, gold, own in zip(pairs, golds, ranked, strict=True):
            with located(f"{self.data.task} {pair}"):
                if gold is None:
                    assert own is not None
                    scored = self._score_rankings(pool, pair, own)
                else:
                    queries = self.data.queries_of(pair)
                    ranks = pool.gold_ranks(queries, np.array([position[gold[query]] for query in queries.ids]))
                    scored = PairScores(pair, queries.ids, MEASURE_NAMES, score_ranks(ranks), ranked=own)
            yield scored

    def verify(self, pool: OpenPool, scored: PairScores) -> None:
        """Score the rankings through pytrec_eval, and compare.

        Raises:
            ScoringError: A score differs by more than SAME_SCORE.
        """
        assert scored.ranked is not None
        run = as_run(self.data.queries_of(scored.pair).ids, scored.ranked, pool)
        reference = score_run(run, self.data.qrels_of(scored.pair), scored.queries)
        distance = np.abs(scored.scores - reference)
        if distance.max(initial=0.0) > SAME_SCORE:
            row, column = np.unravel_index(distance.argmax(), reference.shape)
            raise ScoringError(
                f"{self.data.task} {scored.pair}: {scored.measures[column]} of query {scored.queries[row]!r} is "
                f"{scored.scores[row, column]!r}, pytrec_eval says {reference[row, column]!r}. Please report this."
            )

    def _score_rankings(self, pool: OpenPool, pair: TaskPair, ranked: Ranked) -> PairScores:
        queries, qrels = self.data.queries_of(pair).ids, self.data.qrels_of(pair)
        judged = tuple(query for query in queries if any(r > 0 for r in qrels.get(query, {}).values()))
        scores = score_run(as_run(queries, ranked, pool), qrels, judged)
        counted = set(judged)
        skipped = tuple(query for query in queries if query not in counted)
        return PairScores(pair, judged, MEASURE_NAMES, scores, skipped, ranked)

    def _only_relevant(self, key: str, position: Mapping[str, int]) -> Mapping[str, str] | None:
        qrels = self.data.qrels[key]
        lost = {passage for judgements in qrels.values() for passage in judgements if passage not in position}
        if lost:
            pair = next(pair for pair in self.data.pairs if pair.qrels == key)
            raise DataError(
                f"{self.data.task} {pair}: {len(lost)} judged passages are not in the pool, first {min(lost)!r}. "
                f"Run `clearbench tasks check {self.data.task}`."
            )
        return only_relevant(qrels)

    def _gold(self, pair: TaskPair, gold: Mapping[str, str] | None) -> Mapping[str, str] | None:
        """Query -> its only relevant passage, where all the pair's queries have one."""
        return gold if gold and all(query in gold for query in self.data.queries_of(pair).ids) else None


class XorJudge:
    """XOR-Retrieve's answer rule; see scoring/answers/xor.py."""

    def __init__(self, data: Dataset, offline: bool = False, tokeniser: Tokeniser | None = None) -> None:
        """Judge a dataset.

        Args:
            data: A dataset with answers and the name of a tokeniser.
            offline: Download no data of the tokeniser.
            tokeniser: Used in place of the one that the dataset names.
        """
        self.data = data
        self._tokeniser = tokeniser or find_tokeniser(data.tokeniser, offline)
        self._texts = _passage_texts(data)
        self._cache: dict[tuple[str, str], tuple[int, str]] = {}

    @property
    def settings(self) -> Mapping[str, str | int]:
        """See Judge."""
        return {"judged_by": "xor", "search": "exact", "tokeniser": self._tokeniser.name, "depth": DEPTH}

    def score(self, pool: OpenPool, pairs: Sequence[TaskPair], rankings: bool = False) -> Iterator[PairScores]:
        """See Judge; questions whose only answers are yes or no are skipped."""
        return _score_answers(self.data, pool, pairs, self._rule)

    def verify(self, pool: OpenPool, scored: PairScores) -> None:
        """Do nothing: there is no second way to compute these scores."""

    def _rule(self, ranked: Rankings, answers: Mapping[str, tuple[str, ...]]) -> AnswerScores:
        return score_xor(ranked, self._texts, answers, self._tokeniser, cache=self._cache)


class MkqaJudge:
    """MKQA's answer rule; see scoring/answers/mkqa.py."""

    settings: Mapping[str, str | int] = MappingProxyType({"judged_by": "mkqa", "search": "exact", "depth": DEPTH})

    def __init__(self, data: Dataset, offline: bool = False) -> None:
        """Judge a dataset with answers; nothing has to be downloaded."""
        self.data = data
        self._texts = _passage_texts(data)
        self._cache: dict[str, str] = {}

    def score(self, pool: OpenPool, pairs: Sequence[TaskPair], rankings: bool = False) -> Iterator[PairScores]:
        """See Judge."""
        return _score_answers(self.data, pool, pairs, self._rule)

    def verify(self, pool: OpenPool, scored: PairScores) -> None:
        """Do nothing: there is no second way to compute these scores."""

    def _rule(self, ranked: Rankings, answers: Mapping[str, tuple[str, ...]]) -> AnswerScores:
        return score_mkqa(ranked, self._texts, answers, cache=self._cache)


JUDGES: Mapping[Rule, Callable[[Dataset, bool], Judge]] = MappingProxyType(
    {"qrels": QrelsJudge, "xor": XorJudge, "mkqa": MkqaJudge}
)
"""Rule, as task files name it in `judged_by` -> its judge."""


def make_judge(data: Dataset, offline: bool = False) -> Judge:
    """Return the judge of a loaded task.

    Args:
        data: The task's data.
        offline: Download nothing that the rule needs.
    Raises:
        ScoringError: The official tokeniser of XOR-Retrieve lacks its data.
    """
    return JUDGES[data.judged_by](data, offline)


def only_relevant(qrels: Qrels) -> dict[str, str] | None:
    """query id -> its only relevant passage, if every query has exactly one; else None."""
    gold = {}
    for query, judgements in qrels.items():
        relevant = [passage for passage, relevance in judgements.items() if relevance > 0]
        if len(relevant) != 1 or len(judgements) != 1:
            return None
        gold[query] = relevant[0]
    return gold


def as_run(queries: Sequence[str], ranked: Ranked, pool: OpenPool) -> dict[str, dict[str, float]]:
    """Return a ranking as a run: query id -> passage id -> score.

    Args:
        queries: Query ids, in the ranking's order.
        ranked: The ranking.
        pool: The pool that was searched.
    """
    ids = pool.pool.ids
    return {
        query: dict(zip([ids[p] for p in positions], scores.tolist(), strict=True))
        for query, positions, scores in zip(queries, ranked.positions, ranked.scores, strict=True)
    }


def _rank(data: Dataset, pool: OpenPool, pairs: Sequence[TaskPair], wanted: Sequence[bool]) -> list[Ranked | None]:
    """Rankings of the wanted pairs, which search the pool together; None for the others."""
    searching = [data.queries_of(pair) for pair, kept in zip(pairs, wanted, strict=True) if kept]
    with located(f"{data.task} {pairs[0]}"):
        found = iter(pool.top(searching, DEPTH))
    return [next(found) if kept else None for kept in wanted]


def _score_answers(
    data: Dataset,
    pool: OpenPool,
    pairs: Sequence[TaskPair],
    rule: Callable[[Rankings, Mapping[str, tuple[str, ...]]], AnswerScores],
) -> Iterator[PairScores]:
    ids = pool.pool.ids
    for pair, ranked in zip(pairs, _rank(data, pool, pairs, [True] * len(pairs)), strict=True):
        assert ranked is not None
        queries = data.queries_of(pair).ids
        with located(f"{data.task} {pair}"):
            if unanswered := [query for query in queries if query not in data.answers]:
                raise ScoringError(f"{len(unanswered)} queries have no accepted answers, first {unanswered[0]!r}.")
            lists = {query: [ids[p] for p in places] for query, places in zip(queries, ranked.positions, strict=True)}
            found = rule(lists, {query: data.answers[query] for query in queries})
        scores = np.array(list(found.scores.values()), dtype=np.float64).reshape(len(found.scores), -1)
        yield PairScores(pair, tuple(found.scores), found.measures, scores, found.skipped, ranked)


def _passage_texts(data: Dataset) -> dict[str, str]:
    return {key: text for pool in data.pools.values() for key, text in zip(pool.ids, pool.texts, strict=True)}
