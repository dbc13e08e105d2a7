"""Options declared once: which fields are options, their defaults, and how texts are read."""

from dataclasses import dataclass, field
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from clearbench.common.errors import UsageError
from clearbench.common.options import (
    REQUIRED,
    Option,
    alternatives,
    defaults_of,
    marked_fields,
    read_names,
    read_settings,
    without_none,
)

DEPTH = Option("Passages kept.", flag="--depth")


@dataclass(frozen=True)
class Plain:
    """Options as a dataclass."""

    out: Annotated[str, Option("Where to.")]
    depth: Annotated[int | None, DEPTH] = None
    names: Annotated[list[str], Option("Names.")] = field(default_factory=list)
    inner: int = 3


class Model(BaseModel):
    """The same as a pydantic model."""

    out: Annotated[str, Option("Where to.")]
    depth: Annotated[int | None, DEPTH] = None
    inner: int = 3


@pytest.mark.parametrize("kind", [Plain, Model])
def test_options_are_the_marked_fields_in_their_order(kind: type) -> None:
    found = {marked.name: marked for marked in marked_fields(kind)}
    assert [name for name in found if name != "names"] == ["out", "depth"]
    assert found["depth"].option is DEPTH and found["depth"].type == int | None
    assert (found["out"].default, found["depth"].default) == (REQUIRED, None)
    assert defaults_of(kind)["inner"] == 3


def test_a_default_that_is_made_anew_is_none_to_the_command_line() -> None:
    assert defaults_of(Plain)["names"] is None


names = st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=6)


@given(names)
def test_names_are_split_at_commas_once_each(texts: list[str]) -> None:
    assert read_names(" , ".join(texts) + ",", "--pairs") == tuple(dict.fromkeys(texts))


@pytest.mark.parametrize(("flag", "hint"), [("--tasks", "; `clearbench tasks` lists what there is"), ("--pairs", "")])
def test_no_name_is_a_slip(flag: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_names(" , ", flag)
    assert str(caught.value) == f"{flag} is empty{hint}."


def test_a_setting_is_split_at_its_first_equals_sign() -> None:
    assert read_settings(["a = 1", "b=x=y", "c="], "--set") == {"a": "1", "b": "x=y", "c": ""}
    assert read_settings([], "--set") == {}


@pytest.mark.parametrize("text", ["a", "=1", " =1", ""])
def test_a_setting_without_name_or_value_is_a_slip(text: str) -> None:
    with pytest.raises(UsageError, match=f"^--set {text}: expected name=value"):
        read_settings([text], "--set")


def test_types_of_a_union() -> None:
    assert alternatives(int | str) == (int, str) and alternatives(int) == (int,)
    assert without_none(int | None) is int
    assert without_none(int | str | None) == int | str | None
