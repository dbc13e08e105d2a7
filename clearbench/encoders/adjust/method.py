"""Which adjustment: a method and its parameter, as a user writes it, and what text it needs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal, cast, get_args

from clearbench.common.errors import UsageError, suggest
from clearbench.common.languages import ENGLISH
from clearbench.encoders.adjust.text import SIDES, AdjustText, Place, places_of, refuse_shared_text
from clearbench.encoders.base import Role, Setting
from clearbench.tasks.dataset import Dataset

Kind = Literal["center", "shift", "offset", "lir"]

CHANGED_ROLES: Mapping[Kind, tuple[Role, ...]] = {
    "center": ("query", "passage"),
    "shift": ("passage",),
    "offset": ("query",),
    "lir": ("query", "passage"),
}
# These move a language towards English, so English stays and translations are needed.
TOWARDS_ENGLISH = ("shift", "offset")


@dataclass(frozen=True)
class Method:
    """What is done; prints as a user writes it.

    Attributes:
        kind: What is subtracted; see `clearbench.encoders.adjust.adjuster`.
        alpha: Strength of `shift`.
        k: Directions that `lir` removes.
    """

    kind: Kind
    alpha: float = 1.0
    k: int = 1

    def __str__(self) -> str:
        if self.kind == "shift" and self.alpha != 1.0:
            return f"shift:{self.alpha:g}"
        return f"lir:{self.k}" if self.kind == "lir" and self.k != 1 else self.kind

    @property
    def settings(self) -> dict[str, Setting]:
        """Method and its parameter, for the record."""
        own: dict[Kind, dict[str, Setting]] = {"shift": {"adjust_alpha": self.alpha}, "lir": {"adjust_k": self.k}}
        return {"adjust": self.kind, **own.get(self.kind, {})}

    @property
    def roles(self) -> tuple[Role, ...]:
        """Whose vectors are changed."""
        return CHANGED_ROLES[self.kind]

    def changes(self, place: Place) -> bool:
        """Whether texts of a role and language are changed at all."""
        role, language = place
        return role in self.roles and not (self.kind in TOWARDS_ENGLISH and language == ENGLISH)


def parse_method(text: str) -> Method:
    """Read `center`, `shift`, `shift:0.5`, `offset`, `lir` or `lir:2`.

    Raises:
        UsageError: It is none of these.
    """
    kind, colon, value = text.strip().partition(":")
    known = get_args(Kind)
    if kind not in known:
        raise UsageError(f"--adjust {text}: expected center, shift[:alpha], lir[:k] or offset.{suggest(kind, known)}")
    if not colon:
        return Method(cast(Kind, kind))
    try:
        if kind == "shift" and isfinite(alpha := float(value)) and alpha >= 0:
            return Method("shift", alpha=alpha)
        if kind == "lir" and (k := int(value)) >= 1:
            return Method("lir", k=k)
    except ValueError:
        pass
    takes = {"shift": "a number from 0, such as shift:0.5", "lir": "a whole number from 1, such as lir:2"}
    raise UsageError(f"--adjust {text}: {kind} takes {takes.get(kind, 'no number')}.")


def check_text(method: Method, text: AdjustText, datasets: Sequence[Dataset]) -> None:
    """Refuse text from which the statistics that an evaluation needs cannot, or must not, be estimated.

    Args:
        method: Tells which languages and roles need statistics, and whether translations are needed.
        text: What the statistics would be estimated on.
        datasets: What is evaluated.
    Raises:
        UsageError: It is evaluated itself, or lacks a language, or is not parallel to English where it has to be.
    """
    refuse_shared_text(text, datasets)
    changed = [place for place in places_of(datasets) if method.changes(place)]
    for problem in _missing(method, text, changed):
        raise UsageError(f"--adjust {method}: {problem}. Name another task with --adjust-text.")


def _missing(method: Method, text: AdjustText, changed: Sequence[Place]) -> Iterator[str]:
    for role in method.roles:
        held = text.languages(role)
        wanted = [language for own, language in changed if own == role]
        parallel = method.kind in TOWARDS_ENGLISH
        absent = sorted({*wanted, *([ENGLISH] if parallel and wanted else [])} - set(held))
        if absent:
            yield (
                f"the text {text.task} has no {SIDES[role]} in {', '.join(map(str, absent))}; it has them in "
                f"{', '.join(map(str, held)) or 'no language'}"
            )
        elif parallel:
            for language in wanted:
                if not text.shared_ids(role, language, ENGLISH):
                    yield f"the {SIDES[role]} of {text.task} in {language} share no id with the English ones"
