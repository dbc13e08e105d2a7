"""What the page on security promises is kept by tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_test_that_the_page_names_exists():
    named = TEST.findall((ROOT / "docs" / "security.md").read_text(encoding="utf-8"))
    missing = [f"{file}::{name}" for file, name in named if f"\ndef {name}(" not in _source(file)]
    assert missing == [] and len(named) > 15


def test_the_short_note_leads_to_the_page():
    note = ROOT / ".github" / "SECURITY.md"
    [target] = re.findall(r"\]\((.*?)\)", note.read_text(encoding="utf-8"))
    assert (note.parent / target).resolve() == ROOT / "docs" / "security.md"


def _source(file: str) -> str:
    path = ROOT / file
    return path.read_text(encoding="utf-8") if path.exists() else ""
