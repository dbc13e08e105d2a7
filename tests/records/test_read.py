"""A record is read as its parts say; whatever stands otherwise in record.json is refused by name."""

import json
from typing import Any

import pytest
from builders.records import make_provenance, query_scores, write_record

from clearbench.common.errors import RecordError
from clearbench.records.folder import RecordFolder
from clearbench.records.read import read_record
from clearbench.records.select import load_results


def edited(folder, change):
    file = folder / "record.json"
    file.write_text(json.dumps(change(json.loads(file.read_text()))))


BIAS: dict[str, Any] = {"own_first": None, "chance": None, "languages": {}, "friedman": None}


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda record: {k: v for k, v in record.items() if k != "main_measure"}, "main_measure: "),
        (lambda record: record | {"pairs": [{**record["pairs"][0], "num_queries": "many"}]}, "pairs.0.num_queries"),
        (lambda record: record | {"extra": 1}, "extra: "),
        (lambda record: record | {"identity": {**record["identity"], "extra": 1}}, "identity.extra: unknown key"),
        (lambda record: record | {"bias": {**BIAS, "extra": 1}}, "bias.extra: unknown key"),
        (lambda record: record | {"bias": {**BIAS, "chance": "high"}}, "bias.chance: found 'high', expected: "),
        (lambda record: record | {"bias": {"chance": None}}, "bias.own_first: missing"),
    ],
)
def test_a_hand_edited_record_is_refused_by_the_name_of_the_field(tmp_path, damage, named):
    folder = write_record(tmp_path, "model", {"en-en": [1.0]})
    edited(folder, damage)
    with pytest.raises(RecordError, match=rf"record\.json is damaged: {named}.*Restore it, or measure again"):
        read_record(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '{"schema_version": 1}', "[" * 200_000, "\udcff"])
def test_what_is_no_record_is_damaged(tmp_path, text):
    folder = write_record(tmp_path, "model", {"en-en": [1.0]})
    (folder / "record.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RecordError, match=r"record\.json (is damaged|has schema version None)"):
        read_record(folder)


@pytest.mark.parametrize("version", [0, 99, "1"])
def test_another_schema_version_is_named_with_ours(tmp_path, version):
    folder = write_record(tmp_path, "model", {"en-en": [1.0]})
    edited(folder, lambda record: record | {"schema_version": version})
    with pytest.raises(RecordError, match=f"has schema version {version}, this clearbench reads 1. Use the version"):
        read_record(folder)


def test_a_record_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RecordError, match=r"Cannot read .*record\.json: No such file"):
        read_record(tmp_path)


# --- what record.json says otherwise than the parts


def set_mean(record):
    record["pairs"][0]["measures"]["nDCG@10"]["mean"] = 0.99


EDITS = {
    "a mean": (set_mean, "its entries for de-en differ from the scores"),
    "a count": (lambda record: record["pairs"][1].update(num_queries=3), "its entries for en-en"),
    "a pair more": (
        lambda record: record["pairs"].append({**record["pairs"][0], "pair": "sw-en"}),
        "it lists sw-en without scores",
    ),
    "encoder": (lambda record: record["identity"].update(encoder="another"), "`identity` differs"),
    "task version": (lambda record: record["identity"].update(task_version=2), "`identity` differs"),
    "scoring": (lambda record: record["identity"]["scoring"].update(search="ivf"), "`identity` differs"),
    "model": (lambda record: record["model"].update(dtype="bf16"), "`model` differs"),
    "name": (lambda record: record["model"].update(name="better"), "`model` differs"),
    "main measure": (lambda record: record.update(main_measure="recall@10"), "`main_measure` differs"),
    "environment": (lambda record: record["environment"].update(torch="1.0"), "`environment` differs"),
    "notes": (lambda record: record.update(notes=["fine"]), "`notes` differs"),
    "coverage": (lambda record: record["coverage"].update(queries_skipped=7), "`coverage` differs"),
    "data": (lambda record: record.update(data="0" * 32), "`data` differs"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_every_edit_of_a_record_is_noticed(tmp_path, edit):
    folder = write_record(
        tmp_path, "model", {"de-en": [0.5, 1.0], "en-en": [1.0, 1.0]}, measures=("nDCG@10", "recall@10")
    )
    change, message = EDITS[edit]
    edited(folder, lambda record: change(record) or record)
    with pytest.raises(RecordError, match=rf"does not follow from its scores: {message}.*clearbench verify"):
        read_record(folder)
    with pytest.raises(RecordError, match=message):
        load_results(tmp_path)


def test_scores_that_are_not_there_are_asked_for(tmp_path):
    folder = write_record(tmp_path, "model", {"de-en": [0.5]})
    [part] = (folder / "scores").iterdir()
    part.unlink()
    with pytest.raises(RecordError, match=r"holds no per-query scores: copy the folder `scores` too"):
        read_record(folder)


def test_pairs_that_were_scored_after_the_record_was_written_belong_to_it(tmp_path):
    folder = write_record(tmp_path, "model", {"de-en": [0.5], "en-en": [1.0]}, pairs_in_part=1)
    before = (folder / "record.json").read_bytes()
    whole = read_record(folder)
    later = RecordFolder(folder, make_provenance())
    with later.writing():
        later.add("pool9", [query_scores("sw-en", [0.75])])
    assert (folder / "record.json").read_bytes() == before
    record = read_record(folder)
    assert [pair.pair for pair in record.pairs] == ["de-en", "en-en", "sw-en"]
    assert record.averages["all"] == {"num_pairs": 3, "nDCG@10": 0.75}
    assert record.coverage["pairs"] == 3 and record.data != whole.data


def test_parts_of_two_measurements_in_one_folder_are_refused(tmp_path):
    one = write_record(tmp_path, "one", {"de-en": [0.5]})
    other = write_record(tmp_path, "other", {"en-en": [0.5]})
    [part] = (other / "scores").iterdir()
    (one / "scores" / "x.parquet").write_bytes(part.read_bytes())
    with pytest.raises(RecordError, match=r"x\.parquet belongs to another measurement than pool0"):
        read_record(one)


@pytest.mark.parametrize(("content", "kind"), [("[1]", "a list"), ('"x"', "text"), ("3", "a number"), ("null", "null")])
def test_a_record_that_is_not_an_object_is_named_in_plain_words(tmp_path, content, kind):
    folder = write_record(tmp_path, "model", {"de-en": [0.5, 1.0]})
    (folder / "record.json").write_text(content)
    with pytest.raises(
        RecordError, match=rf"record\.json is damaged: it holds {kind}, expected an object\. Restore it"
    ):
        read_record(folder)
