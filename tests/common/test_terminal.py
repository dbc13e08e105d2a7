"""What is printed holds nothing that a terminal obeys, whoever named a model."""

import io
import json
import re
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from clearbench.common.console import SafeConsole
from clearbench.common.progress import say
from clearbench.common.terminal import SafeStream, safe_streams

PACKAGE = Path(__file__).resolve().parents[2] / "clearbench"
HOSTILE = "\x1b]0;owned\x07\x1b[31mred\x1b[8m\x9b2J \u202egnp.exe\u202c \u2066x\u2069 \u200fy\u2028z\x00"


def obeyed(text: str) -> list[str]:
    """Characters that a terminal takes for orders: controls but tab and line end, marks and overrides of direction."""
    marks = ("LRM", "RLM", "ALM", "LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI", "B")
    return [
        sign
        for sign in text
        if sign not in "\t\n"
        and (unicodedata.category(sign) in ("Cc", "Zl", "Zp") or unicodedata.bidirectional(sign) in marks[3:12])
    ] + [sign for sign in text if sign in "\u061c\u200e\u200f"]


def test_the_hostile_name_would_be_obeyed():
    assert len(obeyed(HOSTILE)) > 10


@given(st.text() | st.just(HOSTILE))
def test_a_safe_stream_writes_nothing_that_is_obeyed_and_loses_nothing(text):
    inside = io.StringIO(newline="")
    SafeStream(inside).write(text)
    assert obeyed(inside.getvalue().replace("\r", "")) == []
    assert re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), inside.getvalue()) == re.sub(
        r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text
    )


@given(st.text())
def test_json_that_is_printed_says_the_same(text):
    inside = io.StringIO()
    SafeStream(inside).write(json.dumps({text: text}, ensure_ascii=False))
    assert json.loads(inside.getvalue()) == {text: text}


@pytest.mark.parametrize("terminal", [False, True])
def test_a_console_escapes_texts_and_keeps_its_own_styles(terminal):
    table = Table(HOSTILE, title=HOSTILE)
    table.add_row(HOSTILE, style="bold")
    inside = io.StringIO()
    console = SafeConsole(
        file=inside, width=400, force_terminal=terminal, color_system="standard" if terminal else None
    )
    console.print(table)
    console.print(HOSTILE, markup=False)
    printed = inside.getvalue()
    assert obeyed(re.sub(r"\x1b\[[0-9;]*m", "", printed)) == []
    assert ("\x1b[1m" in printed) == terminal and "\x1b[31m" not in printed
    assert r"\u202egnp.exe\u202c" in printed


def test_streams_are_safe_while_the_block_runs_and_a_nested_block_escapes_once(capsys):
    before = (sys.stdout, sys.stderr)
    with safe_streams(), safe_streams():
        print(HOSTILE)
        say(HOSTILE)
        SafeConsole().print(HOSTILE, markup=False)
    assert (sys.stdout, sys.stderr) == before
    printed = capsys.readouterr()
    assert obeyed(printed.out) == obeyed(printed.err) == []
    assert printed.out.count(r"\u001b[31mred") == 2 and r"\\u" not in printed.out


def test_what_a_block_puts_in_place_of_stdout_stays(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    gone = io.StringIO()
    with safe_streams():
        sys.stdout = gone
    assert sys.stdout is gone


def test_a_message_of_megabytes_is_cut_to_what_it_begins_and_ends_with(capsys):
    say(f"Cannot read {'x' * 3_000_000}. Choose another --out.")
    printed = capsys.readouterr().err
    assert len(printed) < 1100 and printed.startswith("Cannot read x") and printed.endswith("another --out.\n")


def test_no_other_console_is_made():
    other = re.compile(r"(?<![\w.])Console\(")
    assert other.search("Console()") and not other.search("SafeConsole()")
    assert [file.name for file in PACKAGE.rglob("*.py") if other.search(file.read_text("utf-8"))] == []
