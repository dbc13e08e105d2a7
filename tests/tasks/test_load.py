"""Loading tasks: files that are there, options, and counts that differ from the expected ones."""

import pytest
from builders.files import write_jsonl
from builders.tasks import belebele_rows, write_belebele, write_task

from clearbench.common.errors import DataError
from clearbench.tasks.load import check_task, load_task
from clearbench.tasks.options import DataLocation, Selection

LANGUAGES = ["en", "de", "sw", "zh"]


def test_a_language_without_files_is_left_out_with_a_note_unless_it_was_named(tmp_path):
    write_belebele(tmp_path, "eng_Latn", "deu_Latn")
    task, location = str(write_task(tmp_path, languages=LANGUAGES)), DataLocation(data_dir=tmp_path)
    data = load_task(task, Selection(all_pairs=True), location)
    assert [str(pair) for pair in data.pairs] == ["en-en", "en-de", "de-en", "de-de"]
    assert data.notes == ("languages without files: sw, zh (2 of 4).",)
    for selection in (Selection(pairs="sw-en"), Selection(languages="de,sw"), Selection(pairs="*-sw")):
        with pytest.raises(DataError, match="no passages file for sw"):
            load_task(task, selection, location)


def test_no_file_at_all_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no passages file for en"):
        load_task(str(write_task(tmp_path)), location=DataLocation(data_dir=tmp_path))


def test_only_files_of_needed_languages_are_opened(tmp_path):
    write_belebele(tmp_path, "eng_Latn", "deu_Latn")
    (tmp_path / "belebele" / "swh_Latn.jsonl").write_text("broken")
    task = str(write_task(tmp_path, languages=LANGUAGES))
    assert load_task(task, Selection(pairs="de-en"), DataLocation(data_dir=tmp_path)).pairs


def test_wrong_counts_are_an_error_that_says_found_and_expected(tmp_path):
    write_belebele(tmp_path, "eng_Latn", "deu_Latn", passages=3)
    expected = {"queries": 4, "passages": [2, 1000], "queries_by": {"de": 6}}
    task, location = str(write_task(tmp_path, expected=expected)), DataLocation(data_dir=tmp_path)
    with pytest.raises(DataError) as caught:
        load_task(task, Selection(pairs="*-de"), location)
    assert str(caught.value) == (
        "tiny en-de: 6 queries, the task file expects 4; tiny de: 3 passages, the task file expects 2 or 1,000. "
        f"Run `clearbench tasks check {task}` for all counts."
    )
    assert len(check_task(task, Selection(all_pairs=True), location).mismatches) == 4


def test_a_count_for_a_pair_goes_before_one_for_its_language(tmp_path):
    write_belebele(tmp_path, "eng_Latn", "deu_Latn")
    expected = {"queries_by": {"de": 7, "de-en": 4}}
    task = str(write_task(tmp_path, expected=expected))
    loaded = check_task(task, Selection(pairs="de-*"), DataLocation(data_dir=tmp_path))
    assert loaded.mismatches == ("tiny de-de: 4 queries, the task file expects 7",)


def test_a_count_is_found_under_any_spelling_of_its_pair_or_language(tmp_path):
    write_belebele(tmp_path, "eng_Latn", "deu_Latn")
    expected = {"queries_by": {"deu-Latn-eng_Latn": 7}, "passages_by": {"eng_Latn": 5}}
    task = str(write_task(tmp_path, expected=expected))
    found = check_task(task, Selection(pairs="de-en"), DataLocation(data_dir=tmp_path)).mismatches
    assert [text.partition(",")[0] for text in found] == ["tiny de-en: 4 queries", "tiny en: 2 passages"]


def test_other_options_are_noted_and_counts_then_not_compared(tmp_path):
    rows = belebele_rows("x")
    rows[1]["question"] = rows[0]["question"]
    write_jsonl(tmp_path / "belebele" / "eng_Latn.jsonl", rows)
    task, location = str(write_task(tmp_path, expected={"queries": 4})), DataLocation(data_dir=tmp_path)
    data = load_task(task, Selection(pairs="en-en"), location, options={"merge_duplicate_questions": "true"})
    assert len(data.queries_of(data.pairs[0])) == 3
    assert data.options == {"merge_duplicate_questions": "True"}
    assert len(load_task(task, Selection(pairs="en-en"), location, options={}).queries["en"]) == 4


def test_the_result_says_how_it_is_judged(tmp_path):
    write_belebele(tmp_path, "eng_Latn", "deu_Latn")
    data = load_task(str(write_task(tmp_path, main_measure="MRR@10", version=3)), location=DataLocation(tmp_path))
    assert (data.task, data.version, data.judged_by, data.main_measure) == ("tiny", 3, "qrels", "MRR@10")


def test_a_pairs_fingerprint_does_not_depend_on_the_selection(tmp_path):
    write_belebele(tmp_path, "eng_Latn", "deu_Latn")
    task, location = str(write_task(tmp_path)), DataLocation(data_dir=tmp_path)
    one = load_task(task, Selection(pairs="de-en"), location)
    all_ = load_task(task, Selection(all_pairs=True), location)
    of_all = {str(pair): all_.pair_fingerprint(pair) for pair in all_.pairs}
    assert one.pair_fingerprint(one.pairs[0]) == of_all["de-en"]
    assert len(set(of_all.values())) == 4
