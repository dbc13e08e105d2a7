"""`clearbench tasks`: list tasks, show a task, check its data, download its files."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from clearbench.cli.options import Panel, command, flatten
from clearbench.common.errors import DataError, UsageError
from clearbench.common.options import CACHE_DIR, TASKS_DIR
from clearbench.tasks.options import DEFAULT, READER_SETTINGS, DataLocation, Selection

tasks_app = typer.Typer(help="List, show, check and download tasks.", no_args_is_help=False)

TasksDir = Annotated[Path | None, TASKS_DIR]
Name = Annotated[str, typer.Argument(help="Task name, or a path: a task file (.toml) or a BEIR-style folder.")]


@tasks_app.callback(invoke_without_command=True)
@flatten
def list_by_default(context: typer.Context, tasks_dir: TasksDir = None) -> None:
    """List the tasks, or run one of the commands below."""
    context.obj = tasks_dir
    if context.invoked_subcommand is None:
        list_all(context)


@command(tasks_app, "list")
def list_all(context: typer.Context, tasks_dir: TasksDir = None) -> None:
    """List the tasks."""
    from clearbench.cli.show.task import print_tasks
    from clearbench.tasks.catalogue import list_tasks

    print_tasks(list_tasks(tasks_dir or context.obj))


@command(tasks_app, "show")
def show(context: typer.Context, name: Name, tasks_dir: TasksDir = None) -> None:
    """Show a task's definition: texts, judgements, licence, files, expected counts."""
    from clearbench.cli.show.task import print_task
    from clearbench.tasks.catalogue import find_task

    print_task(find_task(name, tasks_dir or context.obj))


@command(tasks_app, "check")
def check(
    context: typer.Context,
    name: Name,
    *,
    location: DataLocation,
    selection: Annotated[Selection, Panel("Pairs (default: all)")],
    options: Annotated[dict[str, str] | None, READER_SETTINGS] = None,
) -> None:
    """Load a task, count and hash its data, compare the counts with the task file, and report problems."""
    from clearbench.cli.show.task import print_check
    from clearbench.tasks.load import check_task

    location = replace(location, tasks_dir=location.tasks_dir or context.obj)
    checked = check_task(name, Selection(all_pairs=True) if selection == DEFAULT else selection, location, options)
    print_check(checked)
    if checked.mismatches:
        raise DataError(f"{checked.spec.name}: {len(checked.mismatches):,} counts differ from those in the task file.")


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
    from rich.text import Text

    from clearbench.cli.tables import stdout_console
    from clearbench.tasks.catalogue import find_task
    from clearbench.tasks.formats.table import open_files

    spec = find_task(name, tasks_dir or context.obj)
    fetched = 0
    for path in open_files(spec, DataLocation(cache_dir=cache_dir)).fetch(tuple(keys or ())):
        fetched += 1
        stdout_console().print(Text(str(path)), soft_wrap=True)
    if not fetched:
        raise UsageError(f"Task {spec.name} has nothing to download.")
