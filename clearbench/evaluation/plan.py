"""What a run would do: pairs to score, texts to encode, about how long. Writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clearbench.encoders.bm25 import Lexical
from clearbench.encoders.estimate import estimate_seconds
from clearbench.evaluation.pipeline import Encoder, EvaluationOptions, identity_of, make_judge, open_part, open_store
from clearbench.records.folder import RecordFolder, record_folder
from clearbench.tasks.dataset import Dataset


@dataclass(frozen=True)
class TaskPlan:
    """One task of a planned run.

    Attributes:
        task: Task name, with the options that differ from the task file's.
        num_pairs: Pairs asked for.
        num_done: Pairs of them that have scores already.
        num_queries: Queries to score, over the open pairs.
        folder: Where the results will lie, or lie.
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
        num_texts: Texts of the open pairs.
        num_distinct: Texts among them that differ.
        num_cached: Distinct texts whose vectors are kept already.
        seconds: Estimated seconds of encoding the rest; None for BM25, which encodes nothing.
    """

    tasks: tuple[TaskPlan, ...]
    num_texts: int
    num_distinct: int
    num_cached: int
    seconds: float | None


def plan_run(encoder: Encoder, sets: Sequence[Dataset], options: EvaluationOptions) -> RunPlan:
    """Plan what `evaluate` would do with the same arguments.

    Raises:
        RecordError: The results folder holds another measurement, as `evaluate` would raise.
    """
    tasks, open_sets = [], []
    for retrieval in sets:
        judge = make_judge(retrieval, options.tokenisers)
        path = record_folder(options.out, options.name or encoder.name, encoder.fingerprint, retrieval.label)
        done: dict[str, object] = {}
        if path.exists() and not options.replace:
            folder = RecordFolder(path, identity_of(encoder, retrieval, judge))
            folder.check_data({str(pair.pair): retrieval.pair_fingerprint(pair) for pair in retrieval.pairs})
            done = {**folder.done}
        rest = open_part(retrieval, done)
        open_sets.append(rest)
        num_queries = sum(len(pair.queries) for pair in rest.pairs)
        num_done = len(retrieval.pairs) - len(rest.pairs)
        tasks.append(TaskPlan(retrieval.label, len(retrieval.pairs), num_done, num_queries, path))
    if isinstance(encoder, Lexical):
        return RunPlan(tuple(tasks), 0, 0, 0, None)
    base, store, plan = open_store(encoder, open_sets, options)
    num_cached = int(store.contains(plan.keys).sum())
    seconds = estimate_seconds(base, store, plan)
    return RunPlan(tuple(tasks), plan.num_mentions, len(plan.texts), num_cached, seconds)
