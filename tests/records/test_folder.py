"""A record's folder: nothing is lost, nothing done twice, nothing of another measurement mixed in."""

import json
import os
import re
from typing import Literal

import pytest
from builders.records import RecordOptions, make_provenance, query_scores

from clearbench.common.errors import RecordError
from clearbench.common.hashing import content_hash
from clearbench.records.folder import RecordFolder, model_key, name_in_key, record_folder, safe_name
from clearbench.records.parts import read_scores
from clearbench.records.read import read_record

ANEW = "Pass --replace to measure again and lose the results there, or choose another --out"


@pytest.fixture
def place(tmp_path):
    return record_folder(tmp_path / "out", "model", "fingerprint", "toy")


def opened(place, replace=False, **changes):
    return RecordFolder(place, make_provenance(options=RecordOptions(**changes)), replace)


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
    assert first.done == {} and first.problem == "there is no record.json"
    results = [query_scores("de-en", [0.5, 1.0]), query_scores("en-en", [1.0, 1.0])]
    first.add("en", results)
    again = opened(place)
    assert again.done == first.done == {result.summary.pair: result.summary for result in results}
    assert again.problem == "there is no record.json"


def test_a_record_that_is_written_is_read_back_and_completes_the_folder(place):
    folder = opened(place)
    folder.add("en", [query_scores("de-en", [0.5, 1.0])])
    states: list[tuple[Literal["running", "complete"], str | None]] = [
        ("running", "it says that a run is under way"),
        ("complete", None),
    ]
    for status, problem in states:
        record = folder.write(status, {"seconds": {"encode": 1.5}})
        assert read_record(place) == record and record.status == status
        assert opened(place).problem == problem
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
    folder.write("complete")
    before = files(place)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for write in (
        lambda: folder.add("en", [query_scores("en-en", [1.0])]),
        lambda: folder.write("running"),
        lambda: folder.write_run("de-en", ["q Q0 p 1 0.5 clearbench\n"]),
    ):
        with pytest.raises(RecordError, match=r"Cannot write .*No space left.*the same command continues from them"):
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
        folder.write("complete")
    before = files(place)
    with pytest.raises(RecordError, match=f"holds another measurement: {difference}.*{ANEW}"):
        opened(place, **changes)
    assert files(place) == before
    replaced = opened(place, replace=True, **changes)
    assert replaced.done == {} and files(place) == before
    with replaced.writing():
        replaced.add("en", [query_scores("en-en", [1.0])])
        assert files(place) == before  # until the block ends
    assert list(opened(place, **changes).done) == ["en-en"]


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


# --- several runs


def test_runs_one_after_the_other_give_the_record_of_one_run(place):
    for pairs in (["de-en"], ["en-en", "sw-en"]):
        folder = opened(place)
        with folder.writing():
            folder.add(pairs[0], [query_scores(pair, [0.5, 1.0]) for pair in pairs])
            folder.write("complete", {"texts_encoded": 3, "finished": pairs[0], "seconds": {"encode": 1.5}})
    record = read_record(place)
    assert [pair.pair for pair in record.pairs] == ["de-en", "en-en", "sw-en"]
    assert record.timings == {"texts_encoded": 6, "finished": "en-en", "seconds": {"encode": 3.0}}


def test_notes_and_environments_of_all_runs_are_kept(place):
    runs = [
        {"environment": {"torch": "2.4", "python": "3.11"}, "notes": ["odd", "first"]},
        {"environment": {"torch": "2.5", "python": "3.11"}, "notes": ["odd", "second"]},
        {"environment": {"torch": "2.4", "python": "3.11"}, "notes": []},
    ]
    for number, changes in enumerate(runs):
        folder = opened(place, **changes)
        with folder.writing():
            folder.add(f"pool{number}", [query_scores(f"{('de', 'en', 'sw')[number]}-en", [0.5])])
            record = folder.write("complete")
    assert record.environment == {"torch": "2.4 and 2.5", "python": "3.11"}
    assert record.notes == ["odd", "first", "second"]
    assert opened(place).problem is None and read_record(place) == record


def test_a_run_begins_with_what_was_written_while_it_encoded(place):
    one, two = opened(place), opened(place)
    with one.writing():
        one.add("en", [query_scores("de-en", [0.5])])
        one.write("complete")
    assert two.done == {}
    with two.writing():
        assert list(two.done) == ["de-en"] and two.problem is None
        two.add("en", [query_scores("en-en", [0.5])])
        record = two.write("complete")
    assert [pair.pair for pair in record.pairs] == ["de-en", "en-en"]


def test_data_that_another_run_scored_meanwhile_are_compared_too(place):
    mine = opened(place)
    mine.check_data({"de-en": "mine"})
    other = opened(place)
    with other.writing():
        other.add("en", [query_scores("de-en", [0.5])])
    with pytest.raises(RecordError, match=r"holds 1 pair scored on other data"), mine.writing():
        pytest.fail("it writes beside other data")


def test_what_killed_runs_left_is_swept_by_the_next_writer(place):
    opened(place)
    left = [place / ".record.json.77-ab.tmp", place / "scores" / ".en.parquet.77-ab.tmp"]
    for file in left:
        file.write_text("half")
    folder = opened(place)
    assert all(file.exists() for file in left)  # only a run that is alone in the folder may know that they are stale
    with folder.writing():
        assert not any(file.exists() for file in left)


@pytest.mark.parametrize("edit", ["averages", "coverage", "data", "status"])
def test_a_record_that_does_not_follow_from_its_parts_is_a_problem(place, edit):
    folder = opened(place)
    folder.add("en", [query_scores("de-en", [0.5])])
    folder.write("complete")
    written = json.loads((place / "record.json").read_text())
    other = {"averages": {}, "coverage": {"pairs": 9}, "data": "0", "status": "running"}
    (place / "record.json").write_text(json.dumps(written | {edit: other[edit]}))
    again = opened(place)
    assert again.problem is not None
    again.write("complete")
    assert json.loads((place / "record.json").read_text()) == written and opened(place).problem is None
