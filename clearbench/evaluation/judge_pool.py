"""From an open passage pool to per-query scores and their summaries, bias between languages included."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from clearbench.common.arrays import IntArray
from clearbench.common.errors import DataError
from clearbench.records.folder import RecordFolder
from clearbench.records.parts import QueryScores, read_scores
from clearbench.records.runs import qrels_lines, text_rows, trec_lines
from clearbench.records.schema import PairRecord
from clearbench.scoring.bias import CHANCE, RANK, LanguageBias, has_several, judge_bias
from clearbench.scoring.bias_summary import summarise_bias
from clearbench.scoring.compute import DEPTH
from clearbench.scoring.judges import Judge, Judged, judge_ranks, only_relevant
from clearbench.scoring.judges import verify as verify_scores
from clearbench.search.engines import OpenPool
from clearbench.stats.intervals import cluster_codes
from clearbench.stats.summaries import BiasSummary, summarise_measures
from clearbench.tasks.dataset import Dataset, TaskPair

# Passages of each ranking whose texts are kept with saved runs, beside the judged ones.
TEXTS_DEPTH = 10


def judge_pool(
    retrieval: Dataset,
    judge: Judge,
    pool: OpenPool,
    pairs: Sequence[TaskPair],
    folder: RecordFolder,
    save_runs: bool,
    verify: bool,
) -> Iterator[tuple[Judged, LanguageBias | None]]:
    """Judge the pairs of one pool: from the gold passage's rank where a query has one, else from a ranking.

    Rankings are kept only where they are needed; then the queries of all pairs search the pool together. In a mixed
    pool the ranks of all relevant passages tell the languages' bias.
    """
    passages = retrieval.pools[pairs[0].pool]
    position = {passage: place for place, passage in enumerate(pool.pool.ids)}
    _check_gold(retrieval, pairs, position)
    golds = _only_relevant(retrieval, pairs)
    keep = [bool(save_runs or verify or gold is None or passages.languages) for gold in golds]
    near: set[int] = set()
    searching = [pair.queries for pair, kept in zip(pairs, keep, strict=True) if kept]
    rankings = iter(pool.top(searching, DEPTH, f"{retrieval.task} {pairs[0].pair}"))
    for pair, gold, kept in zip(pairs, golds, keep, strict=True):
        what = f"{retrieval.task} {pair.pair}"
        ranking = next(rankings) if kept else None
        if gold:
            gold_Q = np.array([position[gold[query]] for query in pair.queries.ids])
            judged = judge_ranks(pair.queries.ids, pool.gold_ranks(pair.queries, gold_Q, what))
        else:
            assert ranking is not None
            judged = judge.judge(pair.queries.ids, ranking, pool, pair.qrels)
        if verify and ranking is not None and retrieval.judged_by == "qrels":
            verify_scores(judged, ranking, pool, pair.qrels, what)
        if save_runs and ranking is not None:
            queries = pair.queries.ids
            lines = trec_lines(queries, pool.pool.ids, ranking.positions, ranking.scores)
            folder.write_run(str(pair.pair), lines, qrels_lines(queries, pair.qrels))
            near.update(ranking.positions[:, :TEXTS_DEPTH].ravel().tolist())
            near.update(position[key] for query in queries for key in pair.qrels.get(query, {}))
        bias = None
        if passages.languages and ranking is not None:
            several = any(
                has_several(qrels, passages) for qrels in {id(p.qrels): p.qrels for p in retrieval.pairs}.values()
            )
            bias = judge_bias(pair.queries, passages, pair.qrels, pool, ranking, several, what)
        yield judged, bias
    if save_runs:
        rows = text_rows([pair.queries for pair in pairs], passages, sorted(near))
        folder.write_texts(pairs[0].pool, [str(pair.pair) for pair in pairs], rows)


def _only_relevant(retrieval: Dataset, pairs: Sequence[TaskPair]) -> list[Mapping[str, str] | None]:
    """Per pair: query -> its only relevant passage, or None where rankings are needed."""
    if retrieval.judged_by != "qrels":
        return [None] * len(pairs)
    shared = {id(pair.qrels): only_relevant(pair.qrels) for pair in pairs}
    golds = (shared[id(pair.qrels)] for pair in pairs)
    return [g if g and all(query in g for query in p.queries.ids) else None for g, p in zip(golds, pairs, strict=True)]


def _check_gold(retrieval: Dataset, pairs: Sequence[TaskPair], position: Mapping[str, int]) -> None:
    """Refuse judgements of a pair's queries that name passages its pool does not hold."""
    for qrels in {id(pair.qrels): pair.qrels for pair in pairs}.values():
        lost = {passage for judgements in qrels.values() for passage in judgements if passage not in position}
        if lost:
            raise DataError(
                f"{retrieval.task} {pairs[0].pair}: {len(lost)} judged passages are not in the pool, first "
                f"{min(lost)!r}. Run `clearbench tasks check {retrieval.task}`."
            )


def pool_settings(retrieval: Dataset) -> dict[str, str | int]:
    """What of a mixed pool belongs to a result's identity: another choice of languages is another pool."""
    languages = {language for pool in retrieval.pools.values() for language in pool.languages}
    return {"pool_languages": " ".join(sorted(map(str, languages)))} if languages else {}


def summarise(retrieval: Dataset, pair: TaskPair, judged: Judged, bias: LanguageBias | None) -> QueryScores:
    """Put means and intervals beside a pair's per-query scores.

    Raises:
        DataError: No query of the pair can be scored.
    """
    if not judged.queries:
        raise DataError(f"{retrieval.task} {pair.pair}: no query can be scored.")
    clusters = [retrieval.clusters.get(query, query) for query in judged.queries]
    codes = cluster_codes(clusters)
    summary = PairRecord(
        pair=str(pair.pair),
        data=retrieval.pair_fingerprint(pair),
        num_passages=len(retrieval.pools[pair.pool]),
        num_queries=len(judged.queries),
        num_skipped=len(judged.skipped),
        num_clusters=int(codes.max()) + 1,
        measures=summarise_measures(judged.measures, judged.scores, codes),
    )
    plain = QueryScores(summary, judged.queries, clusters, judged.measures, judged.scores)
    return plain if bias is None else _add_bias(plain, bias, codes, [pair.queries.index[q] for q in judged.queries])


def _add_bias(plain: QueryScores, bias: LanguageBias, clusters: IntArray, rows: Sequence[int]) -> QueryScores:
    """Put bias measures beside the others; `rows` are the places of the scored queries among the searched ones."""
    scores, rank_QL, chance = bias.scores[rows], bias.ranks[rows], bias.chance[rows]
    names = list(map(str, bias.languages))
    values = summarise_measures(bias.measures, scores, clusters)
    summary = summarise_bias(names, rank_QL, scores[:, bias.measures.index("lpr_first")], chance, clusters)
    missing = dict(zip(bias.measures, np.isnan(scores).sum(axis=0).tolist(), strict=True))
    record = plain.summary.model_copy(update={
        "measures": {**plain.summary.measures, **values},
        "bias": replace(summary, left_out={name: count for name, count in missing.items() if count}),
    })  # fmt: skip
    columns = {f"{RANK}{name}": rank_QL[:, place] for place, name in enumerate(names)} | {CHANCE: chance}
    measures = (*plain.measures, *bias.measures)
    return QueryScores(record, plain.queries, plain.clusters, measures, np.hstack([plain.scores, scores]), columns)


def overall_bias(folder: RecordFolder, retrieval: Dataset) -> BiasSummary | None:
    """Bias over the queries of all languages, from the scores that were written."""
    names = str(pool_settings(retrieval).get("pool_languages", "")).split()
    if not names:
        return None
    table = read_scores(folder.folder, columns=["lpr_first", CHANCE, *(f"{RANK}{name}" for name in names)])
    codes = cluster_codes(table["cluster"].tolist())
    rank_QL = table[[f"{RANK}{name}" for name in names]].to_numpy()
    first = table["lpr_first"].to_numpy()
    summary = summarise_bias(names, rank_QL, first, table[CHANCE].to_numpy(), codes)
    missing = int(np.isnan(first).sum())
    return replace(summary, left_out={"lpr_first": missing} if missing else {})
