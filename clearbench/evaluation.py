"""The pipeline: loaded tasks -> vectors -> rankings -> per-query scores -> records.

    RetrievalSet --encode--> EmbeddingStore --search--> Ranked / ranks --judge--> QueryScores --> record

Pairs that share a passage pool are searched together and written as one part; a part that is there already is not
done again.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from clearbench.encoders.base import DenseEncoder
from clearbench.encoders.encode import EncodingReport, encode_missing, plan_encoding
from clearbench.encoders.lexical import Lexical
from clearbench.encoders.store import EmbeddingStore
from clearbench.environment import describe_environment, now
from clearbench.errors import DataError
from clearbench.languages import parse_pair
from clearbench.progress import progress, say
from clearbench.records import (
    SCHEMA_VERSION,
    Identity,
    MeasureValue,
    PairRecord,
    QueryScores,
    Record,
    RecordFolder,
    read_record,
    record_folder,
)
from clearbench.scoring.averages import macro_averages
from clearbench.scoring.judging import (
    Judge,
    Judged,
    MkqaJudge,
    QrelsJudge,
    XorJudge,
    judge_ranks,
    only_relevant,
    verify,
)
from clearbench.scoring.measures import DEPTH
from clearbench.scoring.statistics import cluster_codes, mean_interval
from clearbench.scoring.xor import Tokeniser
from clearbench.search.engines import DenseEngine, Engine, LexicalEngine, OpenPool
from clearbench.search.ranking import Ranked
from clearbench.tasks.retrieval import PairData, RetrievalSet, content_hash

Encoder = DenseEncoder | Lexical


@dataclass(frozen=True)
class EvaluationOptions:
    """How to evaluate.

    Attributes:
        out: Results folder.
        cache: Embedding cache; None keeps vectors in memory only.
        name: Model name in results; None takes the encoder's.
        save_runs: Also write each pair's ranking as a TREC run.
        replace: Measure anew what is there already.
        verify: Score every pair a second time through pytrec_eval and compare.
        tokeniser: For tasks that are judged by XOR-Retrieve's rule.
    """

    out: Path
    cache: Path | None = None
    name: str | None = None
    save_runs: bool = False
    replace: bool = False
    verify: bool = False
    tokeniser: Tokeniser | None = None


@dataclass(frozen=True)
class Evaluation:
    """One finished record and where it lies."""

    folder: Path
    record: Record


def evaluate(encoder: Encoder, sets: Sequence[RetrievalSet], options: EvaluationOptions) -> list[Evaluation]:
    """Evaluate one encoder on loaded tasks and write a record for each.

    All texts of all tasks are encoded first, each once; then each task is scored pool by pool.

    Raises:
        EncoderError, StoreError, SearchError, ScoringError, RecordError, DataError: See each; finished work is kept.
    """
    judges = [make_judge(retrieval, options.tokeniser) for retrieval in sets]
    name = options.name or encoder.name
    folders = []
    for retrieval, judge in zip(sets, judges, strict=True):
        identity = Identity(
            encoder=encoder.fingerprint,
            task=retrieval.task,
            task_version=retrieval.version,
            options=dict(retrieval.options),
            scoring=dict(judge.settings),
        )
        path = record_folder(options.out, name, encoder.fingerprint, retrieval.label)
        folder = RecordFolder(path, identity, options.replace)
        folder.check_data({str(pair.pair): retrieval.pair_fingerprint(pair) for pair in retrieval.pairs})
        folders.append(folder)
    engine, encoding = _prepare(encoder, [_open_part(r, f) for r, f in zip(sets, folders, strict=True)], options)
    finished = []
    for retrieval, judge, folder in zip(sets, judges, folders, strict=True):
        if folder.complete and all(str(pair.pair) in folder.done for pair in retrieval.pairs):
            finished.append(Evaluation(folder.folder, read_record(folder.folder)))
            continue
        _write_record(folder, encoder, name, retrieval, encoding, {}, "running")
        seconds = _score_task(retrieval, judge, engine, folder, options)
        record = _write_record(folder, encoder, name, retrieval, encoding, seconds, "complete")
        finished.append(Evaluation(folder.folder, record))
    return finished


def make_judge(retrieval: RetrievalSet, tokeniser: Tokeniser | None) -> Judge:
    """Return the scoring rule that a task names."""
    if retrieval.judged_by == "qrels":
        return QrelsJudge()
    texts = {key: text for pool in retrieval.pools.values() for key, text in zip(pool.ids, pool.texts, strict=True)}
    if retrieval.judged_by == "mkqa":
        return MkqaJudge(retrieval.answers, texts)
    if retrieval.judged_by == "xor" and tokeniser is not None:
        return XorJudge(retrieval.answers, texts, tokeniser)
    raise DataError(f"{retrieval.task} is judged by {retrieval.judged_by!r}, which needs a tokeniser.")


def _open_part(retrieval: RetrievalSet, folder: RecordFolder) -> RetrievalSet:
    """What of a task has no scores yet."""
    pairs = tuple(pair for pair in retrieval.pairs if str(pair.pair) not in folder.done)
    return RetrievalSet(retrieval.task, retrieval.version, retrieval.pools, pairs)


def _prepare(
    encoder: Encoder, sets: Sequence[RetrievalSet], options: EvaluationOptions
) -> tuple[Engine, EncodingReport]:
    if isinstance(encoder, Lexical):
        return LexicalEngine(encoder), EncodingReport(0, 0, 0, 0.0)
    root = (
        options.cache / "embeddings" / encoder.fingerprint if options.cache and encoder.complete_fingerprint else None
    )
    store = EmbeddingStore(root, {"name": options.name or encoder.name, **encoder.settings})
    plan = plan_encoding(encoder, sets)
    num_missing = int((~store.contains(plan.keys)).sum())
    say(
        f"{encoder.name}: {sum(len(s.pairs) for s in sets):,} pairs to score, {plan.num_mentions:,} texts, "
        f"{len(plan.texts):,} distinct, {num_missing:,} to encode"
    )
    return DenseEngine(encoder, store), encode_missing(encoder, store, plan)


def _score_task(
    retrieval: RetrievalSet, judge: Judge, engine: Engine, folder: RecordFolder, options: EvaluationOptions
) -> dict[str, float]:
    """Score what is open, one part per passage pool; return seconds by phase."""
    groups: dict[str, list[PairData]] = {}
    for pair in retrieval.pairs:
        if str(pair.pair) not in folder.done:
            groups.setdefault(pair.pool, []).append(pair)
    search_seconds = score_seconds = 0.0
    num_open = sum(map(len, groups.values()))
    with progress(f"{retrieval.task}: scoring {num_open:,} pairs", num_open, "pairs") as advance:
        for key, pairs in groups.items():
            started = time.perf_counter()
            pool = engine.open(retrieval.pools[key])
            judged = list(_judge_pool(retrieval, judge, pool, pairs, folder, options))
            searched = time.perf_counter()
            folder.add(key, [_summarise(retrieval, pair, result) for pair, result in zip(pairs, judged, strict=True)])
            search_seconds += searched - started
            score_seconds += time.perf_counter() - searched
            advance(len(pairs))
    return {"search_and_judge": search_seconds, "summarise_and_write": score_seconds}


def _judge_pool(
    retrieval: RetrievalSet,
    judge: Judge,
    pool: OpenPool,
    pairs: Sequence[PairData],
    folder: RecordFolder,
    options: EvaluationOptions,
) -> Iterator[Judged]:
    """Judge the pairs of one pool: from the gold passage's rank where a query has one, else from a ranking.

    Rankings are kept only where they are needed; then the queries of all pairs search the pool together.
    """
    position = {passage: place for place, passage in enumerate(pool.pool.ids)}
    _check_gold(retrieval, pairs, position)
    golds = _only_relevant(retrieval, pairs)
    keep = [options.save_runs or options.verify or gold is None for gold in golds]
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
        if options.verify and ranking is not None and retrieval.judged_by == "qrels":
            verify(judged, ranking, pool, pair.qrels, what)
        if options.save_runs and ranking is not None:
            folder.write_run(str(pair.pair), _trec_lines(pair, ranking, pool))
        yield judged


def _only_relevant(retrieval: RetrievalSet, pairs: Sequence[PairData]) -> list[Mapping[str, str] | None]:
    """Per pair: query -> its only relevant passage, or None where rankings are needed."""
    if retrieval.judged_by != "qrels":
        return [None] * len(pairs)
    shared = {id(pair.qrels): only_relevant(pair.qrels) for pair in pairs}
    golds = (shared[id(pair.qrels)] for pair in pairs)
    return [g if g and all(query in g for query in p.queries.ids) else None for g, p in zip(golds, pairs, strict=True)]


def _check_gold(retrieval: RetrievalSet, pairs: Sequence[PairData], position: Mapping[str, int]) -> None:
    """Refuse judgements of a pair's queries that name passages its pool does not hold."""
    for qrels in {id(pair.qrels): pair.qrels for pair in pairs}.values():
        lost = {passage for judgements in qrels.values() for passage in judgements if passage not in position}
        if lost:
            raise DataError(
                f"{retrieval.task} {pairs[0].pair}: {len(lost)} judged passages are not in the pool, first "
                f"{min(lost)!r}. Run `clearbench tasks check {retrieval.task}`."
            )


def _summarise(retrieval: RetrievalSet, pair: PairData, judged: Judged) -> QueryScores:
    if not judged.queries:
        raise DataError(f"{retrieval.task} {pair.pair}: no query can be scored.")
    clusters = [retrieval.clusters.get(query, query) for query in judged.queries]
    codes = cluster_codes(clusters)
    mean_M, lower_M, upper_M = mean_interval(judged.scores, codes)
    summary = PairRecord(
        pair=str(pair.pair),
        data=retrieval.pair_fingerprint(pair),
        num_passages=len(retrieval.pools[pair.pool]),
        num_queries=len(judged.queries),
        num_skipped=len(judged.skipped),
        num_clusters=int(codes.max()) + 1,
        measures={
            measure: MeasureValue(mean=mean, lower=_or_none(lower), upper=_or_none(upper))
            for measure, mean, lower, upper in zip(
                judged.measures, mean_M.tolist(), lower_M.tolist(), upper_M.tolist(), strict=True
            )
        },
    )
    return QueryScores(summary, judged.queries, clusters, judged.measures, judged.scores)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value


def _trec_lines(pair: PairData, ranked: Ranked, pool: OpenPool) -> Iterator[str]:
    ids = pool.pool.ids
    for query, positions, scores in zip(pair.queries.ids, ranked.positions, ranked.scores, strict=True):
        for rank, (place, score) in enumerate(zip(positions, scores, strict=True), start=1):
            yield f"{query} Q0 {ids[place]} {rank} {score:.9g} clearbench\n"


def _write_record(
    folder: RecordFolder,
    encoder: Encoder,
    name: str,
    retrieval: RetrievalSet,
    encoding: EncodingReport,
    seconds: Mapping[str, float],
    status: Literal["running", "complete"],
) -> Record:
    pairs = sorted(folder.done.values(), key=lambda pair: pair.pair)
    means = {parse_pair(p.pair): {m: value.mean for m, value in p.measures.items()} for p in pairs}
    record = Record(
        schema_version=SCHEMA_VERSION,
        status=status,
        identity=folder.identity,
        model={"name": name, **encoder.settings},
        main_measure=retrieval.main_measure,
        environment=describe_environment(),
        data=content_hash(*(f"{pair.pair} {pair.data}" for pair in pairs)),
        coverage={
            "pairs": len(pairs),
            "queries_scored": sum(pair.num_queries for pair in pairs),
            "queries_skipped": sum(pair.num_skipped for pair in pairs),
        },
        notes=list(retrieval.notes),
        pairs=pairs,
        averages=macro_averages(means),
        timings={
            "finished": now(),
            "texts_encoded": encoding.num_encoded,
            "texts_cached": encoding.num_cached,
            "tokens_encoded": encoding.num_tokens,
            "seconds": {"encode": encoding.seconds, **seconds},
        },
    )
    folder.write(record)
    return record
