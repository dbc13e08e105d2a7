"""The pipeline: tasks -> jobs -> vectors -> rankings -> per-query scores -> records.

    Dataset --make_judge--> Judge --open_jobs--> Job --engine.prepare--> vectors in the store
                                                  |
              Record <--folder.write-- parts <--summarise_pair-- PairScores <--judge.score-- open pool

Pairs that share a passage pool are searched together and written as one part. A pair that has scores already is not
scored again.
"""

from collections.abc import Iterator, Mapping, Sequence
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

# With fewer texts to encode, the run ends before an estimate would be ready.
WORTH_ESTIMATING = 2_000


@dataclass(frozen=True)
class Evaluation:
    """One finished record.

    Attributes:
        folder: The record's folder.
        record: The record of all pairs in the folder, those of earlier runs included.
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
        EncoderError: A text cannot be encoded, or the encoder does not suit a task.
        StoreError, RecordError: Vectors or results cannot be read or written.
        SearchError, ScoringError, DataError: Vectors, scores or judgements are not usable.
        In each case the parts that were finished before are kept.
    """
    engine = open_engine(encoder, [judge.data for judge in judges], options.cache, options.name)
    jobs = open_jobs(encoder, judges, options)
    planned = [open_pairs(job) for job in jobs]
    encoding = _encode(encoder.name, engine, planned)
    return [_finish(job, engine, planned, encoding, options) for job in jobs]


def _encode(name: str, engine: Engine, planned: Sequence[Dataset]) -> EncodingReport:
    """Encode the texts that the open pairs of all jobs need, after a line on how many there are."""
    work = engine.plan(planned)
    clauses = [f"{count(sum(len(data.pairs) for data in planned), 'pair')} to score"]
    if work.plan.texts:
        clauses.append(f"{work.plan.num_mentions:,} texts, {len(work.plan.texts):,} distinct")
        clauses.append(f"{work.num_missing:,} to encode")
    if work.num_missing >= WORTH_ESTIMATING:
        clauses.append(f"about {engine.estimate(work)}")
    say(f"{name}: {', '.join(clauses)}")
    return engine.prepare(work)


def _encode_more(engine: Engine, planned: Sequence[Dataset], pending: Dataset) -> EncodingReport:
    """Encode the texts of pairs that were not open when the encoding was planned, and report these texts only.

    Such pairs exist if another run's --replace has put a record of fewer pairs in the place of the earlier one.
    """
    known = {pair for data in planned if data.label == pending.label for pair in data.pairs}
    if known.issuperset(pending.pairs):
        return EncodingReport(0, 0, 0, 0.0)
    num_more = len(pending.pairs) - len(known.intersection(pending.pairs))
    say(
        f"{pending.label}: another run replaced the record meanwhile, so {count(num_more, 'more pair')} will be scored."
    )
    searched = [*planned, pending]  # a correction is estimated from all that the engine searches
    return replace(engine.prepare(engine.plan(searched)), num_cached=0)


def _finish(
    job: Job, engine: Engine, planned: Sequence[Dataset], encoding: EncodingReport, options: EvaluationOptions
) -> Evaluation:
    """Score a job's open pairs and write its record; a record that is complete and undamaged is only read.

    Which pairs are open is decided here, under the folder's lock. `planned` says only which texts are encoded.

    Args:
        job: The job.
        engine: The engine, which has encoded the texts of `planned`.
        planned: The pairs of all jobs that were open when the encoding was planned.
        encoding: How many texts that encoding took, and how long.
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
            timings = _timings(encoding + more, _score(job, pending, engine, options))
        else:
            say(f"{folder.final_path}: record.json is rewritten from the scores ({folder.problem}).")
        record = folder.write("complete", timings, summarise_folder(folder.write_path, job.data))
    return _evaluation(job, record)


def _evaluation(job: Job, record: Record) -> Evaluation:
    return Evaluation(job.folder.final_path, record, tuple(map(str, job.data.pairs)))


def _timings(encoding: EncodingReport, seconds: Mapping[str, float]) -> dict[str, Any]:
    """Return the `timings` of a record; `seconds` are those of scoring, by phase."""
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
    title = f"{pending.task}: scoring {count(len(pending.pairs), 'pair')}"
    with progress(title, len(pending.pairs), "pairs") as advance:
        for key, groups in search_groups(pending).items():
            with searching:
                pool = engine.open(pending.pools[key])
            job.folder.add_notes(pool.oddities)
            for pairs in groups:
                with searching:
                    part_scores = _score_part(job, pool, pairs, options)
                    for queries in dict.fromkeys(pair.queries for pair in pairs):
                        job.folder.add_notes(pool.query_oddities(pending.queries[queries]))
                    bias = _bias_by_pair(pending, pool, part_scores) if pending.is_mixed else {}
                with writing:
                    results = [
                        summarise_pair(pending, pair_scores, bias.get(pair_scores.pair)) for pair_scores in part_scores
                    ]
                    job.folder.add(key, results)
                advance(len(pairs))
    return {"search_and_judge": searching.seconds, "summarise_and_write": writing.seconds}


def _score_part(job: Job, pool: OpenPool, pairs: Sequence[TaskPair], options: EvaluationOptions) -> list[PairScores]:
    """Score pairs that share an open pool; verify them and save their rankings if the options say so."""
    rankings = options.save_runs or options.verify or job.data.is_mixed
    part_scores = list(job.judge.score(pool, pairs, rankings))
    if options.verify:
        for pair_scores in part_scores:
            job.judge.verify(pool, pair_scores)
    if options.save_runs:
        save_runs(job.folder, job.data, pool, part_scores)
    return part_scores


def measure_pairs(encoder: Encoder, judges: Sequence[Judge]) -> dict[str, float]:
    """Return nDCG@10, or a task's main measure where it has none, by `evaluation_key`; no result is read or written.

    Args:
        encoder: What is evaluated, for example a checkpoint in training.
        judges: The tasks, each with its rule.
    Raises:
        DataError: A pair has no query that can be scored.
        EncoderError, SearchError, ScoringError: The encoder, the search or the rule fails.
    """
    datasets = [judge.data for judge in judges]
    engine = open_engine(encoder, datasets)
    engine.prepare(engine.plan(datasets))
    figures: dict[str, float] = {}
    for judge in judges:
        key_and_mean = {
            pair_scores.pair: _key_and_mean(judge.data, pair_scores) for pair_scores in _score_all(judge, engine)
        }
        figures.update(key_and_mean[pair] for pair in judge.data.pairs)
    return figures


def _score_all(judge: Judge, engine: Engine) -> Iterator[PairScores]:
    """Yield the scores of all pairs of a task, part by part, without rankings that the scores do not need."""
    for key, groups in search_groups(judge.data).items():
        pool = engine.open(judge.data.pools[key])
        for pairs in groups:
            yield from judge.score(pool, pairs)


def _key_and_mean(data: Dataset, pair_scores: PairScores) -> tuple[str, float]:
    """Return the key of a pair's figure, and the pair's mean nDCG@10 or main measure."""
    check_scored(data, pair_scores)
    measure = MAIN_MEASURE if MAIN_MEASURE in pair_scores.measures else data.main_measure
    mean = float(pair_scores.scores[:, pair_scores.measures.index(measure)].mean())
    return evaluation_key(data.task, pair_scores.pair, measure), mean


def _bias_by_pair(data: Dataset, pool: OpenPool, part_scores: Sequence[PairScores]) -> dict[TaskPair, LanguageBias]:
    """Return the language bias of each pair that was scored with its rankings."""
    with_peer = has_several(data)
    return {
        pair_scores.pair: judge_bias(data, pair_scores.pair, pool, pair_scores.rankings(), with_peer)
        for pair_scores in part_scores
    }
