"""Training rows: their columns, their fingerprint, and values that are refused."""

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest
from builders.files import write_jsonl

from clearbench.common.errors import TrainingError
from clearbench.training.rows.files import read_rows
from clearbench.training.rows.row import COLUMNS, Rows, TrainingRow

PLAIN: dict[str, Any] = {
    "query": "Where is it?",
    "passage": "It is here.",
    "target_query": "Wo ist es?",
    "language": "de",
    "query_id": "q1",
    "cluster": "c1",
}
ROW = TrainingRow(**PLAIN)
FULL = replace(ROW, query_id="q2", passage_negatives=("Not here.", "Nor there."), target_query_negatives=("A?", "B?"))


def test_the_table_has_the_columns_and_negatives_as_lists():
    table = Rows((ROW, FULL)).table
    assert tuple(table.columns) == COLUMNS
    assert table["passage_negatives"].tolist() == [[], ["Not here.", "Nor there."]]


def test_the_fingerprint_sees_every_column_and_the_order():
    changed = [replace(FULL, **dict[str, Any]({name: "other"})) for name in PLAIN]
    changed += [replace(FULL, passage_negatives=("Not here.", "x")), replace(FULL, target_query_negatives=())]
    moved = replace(FULL, passage_negatives=("Not here.",), target_query_negatives=("Nor there.", "A?", "B?"))
    variants = [Rows((row,)).fingerprint for row in (FULL, *changed, moved)]
    variants += [Rows((ROW, FULL)).fingerprint, Rows((FULL, ROW)).fingerprint]
    assert len(set(variants)) == len(variants)


def test_negative_columns_may_be_absent_and_languages_are_printed_in_one_way(tmp_path):
    path = write_jsonl(tmp_path / "rows.jsonl", [{**PLAIN, "language": "deu_Latn"}])
    assert read_rows(path).rows == (ROW,)
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_rows(packed).rows == (ROW,)


BAD: dict[str, Any] = {
    "missing column": ({"target_query": ...}, "column 'target_query' is missing; found query, passage"),
    "unknown column": ({"passage_negative": []}, "unknown column 'passage_negative'.*Did you mean passage_negatives"),
    "empty text": ({"passage": " \n"}, "column 'passage' is empty"),
    "null": ({"query": None}, "column 'query': found nothing, expected text"),
    "number": ({"query_id": 3}, "column 'query_id': found a int, expected text"),
    "surrogate": ({"query": "\ud800"}, "column 'query' holds a lone surrogate"),
    "language": ({"language": "dee"}, "column 'language': Unknown language 'dee'"),
    "negatives as text": ({"passage_negatives": "x"}, "column 'passage_negatives': found a str, expected a list"),
    "empty negative": ({"passage_negatives": ["x", ""]}, r"column 'passage_negatives\[1\]' is empty"),
    "uneven": (
        {"passage_negatives": ["x", "y"], "target_query_negatives": ["z"]},
        "1 questions for 2 passage_negatives",
    ),
    "own passage": ({"passage_negatives": ["x", PLAIN["passage"]]}, r"\[1\] is the row's own passage"),
    "tab in id": ({"query_id": "a\tb"}, "control characters"),
}


@pytest.mark.parametrize("case", BAD)
def test_an_unusable_row_is_named_with_its_column(tmp_path, case):
    changes, message = BAD[case]
    second = {name: value for name, value in {**PLAIN, "query_id": "q2", **changes}.items() if value is not ...}
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(PLAIN) + "\n" + json.dumps(second) + "\n")
    with pytest.raises(TrainingError, match=rf"rows\.jsonl:2: .*{message}"):
        read_rows(path)
