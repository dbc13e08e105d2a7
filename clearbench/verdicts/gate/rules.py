"""gates.toml: rules that a candidate has to pass in addition to the one on English.

    [[rule]]
    pairs = "*-en"          # no pair may lose more than 3 points
    worst_drop = 3.0

    [[rule]]
    group = "low"           # the mean of the low-resource pairs may not lose more than half a point
    mean_drop = 0.5

    [[rule]]
    group = "low"           # and that mean has to be above 20
    mean_at_least = 20.0

Figures are points, 100 times the measure; for a measure that is a rank, such as Max@R, they are ranks. A drop is a
loss: where lower is better, it is a rise of the measure. Every rule is decided by an interval, as the one on English
is: it passes if the one-sided confidence limit is on the right side of the rule's figure.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator, model_validator

from clearbench.common.errors import UsageError, suggest
from clearbench.common.measures import Measure, find_measure
from clearbench.common.pairs import Pair, select_pairs
from clearbench.common.strict import StrictModel
from clearbench.common.text import join_names
from clearbench.common.toml import describe_problems, read_toml
from clearbench.stats.averages import GROUPS

CLAIMS = ("worst_drop", "mean_drop", "mean_at_least")
MAIN = Measure("main measure")
"""A placeholder for each task's main measure: a share where higher is better, whatever its name."""
_EXAMPLE = '[[rule]]\npairs = "*-en"\nworst_drop = 3.0'

Figure = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]


class Rule(StrictModel):
    """One rule: which pairs, and one claim about them.

    Attributes:
        name: Its name in outputs; by default its claim in words.
        pairs: Patterns as `--pairs` takes them, such as `*-en` or `de-en,es-en`; None if there is a group.
        group: A group of pairs that records average: `*-en`, `low`, `english`, `all` and so on; None if there are
            patterns.
        tasks: Only these tasks; none means every task that both sides have.
        measure: By default each task's main measure.
        worst_drop: No pair's mean may be worse than the baseline's by this many points (or ranks) or more.
        mean_drop: The macro average over the pairs may not be worse than the baseline's by this much or more.
        mean_at_least: The candidate's macro average over the pairs has to be above this many points.
    """

    name: str = ""
    pairs: str | None = None
    group: str | None = None
    tasks: tuple[str, ...] = ()
    measure: str | None = None
    worst_drop: Figure | None = None
    mean_drop: Figure | None = None
    mean_at_least: Figure | None = None

    @field_validator("tasks", mode="before")
    @classmethod
    def _split_tasks(cls, tasks: Any) -> Any:
        return tuple(name.strip() for name in tasks.split(",")) if isinstance(tasks, str) else tasks

    @field_validator("group")
    @classmethod
    def _check_group(cls, group: str | None) -> str | None:
        if group is not None and group not in GROUPS:
            raise ValueError(f"there is no group {group!r}; there are {', '.join(GROUPS)}.{suggest(group, GROUPS)}")
        return group

    @field_validator("mean_at_least")
    @classmethod
    def _check_scale(cls, bound: float | None) -> float | None:
        if bound is not None and 0 < bound <= 1:
            raise ValueError(
                f"figures are points, 100 times the measure: write {100 * bound:g} for a mean of {bound:g}"
            )
        return bound

    @model_validator(mode="after")
    def _check_claim(self) -> "Rule":
        if (self.pairs is None) == (self.group is None):
            raise ValueError("expected one of pairs and group")
        if sum(getattr(self, claim) is not None for claim in CLAIMS) != 1:
            raise ValueError(f"expected one of {', '.join(CLAIMS)}")
        return self

    @model_validator(mode="after")
    def _check_measure(self) -> "Rule":
        measure = self.effective_measure
        if measure.better == "neither":
            raise ValueError(
                f"{measure} describes a ranking without judging it: no value is better, so it cannot have a margin"
            )
        if measure.better == "lower" and self.mean_at_least is not None:
            raise ValueError(
                f"mean_at_least makes no sense for {measure}, lower is better: expected worst_drop or mean_drop"
            )
        if measure.unit == "share" and self.figure > 100:
            raise ValueError(f"{self.claim}: found {self.figure:g}, expected points between 0 and 100")
        return self

    @property
    def effective_measure(self) -> Measure:
        """The rule's measure, or MAIN if it names none."""
        return MAIN if self.measure is None else find_measure(self.measure)

    @property
    def claim(self) -> str:
        """The one of CLAIMS that the rule makes."""
        return next(claim for claim in CLAIMS if getattr(self, claim) is not None)

    @property
    def figure(self) -> float:
        """The claim's figure, in points or ranks."""
        return float(getattr(self, self.claim))

    @property
    def where(self) -> str:
        """The pairs in words."""
        return self.pairs if self.pairs is not None else str(self.group)

    @property
    def title(self) -> str:
        """Its name, or the claim in words."""
        if self.name:
            return self.name
        if self.worst_drop is not None:
            return f"no pair of {self.where} loses {self.effective_measure.amount(self.figure)}"
        if self.mean_drop is not None:
            return f"the mean of {self.where} does not lose {self.effective_measure.amount(self.figure)}"
        return f"the mean of {self.where} is above {self.figure:g}"

    def select(self, available: Iterable[Pair]) -> frozenset[Pair]:
        """Return those of the available pairs that the rule is about.

        Raises:
            UsageError: There is none.
        """
        known = tuple(available)
        if self.pairs is not None:
            return frozenset(select_pairs(self.pairs, known))
        chosen = frozenset(pair for pair in known if GROUPS[str(self.group)](pair))
        if not chosen:
            raise UsageError(
                f"No pair belongs to group {self.group!r}. There are: {join_names(sorted(map(str, known)), 12)}."
            )
        return chosen

    def with_measure(self, measure: str | None) -> "Rule":
        """Return the rule with this measure, if it names none itself.

        Raises:
            UsageError: The rule's claim makes no sense for the measure.
        """
        if measure is None or self.measure is not None:
            return self
        try:
            return Rule.model_validate({**self.model_dump(), "measure": measure})
        except ValidationError as error:
            raise UsageError(f"Rule “{self.title}”: {describe_problems(error)}") from None


def read_rules(file: Path, flag: str = "--rules") -> tuple[Rule, ...]:
    """Read a gates.toml.

    Raises:
        UsageError: It cannot be read, is not TOML, or a rule has an unknown key or a value that makes no sense.
    """
    where = f"{flag} {file}"
    data = read_toml(file, UsageError, f"{flag} ")
    if unknown := [key for key in data if key != "rule"]:
        key = unknown[0]
        raise UsageError(f"{where}: unknown key {key!r}; it holds [[rule]] tables only.{suggest(key, ['rule'])}")
    entries = data.get("rule")
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"{where}: expected one or more [[rule]] tables, such as\n\n{_EXAMPLE}")
    return tuple(_make_rule(entry, f"{where}: rule {number}") for number, entry in enumerate(entries, start=1))


def _make_rule(entry: Any, where: str) -> Rule:
    try:
        return Rule.model_validate(entry)
    except ValidationError as error:
        raise UsageError(f"{where}: {describe_problems(error, Rule.model_fields)}") from None
