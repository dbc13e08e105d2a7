"""Loading tasks: selected pairs, options, and counts that differ from the expected ones."""

import pytest
from builders.files import write_jsonl
from builders.tasks import belebele_rows, write_belebele, write_task

from clearbench.common.errors import DataError, UsageError
from clearbench.tasks.catalogue import read_task
from clearbench.tasks.formats.base import Wanted
from clearbench.tasks.load import choose_pairs, defined_pairs, load, load_task, share_selection
from clearbench.tasks.options import DataLocation, Selection

LANGUAGES = ["en", "de", "sw", "zh"]


def chosen(folder, **selection):
    spec = read_task(write_task(folder, languages=LANGUAGES, default_pairs="*-en"))
    return choose_pairs(spec, defined_pairs(spec), Selection(**selection))


def text(wanted):
    return " ".join(map(str, wanted.pairs)), {str(language) for language in wanted.named}


@pytest.mark.parametrize(
    ("selection", "pairs", "named"),
    [
        ({}, "en-en de-en sw-en zh-en", set()),
        ({"pairs": "de-en"}, "de-en", {"de", "en"}),
        ({"pairs": "de-*"}, "de-en de-de de-sw de-zh", {"de"}),
        ({"pairs": "*-sw,de-en"}, "en-sw de-en de-sw sw-sw zh-sw", {"sw", "de", "en"}),
        ({"languages": "deu,swh_Latn"}, "de-de de-sw sw-de sw-sw", {"de", "sw"}),
        ({"languages": "de,en", "pairs": "*-en"}, "en-en de-en", {"de", "en"}),
        ({"languages": "de,en", "all_pairs": True}, "en-en en-de de-en de-de", {"de", "en"}),
    ],
)
def test_pairs_are_selected_in_the_tasks_order(tmp_path, selection, pairs, named):
    assert text(chosen(tmp_path, **selection)) == (pairs, named)


def test_all_pairs_are_the_square_of_the_languages(tmp_path):
    wanted = chosen(tmp_path, all_pairs=True)
    assert (len(wanted.pairs), wanted.named) == (16, frozenset())


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"pairs": "de-en", "all_pairs": True}, "exclude each other"),
        ({"pairs": "fr-en"}, "Task tiny: No language pair matches 'fr-en'"),
        ({"pairs": "xx-en"}, "Task tiny: Unknown language 'xx'"),
        ({"languages": "fr"}, "Task tiny: it has no fr; it has en, de, sw, zh"),
        ({"languages": ","}, "names no language"),
        ({"languages": "de", "pairs": "*-en"}, "no pair is left by --languages de and --pairs"),
    ],
)
def test_selections_that_make_no_sense_are_usage_errors(tmp_path, selection, message):
    with pytest.raises(UsageError, match=message):
        chosen(tmp_path, **selection)


def test_a_side_that_is_the_same_in_every_pair_need_not_be_named(tmp_path):
    source = [{"key": "questions", "local": ["x"]}]
    changes = {"reader": "xor", "judged_by": "xor", "main_measure": "R@2kt", "languages": ["ar", "ko"]}
    spec = read_task(write_task(tmp_path, sources=source, **changes))
    wanted = choose_pairs(spec, defined_pairs(spec), Selection(languages="ar"))
    assert text(wanted) == ("ar-en", {"ar"})


def test_a_pair_is_named_when_both_sides_are(tmp_path):
    wanted = chosen(tmp_path, pairs="de-*")
    assert not any(map(wanted.names, wanted.pairs[:1]))
    assert Wanted(wanted.pairs, wanted.named | {wanted.pairs[0].passage}).names(wanted.pairs[0])


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
    assert len(load(task, Selection(all_pairs=True), location).mismatches) == 4


def test_a_count_for_a_pair_goes_before_one_for_its_language(tmp_path):
    write_belebele(tmp_path, "eng_Latn", "deu_Latn")
    expected = {"queries_by": {"de": 7, "de-en": 4}}
    task = str(write_task(tmp_path, expected=expected))
    loaded = load(task, Selection(pairs="de-*"), DataLocation(data_dir=tmp_path))
    assert loaded.mismatches == ("tiny de-de: 4 queries, the task file expects 7",)


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


def test_one_selection_is_fitted_to_several_tasks():
    names = ["xor", "belebele"]
    shared = share_selection(Selection(pairs="de-en,*-en"), names)
    assert [fitting.pairs for fitting in shared] == ["*-en", "de-en,*-en"]
    shared = share_selection(Selection(languages="de,ar,en"), names)
    assert [fitting.languages for fitting in shared] == ["ar,en", "de,ar,en"]
    assert share_selection(Selection(all_pairs=True), names) == [Selection(all_pairs=True)] * 2
    assert share_selection(Selection(pairs="de-en"), ["xor"]) == [Selection(pairs="de-en")]  # a slip stays an error


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(pairs="xx-en,*-en"), r"No task has 'xx-en'"),
        (Selection(languages="ar,qq"), r"No task has 'qq'"),
        (Selection(pairs="de-en"), r"Task xor has none of 'de-en'"),
    ],
)
def test_what_no_task_or_not_one_task_has_is_an_error(selection, message):
    with pytest.raises(UsageError, match=message):
        share_selection(selection, ["xor", "belebele"])
