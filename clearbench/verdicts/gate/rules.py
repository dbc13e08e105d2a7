"""gates.toml: what a candidate has to hold besides English.

    [[rule]]
    pairs = "*-en"          # no pair may lose more than 3 points
    worst_drop = 3.0

    [[rule]]
    group = "low"           # the mean of the low-resource pairs may not lose more than half a point
    mean_drop = 0.5

    [[rule]]
    group = "low"           # and has to be above 20
    mean_at_least = 20.0

All figures are points: 100 times the measure. Every rule is held by an interval, as English is: it passes where the
one-sided confidence limit is on the right side.
"""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from clearbench.common.errors import UsageError, suggest
from clearbench.common.languages import Pair, select_pairs
from clearbench.stats.averages import GROUPS

Points = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False, strict=True)]

CLAIMS = ("worst_drop", "mean_drop", "mean_at_least")


class Rule(BaseModel):
    """One rule: which pairs, and one claim about them.

    Attributes:
        name: What outputs call it; by default its own words.
        pairs: Patterns as `--pairs` takes them, such as `*-en` or `de-en,es-en`; or
        group: A group of pairs that records average: `*-en`, `low`, `english`, `all` and so on.
        tasks: Only these tasks; none means every task that both sides have.
        measure: By default each task's main measure.
        worst_drop: No pair's mean may be lower than the baseline's by this many points or more.
        mean_drop: The macro average over the pairs may not be lower than the baseline's by this many points or more.
        mean_at_least: The candidate's macro average over the pairs has to be above this.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    pairs: str | None = None
    group: str | None = None
    tasks: tuple[str, ...] = ()
    measure: str | None = None
    worst_drop: Points | None = None
    mean_drop: Points | None = None
    mean_at_least: Points | None = None

    @field_validator("tasks", mode="before")
    @classmethod
    def _tasks(cls, tasks: Any) -> Any:
        return tuple(name.strip() for name in tasks.split(",")) if isinstance(tasks, str) else tasks

    @field_validator("group")
    @classmethod
    def _group(cls, group: str | None) -> str | None:
        if group is not None and group not in GROUPS:
            raise ValueError(f"there is no group {group!r}; there are {', '.join(GROUPS)}.{suggest(group, GROUPS)}")
        return group

    @field_validator("mean_at_least")
    @classmethod
    def _points(cls, bound: float | None) -> float | None:
        if bound is not None and 0 < bound <= 1:
            raise ValueError(
                f"figures are points, 100 times the measure: write {100 * bound:g} for a mean of {bound:g}"
            )
        return bound

    @model_validator(mode="after")
    def _complete(self) -> "Rule":
        if (self.pairs is None) == (self.group is None):
            raise ValueError("expected one of pairs and group")
        if sum(getattr(self, claim) is not None for claim in CLAIMS) != 1:
            raise ValueError(f"expected one of {', '.join(CLAIMS)}")
        return self

    @property
    def where(self) -> str:
        """The pairs in words."""
        return self.pairs if self.pairs is not None else str(self.group)

    @property
    def claim(self) -> str:
        """The claim in words."""
        if self.worst_drop is not None:
            return f"no pair of {self.where} loses {self.worst_drop:g} points"
        if self.mean_drop is not None:
            return f"the mean of {self.where} does not lose {self.mean_drop:g} points"
        return f"the mean of {self.where} is above {self.mean_at_least:g}"

    @property
    def title(self) -> str:
        """Its name, or the claim."""
        return self.name or self.claim

    def select(self, available: Iterable[Pair]) -> frozenset[Pair]:
        """The pairs it is about, of those that its tasks have.

        Raises:
            UsageError: There is none.
        """
        if self.pairs is not None:
            return frozenset(select_pairs(self.pairs, available))
        known = tuple(available)
        chosen = frozenset(pair for pair in known if GROUPS[str(self.group)](pair))
        if not chosen:
            shown = ", ".join(sorted(map(str, known))[:12])
            raise UsageError(f"No pair belongs to group {self.group!r}. There are: {shown}.")
        return chosen


def read_rules(file: Path) -> tuple[Rule, ...]:
    """Read a gates.toml.

    Raises:
        UsageError: It cannot be read, is no TOML, or a rule has an unknown key or a value that makes no sense.
    """
    try:
        data = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"--rules {file}: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"--rules {file}: not UTF-8 at byte {error.start}; expected a TOML file in UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"--rules {file}: not a TOML file: {error}.") from None
    for key in data:
        if key != "rule":
            raise UsageError(
                f"--rules {file}: unknown key {key!r}; it holds [[rule]] tables only.{suggest(key, ['rule'])}"
            )
    entries = data.get("rule")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise UsageError(f"--rules {file}: expected one or more [[rule]] tables, such as\n\n{_EXAMPLE}")
    return tuple(_make_rule(entry, f"--rules {file}: rule {number}") for number, entry in enumerate(entries, start=1))


_EXAMPLE = '[[rule]]\npairs = "*-en"\nworst_drop = 3.0'


def _make_rule(entry: dict[str, Any], where: str) -> Rule:
    known = tuple(Rule.model_fields)
    for key in entry:
        if key not in known:
            raise UsageError(f"{where}: unknown key {key!r}; there are {', '.join(known)}.{suggest(key, known)}")
    try:
        return Rule.model_validate(entry)
    except ValidationError as error:
        text = "; ".join(_explain(problem) for problem in error.errors())
        raise UsageError(f"{where}: {text}" + ("" if text.endswith("?") else ".")) from None


def _explain(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    message = str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
    message = message if problem["type"] == "value_error" else f"{problem['input']!r}: {message}"
    return f"{key}: {message}" if key else message
