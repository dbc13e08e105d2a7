"""Reading figures of any model from a checkout of the public MTEB results.

The repository is https://github.com/embeddings-benchmark/results; each of its files is one model's, of one task:

    results/<organisation>__<model>/<revision>/<MTEB task>.json

Only the tasks that both sides have are read (`TASKS`). The figures are MTEB's: `recall_at_100` becomes `recall@100`,
and a subset becomes a pair with the query language first, whichever way round MTEB writes it.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from clearbench.common.errors import RecordError, UsageError, suggest
from clearbench.common.measures import RULES, find_measure
from clearbench.common.pairs import parse_pair
from clearbench.common.text import count, first_line, join_names
from clearbench.common.toml import describe_problems
from clearbench.records.published import Published
from clearbench.tasks.options import MERGE

Order = Literal["passage-query", "query-passage", "one language"]


@dataclass(frozen=True)
class MtebTask:
    """A task that MTEB has too.

    Attributes:
        name: MTEB's name, which is also the name of the file.
        split: The split that has the task's data.
        order: How the names of subsets are written.
        merges: Whether MTEB makes one query of equal questions.
        codes: Languages that MTEB writes in a way that no other data set does.
    """

    name: str
    split: str
    order: Order
    merges: bool = False
    codes: Mapping[str, str] = field(default_factory=dict)

    def pair(self, subset: str) -> str:
        """Return the pair of a subset, query language first.

        Raises:
            UsageError: The subset does not name known languages.
        """
        languages = [self.codes.get(code, code) for code in subset.split("-")]
        if self.order == "one language":
            languages *= 2
        elif self.order == "passage-query":
            languages.reverse()
        return str(parse_pair("-".join(languages)))


NTREX_CODES = {"mon_Mong": "mon", "orm_Ethi": "orm", "shi_Arab": "shi", "zho_Hant": "zho_TW"}
"""MTEB names another script for some files of NTREX than they are in."""
TASKS: Mapping[str, MtebTask] = {
    "belebele": MtebTask("BelebeleRetrieval", "test", "passage-query", merges=True),
    "xquad": MtebTask("XQuADRetrieval", "validation", "one language", merges=True),
    "mlqa": MtebTask("MLQARetrieval", "validation", "passage-query", merges=True),
    "mlqa-test": MtebTask("MLQARetrieval", "test", "passage-query", merges=True),
    "ntrex": MtebTask("NTREXBitextMining", "test", "query-passage", codes=NTREX_CODES),
    "tatoeba": MtebTask("Tatoeba", "test", "query-passage"),
}
"""Task here -> MTEB's."""
MEASURES: Mapping[str, str] = {
    **{find_measure(name).mteb: name for rule in RULES.values() for name in rule.measures},
    "accuracy": "success@1",
}
"""MTEB's name of a measure -> ours. Its `accuracy` is the share of queries whose first passage is right."""


LARGEST = 64 << 20
"""Bytes of a result file; MTEB's largest, with hundreds of subsets, have a few million."""


class _Subset(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")

    hf_subset: str


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    dataset_revision: str
    mteb_version: str | None = None
    scores: dict[str, list[_Subset]]


def read_mteb_results(
    folder: Path, tasks: Collection[str], models: Collection[str] | None = None
) -> tuple[tuple[Published, ...], tuple[str, ...]]:
    """Read the published figures of models on tasks that MTEB has too.

    A model's name is followed by the start of its revision: figures of two revisions make two rows.

    Args:
        folder: The checkout, or the folder `results` in it.
        tasks: Task names, of which those in `TASKS` are read.
        models: Names as on the Hub (`intfloat/multilingual-e5-small`); by default all models.
    Returns:
        One entry for each model, revision and task, and sentences on files that could not be used.
    Raises:
        UsageError: The folder has no results, or lacks a named model.
    """
    folders = _model_folders(folder)
    unknown = [name for name in models or () if name not in folders]
    if unknown:
        raise UsageError(f"{folder} has no results of {unknown[0]!r}.{suggest(unknown[0], folders)}")
    entries: list[Published] = []
    unread: list[str] = []
    for name in folders if models is None else models:
        for task, known in TASKS.items():
            for file in sorted(folders[name].glob(f"*/{known.name}.json")) if task in tasks else ():
                try:
                    entries += _read_file(file, name, task, known)
                except RecordError as problem:
                    unread.append(str(problem))
    notes = (f"{count(len(unread), 'file')} of {folder} not used: {join_names(unread, 3)}",) if unread else ()
    return tuple(entries), notes


def _model_folders(folder: Path) -> dict[str, Path]:
    """Return the folder of each model, by its name on the Hub."""
    root = folder / "results" if (folder / "results").is_dir() else folder
    folders = {path.name.replace("__", "/", 1): path for path in sorted(root.glob("*__*")) if path.is_dir()}
    if not folders:
        raise UsageError(
            f"{folder} has no folder of a model such as results/intfloat__multilingual-e5-small. "
            "Clone https://github.com/embeddings-benchmark/results and give the clone's folder."
        )
    return folders


def _read_file(file: Path, model: str, task: str, known: MtebTask) -> Iterator[Published]:
    """Yield the one entry of a file; none where the file has another split only, or no figure known here."""
    result = _read_result(file)
    figures: dict[str, Mapping[str, float]] = {}
    for subset in result.scores.get(known.split, []):
        try:
            pair = known.pair(subset.hf_subset)
        except UsageError as problem:
            raise RecordError(f"{file}: subset {subset.hf_subset!r}: {problem}") from problem
        if measures := _measures(subset):
            figures[pair] = measures
    if figures:
        revision = file.parent.name
        version = result.mteb_version or "of unknown version"
        yield Published(
            model=f"{model} @ {revision[:7]}",
            source=f"MTEB {version}, model revision {revision}, data revision {result.dataset_revision}",
            task=task,
            options={MERGE: "True"} if known.merges else {},
            figures=figures,
        )


def _read_result(file: Path) -> _Result:
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise RecordError(f"{file}: more than {LARGEST:,} bytes; expected a result of MTEB.")
        return _Result.model_validate(json.loads(content))
    except ValidationError as problem:
        raise RecordError(f"{file} is not a result of MTEB: {describe_problems(problem)}") from problem
    except OSError as problem:
        raise RecordError(f"{file} cannot be read: {problem.strerror or problem}.") from problem
    except (ValueError, RecursionError) as problem:
        raise RecordError(f"{file} is not JSON: {first_line(problem)}.") from problem


def _measures(subset: _Subset) -> dict[str, float]:
    """Return the figures of known measures; MTEB has many more, and writes NaN where one is undefined."""
    values = {MEASURES[name]: value for name, value in (subset.model_extra or {}).items() if name in MEASURES}
    return {name: float(value) for name, value in values.items() if isinstance(value, float | int) and 0 <= value <= 1}
