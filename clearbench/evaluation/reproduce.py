"""Check that this installation gives published figures: an expected-score table with OK / near / off."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from clearbench.common.errors import UsageError, suggest
from clearbench.evaluation.pipeline import Evaluation

# Published figures are rounded to five decimals and were computed with other library versions.
OK, NEAR = 0.001, 0.005

_PACKAGE = Path(__file__).resolve().parents[1]


class ExpectedTask(BaseModel):
    """Published figures of one task: pair -> measure -> value in [0, 1]."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    options: dict[str, str | int | bool] = {}
    expected: dict[str, dict[str, float]]


class Expectation(BaseModel):
    """Published figures of one model, and where they were published."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    source: str
    task: tuple[ExpectedTask, ...]


@dataclass(frozen=True)
class Comparison:
    """One published figure beside ours."""

    task: str
    pair: str
    measure: str
    published: float
    found: float

    @property
    def difference(self) -> float:
        """Ours minus the published one."""
        return self.found - self.published

    @property
    def verdict(self) -> Literal["OK", "near", "off"]:
        """OK within 0.001, near within 0.005, else off."""
        size = abs(self.difference)
        return "OK" if size <= OK else "near" if size <= NEAR else "off"


def find_expectation(name: str) -> Expectation:
    """Read published figures by name (`minilm`) or by the path of a TOML file.

    Raises:
        UsageError: There is no such file, or it is not of this form.
    """
    file = Path(name)
    if file.suffix != ".toml":
        folders = (_PACKAGE / "_published", _PACKAGE.parent / "results" / "published")
        known = {path.stem: path for folder in reversed(folders) for path in folder.glob("*.toml")}
        if name not in known:
            raise UsageError(f"No published figures {name!r}; there are: {', '.join(known)}.{suggest(name, known)}")
        file = known[name]
    try:
        return Expectation.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise UsageError(f"{file} is no table of published figures: {str(error).splitlines()[0]}") from error


def compare_with_published(expectation: Expectation, evaluations: Sequence[Evaluation]) -> list[Comparison]:
    """Put every published figure beside the one in the records of the same tasks, in the same order."""
    comparisons = []
    for task, evaluation in zip(expectation.task, evaluations, strict=True):
        pairs = {pair.pair: pair for pair in evaluation.record.pairs}
        for pair, measures in task.expected.items():
            for measure, published in measures.items():
                found = pairs[pair].measures[measure].mean
                comparisons.append(Comparison(task.name, pair, measure, published, found))
    return comparisons
