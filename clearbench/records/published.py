"""Reading figures that others published, which leaderboards show and `clearbench reproduce` measures again.

Two forms of file, both under `results/published/` (in the installed package `_published/`):

    <model>.toml          one model's figures per pair; `clearbench reproduce <model>` measures them again
    papers/<paper>.toml   one table of a paper: a task and a row per model, many of which cannot be loaded

Every figure is listed with its source. Pairs are written query language first, even if the source writes them the
other way round.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from clearbench.common.errors import ClearbenchError, RecordError, UsageError, suggest
from clearbench.common.files import shipped_folder
from clearbench.common.pairs import parse_pair
from clearbench.common.strict import StrictModel
from clearbench.common.toml import describe_problems, read_toml

Share = Annotated[float, Field(ge=0, le=1)]
Figures = Mapping[str, Mapping[str, float]]
"""pair -> measure -> value in [0, 1]"""

NEAR = 0.005
"""Largest difference that is called near, unless a file of figures states another."""


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
    """The figures of one source for one model on one task.

    Attributes:
        model: The model's name on the Hub, or in the source.
        source: Where the figures were published.
        task: Task name.
        options: Reader options with which they were measured, as text.
        figures: Pair -> measure -> value in [0, 1].
        averages: Averages that the source prints without the figures behind them.
        measured: The model that `clearbench reproduce` measures, if it is not `model` itself.
        unprompted: Whether texts were encoded without the model's prompts, as MTEB does in bitext mining.
        near: Largest difference that `clearbench reproduce` calls near.
    """

    model: str
    source: str
    task: str
    options: Mapping[str, str]
    figures: Figures
    averages: tuple[PublishedAverage, ...] = ()
    measured: str = ""
    unprompted: bool = False
    near: float = NEAR


class _Task(StrictModel):
    """One task: figures by measure, or in the order of `measures`, which is shorter for thousands of them."""

    name: str
    options: dict[str, str | int | bool] = Field(default={})
    measures: tuple[str, ...] = ()
    unprompted: bool = False
    expected: dict[str, dict[str, Share] | tuple[Share, ...]]

    @model_validator(mode="after")
    def _check_rows(self) -> Self:
        for pair, row in self.expected.items():
            if isinstance(row, tuple) and len(row) != len(self.measures):
                raise ValueError(f"expected: {pair}: found {len(row)} figures for {len(self.measures)} measures")
        return self

    @property
    def figures(self) -> dict[str, dict[str, float]]:
        """Pair, as the file spells it -> measure -> figure."""
        return {
            pair: dict(zip(self.measures, row, strict=True)) if isinstance(row, tuple) else row
            for pair, row in self.expected.items()
        }


class _ModelFile(StrictModel):
    model: str
    source: str
    measured: str = ""
    near: Share = NEAR
    task: tuple[_Task, ...] = Field(min_length=1)


class _Average(StrictModel):
    pairs: tuple[str, ...]
    measures: dict[str, Share]


class _PaperRow(StrictModel):
    model: str
    source: str = ""
    expected: dict[str, dict[str, Share]] = Field(default={})
    average: tuple[_Average, ...] = ()


class _PaperFile(StrictModel):
    source: str
    task: str
    options: dict[str, str | int | bool] = Field(default={})
    row: tuple[_PaperRow, ...]


def published_folder() -> Path | None:
    """Return the folder of the published figures, in the installed package or a checkout; None if there is none."""
    return shipped_folder("_published", "results/published")


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
    figures = [row for file in sorted(folder.glob("*.toml")) for row in _read_model(file, RecordError)]
    return (*figures, *(row for file in sorted(folder.glob("papers/*.toml")) for row in _read_paper(file)))


def find_published(name: str) -> tuple[Published, ...]:
    """Read one model's published figures, one entry a task, by its name (`minilm`) or from a TOML file.

    Raises:
        UsageError: There is no such file, or it is not a table of published figures.
    """
    if name.endswith(".toml"):
        return _read_model(Path(name), UsageError)
    known = _model_files()
    if name not in known:
        raise UsageError(f"No published figures {name!r}; there are: {', '.join(known)}.{suggest(name, known)}")
    return _read_model(known[name], UsageError)


def list_published() -> dict[str, tuple[Published, ...]]:
    """Return the names that `find_published` knows, each with its figures.

    Raises:
        RecordError: A file is not of its form.
    """
    return {name: _read_model(file, RecordError) for name, file in _model_files().items()}


def _model_files() -> dict[str, Path]:
    folder = published_folder()
    return {} if folder is None else {file.stem: file for file in sorted(folder.glob("*.toml"))}


def _read_model(file: Path, error: type[ClearbenchError]) -> tuple[Published, ...]:
    content = _read_document(file, _ModelFile, error)
    try:
        return tuple(
            Published(
                content.model,
                content.source,
                task.name,
                _as_text(task.options),
                _by_pair(task.figures),
                measured=content.measured,
                unprompted=task.unprompted,
                near=content.near,
            )
            for task in content.task
        )
    except UsageError as problem:
        raise _form_error(file, str(problem), error) from problem


def _read_paper(file: Path) -> list[Published]:
    content = _read_document(file, _PaperFile, RecordError)
    try:
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
    except UsageError as problem:
        raise _form_error(file, str(problem), RecordError) from problem


_Form = TypeVar("_Form", bound=BaseModel)


def _read_document(file: Path, form: type[_Form], error: type[ClearbenchError]) -> _Form:
    try:
        return form.model_validate(read_toml(file, error))
    except ValidationError as problem:
        raise _form_error(file, describe_problems(problem, form.model_fields), error) from problem


def _form_error(file: Path, reason: str, error: type[ClearbenchError]) -> ClearbenchError:
    return error(f"{file} is not a table of published figures: {reason}")


def _by_pair(expected: Figures) -> Figures:
    return {str(parse_pair(pair)): measures for pair, measures in expected.items()}


def _as_text(options: Mapping[str, object]) -> dict[str, str]:
    """Return options as records write them: `True`, not `true`."""
    return {key: str(value) for key, value in options.items()}
