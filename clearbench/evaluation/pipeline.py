"""The pipeline: tasks -> jobs -> vectors -> rankings -> per-query scores -> records.

    Dataset --make_judge--> Judge --open_jobs--> Job --engine.prepare--> vectors in the store
                                                  |
              Record <--folder.write-- parts <--summarise_pair-- PairScores <--judge.score-- open pool

Pairs that share a passage pool are searched together and written as one part; a part that is there already is not
done again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clearbench.common.environment import now
from clearbench.common.measures import MAIN_MEASURE
from clearbench.common.progress import Stopwatch, progress, say
from clearbench.common.text import count
from clearbench.encoders.vectors.embed import EncodingReport
from clearbench.evaluation.job import Job, open_jobs, open_pairs, search_groups
from clearbench.evaluation.options import EvaluationOptions
from clearbench.evaluation.saving import save_runs
from clearbench.evaluation.summary import check_scored, summarise_folder, summarise_pair
from clearbench.records.read import read_record
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
    """One finished record and where it lies.

    Attributes:
        folder: The record's folder.
        record: All that the folder holds, pairs of earlier runs included.
        asked: The pairs that this evaluation was asked for.
    """

    folder: Path
    record: Record
    asked: tuple[str, ...]


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
    planned = [open_pairs(job) for job in jobs]
    encoding = _encode(encoder.name, engine, planned)
    return [_finish(job, engine, planned, encoding, options) for job in jobs]


def _encode(name: str, engine: Engine, pending: Sequence[Dataset]) -> EncodingReport:
    """Say what there is to do, and encode what the open pairs of all jobs need."""
    work = engine.plan(pending)
    seconds = engine.estimate(work) if work.num_missing >= WORTH_ESTIMATING else None
    if work.plan is not None:
        say(
            f"{name}: {sum(len(data.pairs) for data in pending):,} pairs to score, {work.plan.num_mentions:,} texts, "
            f"{len(work.plan.texts):,} distinct, {work.num_missing:,} to encode"
            + (f", about {seconds}" if seconds is not None else "")
        )
    return engine.prepare(pending, work)


def _encode_more(engine: Engine, planned: Sequence[Dataset], pending: Dataset) -> EncodingReport:
    """Encode what pairs need that were not open when the encoding was planned; report only that.

    Another run's --replace may have put a record of fewer pairs in the place of the one that was there.
    """
    known = {pair for data in planned if data.label == pending.label for pair in data.pairs}
    if known.issuperset(pending.pairs):
        return EncodingReport(0, 0, 0, 0.0)
    num_more = len(pending.pairs) - len(known.intersection(pending.pairs))
    say(
        f"{pending.label}: another run replaced the record meanwhile, so {count(num_more, 'pair')} more will be scored."
    )
    everything = [*planned, pending]  # an adjustment is estimated for all that the engine searches
    return replace(engine.prepare(everything, engine.plan(everything)), num_cached=0)


def _finish(
    job: Job, engine: Engine, planned: Sequence[Dataset], encoding: EncodingReport, options: EvaluationOptions
) -> Evaluation:
    """Score a job's open pairs and write its record; one that is complete and whole already is only read.

    Which pairs are open is decided here, under the folder's lock; what was planned only says what is encoded.

    Args:
        job: The job.
        engine: Searches; what `planned` needs is encoded.
        planned: The pairs of all jobs that were open before.
        encoding: What encoding them took.
        options: See EvaluationOptions.
    """
    folder = job.folder
    with folder.writing():
        pending, timings = open_pairs(job), None
        if not pending.pairs and folder.problem is None:
            return _evaluation(job, read_record(folder.final_path))
        if pending.pairs:
            more = _encode_more(engine, planned, pending)
            folder.write("running")
            timings = _timings(encoding.plus(more), _score(job, pending, engine, options))
        else:
            say(f"{folder.final_path}: record.json is rewritten from the scores ({folder.problem}).")
        record = folder.write("complete", timings, summarise_folder(folder.write_path, job.data))
    return _evaluation(job, record)


def _evaluation(job: Job, record: Record) -> Evaluation:
    return Evaluation(job.folder.final_path, record, tuple(map(str, job.data.pairs)))


def _timings(encoding: EncodingReport, seconds: Mapping[str, float]) -> dict[str, Any]:
    """Return what the record says of a run's times; `seconds` are those of scoring, by phase."""
    return {
        "finished": now(),
        "texts_encoded": encoding.num_encoded,
        "texts_cached": encoding.num_cached,
        "tokens_encoded": encoding.num_tokens,
        "seconds": {"encode": encoding.seconds, **seconds},
    }


def _score(job: Job, pending: Dataset, engine: Engine, options: EvaluationOptions) -> dict[str, float]:
    """Score a job's open pairs, part by part; return seconds by phase."""
    searching, writing = Stopwatch(), Stopwatch()
    with progress(f"{pending.task}: scoring {len(pending.pairs):,} pairs", len(pending.pairs), "pairs") as advance:
        for key, groups in search_groups(pending).items():
            with searching:
                pool = engine.open(pending.pools[key])
            for pairs in groups:
                with searching:
                    scored = _score_part(job, pool, pairs, options)
                    bias = _bias(pending, pool, scored) if pending.is_mixed else {}
                with writing:
                    job.folder.add(
                        key, [summarise_pair(pending, of_pair, bias.get(of_pair.pair)) for of_pair in scored]
                    )
                advance(len(pairs))
    return {"search_and_judge": searching.seconds, "summarise_and_write": writing.seconds}


def _score_part(job: Job, pool: OpenPool, pairs: Sequence[TaskPair], options: EvaluationOptions) -> list[PairScores]:
    """Score pairs that share an open pool; verify them and save their rankings where that is asked for."""
    rankings = options.save_runs or options.verify or job.data.is_mixed
    scored = list(job.judge.score(pool, pairs, rankings))
    if options.verify:
        for of_pair in scored:
            job.judge.verify(pool, of_pair)
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


def _bias(data: Dataset, pool: OpenPool, scored: Sequence[PairScores]) -> dict[TaskPair, LanguageBias]:
    """Return the language bias of each pair that was scored with its rankings."""
    with_peer = has_several(data)
    return {of_pair.pair: judge_bias(data, of_pair.pair, pool, of_pair.rankings(), with_peer) for of_pair in scored}
