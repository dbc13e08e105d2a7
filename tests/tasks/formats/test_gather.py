"""Gathering texts: what later stages cannot carry is refused, with the place where it stands."""

import pytest

from clearbench.common.errors import DataError
from clearbench.common.languages import ENGLISH
from clearbench.tasks.formats.gather import TextsBuilder, make_texts


def test_texts_are_kept_in_the_order_of_their_rows():
    builder = TextsBuilder(ENGLISH, "passage")
    assert not builder
    builder.add("b", " one ", "file:1")
    builder.add("a", "two", "file:2")
    assert builder and (builder.build("file").ids, builder.build("file").texts) == (("b", "a"), (" one ", "two"))


def test_an_error_names_the_row():
    builder = TextsBuilder(ENGLISH, "passage")
    builder.add("a", "text", "file:1")
    with pytest.raises(DataError, match=r"file:7: passage id 'a' occurs twice"):
        builder.add("a", "other", "file:7")
    with pytest.raises(DataError, match=r"file:8: passage 'b' has an empty text; fill it in, or leave the row out"):
        builder.add("b", "", "file:8")


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([("1", "a"), ("1", "b")], "query id '1' occurs twice"),
        ([("1", "")], "query '1' has an empty text"),
        ([("1", " \u2003")], "query '1' has an empty text"),
        ([("1", "\u200b\ufeff \u2060")], "query '1' has an empty text"),
        ([("", "a")], "a query has an empty id"),
        ([("no_query", "a")], "'no_query' is not usable"),
        ([("1", "a\0b")], "query '1' holds a NUL"),
        ([("1\0", "a")], "holds a NUL"),
        ([("1", "a\ud800")], "query '1' holds a lone surrogate"),
        ([("\ud800", "a")], "holds a lone surrogate"),
        ([], "no queries in en"),
    ],
)
def test_unusable_texts_are_refused(items, message):
    with pytest.raises(DataError, match=message):
        make_texts(ENGLISH, items, "query", "file")


def test_the_id_no_query_is_fine_for_a_passage():
    assert make_texts(ENGLISH, [("no_query", "a")], "passage", "file").ids == ("no_query",)
