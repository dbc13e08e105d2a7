"""Scores are read as codes and names, whatever Arrow's form of the columns; damage names its file."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from clearbench.common.errors import RecordError
from clearbench.records.source import FolderScores, score_part

ROWS = {
    "pair": ["de-en", "de-en", "en-en", "de-en"],
    "query": ["q1", "q2", "q1", "q3"],
    "cluster": ["c1", "c1", "c1", "c2"],
    "nDCG@10": [0.5, None, 1.0, 0.25],
}


def tables():
    plain = pa.table(ROWS)
    coded = pa.table({name: plain[name].dictionary_encode() if name != "nDCG@10" else plain[name] for name in ROWS})
    yield "plain", plain
    yield "coded", coded
    yield "in chunks", pa.concat_tables([coded.slice(0, 1), pa.table(coded.slice(1).to_pydict(), coded.schema)])


@pytest.mark.parametrize(("form", "table"), list(tables()), ids=lambda value: value if isinstance(value, str) else "")
def test_codes_stand_for_the_names_of_every_row(form, table):
    part = score_part(Path("part.parquet"), table, "nDCG@10")
    for names, codes, column in (
        (part.pairs, part.pair, "pair"),
        (part.queries, part.query, "query"),
        (part.clusters, part.cluster, "cluster"),
    ):
        assert [names[code] for code in codes] == ROWS[column] and codes.dtype == np.int64
        assert len(set(names)) == len(names)
    assert np.array_equal(part.scores, [0.5, np.nan, 1.0, 0.25], equal_nan=True)


def test_rows_without_a_name_and_infinite_scores_are_damage():
    with pytest.raises(ValueError, match="a pair, query or cluster is missing"):
        score_part(Path("x"), pa.table({**ROWS, "query": ["q1", None, "q1", "q3"]}), "nDCG@10")
    with pytest.raises(ValueError, match="a score is infinite"):
        score_part(Path("x"), pa.table({**ROWS, "nDCG@10": [0.0, 1.0, float("inf"), 0.0]}), "nDCG@10")


def test_a_record_without_its_scores_says_which_folder_is_missing(tmp_path):
    with pytest.raises(RecordError, match="copy the folder `scores` too"):
        list(FolderScores(tmp_path).parts("nDCG@10"))
