"""`clearbench export`: write a record for trec_eval or MTEB, or a task's data as a BEIR folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from clearbench.cli.options import Omit, Panel, ResultsFolder
from clearbench.common.errors import UsageError
from clearbench.common.options import Option
from clearbench.tasks.options import DEFAULT, DataLocation, Selection

if TYPE_CHECKING:
    from clearbench.records.select import Entry
    from clearbench.tasks.dataset import Dataset

PAIRS_PANEL, DATA_PANEL = "Pairs, for beir without MODEL (default: all)", "Data, for beir"


def export(
    model: Annotated[
        str | None, typer.Argument(help="Model name, key, or folder of its records; optional for beir.")
    ] = None,
    *,
    task: Annotated[str, Option("Task name or label of the record; for beir also a task file or folder.")],
    format: Annotated[
        Literal["trec", "mteb", "beir"], Option("trec: runs and qrels; mteb: result JSON; beir: the task's data.")
    ],
    to: Annotated[Path, Option("Folder to write to.")],
    results: ResultsFolder = Path("results"),
    selection: Annotated[Selection, Panel(PAIRS_PANEL)],
    location: Annotated[DataLocation, Panel(DATA_PANEL), Omit("corpus")],
) -> None:
    """Write results or data in other tools' formats.

    Example: clearbench export minilm --task xquad --format trec --to trec/
    """
    from clearbench.common.progress import say
    from clearbench.export.beir import export_beir
    from clearbench.export.mteb import export_mteb
    from clearbench.export.trec import export_trec

    if selection != DEFAULT and (model is not None or format != "beir"):
        raise UsageError("Pairs can be chosen only with --format beir and without MODEL; a record is exported whole.")
    if model is None and format == "beir":
        exported = export_beir(_load_task_data(task, selection, location), to)
    elif model is None:
        raise UsageError(f"--format {format} needs MODEL, the model with the record of {task} to export.")
    elif format == "beir":
        exported = export_beir(_load_record_data(task, _find_record(results, model, task), location), to)
    else:
        exported = (export_trec if format == "trec" else export_mteb)(_find_record(results, model, task), to)
    for note in exported.notes:
        say(note)
    for file in exported.files:
        print(file)


def _find_record(results: Path, model: str, task: str) -> "Entry":
    from clearbench.records.select import select_model, select_tasks

    entries = select_tasks(select_model(results, model), [_task_name(task)])
    if len(entries) > 1:
        labels = [entry.label for entry in entries]
        exact = [entry for entry in entries if entry.label == task]
        if len(exact) != 1:
            raise UsageError(f"{model} has {len(entries)} records of {task}: choose {' or '.join(labels)}.")
        entries = exact
    return entries[0]


def _task_name(task: str) -> str:
    """Return the name of a task that is given by its name or by the path of its file or folder."""
    from clearbench.tasks.catalogue import find_task

    path = Path(task)
    return find_task(task).name if path.suffix == ".toml" or ("/" in task and path.is_dir()) else task


def _load_task_data(task: str, selection: Selection, location: DataLocation) -> "Dataset":
    """Load a task, by default with all its pairs."""
    from clearbench.export.beir import check_exportable
    from clearbench.tasks.catalogue import find_task
    from clearbench.tasks.load import load_task

    check_exportable(task, find_task(task, location.tasks_dir).has_qrels, {})
    return load_task(task, Selection(all_pairs=True) if selection == DEFAULT else selection, location)


def _load_record_data(task: str, entry: "Entry", location: DataLocation) -> "Dataset":
    """Load the data of a record's pairs, and check that the record was measured on them."""
    from clearbench.export.beir import check_exportable, check_same_data
    from clearbench.tasks.load import load_task

    record = entry.record
    check_exportable(task, record.identity.has_qrels, record.identity.options)
    source = record.identity.task if task == _task_name(task) else task
    selection = Selection(pairs=",".join(pair.pair for pair in record.pairs))
    data = load_task(source, selection, location, record.identity.options)
    check_same_data(data, record)
    return data
