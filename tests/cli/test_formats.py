"""A file's suffix names its format, where the command has that format."""

from pathlib import Path

import pytest

from clearbench.cli.formats import find_format


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.csv", "csv"),
        ("a.json", "json"),
        ("a.md", "markdown"),
        ("a.txt", "table"),
        ("a.tex", "other"),
        ("a", "other"),
    ],
)
def test_the_suffix_decides_and_the_default_where_the_command_lacks_the_format(name, format):
    assert find_format(Path(name), ("csv", "json", "markdown", "table", "other"), "other") == format
