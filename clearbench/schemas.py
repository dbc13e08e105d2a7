"""JSON Schemas of the files that clearbench writes, made from their types.

    python -m clearbench.schemas docs/schema

writes the schemas. They are published with the documentation, and a test compares them with the types.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter

from clearbench.common.files import json_bytes, write_atomically
from clearbench.records.parts import PartDocument
from clearbench.records.schema import Record
from clearbench.records.training import TrainingManifest
from clearbench.training.rows.row import TrainingRow
from clearbench.verdicts.gate.baseline import BaselineDocument
from clearbench.verdicts.leaderboard.document import LeaderboardDocument

SCHEMAS: Mapping[str, Any] = MappingProxyType({
    "record-1": Record,
    "part-2": PartDocument,
    "baseline-1": BaselineDocument,
    "leaderboard-1": LeaderboardDocument,
    "rows-1": TrainingRow,
    "training-1": TrainingManifest,
})  # fmt: skip
"""Name and version -> type of the JSON document. The documents of parts and baselines are in Parquet metadata."""


def make_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a document that SCHEMAS names."""
    schema = _remove_defaults(TypeAdapter(SCHEMAS[name]).json_schema(mode="serialization"))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"clearbench/{name}.json", **schema}


def write_schemas(folder: Path) -> None:
    """Write every schema into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SCHEMAS:
        write_atomically(folder / f"{name}.json", json_bytes(make_schema(name)))


def _remove_defaults(schema: Any) -> Any:
    """Return the schema without redundant entries that only some versions of pydantic write."""
    if isinstance(schema, list):
        return [_remove_defaults(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if (key, value) != ("additionalProperties", True)}
    return {key: _remove_defaults(value) for key, value in kept.items()}


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
