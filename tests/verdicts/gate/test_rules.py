"""gates.toml: what is read, and what a slip in it leads to."""

import pytest

from clearbench.common.errors import UsageError
from clearbench.verdicts.gate.rules import Rule, read_rules

GOOD = """
[[rule]]
pairs = "*-en"
worst_drop = 3.0

[[rule]]
name = "low resource"
group = "low"
tasks = ["belebele", "xquad"]
mean_at_least = 20
"""


def write(folder, text):
    file = folder / "gates.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_rules_are_read(tmp_path):
    first, second = read_rules(write(tmp_path, GOOD))
    assert first == Rule(pairs="*-en", worst_drop=3.0) and first.title == "no pair of *-en loses 3 points"
    assert second.title == "low resource" and second.mean_at_least == 20.0
    assert second.model_copy(update={"name": ""}).title == "the mean of low is above 20"
    assert second.tasks == ("belebele", "xquad")


SLIPS = {
    "unknown key": ('[[rule]]\npairs = "*-en"\nworst_dorp = 3', r"rule 1: worst_dorp: unknown key.*worst_drop\?"),
    "unknown table": ('[[rules]]\npairs = "*-en"\nworst_drop = 3', r"unknown key 'rules'.*Did you mean rule\?"),
    "a table, not a list": ('[rule]\npairs = "*-en"\nworst_drop = 3', r"expected one or more \[\[rule\]\]"),
    "a number in quotes": (
        '[[rule]]\npairs = "*-en"\nworst_drop = "3"',
        "worst_drop: found '3', expected: .*valid number",
    ),
    "true for a number": (
        '[[rule]]\npairs = "*-en"\nworst_drop = true',
        "worst_drop: found True, expected: .*valid number",
    ),
    "empty": ("", r"expected one or more \[\[rule\]\]"),
    "unknown group": ('[[rule]]\ngroup = "lwo"\nmean_drop = 1', r"there is no group 'lwo'.*Did you mean low"),
    "no pairs": ("[[rule]]\nmean_drop = 1", "expected one of pairs and group"),
    "both": ('[[rule]]\npairs = "*-en"\ngroup = "low"\nmean_drop = 1', "expected one of pairs and group"),
    "no claim": ('[[rule]]\ngroup = "low"', "expected one of worst_drop, mean_drop, mean_at_least"),
    "two claims": ('[[rule]]\ngroup = "low"\nmean_drop = 1\nworst_drop = 1', "expected one of worst_drop"),
    "negative": ('[[rule]]\ngroup = "low"\nmean_drop = -1', "mean_drop: found -1"),
    "not a number": ('[[rule]]\ngroup = "low"\nmean_drop = nan', "mean_drop: found nan"),
    "a fraction": ('[[rule]]\ngroup = "low"\nmean_at_least = 0.4', "write 40 for a mean of 0.4"),
    "text": ('[[rule]]\ngroup = "low"\nmean_drop = "x"', "mean_drop: found 'x'"),
    "no TOML": ("[[rule]", "not a TOML file"),
    "no UTF-8": (b"\xff\xfe", "not UTF-8"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_an_error_that_says_where(tmp_path, slip):
    text, message = SLIPS[slip]
    with pytest.raises(UsageError, match=message) as caught:
        read_rules(write(tmp_path, text))
    assert str(tmp_path / "gates.toml") in str(caught.value)


def test_no_file(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        read_rules(tmp_path / "gates.toml")
