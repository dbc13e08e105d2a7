"""The Python interface: five names for the functions that the command line also calls.

    task = clearbench.load_task("demo", pairs="*-en")
    encoder = clearbench.load_encoder("path/to/checkpoint")
    [evaluation] = clearbench.evaluate(encoder, [task], out="results")
    comparison = clearbench.compare("base", "clear", results="results")

The fifth name is the loss, `clearbench.CLEARLoss`; see clearbench/training/loss/clear.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clearbench.common.settings import make_options, make_several, wrong_kind

if TYPE_CHECKING:
    from clearbench.encoders.base import DenseEncoder
    from clearbench.encoders.bm25 import LexicalEncoder
    from clearbench.evaluation.pipeline import Evaluation
    from clearbench.records.select import Entry
    from clearbench.search.engines import Encoder
    from clearbench.tasks.dataset import Dataset
    from clearbench.verdicts.compare.result import Comparison

PathLike = str | Path


def load_task(name: PathLike, *, options: Mapping[str, Any] | None = None, **settings: Any) -> "Dataset":
    """Load a task's texts and judgements, and check its counts.

    Args:
        name: Task name, or the path of a task file or of a BEIR-style folder.
        options: Reader options, as `clearbench tasks show NAME` lists them.
        settings: Fields of Selection and DataLocation: pairs ("de-en,*-en", query language first; default: the task's
            own choice), languages ("de,en"), all_pairs, data_dir (turns off downloads), tasks_dir, corpus (for `xor`
            and `mkqa`), offline, cache_dir.
    Returns:
        Pools, queries, judgements and pairs; see Dataset.
    Raises:
        UsageError: A name, setting, pair or option does not exist, or a setting has the wrong type.
        DataError: Files are missing or broken, or their counts are not those in the task file.
    """
    from clearbench.tasks.load import load_task as load
    from clearbench.tasks.options import DataLocation, Selection

    selection, location = make_several((Selection, DataLocation), settings, "load_task")
    return load(str(name), selection, location, options)


def load_encoder(model: PathLike, **settings: Any) -> "DenseEncoder | LexicalEncoder":
    """Load an encoder.

    Args:
        model: Checkpoint folder, Hub id, `e5-small` or `minilm` (from packages), `bm25`, or `module:function`.
        settings: Fields of EncoderOptions: pooling, query_prompt, passage_prompt, max_length, dtype, device,
            truncate_dim, revision, trust_remote_code, allow_pickle, offline, batch_tokens.
    Raises:
        UsageError: A setting does not exist, or its value is not allowed.
        EncoderError: The encoder cannot be loaded; the message says why.
    """
    from clearbench.encoders.base import EncoderOptions
    from clearbench.encoders.load import load_encoder as load

    return load(str(model), make_options(EncoderOptions, settings, "load_encoder"))


def evaluate(
    encoder: "Encoder | PathLike",
    tasks: "Sequence[Dataset]",
    *,
    offline: bool = False,
    **settings: Any,
) -> "list[Evaluation]":
    """Evaluate an encoder on loaded tasks. Every text is encoded once, and finished work is not repeated.

    Args:
        encoder: A result of `load_encoder`, or a `model` argument for it.
        tasks: Results of `load_task`.
        offline: Whether to refuse to download tokeniser data (for XOR-Retrieve's rule).
        settings: Fields of EvaluationOptions: out (results folder), name (of the model in results; default: the
            encoder's), save_runs, replace, verify, cache (folder for vectors; default: CLEARBENCH_CACHE or the user's
            cache; False keeps them in memory).
    Returns:
        One Evaluation per task: the record, and the folder that contains it and the per-query scores.
    Raises:
        UsageError: `tasks` is not a list of loaded tasks, or a setting does not exist or has the wrong type.
        EncoderError, StoreError, SearchError, ScoringError, RecordError, DataError: Something failed; finished work is
            kept.
    """
    from clearbench.evaluation.options import EvaluationOptions
    from clearbench.evaluation.pipeline import evaluate as run
    from clearbench.scoring.table import make_judge
    from clearbench.tasks.dataset import Dataset

    if not isinstance(tasks, Sequence) or not all(isinstance(task, Dataset) for task in tasks):
        raise wrong_kind("evaluate: tasks", tasks, "a list of what load_task returns")

    in_memory = settings.get("cache") is False
    options = make_options(EvaluationOptions, settings | ({"cache": None} if in_memory else {}), "evaluate")
    if in_memory:
        options = replace(options, cache=None)
    judges = [make_judge(task, offline) for task in tasks]
    return run(load_encoder(encoder) if isinstance(encoder, (str, Path)) else encoder, judges, options)


def compare(
    base: "str | Sequence[Evaluation]",
    other: "str | Sequence[Evaluation]",
    *,
    results: PathLike = "results",
    **options: Any,
) -> "Comparison":
    """Compare a model with a base model by their records, per task, language pair and group of pairs.

    Args:
        base: A result of `evaluate`, or a model's name in `results`.
        other: A result of `evaluate`, or a model's name in `results`.
        results: Results folder that contains the named models.
        options: Fields of CompareOptions: tasks, pairs, measure, correction, confidence, flips, seed.
    Returns:
        Rows with means, difference, interval, p-value, corrected p-value, wins and losses; see Comparison.
    Raises:
        UsageError: A name or an option does not exist.
        RecordError: The records cannot be compared.
    """
    from clearbench.verdicts.compare.compute import compare as compare_entries
    from clearbench.verdicts.compare.options import CompareOptions

    chosen = make_options(CompareOptions, options, "compare")
    return compare_entries(_find_entries(base, Path(results)), _find_entries(other, Path(results)), chosen)


def _find_entries(model: "str | Sequence[Evaluation]", results: Path) -> "list[Entry]":
    from clearbench.evaluation.pipeline import Evaluation
    from clearbench.records.select import folder_entry, select_model

    if isinstance(model, str):
        return select_model(results, model)
    evaluations = [item for item in model if isinstance(item, Evaluation)] if isinstance(model, Sequence) else []
    if not isinstance(model, Sequence) or len(evaluations) < len(model):
        raise wrong_kind("compare", model, "a model's name, or the list that evaluate returned")
    return [folder_entry(evaluation.folder, evaluation.record) for evaluation in evaluations]
