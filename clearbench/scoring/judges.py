"""From rankings to per-query scores, by the rule of the task: judgements (qrels), XOR-Retrieve's, MKQA's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from clearbench.common.arrays import IntArray, Scores
from clearbench.common.errors import ScoringError
from clearbench.scoring.answers.mkqa import score_mkqa
from clearbench.scoring.answers.xor import Tokeniser, score_xor
from clearbench.scoring.compute import DEPTH, MEASURE_NAMES, score_ranks, score_run
from clearbench.search.engines import OpenPool
from clearbench.search.pool import Ranked
from clearbench.tasks.dataset import Qrels


@dataclass(frozen=True)
class Judged:
    """Scores of one pair.

    Attributes:
        queries: Scored query ids.
        measures: Measure names.
        scores: float64 [Q, M].
        skipped: Query ids that the protocol leaves out.
    """

    queries: tuple[str, ...]
    measures: tuple[str, ...]
    scores: Scores
    skipped: tuple[str, ...] = ()


class Judge(Protocol):
    """One task's scoring rule."""

    @property
    def settings(self) -> Mapping[str, str | int]:
        """What belongs to a result's identity."""

    def judge(self, queries: Sequence[str], ranked: Ranked, pool: OpenPool, qrels: Qrels) -> Judged:
        """Score one pair's rankings."""


@dataclass(frozen=True)
class QrelsJudge:
    """Relevance judgements through pytrec_eval."""

    settings: Mapping[str, str | int] = field(default_factory=lambda: {"judged_by": "qrels", "search": "exact"})

    def judge(self, queries: Sequence[str], ranked: Ranked, pool: OpenPool, qrels: Qrels) -> Judged:
        """See Judge; queries without a relevant passage are skipped."""
        judged = tuple(query for query in queries if any(r > 0 for r in qrels.get(query, {}).values()))
        scores = score_run(as_run(queries, ranked, pool), qrels, judged)
        return Judged(judged, MEASURE_NAMES, scores, tuple(q for q in queries if q not in set(judged)))


@dataclass(frozen=True)
class XorJudge:
    """XOR-Retrieve's answer rule; see scoring/xor.py."""

    answers: Mapping[str, tuple[str, ...]]
    texts: Mapping[str, str]
    tokeniser: Tokeniser
    cache: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    @property
    def settings(self) -> Mapping[str, str | int]:
        """See Judge."""
        return {"judged_by": "xor", "search": "exact", "tokeniser": self.tokeniser.name, "depth": DEPTH}

    def judge(self, queries: Sequence[str], ranked: Ranked, pool: OpenPool, qrels: Qrels) -> Judged:
        """See Judge."""
        answers = _answers_of(queries, self.answers)
        result = score_xor(as_lists(queries, ranked, pool), self.texts, answers, self.tokeniser, cache=self.cache)
        return Judged(tuple(result.scores), result.measures, _matrix(result.scores), result.skipped)


@dataclass(frozen=True)
class MkqaJudge:
    """MKQA's answer rule; see scoring/mkqa.py."""

    answers: Mapping[str, tuple[str, ...]]
    texts: Mapping[str, str]
    cache: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Mapping[str, str | int]:
        """See Judge."""
        return {"judged_by": "mkqa", "search": "exact", "depth": DEPTH}

    def judge(self, queries: Sequence[str], ranked: Ranked, pool: OpenPool, qrels: Qrels) -> Judged:
        """See Judge."""
        answers = _answers_of(queries, self.answers)
        result = score_mkqa(as_lists(queries, ranked, pool), self.texts, answers, cache=self.cache)
        return Judged(tuple(result.scores), result.measures, _matrix(result.scores), result.skipped)


def only_relevant(qrels: Qrels) -> dict[str, str] | None:
    """query id -> its only relevant passage, if every query has exactly one; else None."""
    gold = {}
    for query, judgements in qrels.items():
        relevant = [passage for passage, relevance in judgements.items() if relevance > 0]
        if len(relevant) != 1 or len(judgements) != 1:
            return None
        gold[query] = relevant[0]
    return gold


def judge_ranks(queries: Sequence[str], ranks: IntArray) -> Judged:
    """Scores of queries with one relevant passage each, from its rank."""
    return Judged(tuple(queries), MEASURE_NAMES, score_ranks(ranks))


def verify(judged: Judged, ranked: Ranked, pool: OpenPool, qrels: Qrels, what: str) -> None:
    """Score again through pytrec_eval and compare.

    Raises:
        ScoringError: A score differs by more than 1e-12.
    """
    reference = score_run(as_run(judged.queries, ranked, pool), qrels, judged.queries)
    worst = float(np.abs(judged.scores - reference).max(initial=0.0))
    if worst > 1e-12:
        row, column = np.unravel_index(np.abs(judged.scores - reference).argmax(), reference.shape)
        raise ScoringError(
            f"{what}: {judged.measures[column]} of query {judged.queries[row]!r} is {judged.scores[row, column]!r}, "
            f"pytrec_eval says {reference[row, column]!r}. Please report this."
        )


def as_run(queries: Sequence[str], ranked: Ranked, pool: OpenPool) -> dict[str, dict[str, float]]:
    """query id -> passage id -> score."""
    ids = pool.pool.ids
    return {
        query: dict(zip([ids[p] for p in positions], scores.tolist(), strict=True))
        for query, positions, scores in zip(queries, ranked.positions, ranked.scores, strict=True)
    }


def as_lists(queries: Sequence[str], ranked: Ranked, pool: OpenPool) -> dict[str, list[str]]:
    """query id -> passage ids in rank order."""
    ids = pool.pool.ids
    return {query: [ids[p] for p in positions] for query, positions in zip(queries, ranked.positions, strict=True)}


def _answers_of(queries: Sequence[str], answers: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    unanswered = [query for query in queries if query not in answers]
    if unanswered:
        raise ScoringError(f"{len(unanswered)} queries have no accepted answers, first {unanswered[0]!r}.")
    return {query: answers[query] for query in queries}


def _matrix(scores: Mapping[str, tuple[float, ...]]) -> Scores:
    return np.array(list(scores.values()), dtype=np.float64).reshape(len(scores), -1)
