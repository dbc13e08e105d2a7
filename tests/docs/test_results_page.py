"""docs/results.md: its tables of columns and keys are complete (its commands and programs: test_docs.py)."""

import re
from pathlib import Path

from clearbench.records.schema import Record
from clearbench.verdicts.leaderboard.machine import MODEL_COLUMNS, TASK_COLUMNS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "results.md").read_text(encoding="utf-8")


def test_every_column_and_key_is_documented():
    named = set(
        re.findall(r"`([^`]+)`", " ".join(line.split("|")[1] for line in PAGE.splitlines() if line[:2] == "| "))
    )
    assert {*MODEL_COLUMNS, *TASK_COLUMNS, *Record.model_fields} <= named
