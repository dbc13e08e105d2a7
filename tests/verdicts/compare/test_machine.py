"""CSV and JSON of comparisons, as their consumers read them."""

import io
import json

import pandas as pd
import pytest
from builders.compare import both

from clearbench.verdicts.compare.machine import CSV_COLUMNS, to_csv, to_json


def test_pandas_reads_the_csv_back(out):
    found = both(out)
    frame = pd.read_csv(io.StringIO(to_csv(found)))
    assert list(frame.columns) == ["base", "other", "correction", *CSV_COLUMNS]
    rows = [(one, row) for one in found for row in (*one.pairs, *one.groups)]
    assert len(frame) == len(rows)
    for (one, row), line in zip(rows, frame.to_dict("records"), strict=True):
        assert (line["base"], line["other"]) == (one.base, one.other)
        for column, field in CSV_COLUMNS.items():
            value = getattr(row, field)
            exact = value if value is None or isinstance(value, str) else pytest.approx(value, rel=1e-14)
            assert pd.isna(line[column]) if value is None else line[column] == exact, column


def test_json_holds_every_field(out):
    found = both(out)
    read = json.loads(to_json(found))["comparisons"]
    assert [one["other"] for one in read] == [one.other for one in found]
    assert read[0]["pairs"][0]["p_corrected"] == found[0].pairs[0].p_corrected
    assert read[0]["options"]["correction"] == "max-t" and read[1]["missing"] == list(found[1].missing)
