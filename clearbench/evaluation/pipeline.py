"""The pipeline: loaded tasks -> vectors -> rankings -> per-query scores -> records.

    Dataset --encode--> EmbeddingStore --search--> Ranked / ranks --judge--> QueryScores --> record

Pairs that share a passage pool are searched together and written as one part; a part that is there already is not
done again. A pool that mixes languages is searched by the queries of one language after the other, a part for each.
"""

import time
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from clearbench.common.environment import describe_environment, now
from clearbench.common.errors import DataError
from clearbench.common.hashing import content_hash
from clearbench.common.languages import parse_pair
from clearbench.common.progress import duration, progress, say
from clearbench.encoders.adjust import AdjustedEncoder
from clearbench.encoders.base import DenseEncoder
from clearbench.encoders.bm25 import Lexical
from clearbench.encoders.embed import EncodingPlan, EncodingReport, encode_missing, plan_encoding
from clearbench.encoders.estimate import estimate_seconds
from clearbench.encoders.store import EmbeddingStore
from clearbench.evaluation.judge_pool import judge_pool, overall_bias, pool_settings, summarise
from clearbench.records.folder import RecordFolder, read_record, record_folder
from clearbench.records.schema import SCHEMA_VERSION, Identity, Record
from clearbench.scoring.answers.xor import Tokeniser
from clearbench.scoring.judges import (
    Judge,
    MkqaJudge,
    QrelsJudge,
    XorJudge,
)
from clearbench.search.engines import DenseEngine, Engine, LexicalEngine
from clearbench.stats.averages import macro_averages
from clearbench.tasks.dataset import Dataset, TaskPair

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


def evaluate(encoder: Encoder, sets: Sequence[Dataset], options: EvaluationOptions) -> list[Evaluation]:
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


def identity_of(encoder: Encoder, retrieval: Dataset, judge: Judge) -> Identity:
    """What makes a result of this encoder on this task the same measurement as another."""
    return Identity(
        encoder=encoder.fingerprint,
        task=retrieval.task,
        task_version=retrieval.version,
        options=dict(retrieval.options),
        scoring={**judge.settings, **pool_settings(retrieval)},
    )


def make_judge(retrieval: Dataset, tokenisers: Mapping[str, Tokeniser]) -> Judge:
    """Return the scoring rule that a task names."""
    if retrieval.judged_by == "qrels":
        return QrelsJudge()
    texts = {key: text for pool in retrieval.pools.values() for key, text in zip(pool.ids, pool.texts, strict=True)}
    if retrieval.judged_by == "mkqa":
        return MkqaJudge(retrieval.answers, texts)
    if retrieval.judged_by == "xor" and retrieval.tokeniser in tokenisers:
        return XorJudge(retrieval.answers, texts, tokenisers[retrieval.tokeniser])
    raise DataError(f"{retrieval.task} is judged by {retrieval.judged_by!r}, which needs a tokeniser.")


def _check_runs(retrieval: Dataset, folder: RecordFolder) -> None:
    """Refuse ids that TREC files cannot hold, and say which rankings will not be written."""
    for texts in (*retrieval.pools.values(), *(pair.queries for pair in retrieval.pairs)):
        if blank := next((key for key in texts.ids if key.split() != [key]), None):
            raise DataError(f"{retrieval.task}: id {blank!r} holds a blank, so TREC runs cannot be saved.")
    lacking = [pair for pair in folder.done if not folder.has_run(pair)]
    if lacking:
        say(
            f"{folder.folder}: {len(lacking):,} pairs were scored before without their rankings; --replace writes them."
        )


def open_part(retrieval: Dataset, done: Container[str]) -> Dataset:
    """What of a task has no scores yet."""
    pairs = tuple(pair for pair in retrieval.pairs if str(pair.pair) not in done)
    return Dataset(retrieval.task, retrieval.version, retrieval.pools, pairs)


def open_store(
    encoder: DenseEncoder | AdjustedEncoder, sets: Sequence[Dataset], options: EvaluationOptions
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


def _prepare(encoder: Encoder, sets: Sequence[Dataset], options: EvaluationOptions) -> tuple[Engine, EncodingReport]:
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
    retrieval: Dataset, judge: Judge, engine: Engine, folder: RecordFolder, options: EvaluationOptions
) -> dict[str, float]:
    """Score what is open, one part per passage pool, of a mixed one per query language; return seconds by phase."""
    groups: dict[str, list[TaskPair]] = {}
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
                judged = list(judge_pool(retrieval, judge, pool, pairs, folder, options.save_runs, options.verify))
                searched = time.perf_counter()
                folder.add(key, [summarise(retrieval, pair, *found) for pair, found in zip(pairs, judged, strict=True)])
                search_seconds += searched - started
                started = time.perf_counter()
                score_seconds += started - searched
                advance(len(pairs))
    return {"search_and_judge": search_seconds, "summarise_and_write": score_seconds}


def _write_record(
    folder: RecordFolder,
    encoder: Encoder,
    name: str,
    retrieval: Dataset,
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
        bias=overall_bias(folder, retrieval) if status == "complete" else None,
    )
    folder.write(record)
    return record
