"""`clearbench run`: evaluate one model on tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from clearbench.cli.options import Panel
from clearbench.common.options import Option, read_names
from clearbench.encoders.base import MODEL, AdjustOptions, EncoderOptions
from clearbench.evaluation.options import OUTPUT, EvaluationOptions
from clearbench.tasks.options import READER_SETTINGS, DataLocation, Selection

if TYPE_CHECKING:
    from clearbench.encoders.adjust.method import Method
    from clearbench.encoders.adjust.text import AdjustText
    from clearbench.tasks.dataset import Dataset

DATA = "Tasks and data"


def run(
    *,
    model: Annotated[str, Option("Checkpoint folder, Hub id, `e5-small`, `minilm`, `bm25` or module:function.", MODEL)],
    tasks: Annotated[
        tuple[str, ...],
        Option("Task names, .toml files or BEIR folders, separated by commas.", DATA, read=read_names),
    ],
    selection: Annotated[Selection, Panel(DATA)],
    pool: Annotated[
        Literal["language", "mixed"],
        Option("Search passages of one `language`, or of all languages in one pool (`mixed`) to measure bias.", DATA),
    ] = "language",
    location: Annotated[DataLocation, Panel(DATA)],
    options: Annotated[dict[str, str] | None, READER_SETTINGS, Panel(DATA)] = None,
    tokeniser: Annotated[
        str | None,
        Option("Short for --option tokeniser=...: `official` (nltk punkt) or `unsplit` (needs no data).", DATA),
    ] = None,
    evaluation: EvaluationOptions,
    dry_run: Annotated[bool, Option("Only print the work to do and an estimate of its time.", OUTPUT)] = False,
    format: Annotated[
        Literal["table", "summary", "json"], Option("Format of the output on stdout; `summary`: only averages.", OUTPUT)
    ] = "table",
    encoder: EncoderOptions,
    adjust: AdjustOptions,
) -> None:
    """Evaluate a model on tasks, per language pair.

    Example: clearbench run --model minilm --tasks demo --all-pairs
    """
    from clearbench.cli.show.evaluations import print_evaluations, print_plan
    from clearbench.common.progress import say
    from clearbench.encoders.adjust.encoder import adjust_encoder
    from clearbench.encoders.load import load_encoder
    from clearbench.evaluation.pipeline import evaluate
    from clearbench.evaluation.plan import plan_run
    from clearbench.scoring.table import make_judge
    from clearbench.tasks.load import load_tasks

    settings = _add_tokeniser(options or {}, tokeniser)
    if pool == "mixed":
        datasets = _load_mixed(tasks, selection, location, settings)
    else:
        datasets = load_tasks(tasks, selection, location, settings)
    for data in datasets:
        for note in data.notes:
            say(f"{data.task}: {note}")
    judges = [make_judge(data, offline=not location.downloads) for data in datasets]
    correction = _load_correction(adjust, datasets, location)
    base = load_encoder(model, encoder)
    adjusted = adjust_encoder(base, *correction) if correction else base
    if dry_run:
        print_plan(plan_run(adjusted, judges, evaluation))
    else:
        print_evaluations(evaluate(adjusted, judges, evaluation), format)


def _add_tokeniser(options: Mapping[str, str], tokeniser: str | None) -> Mapping[str, str]:
    """Return the reader options, including the tokeniser, which also has its own flag."""
    from clearbench.common.errors import UsageError

    if tokeniser is None:
        return options
    if options.get("tokeniser", tokeniser) != tokeniser:
        raise UsageError(f"--tokeniser {tokeniser} contradicts --option tokeniser={options['tokeniser']}. Give one.")
    return {**options, "tokeniser": tokeniser}


def _load_mixed(
    names: Sequence[str], selection: Selection, location: DataLocation, options: Mapping[str, str]
) -> "list[Dataset]":
    """Load each task with one pool of all languages; refuse unsuitable tasks before any file is read."""
    from clearbench.common.errors import UsageError
    from clearbench.tasks.catalogue import find_task
    from clearbench.tasks.load import load_tasks
    from clearbench.tasks.mixed import check_mixable, mix

    if selection.pairs is not None:
        raise UsageError("--pool mixed searches the passages of all languages: use --languages instead of --pairs.")
    for name in names:
        check_mixable(name, find_task(name, location.tasks_dir).has_qrels)
    return [mix(data) for data in load_tasks(names, replace(selection, all_pairs=True), location, options)]


def _load_correction(
    options: AdjustOptions, datasets: "list[Dataset]", location: DataLocation
) -> "tuple[Method, AdjustText] | None":
    """Return the correction and the text of its statistics, or None; refuse unsuitable options first."""
    from clearbench.encoders.adjust.check import check_text
    from clearbench.encoders.adjust.method import parse_method
    from clearbench.encoders.adjust.text import DEFAULT_TEXT, load_text

    if options.method is None:
        return None
    method = parse_method(options.method)
    text = load_text(options.text or DEFAULT_TEXT, location)
    check_text(method, text, datasets)
    return method, text
