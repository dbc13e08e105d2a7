"""Figures that others published, for rows of a leaderboard that say so.

Two forms of file, both under `results/published/` (in the installed package `_published/`):

    <model>.toml          one model's figures per pair; `clearbench reproduce <model>` measures them again
    papers/<paper>.toml   one table of a paper: a task and a row per model, many of which cannot be loaded

Every figure stands under the source it was taken from. Pairs are written query language first, whatever the source
does.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from clearbench.common.errors import RecordError, UsageError
from clearbench.common.languages import parse_pair

_PACKAGE = Path(__file__).resolve().parents[2]

Share = Annotated[float, Field(ge=0, le=1)]
Figures = Mapping[str, Mapping[str, float]]
"""pair -> measure -> value in [0, 1]"""


@dataclass(frozen=True)
class PublishedAverage:
    """A macro average that a source prints without the figures behind it.

    Attributes:
        pairs: The pairs that it averages.
        measures: Measure -> value in [0, 1].
    """

    pairs: frozenset[str]
    measures: Mapping[str, float]


@dataclass(frozen=True)
class Published:
    """What one source says of one model on one task.

    Attributes:
        model: As it is known on the Hub, or the name in the source.
        source: Where the figures stand.
        task: Task name.
        options: Reader options with which they were measured, as text.
        figures: Per pair.
        averages: For what is printed as averages only.
    """

    model: str
    source: str
    task: str
    options: Mapping[str, str]
    figures: Figures
    averages: tuple[PublishedAverage, ...] = ()


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Task(_Frozen):
    name: str
    options: dict[str, str | int | bool] = {}
    expected: dict[str, dict[str, Share]]


class _ModelFile(_Frozen):
    model: str
    source: str
    task: tuple[_Task, ...]


class _Average(_Frozen):
    pairs: tuple[str, ...]
    measures: dict[str, Share]


class _PaperRow(_Frozen):
    model: str
    source: str = ""
    expected: dict[str, dict[str, Share]] = {}
    average: tuple[_Average, ...] = ()


class _PaperFile(_Frozen):
    source: str
    task: str
    options: dict[str, str | int | bool] = {}
    row: tuple[_PaperRow, ...]


def published_folder() -> Path | None:
    """Folder of the published figures: the installed package's, or that of a checkout; None where neither is."""
    folders = (_PACKAGE / "_published", _PACKAGE.parent / "results" / "published")
    return next((folder for folder in folders if folder.is_dir()), None)


def load_published(folder: Path | None = None) -> tuple[Published, ...]:
    """Read every file of published figures, in the order of the files' names, then of the files.

    Args:
        folder: Holds `*.toml` and `papers/*.toml`; default: the figures that come with clearbench.
    Raises:
        RecordError: A file is not of its form, or names an unknown language.
    """
    folder = folder or published_folder()
    if folder is None:
        return ()
    found = [row for file in sorted(folder.glob("*.toml")) for row in _read_model(file)]
    return (*found, *(row for file in sorted(folder.glob("papers/*.toml")) for row in _read_paper(file)))


def _read_model(file: Path) -> list[Published]:
    try:
        content = _ModelFile.model_validate(_read(file))
        return [
            Published(content.model, content.source, task.name, _as_text(task.options), _by_pair(task.expected))
            for task in content.task
        ]
    except (ValidationError, UsageError) as error:
        raise _broken(file, error) from error


def _read_paper(file: Path) -> list[Published]:
    try:
        content = _PaperFile.model_validate(_read(file))
        return [
            Published(
                model=row.model,
                source=row.source or content.source,
                task=content.task,
                options=_as_text(content.options),
                figures=_by_pair(row.expected),
                averages=tuple(
                    PublishedAverage(frozenset(str(parse_pair(pair)) for pair in average.pairs), average.measures)
                    for average in row.average
                ),
            )
            for row in content.row
        ]
    except (ValidationError, UsageError) as error:
        raise _broken(file, error) from error


def _read(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecordError(f"Cannot read {file}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _broken(file, error) from error


def _broken(file: Path, error: Exception) -> RecordError:
    lines = str(error).splitlines()
    return RecordError(f"{file} is no table of published figures: {' '.join(line.strip() for line in lines[:3])}")


def _by_pair(expected: Figures) -> Figures:
    return {str(parse_pair(pair)): measures for pair, measures in expected.items()}


def _as_text(options: Mapping[str, object]) -> dict[str, str]:
    """Options as records write them: `True`, not `true`."""
    return {key: str(value) for key, value in options.items()}
