"""Finding records: what is complete, what is broken, and which model a text names."""

import json
import math
import shutil

import pytest
from builders.records import write_record

from clearbench.common.errors import RecordError, UsageError
from clearbench.records.select import load_results, load_usable, models, select_model, select_tasks

SCORES = {"de-en": [0.5, 1.0, 0.0, 1.0], "en-en": [1.0, 1.0, 0.5, 1.0]}


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "results"
    for name, encoder in (("base", "one"), ("clear", "two"), ("final", "three"), ("final", "four")):
        write_record(folder, name, SCORES, encoder=encoder)
    write_record(folder, "base", SCORES, task="other", encoder="one", options={"split": "dev"})
    return folder


def edit(folder, **changes):
    file = folder / "record.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def edit_pairs(folder, change):
    pairs = json.loads((folder / "record.json").read_text())["pairs"]
    change(pairs)
    edit(folder, pairs=pairs)


def folder_of(out, name, task="toy"):
    return next((out / "records").glob(f"{name}-*/{task}"))


def test_all_records_are_found_and_two_checkpoints_of_one_name_are_two_models(out):
    entries = load_results(out)
    assert len(entries) == 5 and len(models(entries)) == 4
    assert sum(key.startswith("final-") for key in models(entries)) == 2
    assert {entry.label for entry in entries if entry.name == "base"} == {"toy", "other+split=dev"}
    assert all(entry.key == entry.place.parent.name for entry in entries)


BREAKS = {
    "unfinished": lambda folder: edit(folder, status="running"),
    "schema version 0": lambda folder: edit(folder, schema_version=0),
    "is damaged": lambda folder: (folder / "record.json").write_text("{"),
    "lists no pair": lambda folder: edit(folder, pairs=[]),
    "has no name": lambda folder: edit(folder, model={}),
    "lists de-en more than once": lambda folder: edit_pairs(folder, lambda pairs: pairs.append(pairs[0])),
    "has 3,000,000 characters": lambda folder: edit(folder, model={"name": "n" * 3_000_000}),
    "model has no name": lambda folder: edit(folder, model={"name": 5}),
    "'zz'": lambda folder: edit_pairs(folder, lambda pairs: pairs[0].update(pair="zz-en")),
    "lacks the main measure": lambda folder: edit(folder, main_measure="MAP@100"),
    "of de-en is nan": lambda folder: edit_pairs(
        folder, lambda pairs: pairs[0]["measures"]["nDCG@10"].update(mean=math.nan)
    ),
    "holds no record.json": lambda folder: (folder / "record.json").unlink(),
}


@pytest.mark.parametrize("message", BREAKS)
def test_a_broken_record_is_an_error_that_names_it_or_is_left_out_with_a_message(out, message):
    folder = folder_of(out, "clear")
    BREAKS[message](folder)
    with pytest.raises(RecordError, match=message) as caught:
        load_results(out)
    assert str(folder) in str(caught.value)
    entries, messages = load_usable(out)
    assert len(entries) == 4 and messages == [str(caught.value)]
    with pytest.raises(RecordError, match=message):
        load_usable(out, strict=True)


def test_usable_records_of_chosen_models_are_read_and_only_theirs_are_named(out):
    edit(folder_of(out, "clear"), status="running")
    entries, messages = load_usable(out, ["base"])
    assert {entry.name for entry in entries} == {"base"} and messages == []
    with pytest.raises(RecordError, match=r"No complete record below .*clear-.* 1 cannot be used, the first: .*clear-"):
        load_usable(out, ["base", "clear"])
    with pytest.raises(UsageError, match="Did you mean base"):
        load_usable(out, ["bsae"])
    with pytest.raises(UsageError, match="2 models are called 'final'"):
        load_usable(out, ["final"])
    [folder] = (out / "records").glob("clear-*")
    with pytest.raises(RecordError, match="unfinished"):
        load_usable(out, [str(folder)])


@pytest.mark.parametrize("what", ["missing", "empty", "no records", "only broken"])
def test_a_folder_without_records_is_an_error_that_says_how_to_get_some(tmp_path, what):
    folder = tmp_path / "results"
    if what != "missing":
        folder.mkdir()
    if what == "no records":
        (folder / "records").mkdir()
    if what == "only broken":
        edit(write_record(folder, "base", SCORES), status="running")
    with pytest.raises(RecordError, match=r"clearbench run|0 cannot|cannot be used"):
        load_usable(folder)


def test_a_model_is_named_by_name_key_or_path(out):
    key = next(key for key in models(load_results(out)) if key.startswith("clear-"))
    record = folder_of(out, "clear")
    for text in ("clear", key, str(record.parent), str(record)):
        for source in (out, load_results(out)):
            assert [entry.place for entry in select_model(source, text)] == [record], text
    assert len(select_model(out, "base")) == 2


def test_a_results_folder_with_one_model_is_that_model_and_with_several_an_error(out, tmp_path):
    alone = tmp_path / "alone"
    write_record(alone, "solo", SCORES)
    assert select_model(out, str(alone))[0].name == "solo"
    assert select_model(tmp_path / "nowhere", str(alone))[0].name == "solo"
    with pytest.raises(UsageError, match="holds 4 models"):
        select_model(alone, str(out))


def test_a_name_goes_before_a_folder_of_that_name_and_dot_slash_is_the_folder(out, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_record(tmp_path / "clear", "solo", SCORES)
    assert select_model(out, "clear")[0].name == "clear"
    assert select_model(out, "./clear")[0].name == "solo"


def test_an_ambiguous_name_lists_the_keys_and_an_unknown_one_near_names(out):
    with pytest.raises(UsageError, match=r"2 models are called 'final': say which, final-\w{8} or final-\w{8}"):
        select_model(out, "final")
    with pytest.raises(UsageError, match="Did you mean clear"):
        select_model(out, "claer")
    with pytest.raises(UsageError, match="there are no records"):
        select_model([], "clear")


def test_names_that_folders_cannot_spell_are_found(out):
    write_record(out, "org/model v2", SCORES)
    assert select_model(out, "org/model v2")[0].name == "org/model v2"
    write_record(out, "org model/v2", SCORES)
    assert select_model(out, "org model/v2")[0].name == "org model/v2"


def test_only_the_named_model_is_read(out):
    (folder_of(out, "clear") / "record.json").write_text("{")
    assert select_model(out, "base")
    with pytest.raises(RecordError, match="damaged"):
        select_model(out, "clear")


def test_a_folder_that_holds_something_else_is_an_error(out, tmp_path):
    with pytest.raises(RecordError, match="No records in"):
        select_model(out, str(tmp_path))


def test_tasks_are_chosen_by_name_or_label(out):
    entries = select_model(out, "base")
    for text in ("other", "other+split=dev"):
        assert [entry.label for entry in select_tasks(entries, [text])] == ["other+split=dev"]
    assert select_tasks(entries, None) == entries
    with pytest.raises(UsageError, match=r"'xquad'.*there are: other\+split=dev, toy"):
        select_tasks(entries, ["xquad"])


def test_hidden_folders_and_files_are_not_records(out):
    shutil.copytree(folder_of(out, "clear"), folder_of(out, "clear").parent / ".backup")
    (out / "records" / "notes.txt").write_text("x")
    assert len(load_results(out)) == 5


def test_a_record_in_the_folder_of_another_model_is_refused_and_named(out):
    stray = folder_of(out, "clear").with_name("stray")
    shutil.copytree(folder_of(out, "base"), stray)
    entries, [message] = load_usable(out)
    assert len(entries) == 5 and message.startswith(f"{stray} cannot be used: the folder clear-")
    for read in (lambda: load_results(out), lambda: load_usable(out, strict=True), lambda: select_model(out, "clear")):
        with pytest.raises(RecordError, match="is not that of the encoder one"):
            read()
    with pytest.raises(RecordError, match="is not that of the encoder one"):
        select_model(out, str(stray))
    assert len(select_model(out, "base")) == 2


def test_two_records_of_one_task_in_a_models_folder_are_not_mixed_up(out):
    copy = folder_of(out, "clear").with_name("backup")
    shutil.copytree(folder_of(out, "clear"), copy)
    entries, [message] = load_usable(out)
    assert (
        len(entries) == 5 and message.startswith(f"{copy} cannot be used: ") and "2 records of the task toy" in message
    )
    with pytest.raises(RecordError, match="2 records of the task toy"):
        select_model(out, "clear")


def test_a_folder_that_a_user_named_holds_the_records_of_one_encoder(out):
    folder = folder_of(out, "clear").parent
    renamed = folder.rename(folder.with_name("renamed"))
    assert len(load_usable(out).entries) == 5
    shutil.copytree(folder_of(out, "base", "other+split=dev"), renamed / "other+split=dev")
    entries, messages = load_usable(out)
    assert len(entries) == 4 and all("the folder renamed holds records of 2 encoders" in text for text in messages)
    assert len(messages) == 2


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_name_is_said_to_be_empty(out, text):
    with pytest.raises(UsageError, match="name is empty"):
        select_model(out, text)
