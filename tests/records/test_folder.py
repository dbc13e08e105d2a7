"""A record's folder: nothing is lost, nothing done twice, nothing of another measurement mixed in."""

import json
import os
import re
from typing import Literal

import pytest
from builders.records import RecordOptions, make_identity, make_record, query_scores, write_record

from clearbench.common.errors import RecordError
from clearbench.common.hashing import content_hash
from clearbench.records.folder import (
    RecordFolder,
    find_records,
    model_key,
    name_in_key,
    read_record,
    record_folder,
    safe_name,
)
from clearbench.records.parts import read_scores

ANEW = "Pass --replace to measure anew and lose what is there, or choose another --out"


@pytest.fixture
def place(tmp_path):
    return record_folder(tmp_path / "out", "model", "fingerprint", "toy")


def opened(place, replace=False, **changes):
    return RecordFolder(place, make_identity(options=RecordOptions(**changes)), replace)


def files(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_two_checkpoints_of_one_name_have_two_folders_and_odd_names_are_spelt_safely(tmp_path):
    folders = {record_folder(tmp_path, "final", fingerprint, "toy") for fingerprint in ("one", "two")}
    assert len(folders) == 2 and all(re.fullmatch(r"final-[0-9a-f]{8}", folder.parent.name) for folder in folders)
    assert record_folder(tmp_path, "org/my model:v2", "one", "toy").parent.name.startswith("org_my_model_v2-")
    assert record_folder(tmp_path, "../..", "one", "toy").parent.name.startswith("model-")
    assert record_folder(tmp_path, "final", "one", "toy+a=b") == tmp_path / "records" / folders_of("final") / "toy+a=b"


def folders_of(name):
    return f"{name}-{content_hash('one')[:8]}"


@pytest.mark.parametrize("name", ["final", "org/my model:v2", "../..", "a-0123abcd"])
def test_the_name_in_a_key_is_the_name_as_folders_spell_it(name):
    assert name_in_key(model_key(name, "one")) == safe_name(name)
    assert name_in_key("moved") == "moved"


def test_a_folder_that_is_opened_again_knows_what_was_scored(place):
    first = opened(place)
    assert first.done == {} and not first.complete
    results = [query_scores("de-en", [0.5, 1.0]), query_scores("en-en", [1.0, 1.0])]
    first.add("en", results)
    again = opened(place)
    assert again.done == first.done == {result.summary.pair: result.summary for result in results}
    assert not again.complete  # no record says so


def test_a_record_that_is_written_is_read_back_and_completes_the_folder(place):
    folder = opened(place)
    folder.add("en", [query_scores("de-en", [0.5, 1.0])])
    states: list[tuple[Literal["running", "complete"], bool]] = [("running", False), ("complete", True)]
    for status, complete in states:
        record = make_record("model", folder.identity, list(folder.done.values()), RecordOptions(status=status))
        folder.write(record)
        assert read_record(place) == record
        assert opened(place).complete is complete
    text = (place / "record.json").read_text(encoding="utf-8")
    assert text.startswith('{\n "schema_version": 1,\n "status": "complete"') and text.endswith("\n}\n")


def test_parts_are_never_written_again_and_a_record_replaces_one(place):
    folder = opened(place)
    folder.add("en", [query_scores("de-en", [0.5, 1.0])])
    before = files(place)
    opened(place).add("en", [query_scores("en-en", [0.5, 1.0])])
    after = files(place)
    assert len(after) == 2 and before.items() < after.items()
    assert sorted(read_scores(place)["pair"].unique()) == ["de-en", "en-en"]


def test_a_write_that_fails_leaves_what_was_there(place, monkeypatch):
    folder = opened(place)
    folder.add("en", [query_scores("de-en", [0.5, 1.0])])
    folder.write(make_record("model", folder.identity, list(folder.done.values())))
    before = files(place)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for write in (
        lambda: folder.add("en", [query_scores("en-en", [1.0])]),
        lambda: folder.write(make_record("other", folder.identity, list(folder.done.values()))),
        lambda: folder.write_run("de-en", ["q Q0 p 1 0.5 clearbench\n"]),
    ):
        with pytest.raises(RecordError, match=r"Cannot write .*No space left.*run again to go on from there"):
            write()
    monkeypatch.undo()
    assert files(place) == before
    assert list(opened(place).done) == ["de-en"] == list(folder.done)


@pytest.mark.parametrize("with_record", [True, False])
@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"encoder": "another"}, "encoder was encoder of model, is now another"),
        ({"version": 2}, "task_version was 1, is now 2"),
        ({"options": {"split": "dev"}}, "options was"),
        ({"scoring": {"judged_by": "qrels", "search": "ivf"}}, "scoring was"),
    ],
)
def test_another_measurement_is_refused_unless_it_replaces(place, changes, difference, with_record):
    folder = opened(place)
    folder.add("en", [query_scores("de-en", [0.5, 1.0])])
    if with_record:
        folder.write(make_record("model", folder.identity, list(folder.done.values())))
    before = files(place)
    message = f"holds another measurement: {difference}" if with_record else "belongs to another measurement than its"
    with pytest.raises(RecordError, match=f"{message}.*{ANEW}"):
        opened(place, **changes)
    assert files(place) == before
    replaced = opened(place, replace=True, **changes)
    assert replaced.done == {} and not replaced.complete and files(place) == {}


def test_pairs_scored_on_other_data_are_refused_by_name(place):
    folder = opened(place)
    pairs = [f"{one}-en" for one in ("ar", "de", "es", "fr", "ru", "sw", "zh")]
    folder.add("en", [query_scores(pair, [0.5]) for pair in pairs])
    known = {pair: summary.data for pair, summary in folder.done.items()}
    folder.check_data({**known, "en-en": "of a pair that is not there yet"})
    with pytest.raises(RecordError, match=rf"holds 1 pair\w? scored on other data \(de-en\)\. {ANEW}"):
        folder.check_data({**known, "de-en": "other"})
    with pytest.raises(RecordError, match=r"holds 7 pairs .*\(ar-en, de-en, es-en, fr-en, ru-en(, \.\.\.| and 2)"):
        folder.check_data(dict.fromkeys(pairs, "other"))


def test_a_damaged_part_is_named_when_the_folder_is_opened(place):
    folder = opened(place)
    folder.add("en", [query_scores("de-en", [0.5])])
    [part] = (place / "scores").iterdir()
    part.write_bytes(part.read_bytes()[:60])
    with pytest.raises(RecordError, match=rf"{part.name} is damaged .*Delete it and run again; its pairs are"):
        opened(place)
    part.unlink()
    assert opened(place).done == {}


def test_what_was_half_written_by_a_killed_run_is_ignored(place):
    opened(place).add("en", [query_scores("de-en", [0.5])])
    [part] = (place / "scores").iterdir()
    (place / "scores" / f".{part.name}.77-ab.tmp").write_bytes(part.read_bytes()[:60])
    (place / ".record.json.77-ab.tmp").write_text("{")
    assert list(opened(place).done) == ["de-en"] and read_scores(place)["pair"].tolist() == ["de-en"]


def test_two_runs_that_scored_the_same_pair_count_once(place):
    one, two = opened(place), opened(place)
    one.add("en", [query_scores("de-en", [0.5, 1.0]), query_scores("en-en", [1.0, 1.0])])
    two.add("en", [query_scores("de-en", [0.5, 1.0])])
    assert len(list((place / "scores").iterdir())) == 2
    assert sorted(opened(place).done) == ["de-en", "en-en"] and len(read_scores(place)) == 4


def test_a_folder_that_cannot_be_made_is_an_error_that_says_what_to_do(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(RecordError, match=r"Cannot write results to .*Choose another --out"):
        opened(record_folder(tmp_path / "out", "model", "fingerprint", "toy"))


def test_records_are_found_and_sorted(tmp_path):
    folders = [write_record(tmp_path, name, {"en-en": [1.0]}, task) for name in "ba" for task in ("xor", "mkqa")]
    opened(record_folder(tmp_path, "unfinished", "x", "toy"))
    assert find_records(tmp_path) == sorted(folders)
    assert find_records(tmp_path / "nothing") == []


# --- reading


def edited(folder, change):
    file = folder / "record.json"
    file.write_text(json.dumps(change(json.loads(file.read_text()))))


BIAS = {"own_first": None, "chance": None, "languages": {}, "friedman": None}


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
