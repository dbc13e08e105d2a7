"""`clearbench run`: evaluate one model on tasks."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clearbench.encoders.base import EncoderOptions

if TYPE_CHECKING:
    from clearbench.encoders.adjust_method import Method
    from clearbench.encoders.adjust_text import AdjustText
    from clearbench.tasks.dataset import Dataset
    from clearbench.tasks.sources import DataLocation


class Format(StrEnum):
    """How results are printed."""

    TABLE = "table"
    SUMMARY = "summary"
    JSON = "json"


class Pool(StrEnum):
    """What a query is searched among."""

    LANGUAGE = "language"
    MIXED = "mixed"


MODEL, DATA, OUTPUT = "Model", "Tasks and data", "Output"


def run(
    model: Annotated[
        str,
        typer.Option(
            help="Checkpoint folder, Hub id, `minilm` (bundled), `bm25`, or module:function.", rich_help_panel=MODEL
        ),
    ],
    tasks: Annotated[
        str, typer.Option(help="Task names, .toml files or BEIR folders, separated by commas.", rich_help_panel=DATA)
    ],
    pairs: Annotated[
        str | None,
        typer.Option(help="Language pairs, query language first: 'de-en,*-en,en-*'.", rich_help_panel=DATA),
    ] = None,
    all_pairs: Annotated[
        bool, typer.Option("--all-pairs", help="Every pair a task defines.", rich_help_panel=DATA)
    ] = False,
    languages: Annotated[
        str | None, typer.Option(help="Only pairs of these languages: de,sw,en.", rich_help_panel=DATA)
    ] = None,
    pool: Annotated[
        Pool,
        typer.Option(
            help="Search the passages of one `language` per pair, or of all languages at once (`mixed`): shows bias.",
            rich_help_panel=DATA,
        ),
    ] = Pool.LANGUAGE,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder with the official files; nothing is downloaded then.",
            envvar="CLEARBENCH_DATA",
            rich_help_panel=DATA,
        ),
    ] = None,
    tasks_dir: Annotated[
        Path | None,
        typer.Option(help="Folder with task definitions instead of the packaged ones.", rich_help_panel=DATA),
    ] = None,
    corpus: Annotated[
        Path | None,
        typer.Option(
            help="Passage corpus for xor and mkqa: DPR tsv, BEIR corpus.jsonl or folder.", rich_help_panel=DATA
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="Reader option name=value (repeatable); see `clearbench tasks show`.", rich_help_panel=DATA),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never use the network.", rich_help_panel=DATA)] = False,
    tokeniser: Annotated[
        str | None,
        typer.Option(
            help="For xor: `official` (nltk punkt) or `unsplit` (no data; marked as not official).",
            rich_help_panel=DATA,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Results folder.", rich_help_panel=OUTPUT)] = Path("results"),
    name: Annotated[str | None, typer.Option(help="Model name in results.", rich_help_panel=OUTPUT)] = None,
    save_runs: Annotated[
        bool, typer.Option("--save-runs", help="Also write TREC runs, qrels and texts.", rich_help_panel=OUTPUT)
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Measure anew what is there already.", rich_help_panel=OUTPUT)
    ] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Score everything a second time through pytrec_eval and compare.", rich_help_panel=OUTPUT
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done, and about how long.", rich_help_panel=OUTPUT)
    ] = False,
    format: Annotated[
        Format, typer.Option(help="What stdout gets; `summary`: averages only.", rich_help_panel=OUTPUT)
    ] = Format.TABLE,
    cache_dir: Annotated[
        Path | None,
        typer.Option(help="Cache folder (default: CLEARBENCH_CACHE or the user's cache).", rich_help_panel=OUTPUT),
    ] = None,
    *,
    encoder: EncoderOptions,
    adjust: Annotated[
        str | None,
        typer.Option(
            help="Training-free rival on top of the model: center, shift[:alpha], lir[:k] or offset.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    adjust_text: Annotated[
        str | None,
        typer.Option(
            help="Task whose texts give the statistics for --adjust; must not be evaluated (default: demo).",
            rich_help_panel=MODEL,
        ),
    ] = None,
) -> None:
    """Evaluate a model on tasks, per language pair.

    Example: clearbench run --model minilm --tasks demo --all-pairs
    """
    from dataclasses import replace as replace_fields

    from clearbench.api import evaluation_options, load_tasks
    from clearbench.cli.show import print_evaluations, print_plan
    from clearbench.common.environment import default_cache
    from clearbench.common.progress import say
    from clearbench.encoders.adjust import adjust_encoder
    from clearbench.encoders.load import load_encoder
    from clearbench.evaluation.pipeline import evaluate
    from clearbench.evaluation.plan import plan_run
    from clearbench.tasks.mixed import mix
    from clearbench.tasks.sources import DataLocation

    names = split_names(tasks)
    if pool is Pool.MIXED:
        _check_mixed(names, pairs, tasks_dir)
    sets = load_tasks(
        names, pairs=pairs, languages=languages, all_pairs=all_pairs or pool is Pool.MIXED, data_dir=data_dir,
        corpus=corpus, options=parse_options(option or []), tasks_dir=tasks_dir, cache_dir=cache_dir, offline=offline,
    )  # fmt: skip
    if pool is Pool.MIXED:
        sets = [mix(retrieval) for retrieval in sets]
    if tokeniser is not None:
        sets = [replace_fields(retrieval, tokeniser=tokeniser) for retrieval in sets]
    for retrieval in sets:
        for note in retrieval.notes:
            say(f"{retrieval.task}: {note}")
    options = evaluation_options(
        sets, out=out, name=name, cache=cache_dir, save_runs=save_runs, replace=replace, verify=verify,
        offline=offline or data_dir is not None,
    )  # fmt: skip
    location = DataLocation(data_dir, cache_dir or default_cache(), offline, corpus)
    adjustment = _adjustment(adjust, adjust_text, sets, location, tasks_dir)
    base = load_encoder(model, encoder)
    evaluated = adjust_encoder(base, *adjustment) if adjustment else base
    if dry_run:
        print_plan(plan_run(evaluated, sets, options))
    else:
        print_evaluations(evaluate(evaluated, sets, options), format.value)


def split_names(text: str) -> list[str]:
    """Split a comma-separated list, without repeats; an empty one is an error."""
    from clearbench.common.errors import UsageError

    names = list(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
    if not names:
        raise UsageError("--tasks is empty; `clearbench tasks` lists what there is.")
    return names


def parse_options(pairs: list[str]) -> dict[str, str]:
    """Split `name=value` options."""
    from clearbench.common.errors import UsageError

    options = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--option {pair}: expected name=value.")
        options[key.strip()] = value.strip()
    return options


def _check_mixed(names: list[str], pairs: str | None, tasks_dir: Path | None) -> None:
    """Refuse, before anything is read, what a mixed pool cannot be made of."""
    from clearbench.common.errors import UsageError
    from clearbench.tasks.catalogue import find_task
    from clearbench.tasks.mixed import check_mixable

    if pairs is not None:
        raise UsageError("--pool mixed has the passages of all languages at once: choose --languages, not --pairs.")
    for name in names:
        check_mixable(name, find_task(name, tasks_dir).judged_by)


def _adjustment(
    adjust: str | None,
    adjust_text: str | None,
    sets: "list[Dataset]",
    location: "DataLocation",
    tasks_dir: Path | None,
) -> "tuple[Method, AdjustText] | None":
    """Read --adjust and load its text; what does not fit is refused before a model is loaded."""
    from clearbench.common.errors import UsageError
    from clearbench.encoders.adjust_method import check_text, parse_method
    from clearbench.encoders.adjust_text import DEFAULT_TEXT, load_text

    if adjust is None:
        if adjust_text is not None:
            raise UsageError(f"--adjust-text {adjust_text}: it needs --adjust, such as --adjust center.")
        return None
    method = parse_method(adjust)
    text = load_text(adjust_text or DEFAULT_TEXT, location, tasks_dir)
    check_text(method, text, sets)
    return method, text
