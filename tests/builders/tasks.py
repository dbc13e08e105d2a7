"""Tiny files in each official format, written to a folder that stands in for a data folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builders.files import write, write_jsonl

TASK = {"name": "tiny", "reader": "belebele", "languages": ["en", "de"]}


def belebele_rows(language: str, passages: int = 2) -> list[dict[str, Any]]:
    """Two questions a passage."""
    return [
        {
            "link": f"https://x.org/{passage}",
            "question_number": number,
            "flores_passage": f"{language} passage {passage} ",
            "question": f"{language} question {passage}.{number}?",
        }
        for passage in range(passages)
        for number in (1, 2)
    ]


def write_belebele(folder: Path, *variants: str, passages: int = 2) -> None:
    for variant in variants:
        write_jsonl(folder / "belebele" / f"{variant}.jsonl", belebele_rows(variant, passages))


def squad(*paragraphs: tuple[str, Mapping[str, str]]) -> str:
    """One article a paragraph: context, and id -> question."""
    return json.dumps(
        {
            "data": [
                {
                    "title": f"Title {number}",
                    "paragraphs": [
                        {"context": context, "qas": [{"id": key, "question": text} for key, text in questions.items()]}
                    ],
                }
                for number, (context, questions) in enumerate(paragraphs)
            ]
        }
    )


def toml(values: Mapping[str, Any]) -> str:
    """Write flat keys, then `sources` (a list of tables) and tables; JSON's spelling of values is TOML's too."""
    lines = [
        f"{key} = {json.dumps(value)}"
        for key, value in values.items()
        if not isinstance(value, dict) and key != "sources"
    ]
    for source in values.get("sources", []):
        lines += ["[[sources]]", *(f"{key} = {_inline(value)}" for key, value in source.items())]
    for name, table in values.items():
        if isinstance(table, dict):
            lines += [f"[{name}]", *(f"{key} = {_inline(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {json.dumps(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def write_task(folder: Path, **values: Any) -> Path:
    """Write a task file; without more, a Belebele-like task in English and German with its files in `belebele/`."""
    sources = [{"key": "passages", "local": ["belebele/{variant}.jsonl"]}]
    full = {**TASK, "sources": sources, **values}
    return write(
        folder / f"{full['name']}.toml", toml({key: value for key, value in full.items() if value is not None})
    )
