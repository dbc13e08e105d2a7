"""`clearbench tasks`: what tasks there are, what one is, whether its data is right, and downloading it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clearbench.cli.options import Panel, command, flatten
from clearbench.common.errors import DataError, UsageError
from clearbench.common.hashing import content_hash, file_sha256
from clearbench.common.options import CACHE_DIR, TASKS_DIR
from clearbench.tasks.catalogue import find_task, list_tasks
from clearbench.tasks.dataset import Dataset
from clearbench.tasks.formats.table import open_files, reader_options
from clearbench.tasks.load import Loaded, defined_pairs, load
from clearbench.tasks.options import DEFAULT, READER_SETTINGS, DataLocation, Selection
from clearbench.tasks.spec import Count, Expected, Source, TaskSpec

tasks_app = typer.Typer(help="List, show, check and download tasks.", no_args_is_help=False)

TasksDir = Annotated[Path | None, TASKS_DIR]
Name = Annotated[str, typer.Argument(help="Task name, or a path: a task file (.toml) or a BEIR-style folder.")]

# Characters of a fingerprint or SHA-256 shown in tables.
_SHOWN = 16


@tasks_app.callback(invoke_without_command=True)
@flatten
def _default(context: typer.Context, tasks_dir: TasksDir = None) -> None:
    """List the tasks, or run one of the commands below."""
    context.obj = tasks_dir
    if context.invoked_subcommand is None:
        list_all(context)


@command(tasks_app, "list")
def list_all(context: typer.Context, tasks_dir: TasksDir = None) -> None:
    """List the tasks."""
    table = Table("task", "version", "pairs", "languages", "judged by", "main measure", "licence", box=None)
    for column in (1, 2, 3):
        table.columns[column].justify = "right"
    for spec in list_tasks(tasks_dir or context.obj):
        pairs = defined_pairs(spec)
        table.add_row(
            spec.name,
            str(spec.version),
            "by its qrels" if pairs is None else f"{len(pairs):,}",
            f"{len(spec.languages):,}" if spec.languages else "by its rows",
            spec.judged_by,
            spec.main_measure,
            spec.licence,
        )
    _stdout().print(table)


@command(tasks_app, "show")
def show(context: typer.Context, name: Name, tasks_dir: TasksDir = None) -> None:
    """Show what a task is: texts, judgements, licence, files, expected counts."""
    spec = find_task(name, tasks_dir or context.obj)
    pairs = defined_pairs(spec)
    rows: dict[str, str] = {
        "task": f"{spec.name}, version {spec.version}",
        "title": spec.title,
        "what": " ".join(spec.description.split()),
        "licence": spec.licence,
        "cite": spec.citation,
        "home": spec.homepage,
        "languages": ", ".join(map(str, spec.spellings)) or "named by the rows of its files",
        "pairs": "those of its qrels" if pairs is None else f"{len(pairs):,}, by default {spec.default_pairs}",
        "judged by": spec.judged_by,
        "main measure": spec.main_measure,
        "reader": spec.reader,
        "options": ", ".join(f"{key} = {value}" for key, value in reader_options(spec)),
        "expected": _expected(spec),
    }
    rows |= {f"{source.key} files": _places(source) for source in spec.sources}
    _stdout().print(_grid(rows))


@command(tasks_app, "check")
def check(
    context: typer.Context,
    name: Name,
    *,
    location: DataLocation,
    selection: Annotated[Selection, Panel("Pairs (default: all)")],
    options: Annotated[dict[str, str] | None, READER_SETTINGS] = None,
) -> None:
    """Load a task: count, hash, compare with what the task file expects, and say what is odd."""
    location = replace(location, tasks_dir=location.tasks_dir or context.obj)
    loaded = load(name, Selection(all_pairs=True) if selection == DEFAULT else selection, location, options)
    out = _stdout()
    for table in (_query_table(loaded.data), _pool_table(loaded.data), _file_table(loaded)):
        out.print(table)
        out.print()
    notes = [*loaded.data.notes, *_hash_notes(loaded)]
    expects = loaded.spec.expected != Expected()
    summary = {
        "pairs": f"{len(loaded.data.pairs):,}",
        "fingerprint": content_hash(*map(loaded.data.pair_fingerprint, loaded.data.pairs)),
        "notes": "\n".join(notes) or "none",
        "counts": "\n".join(loaded.mismatches) or ("as expected" if expects else "the task file expects none"),
    }
    out.print(_grid(summary))
    if loaded.mismatches:
        raise DataError(f"{loaded.spec.name}: {len(loaded.mismatches):,} counts are not what the task file expects.")


@command(tasks_app, "fetch")
def fetch(
    context: typer.Context,
    name: Name,
    keys: Annotated[list[str] | None, typer.Argument(metavar="[SOURCE]...", help="Only these sources.")] = None,
    *,
    tasks_dir: TasksDir = None,
    cache_dir: Annotated[Path, CACHE_DIR],
) -> None:
    """Download a task's files to the cache."""
    spec = find_task(name, tasks_dir or context.obj)
    files = open_files(spec, DataLocation(cache_dir=cache_dir))
    count = 0
    for path in files.fetch(tuple(keys or ())):
        count += 1
        _stdout().print(Text(str(path)), soft_wrap=True)
    if not count:
        raise UsageError(f"Task {spec.name} has nothing to download.")


def _stdout() -> Console:
    """Return a console made now, so that it writes to the stdout of now; wide enough to cut no cell in a pipe."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=max(console.width, 120))


def _grid(rows: Mapping[str, str]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for key, value in rows.items():
        if value:
            grid.add_row(Text(key, style="bold"), Text(value))
    return grid


def _expected(spec: TaskSpec) -> str:
    def number(count: Count) -> str:
        return f"{count:,}" if isinstance(count, int) else " or ".join(f"{one:,}" for one in count)

    parts = []
    for what, count, table in (
        ("queries a pair", spec.expected.queries, spec.expected.queries_by),
        ("passages a pool", spec.expected.passages, spec.expected.passages_by),
    ):
        if count is not None:
            parts.append(f"{number(count)} {what}")
        if table:
            parts.append(f"{what} {', '.join(f'{key} {number(value)}' for key, value in table.items())}")
    return "; ".join(parts)


def _places(source: Source) -> str:
    places = [*(f"data folder: {pattern}" for pattern in source.local)]
    if source.bundled:
        places.append(f"with the task file: {source.bundled}")
    if source.url:
        places.append(source.url + (f", in it {source.member}" if source.member else ""))
    if source.hub:
        places.append(f"Hub: {source.hub.repo}, {source.hub.path}, revision {source.hub.revision}")
    return "\n".join(places)


def _query_table(data: Dataset) -> Table:
    """One row per distinct query set: pairs that share one are counted together."""
    table = Table("queries", "language", "pairs", "number", "fingerprint", box=None)
    for key, texts in data.queries.items():
        pairs = [str(pair) for pair in data.pairs if pair.queries == key]
        label = pairs[0] if len(pairs) == 1 else f"{texts.language}-*"
        table.add_row(label, str(texts.language), str(len(pairs)), f"{len(texts):,}", texts.fingerprint[:_SHOWN])
    return table


def _pool_table(data: Dataset) -> Table:
    table = Table("passages", "language", "number", "fingerprint", box=None)
    for key, pool in data.pools.items():
        table.add_row(key, str(pool.language), f"{len(pool):,}", pool.fingerprint[:_SHOWN])
    return table


def _file_table(loaded: Loaded) -> Table:
    table = Table("file", "from", "SHA-256", box=None)
    table.columns[0].overflow = "fold"
    for file in loaded.files:
        sha256 = file_sha256(file.path)[:_SHOWN] if file.path.is_file() else "(folder)"
        table.add_row(Text(str(file.path)), "download" if file.downloaded else "disk", sha256)
    return table


def _hash_notes(loaded: Loaded) -> list[str]:
    return [
        f"{file.path} has another SHA-256 than the task file's: it is another edition or was changed."
        for file in loaded.files
        if file.sha256 and not file.downloaded and file_sha256(file.path) != file.sha256
    ]
