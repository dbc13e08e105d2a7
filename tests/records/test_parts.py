"""Parquet parts: the scores as they were given, with the pairs' summaries beside them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders.records import RecordOptions, make_provenance, query_scores, write_record

from clearbench.common.errors import RecordError
from clearbench.common.sealed import DOCUMENT_KEY
from clearbench.records.parts import QueryScores, part_bytes, part_name, read_scores, read_summary

TWO = RecordOptions(measures=("nDCG@10", "recall@10"))


def written(tmp_path, *results):
    file = tmp_path / "part.parquet"
    file.write_bytes(part_bytes(results, make_provenance()))
    return file


def test_a_part_holds_a_row_per_pair_and_query(tmp_path):
    file = written(tmp_path, query_scores("de-en", [0.5, 1.0], options=TWO), query_scores("en-en", [0.25], options=TWO))
    frame = pq.read_table(file).to_pandas()
    assert frame.astype({"pair": str, "query": str, "cluster": str}).values.tolist() == [
        ["de-en", "q00000", "c0", 0.5, 0.25],
        ["de-en", "q00001", "c0", 1.0, 0.5],
        ["en-en", "q00000", "c0", 0.25, 0.125],
    ]
    assert list(frame) == ["pair", "query", "cluster", "nDCG@10", "recall@10"]


def test_further_columns_stand_after_the_measures_and_nan_stays_nan(tmp_path):
    plain = query_scores("de-en", [0.5, np.nan])
    results = QueryScores(
        plain.summary, plain.queries, plain.clusters, plain.measures, plain.scores, {"rank:de": np.array([3.0, np.nan])}
    )
    table = pq.read_table(written(tmp_path, results))
    assert table.column_names == ["pair", "query", "cluster", "nDCG@10", "rank:de"]
    for name, first in (("nDCG@10", 0.5), ("rank:de", 3.0)):
        value, missing = table.column(name).to_pylist()
        assert value == first and np.isnan(missing)


def test_the_metadata_give_identity_and_summaries_without_reading_scores(tmp_path):
    results = [query_scores("de-en", [0.5]), query_scores("en-en", [0.25])]
    summary = read_summary(written(tmp_path, *results))
    assert summary.provenance == make_provenance()
    assert summary.identity == make_provenance().identity.model_dump(mode="json")
    assert summary.pairs == [result.summary.model_dump(mode="json") for result in results]


def test_the_same_scores_are_the_same_bytes():
    one, two = (part_bytes([query_scores("de-en", [0.5, 0.75])], make_provenance()) for _ in "12")
    assert one == two


METADATA = {"no JSON": "{", "no part": '{"kind": "clearbench baseline"}', "no pair": '{"identity": {}, "pairs": [1]}'}


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "other Parquet", "no JSON", "no part", "no pair"])
def test_a_damaged_part_is_named_with_what_to_do(tmp_path, damage):
    file = written(tmp_path, query_scores("de-en", [0.5]))
    if damage == "other Parquet":
        pq.write_table(pa.table({"a": [1]}), file)
    elif damage in METADATA:
        pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({DOCUMENT_KEY: METADATA[damage]}), file)
    else:
        file.write_bytes({"cut": file.read_bytes()[:100], "text": b"hello", "empty": b""}[damage])
    with pytest.raises(RecordError, match=r"part\.parquet is damaged .*Delete it and run again"):
        read_summary(file)


def test_a_name_is_safe_short_and_tells_pairs_apart():
    assert part_name("de", ["de-de"]) != part_name("de", ["de-de", "en-de"]) != part_name("de", ["de-deen-de"])
    name = part_name("a/b c:" + "x" * 200, ["de-de"])
    assert name.startswith("a_b_c_xxx") and len(name) == 80 + 13


# --- reading all parts


def test_scores_of_all_parts_are_one_table(tmp_path):
    scores = {pair: [0.5, 0.25] for pair in ("de-de", "de-en", "en-de", "en-en")}
    folder = write_record(tmp_path, "model", scores, pairs_in_part=1, measures=TWO.measures)
    table = read_scores(folder)
    assert sorted(table["pair"].unique()) == list(scores) and len(table) == 8
    assert list(table) == ["pair", "query", "cluster", "nDCG@10", "recall@10"]
    chosen = read_scores(folder, pairs=["en-de", "en-en"], columns=["recall@10"])
    assert list(chosen) == ["pair", "query", "cluster", "recall@10"]
    assert set(chosen["pair"]) == {"en-de", "en-en"} and chosen["recall@10"].tolist() == [0.25, 0.125] * 2


def test_a_folder_without_scores_or_with_damaged_ones_is_named(tmp_path):
    folder = write_record(tmp_path, "model", {"de-en": [0.5]})
    [part] = (folder / "scores").iterdir()
    part.write_bytes(part.read_bytes()[:60])
    with pytest.raises(RecordError, match=rf"{part.name} is damaged .*Delete it and run again"):
        read_scores(folder)
    part.unlink()
    with pytest.raises(RecordError, match="holds no per-query scores"):
        read_scores(folder)
