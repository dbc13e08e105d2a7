"""The pipeline: loaded tasks -> vectors -> rankings -> per-query scores -> records.

    RetrievalSet --encode--> EmbeddingStore --search--> Ranked / ranks --judge--> QueryScores --> record

Pairs that share a passage pool are searched together and written as one part; a part that is there already is not
done again. A pool that mixes languages is searched by the queries of one language after the other, a part for each.
"""

import time
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from clearbench.encoders.adjust import AdjustedEncoder
from clearbench.encoders.base import DenseEncoder, IntArray
from clearbench.encoders.encode import EncodingPlan, EncodingReport, encode_missing, plan_encoding
from clearbench.encoders.estimate import estimate_seconds
from clearbench.encoders.lexical import Lexical
from clearbench.encoders.store import EmbeddingStore
from clearbench.environment import describe_environment, now
from clearbench.errors import DataError
from clearbench.languages import parse_pair
from clearbench.progress import duration, progress, say
from clearbench.records import (
    SCHEMA_VERSION,
    BiasRecord,
    Identity,
    MeasureValue,
    PairRecord,
    QueryScores,
    Record,
    RecordFolder,
    read_record,
    read_scores,
    record_folder,
)
from clearbench.records.runs import qrels_lines, text_rows, trec_lines
from clearbench.scoring.averages import macro_averages
from clearbench.scoring.bias import CHANCE, RANK, LanguageBias, has_several, judge_bias
from clearbench.scoring.bias_summary import estimates, summarise_bias
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
from clearbench.tasks.retrieval import PairData, RetrievalSet, content_hash

# Passages of each ranking whose texts are kept with saved runs, beside the judged ones.
TEXTS_DEPTH = 10
# With fewer texts to encode, a run is over before its estimate is.
WORTH_ESTIMATING = 2_000

Encoder = DenseEncoder | AdjustedEncoder | Lexical


@dataclass(frozen=True)
class EvaluationOptions:
    """How to evaluate.

    Attributes:
        out: Results folder.
        cache: Embedding cache; None keeps vectors in memory only.
        name: Model name in results; None takes the encoder's.
        save_runs: Also write each pair's ranking and judgements as TREC files, and the texts to read them by.
        replace: Measure anew what is there already.
        verify: Score every pair a second time through pytrec_eval and compare.
        tokenisers: By name, for tasks that are judged by XOR-Retrieve's rule; each task names its own.
    """

    out: Path
    cache: Path | None = None
    name: str | None = None
    save_runs: bool = False
    replace: bool = False
    verify: bool = False
    tokenisers: Mapping[str, Tokeniser] = field(default_factory=dict)


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
    if isinstance(encoder, AdjustedEncoder):
        encoder.check(sets)
    judges = [make_judge(retrieval, options.tokenisers) for retrieval in sets]
    name = options.name or encoder.name
    folders = []
    for retrieval, judge in zip(sets, judges, strict=True):
        path = record_folder(options.out, name, encoder.fingerprint, retrieval.label)
        folder = RecordFolder(path, identity_of(encoder, retrieval, judge), options.replace)
        folder.check_data({str(pair.pair): retrieval.pair_fingerprint(pair) for pair in retrieval.pairs})
        if options.save_runs:
            _check_runs(retrieval, folder)
        folders.append(folder)
    engine, encoding = _prepare(encoder, [open_part(r, f.done) for r, f in zip(sets, folders, strict=True)], options)
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


def identity_of(encoder: Encoder, retrieval: RetrievalSet, judge: Judge) -> Identity:
    """What makes a result of this encoder on this task the same measurement as another."""
    return Identity(
        encoder=encoder.fingerprint,
        task=retrieval.task,
        task_version=retrieval.version,
        options=dict(retrieval.options),
        scoring={**judge.settings, **_pool_settings(retrieval)},
    )


def make_judge(retrieval: RetrievalSet, tokenisers: Mapping[str, Tokeniser]) -> Judge:
    """Return the scoring rule that a task names."""
    if retrieval.judged_by == "qrels":
        return QrelsJudge()
    texts = {key: text for pool in retrieval.pools.values() for key, text in zip(pool.ids, pool.texts, strict=True)}
    if retrieval.judged_by == "mkqa":
        return MkqaJudge(retrieval.answers, texts)
    if retrieval.judged_by == "xor" and retrieval.tokeniser in tokenisers:
        return XorJudge(retrieval.answers, texts, tokenisers[retrieval.tokeniser])
    raise DataError(f"{retrieval.task} is judged by {retrieval.judged_by!r}, which needs a tokeniser.")


def _pool_settings(retrieval: RetrievalSet) -> dict[str, str | int]:
    """What of a mixed pool belongs to a result's identity: another choice of languages is another pool."""
    languages = {language for pool in retrieval.pools.values() for language in pool.languages}
    return {"pool_languages": " ".join(sorted(map(str, languages)))} if languages else {}


def _check_runs(retrieval: RetrievalSet, folder: RecordFolder) -> None:
    """Refuse ids that TREC files cannot hold, and say which rankings will not be written."""
    for texts in (*retrieval.pools.values(), *(pair.queries for pair in retrieval.pairs)):
        if blank := next((key for key in texts.ids if key.split() != [key]), None):
            raise DataError(f"{retrieval.task}: id {blank!r} holds a blank, so TREC runs cannot be saved.")
    lacking = [pair for pair in folder.done if not folder.has_run(pair)]
    if lacking:
        say(
            f"{folder.folder}: {len(lacking):,} pairs were scored before without their rankings; --replace writes them."
        )


def open_part(retrieval: RetrievalSet, done: Container[str]) -> RetrievalSet:
    """What of a task has no scores yet."""
    pairs = tuple(pair for pair in retrieval.pairs if str(pair.pair) not in done)
    return RetrievalSet(retrieval.task, retrieval.version, retrieval.pools, pairs)


def open_store(
    encoder: DenseEncoder | AdjustedEncoder, sets: Sequence[RetrievalSet], options: EvaluationOptions
) -> tuple[DenseEncoder, EmbeddingStore, EncodingPlan]:
    """Return what encodes, where its vectors are kept, and the texts that the tasks need."""
    base: DenseEncoder
    if isinstance(encoder, AdjustedEncoder):
        base, name, more = encoder.base, encoder.base.name, encoder.parts(sets)
    else:
        base, name, more = encoder, options.name or encoder.name, []
    root = options.cache / "embeddings" / base.fingerprint if options.cache and base.complete_fingerprint else None
    store = EmbeddingStore(root, {"name": name, **base.settings})
    return base, store, plan_encoding(base, sets, more)


def _prepare(
    encoder: Encoder, sets: Sequence[RetrievalSet], options: EvaluationOptions
) -> tuple[Engine, EncodingReport]:
    if isinstance(encoder, Lexical):
        return LexicalEngine(encoder), EncodingReport(0, 0, 0, 0.0)
    base, store, plan = open_store(encoder, sets, options)
    num_missing = int((~store.contains(plan.keys)).sum())
    seconds = estimate_seconds(base, store, plan) if num_missing >= WORTH_ESTIMATING else None
    say(
        f"{encoder.name}: {sum(len(s.pairs) for s in sets):,} pairs to score, {plan.num_mentions:,} texts, "
        f"{len(plan.texts):,} distinct, {num_missing:,} to encode"
        + (f", about {duration(seconds)}" if seconds is not None else "")
    )
    report = encode_missing(base, store, plan)
    adjuster = encoder.fit(store, sets) if isinstance(encoder, AdjustedEncoder) else None
    return DenseEngine(base, store, adjuster), report


def _score_task(
    retrieval: RetrievalSet, judge: Judge, engine: Engine, folder: RecordFolder, options: EvaluationOptions
) -> dict[str, float]:
    """Score what is open, one part per passage pool, of a mixed one per query language; return seconds by phase."""
    groups: dict[str, list[PairData]] = {}
    for pair in retrieval.pairs:
        if str(pair.pair) not in folder.done:
            groups.setdefault(pair.pool, []).append(pair)
    search_seconds = score_seconds = 0.0
    num_open = sum(map(len, groups.values()))
    with progress(f"{retrieval.task}: scoring {num_open:,} pairs", num_open, "pairs") as advance:
        for key, members in groups.items():
            started = time.perf_counter()
            pool = engine.open(retrieval.pools[key])
            for pairs in [[pair] for pair in members] if retrieval.pools[key].languages else [members]:
                judged = list(_judge_pool(retrieval, judge, pool, pairs, folder, options))
                searched = time.perf_counter()
                folder.add(
                    key, [_summarise(retrieval, pair, *found) for pair, found in zip(pairs, judged, strict=True)]
                )
                search_seconds += searched - started
                started = time.perf_counter()
                score_seconds += started - searched
                advance(len(pairs))
    return {"search_and_judge": search_seconds, "summarise_and_write": score_seconds}


def _judge_pool(
    retrieval: RetrievalSet,
    judge: Judge,
    pool: OpenPool,
    pairs: Sequence[PairData],
    folder: RecordFolder,
    options: EvaluationOptions,
) -> Iterator[tuple[Judged, LanguageBias | None]]:
    """Judge the pairs of one pool: from the gold passage's rank where a query has one, else from a ranking.

    Rankings are kept only where they are needed; then the queries of all pairs search the pool together. In a mixed
    pool the ranks of all relevant passages tell the languages' bias.
    """
    passages = retrieval.pools[pairs[0].pool]
    position = {passage: place for place, passage in enumerate(pool.pool.ids)}
    _check_gold(retrieval, pairs, position)
    golds = _only_relevant(retrieval, pairs)
    keep = [bool(options.save_runs or options.verify or gold is None or passages.languages) for gold in golds]
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
        if options.verify and ranking is not None and retrieval.judged_by == "qrels":
            verify(judged, ranking, pool, pair.qrels, what)
        if options.save_runs and ranking is not None:
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
    if options.save_runs:
        rows = text_rows([pair.queries for pair in pairs], passages, sorted(near))
        folder.write_texts(pairs[0].pool, [str(pair.pair) for pair in pairs], rows)


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


def _summarise(retrieval: RetrievalSet, pair: PairData, judged: Judged, bias: LanguageBias | None) -> QueryScores:
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
    plain = QueryScores(summary, judged.queries, clusters, judged.measures, judged.scores)
    return plain if bias is None else _add_bias(plain, bias, codes, [pair.queries.index[q] for q in judged.queries])


def _add_bias(plain: QueryScores, bias: LanguageBias, clusters: IntArray, rows: Sequence[int]) -> QueryScores:
    """Put bias measures beside the others; `rows` are the places of the scored queries among the searched ones."""
    scores, rank_QL, chance = bias.scores[rows], bias.ranks[rows], bias.chance[rows]
    names = list(map(str, bias.languages))
    values = estimates(bias.measures, scores, clusters)
    summary = summarise_bias(names, rank_QL, scores[:, bias.measures.index("lpr_first")], chance, clusters)
    missing = dict(zip(bias.measures, np.isnan(scores).sum(axis=0).tolist(), strict=True))
    record = plain.summary.model_copy(update={
        "measures": {**plain.summary.measures, **{name: MeasureValue(**asdict(v)) for name, v in values.items()}},
        "bias": BiasRecord(**asdict(summary), left_out={name: count for name, count in missing.items() if count}),
    })  # fmt: skip
    columns = {f"{RANK}{name}": rank_QL[:, place] for place, name in enumerate(names)} | {CHANCE: chance}
    measures = (*plain.measures, *bias.measures)
    return QueryScores(record, plain.queries, plain.clusters, measures, np.hstack([plain.scores, scores]), columns)


def _overall_bias(folder: RecordFolder, retrieval: RetrievalSet) -> BiasRecord | None:
    """Bias over the queries of all languages, from the scores that were written."""
    names = str(_pool_settings(retrieval).get("pool_languages", "")).split()
    if not names:
        return None
    table = read_scores(folder.folder, columns=["lpr_first", CHANCE, *(f"{RANK}{name}" for name in names)])
    codes = cluster_codes(table["cluster"].tolist())
    rank_QL = table[[f"{RANK}{name}" for name in names]].to_numpy()
    first = table["lpr_first"].to_numpy()
    summary = summarise_bias(names, rank_QL, first, table[CHANCE].to_numpy(), codes)
    missing = int(np.isnan(first).sum())
    return BiasRecord(**asdict(summary), left_out={"lpr_first": missing} if missing else {})


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value


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
        bias=_overall_bias(folder, retrieval) if status == "complete" else None,
    )
    folder.write(record)
    return record
