"""Real questions with their answers, and cases of a rule for answers with what each is to score."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clearbench.scoring.answers.xor import Tokeniser

DATA = Path(os.environ.get("CLEARBENCH_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
XOR_DEV = DATA / "xor_tydi" / "xor_dev_retrieve_eng_span_v1_1.jsonl"
WORDS = Tokeniser("white space", str.split)
Score = Callable[[list[str], list[str], int], float | None]
"""(texts of the ranked passages, answers, limit or k) -> hit, or None for a skipped question."""
Case = tuple[list[str], list[str], int, float | None]
"""The arguments of a Score, and what it is to be."""


def failures(cases: dict[str, Case], score: Score) -> set[str]:
    """Return the names of the cases that a rule scores otherwise."""
    return {name for name, (texts, answers, cut, want) in cases.items() if score(texts, answers, cut) != want}


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Read a real file of JSON lines; the test is skipped where it is absent."""
    if not path.exists():
        pytest.skip(f"no {path.name}: set CLEARBENCH_DATA")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def english_passages() -> dict[str, str]:
    """Return the English passages of XQuAD; the test is skipped where they are absent."""
    path = DATA / "xquad" / "xquad.en.json"
    if not path.exists():
        pytest.skip(f"no {path.name}: set CLEARBENCH_DATA")
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    texts = [paragraph["context"] for article in articles for paragraph in article["paragraphs"]]
    return {f"p{number}": text for number, text in enumerate(texts)}
