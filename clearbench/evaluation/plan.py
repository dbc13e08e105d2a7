"""What a run would do: the pairs to score, the texts to encode, and about how long that takes; writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clearbench.encoders.vectors.estimate import Estimate
from clearbench.evaluation.job import open_jobs, open_pairs
from clearbench.evaluation.options import EvaluationOptions
from clearbench.scoring.judge import Judge
from clearbench.search.engines import Encoder, open_engine


@dataclass(frozen=True)
class TaskPlan:
    """One task of a planned run.

    Attributes:
        task: Task name, with the options that differ from the task file's.
        num_pairs: Pairs asked for.
        num_done: Pairs among them that have scores already.
        num_queries: Queries to score, over the pairs without scores.
        folder: The folder that holds the results, or will hold them.
    """

    task: str
    num_pairs: int
    num_done: int
    num_queries: int
    folder: Path


@dataclass(frozen=True)
class RunPlan:
    """A planned run.

    Attributes:
        tasks: In the order of the run.
        num_texts: Texts of the pairs that have no scores yet.
        num_distinct: Distinct texts among them.
        num_cached: Distinct texts whose vectors are in the cache already.
        estimate: Estimated time to encode the other distinct texts; None for BM25, which encodes nothing.
    """

    tasks: tuple[TaskPlan, ...]
    num_texts: int
    num_distinct: int
    num_cached: int
    estimate: Estimate | None


def plan_run(encoder: Encoder, judges: Sequence[Judge], options: EvaluationOptions) -> RunPlan:
    """Plan what `evaluate` would do with the same arguments.

    Args:
        encoder: What would be evaluated.
        judges: The tasks, each with its rule.
        options: See EvaluationOptions.
    Raises:
        RecordError: The results folder holds another measurement, as `evaluate` would raise.
    """
    engine = open_engine(encoder, [judge.data for judge in judges], options.cache, options.name)
    jobs = open_jobs(encoder, judges, options, write=False)
    pending = [open_pairs(job) for job in jobs]
    tasks = tuple(
        TaskPlan(
            task=job.data.label,
            num_pairs=len(job.data.pairs),
            num_done=len(job.data.pairs) - len(open_data.pairs),
            num_queries=sum(len(open_data.queries_of(pair)) for pair in open_data.pairs),
            folder=job.folder.final_path,
        )
        for job, open_data in zip(jobs, pending, strict=True)
    )
    work = engine.plan(pending)
    num_distinct = len(work.plan.texts)
    return RunPlan(tasks, work.plan.num_mentions, num_distinct, num_distinct - work.num_missing, engine.estimate(work))
