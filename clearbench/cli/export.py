"""`clearbench export`: a record for trec_eval or MTEB, a task's data as a BEIR folder."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from clearbench.records.select import Entry
    from clearbench.tasks.dataset import Dataset
    from clearbench.tasks.sources import DataLocation


class ExportFormat(StrEnum):
    """What is written."""

    TREC = "trec"
    MTEB = "mteb"
    BEIR = "beir"


def export(
    task: Annotated[str, typer.Option(help="Task name or label of the record; for beir also a task file or folder.")],
    format: Annotated[
        ExportFormat, typer.Option(help="trec: runs and qrels; mteb: result JSON; beir: the task's data.")
    ],
    to: Annotated[Path, typer.Option(help="Folder to write to.")],
    model: Annotated[
        str | None, typer.Argument(help="Model name, key, or folder of its records; beir also works without.")
    ] = None,
    results: Annotated[Path, typer.Option(help="Results folder.")] = Path("results"),
    pairs: Annotated[str | None, typer.Option(help="For beir without MODEL: language pairs; default: all.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="For beir: folder with the official files.", envvar="CLEARBENCH_DATA")
    ] = None,
    tasks_dir: Annotated[
        Path | None, typer.Option(help="For beir: folder with task definitions of your own.", envvar="CLEARBENCH_TASKS")
    ] = None,
    cache_dir: Annotated[Path | None, typer.Option(help="For beir: where downloads are kept.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="For beir: never use the network.")] = False,
) -> None:
    """Write results or data in other tools' formats.

    Example: clearbench export minilm --task xquad --format trec --to trec/
    """
    from clearbench.common.errors import UsageError
    from clearbench.common.progress import say
    from clearbench.export.beir import export_beir
    from clearbench.export.mteb import export_mteb
    from clearbench.export.trec import export_trec
    from clearbench.tasks.sources import DataLocation

    if pairs is not None and (model is not None or format is not ExportFormat.BEIR):
        raise UsageError("--pairs goes with --format beir and without MODEL; a record is exported with all its pairs.")
    if format is ExportFormat.BEIR:
        location = DataLocation(data_dir=data_dir, cache_dir=cache_dir, offline=offline)
        exported = export_beir(_load(task, model, results, pairs, location, tasks_dir), to)
    elif model is None:
        raise UsageError(f"--format {format.value} needs MODEL: whose record of {task} to export.")
    else:
        entry = _record(results, model, task)
        exported = (export_trec if format is ExportFormat.TREC else export_mteb)(entry, to)
    for note in exported.notes:
        say(note)
    for file in exported.files:
        print(file)


def _record(results: Path, model: str, task: str) -> "Entry":
    from clearbench.common.errors import UsageError
    from clearbench.records.select import select_model, select_tasks

    found = select_tasks(select_model(results, model), [_name(task)])
    if len(found) > 1:
        labels = [entry.label for entry in found]
        exact = [entry for entry in found if entry.label == task]
        if len(exact) != 1:
            raise UsageError(f"{model} has {len(found)} records of {task}: say which, {' or '.join(labels)}.")
        found = exact
    return found[0]


def _name(task: str) -> str:
    """Name of a task that is given by the path of its file or folder."""
    from clearbench.tasks.catalogue import find_task

    path = Path(task)
    return find_task(task).name if path.suffix == ".toml" or ("/" in task and path.is_dir()) else task


def _load(
    task: str, model: str | None, results: Path, pairs: str | None, location: "DataLocation", tasks_dir: Path | None
) -> "Dataset":
    """Load the data of a record's pairs and check that they are the record's; without a model, the task's pairs."""
    from clearbench.export.beir import check_exportable, check_same_data
    from clearbench.tasks.catalogue import find_task
    from clearbench.tasks.load import Selection, load_task

    if model is None:
        check_exportable(task, find_task(task, tasks_dir).judged_by, {})
        return load_task(task, Selection(pairs=pairs, all_pairs=pairs is None), location, tasks_dir)
    record = _record(results, model, task).record
    check_exportable(task, str(record.identity.scoring.get("judged_by", "qrels")), record.identity.options)
    source = record.identity.task if task == _name(task) else task
    selection = Selection(pairs=",".join(pair.pair for pair in record.pairs))
    retrieval = load_task(source, selection, location, tasks_dir, record.identity.options)
    check_same_data(retrieval, record)
    return retrieval
