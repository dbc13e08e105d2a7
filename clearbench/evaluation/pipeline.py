"""The pipeline: tasks -> jobs -> vectors -> rankings -> per-query scores -> records.

    Dataset --make_judge--> Judge --open_jobs--> Job --engine.prepare--> vectors in the store
                                                  |
              Record <--make_record-- parts <--summarise-- PairScores <--judge.score-- open pool

Pairs that share a passage pool are searched together and written as one part; a part that is there already is not
done again.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clearbench.common.measures import MAIN_MEASURE
from clearbench.common.progress import duration, progress, say
from clearbench.encoders.vectors.embed import EncodingReport
from clearbench.evaluation.job import Job, open_jobs
from clearbench.evaluation.options import EvaluationOptions
from clearbench.evaluation.saving import save_runs
from clearbench.evaluation.summary import check_scored, make_record, summarise
from clearbench.records.folder import read_record
from clearbench.records.schema import Record
from clearbench.records.training import evaluation_key
from clearbench.scoring.bias import LanguageBias, has_several, judge_bias
from clearbench.scoring.judge import Judge, PairScores
from clearbench.search.engine import Engine, OpenPool
from clearbench.search.engines import Encoder, open_engine
from clearbench.tasks.dataset import Dataset, TaskPair

# With fewer texts to encode, a run is over before its estimate is.
WORTH_ESTIMATING = 2_000


@dataclass(frozen=True)
class Evaluation:
    """One finished record and where it lies."""

    folder: Path
    record: Record


def evaluate(encoder: Encoder, judges: Sequence[Judge], options: EvaluationOptions) -> list[Evaluation]:
    """Evaluate one encoder on tasks and write a record for each.

    All texts of all tasks are encoded first, each once; then each task is scored pool by pool.

    Args:
        encoder: What is evaluated.
        judges: The tasks, each with its rule; see `make_judge`.
        options: See EvaluationOptions.
    Raises:
        EncoderError, StoreError, SearchError, ScoringError, RecordError, DataError: See each; finished work is kept.
    """
    engine = open_engine(encoder, [judge.data for judge in judges], options.cache, options.name)
    jobs = open_jobs(encoder, judges, options)
    encoding = _encode(encoder.name, engine, jobs)
    return [_finish(job, engine, encoding, options) for job in jobs]


def _encode(name: str, engine: Engine, jobs: Sequence[Job]) -> EncodingReport:
    """Say what there is to do, and encode what the open pairs of all jobs need."""
    todo = [job.todo for job in jobs]
    work = engine.plan(todo)
    seconds = engine.estimate(work) if work.num_missing >= WORTH_ESTIMATING else None
    if work.plan is not None:
        say(
            f"{name}: {sum(len(data.pairs) for data in todo):,} pairs to score, {work.plan.num_mentions:,} texts, "
            f"{len(work.plan.texts):,} distinct, {work.num_missing:,} to encode"
            + (f", about {duration(seconds)}" if seconds is not None else "")
        )
    return engine.prepare(todo, work)


def _finish(job: Job, engine: Engine, encoding: EncodingReport, options: EvaluationOptions) -> Evaluation:
    """Score a job's open pairs and write its record; one that is complete already is only read."""
    if job.folder.complete and not job.todo.pairs:
        return Evaluation(job.folder.path, read_record(job.folder.path))
    job.folder.write(make_record(job, "running", encoding))
    seconds = _score(job, engine, options)
    record = make_record(job, "complete", encoding, seconds)
    job.folder.write(record)
    return Evaluation(job.folder.path, record)


def _score(job: Job, engine: Engine, options: EvaluationOptions) -> dict[str, float]:
    """Score a job's open pairs, part by part; return seconds by phase."""
    data, num_open = job.data, len(job.todo.pairs)
    searching = writing = 0.0
    with progress(f"{data.task}: scoring {num_open:,} pairs", num_open, "pairs") as advance:
        for key, parts in job.parts.items():
            started = time.perf_counter()
            pool = engine.open(data.pools[key])
            for pairs in parts:
                scored = _score_part(job, pool, pairs, options)
                bias = _bias(data, pool, scored) if data.pool_languages else [None] * len(scored)
                searched = time.perf_counter()
                job.folder.add(key, [summarise(data, *both) for both in zip(scored, bias, strict=True)])
                searching += searched - started
                started = time.perf_counter()
                writing += started - searched
                advance(len(pairs))
    return {"search_and_judge": searching, "summarise_and_write": writing}


def _score_part(job: Job, pool: OpenPool, pairs: Sequence[TaskPair], options: EvaluationOptions) -> list[PairScores]:
    """Score pairs that share an open pool; verify them and save their rankings where that is asked for."""
    rankings = options.save_runs or options.verify or bool(job.data.pool_languages)
    scored = list(job.judge.score(pool, pairs, rankings))
    if options.verify:
        for one in scored:
            job.judge.verify(pool, one)
    if options.save_runs:
        save_runs(job.folder, job.data, pool, scored)
    return scored


def measure_pairs(encoder: Encoder, judges: Sequence[Judge]) -> dict[str, float]:
    """Return nDCG@10, or a task's main measure where it has none, by `evaluation_key`; no result is read or written.

    Args:
        encoder: What is evaluated, for example a checkpoint in training.
        judges: The tasks, each with its rule.
    Raises:
        DataError: A pair has no query that can be scored.
        EncoderError, SearchError, ScoringError: The encoder, the search or the rule fails.
    """
    sets = [judge.data for judge in judges]
    engine = open_engine(encoder, sets)
    engine.prepare(sets, engine.plan(sets))
    figures: dict[str, float] = {}
    for judge in judges:
        data = judge.data
        means = {}
        for pool in dict.fromkeys(pair.pool for pair in data.pairs):
            together = [pair for pair in data.pairs if pair.pool == pool]
            for scored in judge.score(engine.open(data.pools[pool]), together):
                check_scored(data, scored)
                name = MAIN_MEASURE if MAIN_MEASURE in scored.measures else data.main_measure
                mean = float(scored.scores[:, scored.measures.index(name)].mean())
                means[scored.pair] = evaluation_key(data.task, scored.pair, name), mean
        figures.update(means[pair] for pair in data.pairs)
    return figures


def _bias(data: Dataset, pool: OpenPool, scored: Sequence[PairScores]) -> list[LanguageBias]:
    several = has_several(data)
    return [judge_bias(data, one.pair, pool, one.ranked, several) for one in scored if one.ranked is not None]
