"""From per-query scores to what a record says: means and intervals per pair, averages, language bias."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from clearbench.common.arrays import IntArray
from clearbench.common.errors import DataError
from clearbench.common.measures import OWN_FIRST
from clearbench.records.bias import overall_bias
from clearbench.records.parts import QueryScores
from clearbench.records.schema import PairRecord
from clearbench.scoring.bias import LanguageBias
from clearbench.scoring.judge import PairScores
from clearbench.stats.bias import CHANCE, RANK, summarise_bias
from clearbench.stats.intervals import cluster_codes
from clearbench.stats.summaries import BiasSummary, summarise_measures
from clearbench.tasks.dataset import Dataset


def summarise_pair(data: Dataset, pair_scores: PairScores, bias: LanguageBias | None = None) -> QueryScores:
    """Return a pair's per-query scores with their means and intervals.

    Args:
        data: The task's data.
        pair_scores: The pair's scores.
        bias: The pair's language bias, where its pool is mixed.
    Raises:
        DataError: No query of the pair can be scored.
    """
    check_scored(data, pair_scores)
    clusters = [data.clusters.get(query, query) for query in pair_scores.queries]
    codes = cluster_codes(clusters)
    summary = PairRecord(
        pair=str(pair_scores.pair),
        data=data.pair_fingerprint(pair_scores.pair),
        num_passages=len(data.passages_of(pair_scores.pair)),
        num_queries=len(pair_scores.queries),
        num_skipped=len(pair_scores.skipped) + len(data.left_out.get(pair_scores.pair.queries, ())),
        num_clusters=int(codes.max()) + 1,
        measures=summarise_measures(pair_scores.measures, pair_scores.scores, codes),
    )
    plain = QueryScores(summary, pair_scores.queries, clusters, pair_scores.measures, pair_scores.scores)
    if bias is None:
        return plain
    index = data.queries_of(pair_scores.pair).index
    return _add_bias(plain, bias, codes, [index[query] for query in pair_scores.queries])


def check_scored(data: Dataset, pair_scores: PairScores) -> None:
    """Raise DataError if no query of a pair has a score: the mean of no scores is undefined."""
    if not pair_scores.queries:
        raise DataError(f"{data.task} {pair_scores.pair}: no query can be scored.")


def _add_bias(plain: QueryScores, bias: LanguageBias, clusters: IntArray, rows: Sequence[int]) -> QueryScores:
    """Add bias measures to the others; `rows` are the positions of the scored queries among those searched."""
    scores, rank_QL, chance = bias.scores[rows], bias.ranks[rows], bias.chance[rows]
    names = list(map(str, bias.languages))
    values = summarise_measures(bias.measures, scores, clusters)
    summary = summarise_bias(names, rank_QL, scores[:, bias.measures.index(OWN_FIRST)], chance, clusters)
    missing = dict(zip(bias.measures, np.isnan(scores).sum(axis=0).tolist(), strict=True))
    record = plain.summary.model_copy(update={
        "measures": {**plain.summary.measures, **values},
        "bias": replace(summary, left_out={name: count for name, count in missing.items() if count}),
    })  # fmt: skip
    columns = {f"{RANK}{name}": rank_QL[:, place] for place, name in enumerate(names)} | {CHANCE: chance}
    measures = (*plain.measures, *bias.measures)
    return QueryScores(record, plain.queries, plain.clusters, measures, np.hstack([plain.scores, scores]), columns)


def summarise_folder(folder: Path, data: Dataset) -> BiasSummary | None:
    """Return the language bias over the queries of all languages that have scores; None where pools are not mixed.

    Args:
        folder: The record's folder.
        data: The task's data.
    Raises:
        RecordError: The scores cannot be read.
    """
    return overall_bias(folder, list(data.pool_languages)) if data.is_mixed else None
