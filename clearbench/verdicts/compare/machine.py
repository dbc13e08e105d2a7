"""Comparisons for other programs: CSV and JSON. Scores are in the unit of the measure, not in points."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from clearbench.common.files import csv_text
from clearbench.verdicts.compare.examples import Examples
from clearbench.verdicts.compare.result import Comparison

CSV_COLUMNS = {
    "task": "task",
    "measure": "measure",
    "kind": "kind",
    "name": "name",
    "num_pairs": "num_pairs",
    "num_queries": "num_queries",
    "num_clusters": "num_clusters",
    "base_mean": "base",
    "other_mean": "other",
    "difference": "difference",
    "lower": "lower",
    "upper": "upper",
    "p": "p",
    "p_corrected": "p_corrected",
    "wins": "wins",
    "ties": "ties",
    "losses": "losses",
    "d_z": "d_z",
}
"""Columns of the CSV, in order, after `base`, `other` (model keys) and `correction`: column -> field of ComparedRow.

A column is only ever added at the end.
"""


def to_csv(comparisons: Sequence[Comparison]) -> str:
    """Return one line per model, task and pair or group, with CSV_COLUMNS; a missing value is an empty field."""
    rows = (
        [
            comparison.base,
            comparison.other,
            comparison.options.correction,
            *(getattr(row, field) for field in CSV_COLUMNS.values()),
        ]
        for comparison in comparisons
        for row in (*comparison.pairs, *comparison.groups)
    )
    return csv_text([["base", "other", "correction", *CSV_COLUMNS], *rows])


def to_json(comparisons: Sequence[Comparison], examples: Sequence[Examples] = ()) -> str:
    """Return the comparisons with all fields, and the examples if there are any, as one JSON object."""
    document = {"comparisons": [asdict(comparison) for comparison in comparisons]}
    if examples:
        document["queries"] = [asdict(example) for example in examples]
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
