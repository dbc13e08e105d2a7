"""Files that tests write, their folders made."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def write(path: Path, content: str | bytes) -> Path:
    """Write a text in UTF-8, or bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write rows as JSON lines."""
    return write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
