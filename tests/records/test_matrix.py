"""Per-query scores as a matrix: those of the files, wherever they lie in them, or an error that says what is wrong."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders.records import TWO_MEASURES, rewrite_part, write_record

from clearbench.common.errors import RecordError, UsageError
from clearbench.common.sealed import sealed_bytes
from clearbench.records.matrix import scores_matrix
from clearbench.records.parts import read_scores
from clearbench.records.select import select_model
from clearbench.stats.summaries import BiasSummary

PAIRS = ("de-en", "en-de", "en-en")


@pytest.fixture
def base(tmp_path):
    """A record of three pairs in one part."""
    rng = np.random.default_rng(0)
    write_record(tmp_path, "base", {pair: rng.random(8) for pair in PAIRS})
    return select_model(tmp_path, "base")[0]


def rewrite(folder, change):
    """Rewrite a record's one part with a changed table."""
    rewrite_part(next((folder / "scores").glob("*.parquet")), change)


def test_a_matrix_is_queries_by_pairs_with_clusters_by_number(base):
    found = scores_matrix(base, "nDCG@10")
    assert found.pairs == PAIRS and found.queries == tuple(f"q{n:05}" for n in range(8))
    assert [found.names[code] for code in found.clusters] == [f"c{n // 2}" for n in range(8)]
    frame = read_scores(base.place)
    for column, pair in enumerate(PAIRS):
        own = frame[frame["pair"] == pair].set_index("query")["nDCG@10"]
        assert found.scores[:, column].tolist() == own.loc[list(found.queries)].tolist()


def test_pairs_come_in_the_order_asked_for_each_once(base):
    whole = scores_matrix(base, "nDCG@10")
    found = scores_matrix(base, "nDCG@10", ["en-en", "de-en", "en-en"])
    assert found.pairs == ("en-en", "de-en")
    assert np.array_equal(found.scores, whole.scores[:, [2, 0]])


def test_a_query_that_a_pair_lacks_is_nan_and_queries_of_other_pairs_are_left_out(tmp_path):
    queries = {"de-en": ["a", "b"], "en-en": ["b", "c"], "fr-en": ["x", "y"]}
    write_record(tmp_path, "base", {pair: [0.5, 1.0] for pair in queries}, queries=queries)
    found = scores_matrix(select_model(tmp_path, "base")[0], "nDCG@10", ["de-en", "en-en"])
    assert found.queries == ("a", "b", "c") and found.names == ("c0",)
    assert np.array_equal(found.scores, [[0.5, np.nan], [1.0, 0.5], [np.nan, 1.0]], equal_nan=True)


def test_each_measure_has_its_own_matrix(tmp_path):
    write_record(tmp_path, "base", {"en-en": [0.5, 1.0]}, measures=TWO_MEASURES)
    entry = select_model(tmp_path, "base")[0]
    assert scores_matrix(entry, "recall@10").scores.tolist() == [[0.25], [0.5]]


def test_an_unknown_measure_or_pair_is_named_with_those_there_are(base):
    with pytest.raises(UsageError, match=r"toy of base-\w+ has no measure 'ndcg@10'; it has nDCG@10\..*mean nDCG@10"):
        scores_matrix(base, "ndcg@10")
    with pytest.raises(UsageError, match="has no pair fr-en; it has de-en, en-de, en-en"):
        scores_matrix(base, "nDCG@10", ["en-en", "fr-en"])
    with pytest.raises(UsageError, match="has no pair none"):
        scores_matrix(base, "nDCG@10", [])


def test_a_measure_that_no_query_of_a_pair_has_is_an_error(tmp_path):
    entry = mixed(tmp_path, [0.5, np.nan])
    pair = entry.record.pairs[0].model_copy(update={"pair": "en-mul", "measures": {}})
    both = entry.record.model_copy(update={"pairs": [*entry.record.pairs, pair]})
    with pytest.raises(UsageError, match=r"no query of en-mul has a value for nDCG@10\. Leave these pairs out"):
        scores_matrix(replace(entry, record=both), "nDCG@10")


def mixed(tmp_path, values):
    """A record of one pair against a mixed pool, in which a query may have no value."""
    bias = BiasSummary(own_first=None, chance=None, languages={}, friedman=None)
    write_record(tmp_path, "mixed", {"de-mul": values}, bias=bias)
    return select_model(tmp_path, "mixed")[0]


def test_in_a_mixed_pool_a_query_may_have_no_value(tmp_path):
    found = scores_matrix(mixed(tmp_path, [0.5, np.nan, 1.0]), "nDCG@10")
    assert np.array_equal(found.scores, [[0.5], [np.nan], [1.0]], equal_nan=True) and len(found.queries) == 3


def test_scores_that_the_record_does_not_sum_up_are_refused(base, tmp_path):
    file = base.place / "record.json"
    data = json.loads(file.read_text())
    data["pairs"][1]["measures"]["nDCG@10"]["mean"] += 0.01
    file.write_text(json.dumps(data))
    rewrite_part(next((base.place / "scores").glob("*.parquet")), pairs=data["pairs"])  # forged as well
    with pytest.raises(RecordError, match=r"en-de: the record says .* the per-query scores give"):
        scores_matrix(select_model(tmp_path, "base")[0], "nDCG@10")


def test_missing_damaged_or_half_files_are_refused(base):
    rewrite(base.place, lambda table: table.slice(0, 20))
    with pytest.raises(RecordError, match=r"en-en: the record counts 8 queries, the per-query scores hold 4"):
        scores_matrix(base, "nDCG@10")
    file = next((base.place / "scores").glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(RecordError, match="is damaged"):
        scores_matrix(base, "nDCG@10")
    file.unlink()
    with pytest.raises(RecordError, match="no per-query scores"):
        scores_matrix(base, "nDCG@10")


@pytest.mark.parametrize(("value", "message"), [(np.nan, "7 values"), (np.inf, "infinite")])
def test_values_that_are_not_finite_are_refused(base, value, message):
    def spoil(table):
        scores = table.column("nDCG@10").to_numpy().copy()
        scores[3] = value
        return table.set_column(3, "nDCG@10", pa.array(scores))

    rewrite(base.place, spoil)
    with pytest.raises(RecordError, match=message):
        scores_matrix(base, "nDCG@10")


def test_a_query_in_two_clusters_is_refused(base):
    def spoil(table):
        clusters = table.column("cluster").to_pylist()
        clusters[9] = "c3"
        return table.set_column(2, "cluster", pa.array(clusters))

    rewrite(base.place, spoil)
    with pytest.raises(RecordError, match="two clusters"):
        scores_matrix(base, "nDCG@10")


def test_a_pair_that_two_runs_wrote_counts_once_and_plain_strings_are_read(base):
    before = scores_matrix(base, "nDCG@10")
    file = next((base.place / "scores").glob("*.parquet"))
    second = file.with_name("zz.parquet")
    second.write_bytes(file.read_bytes())
    rewrite_part(second, lambda table: table.set_column(0, "pair", pa.array(table["pair"].to_pylist())).slice(8, 8))
    after = scores_matrix(base, "nDCG@10")
    assert after.scores.tolist() == before.scores.tolist() and after.queries == before.queries


def test_the_order_of_files_and_rows_does_not_matter(base):
    before = scores_matrix(base, "nDCG@10")
    file = next((base.place / "scores").glob("*.parquet"))
    table = pq.read_table(file)
    shuffled = table.take(np.random.default_rng(0).permutation(len(table)))
    pairs = np.array(shuffled.column("pair").to_pylist())
    file.unlink()
    for number, pair in enumerate(reversed(PAIRS)):
        rows = shuffled.filter(pa.array(pairs == pair))
        file.with_name(f"{number}.parquet").write_bytes(sealed_bytes(rows, {}))
    after = scores_matrix(base, "nDCG@10")
    assert after.scores.tolist() == before.scores.tolist()
    assert (after.queries, after.names) == (before.queries, before.names)
    assert after.clusters.tolist() == before.clusters.tolist()


def test_a_mean_that_is_no_number_is_another_mean(base):
    first, *rest = base.record.pairs
    value = replace(first.measures["nDCG@10"], mean=float("nan"))
    pairs = [first.model_copy(update={"measures": {"nDCG@10": value}}), *rest]
    with pytest.raises(RecordError, match=r"the record says nan"):
        scores_matrix(replace(base, record=base.record.model_copy(update={"pairs": pairs})), "nDCG@10")
