"""Corrections as they are written."""

import pytest
from builders.adjust import METHODS

from clearbench.common.errors import UsageError
from clearbench.encoders.adjust.method import Method, parse_method


@pytest.mark.parametrize("text", METHODS)
def test_methods_print_as_they_are_written(text):
    assert str(parse_method(f" {text} ")) == text
    assert parse_method("lir:1") == Method("lir") and parse_method("shift:1") == Method("shift")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("centre", r"expected center, shift\[:alpha\].* Did you mean center\?"),
        ("", "expected center"),
        ("center:2", "center takes no number"),
        ("shift:", "a number from 0"),
        ("shift:nan", "a number from 0"),
        ("shift:-1", "a number from 0"),
        ("lir:0", "a whole number from 1"),
        ("lir:1.5", "a whole number from 1"),
    ],
)
def test_slips_in_the_method_are_explained(text, message):
    with pytest.raises(UsageError, match=message):
        parse_method(text)
