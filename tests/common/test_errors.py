"""Errors a user can cause: exit codes, where it happened, near names."""

import pytest

from clearbench.common import errors
from clearbench.common.errors import ClearbenchError, UsageError, locate_errors, suggest

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ClearbenchError)]


@pytest.mark.parametrize("kind", KINDS)
def test_only_a_slip_on_the_command_line_exits_with_2(kind: type[ClearbenchError]) -> None:
    assert kind.exit_code == (2 if kind is UsageError else 1)


def test_the_module_s_tree_shows_every_error_with_its_code() -> None:
    shown = errors.__doc__ or ""
    for kind in KINDS:
        [line] = [line for line in shown.splitlines() if f" {kind.__name__} " in line]
        assert f" {kind.exit_code} " in f"{line} "
    assert len(KINDS) == 11


def test_a_near_name_is_suggested_and_a_far_one_is_not() -> None:
    assert suggest("xquod", ["belebele", "xquad"]) == " Did you mean xquad?"
    assert suggest("zzz", ["belebele", "xquad"]) == suggest("xquad", []) == ""
    assert suggest("task", (f"task{number}" for number in range(9))).count(",") == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_known_error_keeps_its_kind_and_names_where_it_happened(kind: type[ClearbenchError]) -> None:
    def fail() -> None:
        with locate_errors("xquad de-en"), locate_errors("line 3"):
            raise kind("no text.")

    with pytest.raises(kind) as caught:
        fail()
    assert type(caught.value) is kind
    assert str(caught.value) == "xquad de-en: line 3: no text."
    assert isinstance(caught.value.__cause__, kind)


def test_other_errors_and_successes_pass_unchanged() -> None:
    with pytest.raises(ZeroDivisionError, match=r"^division by zero$"), locate_errors("x"):
        _ = 1 / 0
    with locate_errors("x"):
        pass
