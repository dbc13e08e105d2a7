"""Choosing pairs, languages and reader options, and fitting them to several tasks."""

import pytest
from builders.tasks import write_task
from builders.values import require

from clearbench.common.errors import UsageError
from clearbench.tasks.catalogue import read_task
from clearbench.tasks.choose import choose_pairs, defined_pairs, share_options, share_selection
from clearbench.tasks.formats.base import WantedPairs
from clearbench.tasks.options import Selection

LANGUAGES = ["en", "de", "sw", "zh"]


def chosen(folder, **selection):
    spec = read_task(write_task(folder, languages=LANGUAGES, default_pairs="*-en"))
    return choose_pairs(spec, require(defined_pairs(spec)), Selection(**selection))


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
    wanted = choose_pairs(spec, require(defined_pairs(spec)), Selection(languages="ar"))
    assert text(wanted) == ("ar-en", {"ar"})


def test_a_pair_is_named_when_both_sides_are(tmp_path):
    wanted = chosen(tmp_path, pairs="de-*")
    assert not any(map(wanted.names, wanted.pairs[:1]))
    assert WantedPairs(wanted.pairs, wanted.named | {wanted.pairs[0].passage}).names(wanted.pairs[0])


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


def test_options_decide_which_pairs_a_task_has(tmp_path):
    sources = [{"key": "questions", "local": ["x"]}]
    task = write_task(tmp_path, reader="squad", sources=sources, options={"layout": "parallel"})
    names, options = [str(task), "xor"], [{"layout": "monolingual"}, {}]
    assert [own.pairs for own in share_selection(Selection(pairs="en-en,*-en"), names)] == ["en-en,*-en", "*-en"]
    with pytest.raises(UsageError, match="No task has 'de-en'"):
        share_selection(Selection(pairs="de-en"), names, options=options)


def test_each_task_takes_the_options_that_its_reader_has():
    names, options = ["xor", "mkqa", "belebele"], {"tokeniser": "unsplit", "join_title": "true"}
    assert share_options(options, names) == [options, {"join_title": "true"}, {}]
    assert share_options(None, names) == [{}, {}, {}]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["belebele"], r"No option 'tokeniser': task belebele has merge_duplicate_questions\."),
        (["mkqa", "belebele"], r"No option 'tokeniser': the tasks have join_title, merge_duplicate_questions\."),
    ],
)
def test_an_option_that_no_task_has_is_an_error(names, message):
    with pytest.raises(UsageError, match=message):
        share_options({"tokeniser": "unsplit"}, names)
