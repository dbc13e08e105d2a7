"""The baseline file: the same verdicts as from records, small, and refused when it is something else."""

import json
import random
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders.records import rewrite_part, scores_with, write_record, write_two

from clearbench.common.errors import RecordError, UsageError
from clearbench.common.sealed import open_sealed, sealed_bytes
from clearbench.records.matrix import scores_matrix
from clearbench.records.select import select_model
from clearbench.stats.summaries import BiasSummary
from clearbench.verdicts.gate.baseline import read_baseline, save_baseline
from clearbench.verdicts.gate.compute import gate
from clearbench.verdicts.gate.options import GateOptions


@pytest.fixture
def results(tmp_path):
    rng = np.random.default_rng(0)
    for task in ("toy", "other"):
        write_two(tmp_path / "r", np.clip(rng.normal(0, 0.05, 500), -0.9, 0.9), ("en-en", "de-en"), task=task)
    base, _ = scores_with(np.zeros(10))
    write_record(tmp_path / "r", "base", {"de-en": base}, task="german")
    return tmp_path / "r"


def test_a_gate_from_the_file_is_the_gate_from_records(results, tmp_path):
    base, candidate = select_model(results, "base"), select_model(results, "cand")
    explained = save_baseline(base, tmp_path / "b" / "base.parquet", "en-en")
    assert "german: left out, it has no pair en-en" in explained
    assert (tmp_path / "b" / "base.parquet").stat().st_size < 40_000
    entries = read_baseline(tmp_path / "b" / "base.parquet")
    found, expected = gate(entries, candidate), gate(base, candidate)
    assert found == replace(expected, notes=()) and len(found.verdicts) == 2
    named = [(entry.key, entry.label) for entry in base if entry.label != "german"]
    assert [(entry.key, entry.label) for entry in entries] == named


def test_other_pairs_can_be_kept(results, tmp_path):
    base = select_model(results, "base")
    save_baseline(base, tmp_path / "f", "*-*")
    options = GateOptions(pairs="*-en", tasks=("toy",))
    assert len(gate(read_baseline(tmp_path / "f"), select_model(results, "cand"), options).verdicts) == 2
    save_baseline(base, tmp_path / "f", "en-en")
    with pytest.raises(UsageError, match="No language pair matches 'de-en'"):
        gate(read_baseline(tmp_path / "f"), select_model(results, "cand"), GateOptions(pairs="de-en"))


def test_the_file_holds_no_paths_and_is_the_same_each_time(results, tmp_path):
    base = select_model(results, "base")
    for name in ("one", "two"):
        save_baseline(base, tmp_path / name, "en-en")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert str(tmp_path) not in json.dumps(open_sealed(tmp_path / "one").document)


def test_a_slip_while_saving(results, tmp_path):
    with pytest.raises(UsageError, match="No language pair matches 'fr-fr'"):
        save_baseline(select_model(results, "base"), tmp_path / "f", "fr-fr")
    with pytest.raises(UsageError, match="has no measure 'MRR'"):
        save_baseline(select_model(results, "base"), tmp_path / "f", "en-en", "MRR")
    assert not (tmp_path / "f").exists()


def changed(file, change_table=lambda table: table, **document):
    """Write the file again with something changed."""
    rewrite_part(file, change_table, **document)


def with_first(table, name, value):
    """The table with another first value in a column."""
    values = [value, *table.column(name).to_pylist()[1:]]
    place = table.schema.get_field_index(name)
    return table.set_column(place, name, pa.array(values, table.schema.field(name).type))


def damage_label(records):
    records[0]["identity"]["task"] = "../../outside"
    return records


DAMAGES = {
    "cut": (lambda file, _: file.write_bytes(file.read_bytes()[:500]), "not a baseline file, or is damaged"),
    "text": (lambda file, _: file.write_text("hello"), "not a baseline file, or is damaged"),
    "other Parquet": (lambda file, _: pq.write_table(pa.table({"a": [1]}), file), "a Parquet file, but not a baseline"),
    "other schema": (lambda file, _: changed(file, schema_version=7), "schema version 7"),
    "no records": (lambda file, _: changed(file, records=[{"task": 1}]), "is damaged"),
    "a row lost": (
        lambda file, _: changed(file, lambda table: table.slice(1)),
        "counts 500 queries.*hold 499 values.*--save-baseline",
    ),
    "a task lost": (
        lambda file, _: changed(file, lambda t: t.filter(pa.compute.equal(t["task"], "toy"))),
        "no scores of other en-en",
    ),
    "a column lost": (
        lambda file, _: changed(file, lambda table: table.drop_columns("cluster")),
        "no column 'cluster'",
    ),
    "a cluster lost": (
        lambda file, _: changed(file, lambda table: with_first(table, "cluster", None)),
        "a pair, query or cluster is missing.*--save",
    ),
    "two clusters": (
        lambda file, _: changed(file, lambda t: pa.concat_tables([t.slice(0, 1), with_first(t, "cluster", "c9")])),
        "a query is in two clusters.*--save",
    ),
    "infinite": (
        lambda file, _: changed(file, lambda table: with_first(table, "nDCG@10", float("inf"))),
        "a score is infinite.*--save",
    ),
    "outside": (lambda file, records: changed(file, records=damage_label(records)), "no scores of ../../outside en-en"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused(results, tmp_path, damage):
    import pyarrow.compute  # noqa: F401  used by a damage above

    file = tmp_path / "base.parquet"
    save_baseline(select_model(results, "base"), file, "en-en")
    do, message = DAMAGES[damage]
    do(file, open_sealed(file).document["records"])
    with pytest.raises(RecordError, match=message):
        gate(read_baseline(file), select_model(results, "cand"))
    assert not (tmp_path.parent / "outside").exists()


def test_no_file(tmp_path):
    with pytest.raises(RecordError, match="There is no baseline file"):
        read_baseline(tmp_path / "no")


def rewrite(file, change):
    """Write the file again with another document and the same scores."""
    opened = open_sealed(file)
    file.write_bytes(sealed_bytes(opened.read(), change(opened.document) or opened.document))


EDITS = {
    "but not a baseline": lambda metadata: [metadata],
    "lists no record": lambda metadata: metadata.update(records=[]),
    "lists no pair": lambda metadata: metadata["records"][0].update(pairs=[]),
    "identity": lambda metadata: metadata["records"][0].pop("identity") and None,
    "several models": lambda metadata: metadata["records"][1]["identity"].update(encoder="another"),
    "more than once": lambda metadata: metadata["records"].append(metadata["records"][0]),
    "unfinished": lambda metadata: metadata["records"][0].update(status="running"),
    "the record says 0.125": lambda metadata: metadata["records"][0]["pairs"][0]["measures"]["nDCG@10"].update(
        mean=0.125
    ),
}


@pytest.mark.parametrize("message", EDITS)
def test_a_damaged_file_is_named_with_what_to_do(results, tmp_path, message):
    file = tmp_path / "base.parquet"
    save_baseline(select_model(results, "base"), file, "en-en")
    rewrite(file, EDITS[message])
    with pytest.raises(RecordError, match=message) as caught:
        gate(read_baseline(file), select_model(results, "cand"))
    assert str(file) in str(caught.value) and "--save-baseline" in str(caught.value)
    assert "record.json" not in str(caught.value) and "run" not in str(caught.value).replace(str(file), "").split()


def test_scores_that_are_no_numbers_are_damage(results, tmp_path):
    file = tmp_path / "base.parquet"
    save_baseline(select_model(results, "base"), file, "en-en")
    words = pa.array(["x"] * 1000)
    rewrite_part(file, lambda table: table.set_column(table.schema.get_field_index("nDCG@10"), "nDCG@10", words))
    with pytest.raises(RecordError, match="'nDCG@10' holds string, expected numbers"):
        read_baseline(file)


def test_a_baseline_is_replaced_and_any_other_file_is_kept(results, tmp_path):
    base, file = select_model(results, "base"), tmp_path / "base.parquet"
    save_baseline(base, file, "en-en")
    save_baseline(base, file, "*-en")
    (tmp_path / "notes.txt").write_text("kept")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "table.parquet")
    for name in ("notes.txt", "table.parquet"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(UsageError, match="is not a baseline file"):
            save_baseline(base, tmp_path / name, "en-en")
        assert (tmp_path / name).read_bytes() == before


def test_a_rule_on_pairs_that_the_file_lacks_is_noted(results, tmp_path):
    base, file = select_model(results, "base"), tmp_path / "base.parquet"
    save_baseline(base, file, "en-en")
    found = gate(read_baseline(file), select_model(results, "cand"), GateOptions(pairs="*-en"))
    assert any("the baseline lacks de-en" in note for note in found.notes)
    whole = gate(base, select_model(results, "cand"), GateOptions(pairs="*-en", tasks=("toy",)))
    assert not any("lacks" in note for note in whole.notes)


def test_a_query_without_a_value_in_a_mixed_pool_is_kept(tmp_path):
    bias = BiasSummary(own_first=None, chance=None, languages={}, friedman=None)
    for name, values in (("base", [0.5, np.nan, 1.0, 0.25] * 4), ("cand", [0.25, np.nan, 1.0, 0.5] * 4)):
        write_record(tmp_path / "r", name, {"de-mul": [0.5] * 16, "en-mul": values}, bias=bias)
    base, candidate = (select_model(tmp_path / "r", name) for name in ("base", "cand"))
    save_baseline(base, tmp_path / "f", "*-mul")
    entries, options = read_baseline(tmp_path / "f"), GateOptions(pairs="*-mul")
    before, after = (scores_matrix(one[0], "nDCG@10") for one in (base, entries))
    assert np.array_equal(before.scores, after.scores, equal_nan=True) and before.queries == after.queries
    assert gate(entries, candidate, options) == replace(gate(base, candidate, options), notes=())


def test_a_baseline_can_be_saved_from_a_file(results, tmp_path):
    save_baseline(select_model(results, "base"), tmp_path / "all", "*-*")
    save_baseline(read_baseline(tmp_path / "all"), tmp_path / "some", "en-en")
    save_baseline(select_model(results, "base"), tmp_path / "same", "en-en")
    assert (tmp_path / "some").read_bytes() == (tmp_path / "same").read_bytes()


def test_every_bit_flip_is_noticed(results, tmp_path):
    file = tmp_path / "base.parquet"
    save_baseline(select_model(results, "base"), file, "en-en")
    data, rng = file.read_bytes(), random.Random(0)
    for place in rng.sample(range(len(data)), 100):
        file.write_bytes(data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :])
        with pytest.raises(RecordError, match=r"base\.parquet is not a baseline file, or is damaged"):
            read_baseline(file)
