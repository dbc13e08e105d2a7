"""The folders of a results folder: <out>/records/<model>/<task>."""

from collections.abc import Iterable
from pathlib import Path

from clearbench.common.errors import RecordError
from clearbench.records.exclusive import restore_all
from clearbench.records.folder import records_folder
from clearbench.records.read import has_record

HINT = " `clearbench run --model MODEL --tasks TASK --out FOLDER` writes some; pass that folder."
"""How to make records: the end of a message that says that there are none."""


def record_folders(path: Path) -> list[Path]:
    """Return the folders of all records, finished or not, in a results folder or in folders records/MODEL[/TASK].

    Raises:
        RecordError: There are none.
    """
    if records_folder(path).is_dir():
        return task_folders(model_folders(path))
    if has_record(path):
        return [path]
    if not path.is_dir() or not any(map(has_record, subfolders(path))):
        raise RecordError(f"No records in {path}: expected a results folder or a folder records/MODEL.{HINT}")
    return task_folders([path])


def model_folders(out: Path) -> list[Path]:
    """Return the models' folders in a results folder.

    Raises:
        RecordError: There are none.
    """
    records = records_folder(out)
    if not records.is_dir():
        what = "has no folder `records`" if out.is_dir() else "is not a folder"
        raise RecordError(f"No results: {out} {what}.{HINT}")
    folders = [folder for folder in subfolders(records) if subfolders(folder)]
    if not folders:
        raise RecordError(f"No results: {records} is empty.{HINT}")
    return folders


def task_folders(parents: Iterable[Path]) -> list[Path]:
    """Return the records' folders in models' folders, after putting back what killed runs left."""
    folders = list(parents)
    for folder in folders:
        restore_all(folder)
    return [task for folder in folders for task in subfolders(folder)]


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder that are not hidden, sorted."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
