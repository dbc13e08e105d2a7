"""Records of one task that were measured on other data: most models stay, the others are named."""

import json

import pytest
from builders.records import write_record

from clearbench.common.errors import RecordError
from clearbench.records.select import load_results
from clearbench.verdicts.leaderboard.comparable import keep_comparable
from clearbench.verdicts.leaderboard.compute import make_leaderboard

SCORES = {"de-en": [0.5, 1.0, 0.0, 1.0], "en-en": [1.0, 1.0, 0.5, 1.0]}
OTHER = {"de-en": "other data"}


def write_models(out, **changes):
    """Write a record for each model: name -> what is special about it."""
    return {name: write_record(out, name, SCORES, **special) for name, special in changes.items()}


def finish(folder, time):
    file = folder / "record.json"
    record = json.loads(file.read_text())
    record["timings"]["finished"] = time
    file.write_text(json.dumps(record))


def names(usable):
    return [entry.name for entry in usable.entries]


@pytest.mark.parametrize("special", [{"data": OTHER}, {"version": 2}, {"scoring": {"judged_by": "qrels", "k": 5}}])
def test_the_majority_stays_and_the_other_record_is_named(tmp_path, special):
    folders = write_models(tmp_path, a={}, b=special, c={})
    entries = load_results(tmp_path)
    with pytest.raises(RecordError):
        make_leaderboard(entries)
    usable = keep_comparable(entries)
    assert names(usable) == ["a", "c"] and len(usable.messages) == 1
    assert usable.messages[0].startswith(f"{folders['b']} is not comparable with {folders['a']}: ")
    assert len(make_leaderboard(usable.entries).rows) == 2
    with pytest.raises(RecordError, match="is not comparable with"):
        keep_comparable(entries, strict=True)


@pytest.mark.parametrize("newest", ["a", "b"])
def test_of_two_the_newest_stays(tmp_path, newest):
    folders = write_models(tmp_path, a={}, b={"data": OTHER})
    for name, folder in folders.items():
        finish(folder, "2026-03-01T00:00:00Z" if name == newest else "2026-02-01T00:00:00Z")
    assert names(keep_comparable(load_results(tmp_path))) == [newest]


def test_other_tasks_of_a_model_and_records_without_a_common_pair_stay(tmp_path):
    write_models(tmp_path, a={}, b={"data": OTHER}, c={})
    write_record(tmp_path, "b", SCORES, task="second")
    write_record(tmp_path, "d", {"fr-en": [0.5]})
    usable = keep_comparable(load_results(tmp_path))
    assert [(entry.name, entry.label) for entry in usable.entries] == [
        ("a", "toy"),
        ("b", "second"),
        ("c", "toy"),
        ("d", "toy"),
    ]


def test_comparable_records_are_all_kept_in_their_order(tmp_path):
    write_models(tmp_path, c={}, a={}, b={})
    entries = load_results(tmp_path)
    assert keep_comparable(entries, strict=True) == (entries, [])
