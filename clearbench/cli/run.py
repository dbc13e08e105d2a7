"""`clearbench run`: evaluate one model on tasks."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from clearbench.scoring.xor import Tokeniser


class Format(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"


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
        str,
        typer.Option(
            help="For xor: `official` (nltk punkt) or `unsplit` (no data; marked as not official).",
            rich_help_panel=DATA,
        ),
    ] = "official",
    out: Annotated[Path, typer.Option(help="Results folder.", rich_help_panel=OUTPUT)] = Path("results"),
    name: Annotated[str | None, typer.Option(help="Model name in results.", rich_help_panel=OUTPUT)] = None,
    save_runs: Annotated[
        bool, typer.Option("--save-runs", help="Also write TREC run files.", rich_help_panel=OUTPUT)
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
    format: Annotated[Format, typer.Option(help="What stdout gets.", rich_help_panel=OUTPUT)] = Format.TABLE,
    cache_dir: Annotated[
        Path | None,
        typer.Option(help="Cache folder (default: CLEARBENCH_CACHE or the user's cache).", rich_help_panel=OUTPUT),
    ] = None,
    pooling: Annotated[
        str | None, typer.Option(help="cls, mean or last: for a plain transformers folder.", rich_help_panel=MODEL)
    ] = None,
    query_prompt: Annotated[str | None, typer.Option(help="Put before every query.", rich_help_panel=MODEL)] = None,
    passage_prompt: Annotated[str | None, typer.Option(help="Put before every passage.", rich_help_panel=MODEL)] = None,
    max_length: Annotated[int | None, typer.Option(help="Tokens kept per text.", rich_help_panel=MODEL)] = None,
    dtype: Annotated[str, typer.Option(help="fp32, bf16 or fp16 (mixed precision).", rich_help_panel=MODEL)] = "fp32",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N, mps.", rich_help_panel=MODEL)] = "auto",
    truncate_dim: Annotated[int | None, typer.Option(help="Leading components kept.", rich_help_panel=MODEL)] = None,
    revision: Annotated[
        str | None, typer.Option(help="Commit or tag of a Hub checkpoint.", rich_help_panel=MODEL)
    ] = None,
    trust_remote_code: Annotated[
        bool,
        typer.Option("--trust-remote-code", help="Run code that comes with the checkpoint.", rich_help_panel=MODEL),
    ] = False,
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Load weights stored as pickles.", rich_help_panel=MODEL)
    ] = False,
    batch_tokens: Annotated[
        int | None, typer.Option(help="Padded tokens per batch (default by device).", rich_help_panel=MODEL)
    ] = None,
) -> None:
    """Evaluate a model on tasks, per language pair.

    Example: clearbench run --model minilm --tasks demo --all-pairs
    """
    from clearbench.cli.show import print_evaluations
    from clearbench.encoders.base import EncoderOptions
    from clearbench.encoders.resolve import load_encoder
    from clearbench.encoders.store import default_cache
    from clearbench.evaluate import EvaluationOptions, evaluate
    from clearbench.progress import say
    from clearbench.tasks.load import Selection, load_task, share_selection
    from clearbench.tasks.sources import DataLocation

    cache = cache_dir or default_cache()
    location = DataLocation(data_dir=data_dir, cache_dir=cache, offline=offline, corpus=corpus)
    selection = Selection(pairs=pairs, languages=languages, all_pairs=all_pairs)
    names = split_names(tasks)
    reader_options = parse_options(option or [])
    sets = [
        load_task(name, fitting, location, tasks_dir, reader_options)
        for name, fitting in zip(names, share_selection(selection, names, tasks_dir), strict=True)
    ]
    for retrieval in sets:
        for note in retrieval.notes:
            say(f"{retrieval.task}: {note}")
    options = EvaluationOptions(
        out=out,
        cache=cache,
        name=name,
        save_runs=save_runs,
        replace=replace,
        verify=verify,
        tokeniser=_tokeniser(tokeniser, offline or data_dir is not None)
        if any(s.judged_by == "xor" for s in sets)
        else None,
    )
    encoder = load_encoder(
        model,
        EncoderOptions(
            pooling=pooling,
            query_prompt=query_prompt,
            passage_prompt=passage_prompt,
            max_length=max_length,
            dtype=dtype,
            device=device,
            truncate_dim=truncate_dim,
            revision=revision,
            trust_remote_code=trust_remote_code,
            allow_pickle=allow_pickle,
            offline=offline,
            batch_tokens=batch_tokens,
        ),
    )
    print_evaluations(evaluate(encoder, sets, options), format.value)


def split_names(text: str) -> list[str]:
    """Split a comma-separated list, without repeats; an empty one is an error."""
    from clearbench.errors import UsageError

    names = list(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
    if not names:
        raise UsageError("--tasks is empty; `clearbench tasks` lists what there is.")
    return names


def parse_options(pairs: list[str]) -> dict[str, str]:
    """Split `name=value` options."""
    from clearbench.errors import UsageError

    options = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--option {pair}: expected name=value.")
        options[key.strip()] = value.strip()
    return options


def _tokeniser(choice: str, offline: bool) -> "Tokeniser":
    from clearbench.errors import UsageError
    from clearbench.scoring.xor import fallback_tokeniser, official_tokeniser

    if choice == "official":
        return official_tokeniser(offline=offline)
    if choice == "unsplit":
        return fallback_tokeniser()
    raise UsageError(f"--tokeniser {choice}: expected official or unsplit.")
