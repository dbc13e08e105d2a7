"""Finding task files: `--tasks-dir`, the copy in the installed package, the folder `tasks/` of a checkout."""

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from clearbench.common.errors import TaskError, UsageError, suggest
from clearbench.common.files import shipped_folder
from clearbench.common.toml import describe_problems, read_toml
from clearbench.tasks.formats.rows import find_rows
from clearbench.tasks.formats.table import reader_options
from clearbench.tasks.spec import Source, TaskSpec


def task_folders(tasks_dir: Path | None = None) -> tuple[Path, ...]:
    """Return the folders that are searched for task files, in order of priority.

    Raises:
        UsageError: `tasks_dir` is not a folder.
    """
    if tasks_dir is not None and not tasks_dir.is_dir():
        raise UsageError(f"--tasks-dir {tasks_dir}: there is no such folder.")
    return tuple(folder for folder in (tasks_dir, shipped_folder("_tasks", "tasks")) if folder is not None)


def task_files(tasks_dir: Path | None = None) -> dict[str, Path]:
    """Return name -> task file, by name; a file in an earlier folder hides one of the same name in a later one."""
    files: dict[str, Path] = {}
    for folder in task_folders(tasks_dir):
        for path in folder.glob("*.toml"):
            files.setdefault(path.stem, path)
    return dict(sorted(files.items()))


def list_tasks(tasks_dir: Path | None = None) -> tuple[TaskSpec, ...]:
    """Read every task file.

    Raises:
        TaskError: One of them cannot be used.
    """
    return tuple(_read_named_task(path) for path in task_files(tasks_dir).values())


def find_task(name: str, tasks_dir: Path | None = None) -> TaskSpec:
    """Return a task by its name, or by the path of a task file or of a BEIR-style folder.

    Raises:
        UsageError: There is no such task; near names are offered.
        TaskError: The task file cannot be used.
    """
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise UsageError(f"There is no task file {name}.")
        return read_task(path)
    files = task_files(tasks_dir)
    if name in files:
        return _read_named_task(files[name])
    if path.is_dir():
        return _folder_task(path)
    known = ", ".join(files) or "none"
    raise UsageError(
        f"Unknown task {name!r}; there are: {known}.{suggest(name, files)} "
        "A path to a task file (.toml) or to a BEIR-style folder will do too."
    )


def read_task(path: Path) -> TaskSpec:
    """Read a task file.

    Raises:
        TaskError: It cannot be read, is not TOML, or says something that clearbench does not know.
    """
    raw = read_toml(path, TaskError)
    if "home" in raw:
        raise TaskError(f"{path}: home: unknown key.")
    try:
        spec = TaskSpec.model_validate({**raw, "home": path.parent})
        reader_options(spec)
    except ValidationError as error:
        raise TaskError(f"{path}: {describe_problems(error, TaskSpec.model_fields)}") from None
    except UsageError as error:
        raise TaskError(f"{path}: {error}") from None
    return spec


def _read_named_task(path: Path) -> TaskSpec:
    spec = read_task(path)
    if spec.name != path.stem:
        raise TaskError(f"{path}: name: found {spec.name!r}, expected {path.stem!r}, the file's name.")
    return spec


def _folder_task(folder: Path) -> TaskSpec:
    if find_rows(folder, "corpus") is None:
        names = ", ".join(_first_names(folder)) or "nothing"
        raise UsageError(f"{folder} is not a BEIR-style folder: it has no corpus.jsonl; it contains {names}.")
    return TaskSpec(
        name=_safe_name(folder),
        title=f"BEIR-style folder {folder.name}",
        reader="beir",
        sources=(Source(key="folder", bundled="."),),
        home=folder,
    )


def _first_names(folder: Path) -> Iterator[str]:
    yield from sorted(path.name for path in folder.iterdir())[:5]


def _safe_name(folder: Path) -> str:
    kept = re.sub(r"[^A-Za-z0-9._-]", "-", folder.resolve().name)
    return kept.lstrip("._-") or "folder"
