"""Which correction: its kind and parameter, as a user writes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal, cast, get_args

from clearbench.common.errors import UsageError, suggest
from clearbench.common.languages import ENGLISH
from clearbench.encoders.adjust.text import Group
from clearbench.encoders.base import Role, Setting

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
        kind: What is subtracted; see `clearbench.encoders.adjust.encoder`.
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
        if self.kind == "shift":
            return {"adjust": self.kind, "adjust_alpha": self.alpha}
        if self.kind == "lir":
            return {"adjust": self.kind, "adjust_k": self.k}
        return {"adjust": self.kind}

    @property
    def roles(self) -> tuple[Role, ...]:
        """Whose vectors are changed."""
        return CHANGED_ROLES[self.kind]

    def changes(self, group: Group) -> bool:
        """Return whether texts of a role and language are changed at all."""
        role, language = group
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
