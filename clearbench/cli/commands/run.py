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
        Option("Search passages of one `language` per pair, or of all at once (`mixed`), which shows bias.", DATA),
    ] = "language",
    location: Annotated[DataLocation, Panel(DATA)],
    options: Annotated[dict[str, str] | None, READER_SETTINGS, Panel(DATA)] = None,
    tokeniser: Annotated[
        str | None,
        Option("Short for --option tokeniser=...: `official` (nltk punkt) or `unsplit` (no data, not official).", DATA),
    ] = None,
    evaluation: EvaluationOptions,
    dry_run: Annotated[bool, Option("Only say what would be done, and about how long.", OUTPUT)] = False,
    format: Annotated[
        Literal["table", "summary", "json"], Option("Form of what goes to stdout; `summary`: averages.", OUTPUT)
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
        sets = _load_mixed(tasks, selection, location, settings)
    else:
        sets = load_tasks(tasks, selection, location, settings)
    for data in sets:
        for note in data.notes:
            say(f"{data.task}: {note}")
    judges = [make_judge(data, offline=not location.downloads) for data in sets]
    adjustment = _adjustment(adjust, sets, location)
    base = load_encoder(model, encoder)
    rival = adjust_encoder(base, *adjustment) if adjustment else base
    if dry_run:
        print_plan(plan_run(rival, judges, evaluation))
    else:
        print_evaluations(evaluate(rival, judges, evaluation), format)


def _add_tokeniser(options: Mapping[str, str], tokeniser: str | None) -> Mapping[str, str]:
    """Return the reader options with the tokeniser among them, which has a flag of its own."""
    from clearbench.common.errors import UsageError

    if tokeniser is None:
        return options
    if options.get("tokeniser", tokeniser) != tokeniser:
        raise UsageError(f"--tokeniser {tokeniser} contradicts --option tokeniser={options['tokeniser']}; give one.")
    return {**options, "tokeniser": tokeniser}


def _load_mixed(
    names: Sequence[str], selection: Selection, location: DataLocation, options: Mapping[str, str]
) -> "list[Dataset]":
    """Load tasks with a pool of all languages each; refuse tasks that cannot have one before anything is read."""
    from clearbench.common.errors import UsageError
    from clearbench.tasks.catalogue import find_task
    from clearbench.tasks.load import load_tasks
    from clearbench.tasks.mixed import check_mixable, mix

    if selection.pairs is not None:
        raise UsageError("--pool mixed has the passages of all languages at once: choose --languages, not --pairs.")
    for name in names:
        check_mixable(name, find_task(name, location.tasks_dir).has_qrels)
    return [mix(data) for data in load_tasks(names, replace(selection, all_pairs=True), location, options)]


def _adjustment(
    options: AdjustOptions, sets: "list[Dataset]", location: DataLocation
) -> "tuple[Method, AdjustText] | None":
    """Load the text of an adjustment; refuse options that do not fit before a model is loaded."""
    from clearbench.encoders.adjust.check import check_text
    from clearbench.encoders.adjust.method import parse_method
    from clearbench.encoders.adjust.text import DEFAULT_TEXT, load_text

    if options.method is None:
        return None
    method = parse_method(options.method)
    text = load_text(options.text or DEFAULT_TEXT, location)
    check_text(method, text, sets)
    return method, text
