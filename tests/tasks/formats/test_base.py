"""What readers share: notes about files that are missing, and ids and texts that are made alike everywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common.languages import parse_language
from clearbench.common.pairs import parse_pair
from clearbench.tasks.formats.base import WantedPairs, join_title, languages_of, note_absent, text_id

LANGUAGES = [parse_language(code) for code in ("en", "de", "sw", "fr", "es", "ru", "zh", "ja", "ko")]


def test_a_note_names_eight_that_are_left_out_and_counts_all():
    assert note_absent("languages without files", [], 9) == ()
    assert note_absent("languages without files", LANGUAGES[:2], 9) == ("languages without files: en, de (2 of 9).",)
    assert note_absent("languages without files", LANGUAGES[:8], 9)[0].endswith("zh, ja (8 of 9).")
    assert note_absent("languages without files", LANGUAGES, 1_200)[0].endswith("zh, ja, … (9 of 1,200).")


def test_a_pair_is_named_only_if_both_sides_are():
    wanted = WantedPairs((), frozenset(LANGUAGES[:2]))
    assert wanted.names(parse_pair("de-en")) and not wanted.names(parse_pair("sw-en"))
    assert not wanted.names(parse_pair("en-sw"))


def test_the_languages_of_pairs_come_once_in_order_of_appearance():
    pairs = [parse_pair(name) for name in ("de-en", "sw-en", "de-de")]
    assert [str(language) for language in languages_of(pairs)] == ["de", "en", "sw"]


@given(st.text(), st.text())
def test_equal_texts_have_equal_ids_and_others_do_not(text, other):
    assert len(text_id(text)) == 16
    assert (text_id(text) == text_id(other)) == (text == other)


def test_a_lone_surrogate_has_an_id_too():
    assert text_id("\ud800") != text_id("?")


@pytest.mark.parametrize(
    ("title", "text", "joined"),
    [("", "Text.", "Text."), ("Title", "", "Title"), ("Title", "Text.", "Title Text."), (" ", " Text. ", "Text.")],
)
def test_a_title_is_joined_as_in_beir(title, text, joined):
    assert join_title(title, text) == joined
