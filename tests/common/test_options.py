"""Options declared once: which fields are options, their defaults, and how texts are read."""

from dataclasses import dataclass, field
from math import inf, nan
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from clearbench.common.errors import UsageError
from clearbench.common.options import (
    REQUIRED,
    Option,
    Range,
    alternatives,
    check_number,
    defaults_of,
    marked_fields,
    read_name_lists,
    read_names,
    read_settings,
    unwrap_optional,
)
from clearbench.encoders.base import EncoderOptions
from clearbench.report.options import ReportOptions
from clearbench.training.rows.options import LeakOptions, MiningOptions, Split
from clearbench.verdicts.compare.options import CompareOptions
from clearbench.verdicts.gate.options import GateOptions
from clearbench.verdicts.leaderboard.options import LeaderboardOptions

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


def test_a_default_that_is_made_each_time_is_none_to_the_command_line() -> None:
    assert defaults_of(Plain)["names"] is None


BOUNDS = st.none() | st.integers(-3, 3)


@given(BOUNDS, BOUNDS, BOUNDS, BOUNDS, st.integers(-4, 4) | st.floats(-4, 4))
def test_a_range_holds_the_numbers_between_its_bounds(above, minimum, below, maximum, number) -> None:
    wanted = all(
        (
            above is None or number > above,
            minimum is None or not number < minimum,
            below is None or number < below,
            maximum is None or not number > maximum,
        )
    )
    assert (number in Range(above, minimum, below, maximum)) is wanted


@pytest.mark.parametrize("number", [nan, inf, -inf])
def test_no_range_holds_nan_or_infinity(number: float) -> None:
    assert number not in Range() and number not in Range(above=0)
    with pytest.raises(UsageError, match=rf"^--depth {number:g}: expected a finite number\.$"):
        check_number(number, DEPTH, "--depth")


def test_a_number_out_of_range_is_named_with_its_flag_and_what_was_expected() -> None:
    share = Option("Share.", range=Range(above=0, maximum=1))
    with pytest.raises(UsageError, match=r"^--share 1\.5: expected more than 0 and at most 1\.$"):
        check_number(1.5, share, "--share")
    with pytest.raises(UsageError, match=r"^--share 10{399}: expected"):
        check_number(10**399, share, "--share")
    for fine in (1, 0.5, True, None, "text"):
        check_number(fine, share, "--share")


OPTIONS = (
    CompareOptions, EncoderOptions, GateOptions, LeaderboardOptions, LeakOptions, MiningOptions, ReportOptions, Split
)  # fmt: skip


@pytest.mark.parametrize("kind", OPTIONS)
def test_options_that_are_made_in_python_refuse_the_same_numbers(kind: type) -> None:
    numbers = [marked for marked in marked_fields(kind) if unwrap_optional(marked.type) in (int, float)]
    assert numbers
    for marked in numbers:
        for number in (nan, inf):
            with pytest.raises(UsageError, match=f"^{marked.flag} {number:g}: expected"):
                kind(**{marked.name: number})


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


def test_a_repeated_flag_takes_names_and_lists_of_names() -> None:
    assert read_name_lists(["xquad", "mlqa, xquad"], "--exclude-task") == ("xquad", "mlqa")
    with pytest.raises(UsageError, match="--exclude-task is empty"):
        read_name_lists([" "], "--exclude-task")


@pytest.mark.parametrize("text", ["a", "=1", " =1", ""])
def test_a_setting_without_name_or_value_is_a_slip(text: str) -> None:
    with pytest.raises(UsageError, match=f"^--set {text}: expected name=value"):
        read_settings([text], "--set")


def test_types_of_a_union() -> None:
    assert alternatives(int | str) == (int, str) and alternatives(int) == (int,)
    assert unwrap_optional(int | None) is int
    assert unwrap_optional(int | str | None) == int | str | None
