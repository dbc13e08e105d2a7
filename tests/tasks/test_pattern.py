"""File patterns: what may stand in them, and that no value leads out of a folder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common.errors import TaskError
from clearbench.tasks.pattern import (
    PLACEHOLDERS,
    check_pattern,
    check_relative,
    check_value,
    check_writable,
    fill,
    path_below,
)


def test_placeholders_are_filled_literally():
    fields = {"language": "{short}", "short": "de"}
    assert fill("x.{language}.{short}.json", fields) == "x.{short}.de.json"


@given(st.text(st.sampled_from("{}!:>9.[]_ lngshort/"), max_size=30))
def test_what_is_accepted_can_be_filled_and_grows_by_its_values_only(pattern):
    try:
        check_pattern(pattern)
    except ValueError:
        return
    filled = fill(pattern, dict.fromkeys(PLACEHOLDERS, "x"))
    assert "{" not in filled and len(filled) <= len(pattern)


PARTS = st.sampled_from(["..", ".", "a", "{split}", "{language}", "", "\\", "C:", "\\..", "..\\.."])


@given(st.lists(PARTS, max_size=5).map("/".join), st.sampled_from(["..", ".", "", "a", "a/../..", "/", "\\..", "C:"]))
def test_no_pattern_and_no_value_lead_out_of_the_folder(tmp_path_factory, pattern, value):
    root = tmp_path_factory.getbasetemp()
    try:
        path = path_below(root, check_relative(pattern), {"split": value, "language": value})
    except (ValueError, TaskError):
        return
    assert path.resolve().is_relative_to(root)


@pytest.mark.parametrize("value", ["..", "a/b", "a\\b", "C:x", "a\nb", "a\0b", "../../victim"])
def test_a_value_with_a_path_of_its_own_is_refused(value):
    with pytest.raises(ValueError, match="expected a name without slashes"):
        check_value(value)
    with pytest.raises(TaskError, match=r"x/\{split\}: \{split\}: found "):
        fill("x/{split}", {"split": value})


def test_several_values_make_no_parent_folder_either(tmp_path):
    with pytest.raises(TaskError, match=r"leads out of"):
        path_below(tmp_path, "{language}.{short}./x", {"language": "", "short": ""})


def test_a_link_out_of_the_cache_is_not_written_through(tmp_path):
    root = tmp_path / "cache"
    root.mkdir()
    (root / "out").symlink_to(tmp_path)
    with pytest.raises(TaskError, match=r"out/x: leads out of .*cache, by a link"):
        check_writable(root, root / "out" / "x")
    (tmp_path / "linked").symlink_to(root)
    assert check_writable(tmp_path / "linked", tmp_path / "linked" / "new" / "x")
