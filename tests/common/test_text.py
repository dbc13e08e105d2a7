"""Words and figures: counts with their nouns, lists that are cut, p-values, escapes."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common.text import (
    FOREIGN,
    LONGEST_MESSAGE,
    capitalise,
    count,
    escape_markdown,
    file_name,
    first_line,
    join_names,
    join_words,
    json_kind,
    p_value,
    shorten,
    signed_figure,
    task_label,
)

names = st.lists(st.text("abc", min_size=1, max_size=3), max_size=15)


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "pair", "0 pairs"),
        (1, "pair", "1 pair"),
        (1, "query", "1 query"),
        (1190, "query", "1,190 queries"),
        (-1, "point", "-1 points"),
    ],
)
def test_a_count_agrees_with_its_noun(number: int, noun: str, text: str) -> None:
    assert count(number, noun) == text


@given(names, st.integers(1, 12))
def test_a_list_names_the_first_ones_and_counts_the_rest(words: list[str], most: int) -> None:
    text = join_names(words, most)
    shown, _, rest = text.partition(" and ")
    assert shown == (", ".join(words[:most]) or "none")
    assert rest == (f"{len(words) - most} more" if len(words) > most else "")


def test_a_list_takes_whatever_has_a_name() -> None:
    assert join_names(iter(range(3))) == "0, 1, 2"
    assert join_names(range(2000), 1) == "0 and 1,999 more"


@given(names, st.integers(2, 8))
def test_a_sentence_s_list_has_no_more_parts_than_allowed_and_counts_every_word(words: list[str], most: int) -> None:
    parts = re.split(", | and ", join_words(words, most)) if words else []
    assert len(parts) == min(len(words), most)
    cut = len(words) > most
    more = int(parts[-1].removesuffix(" more")) if cut else 0
    assert parts[: len(parts) - cut] == words[: len(words) - more]


@pytest.mark.parametrize(
    ("words", "text"),
    [("", ""), ("a", "a"), ("ab", "a and b"), ("abc", "a, b and c"), ("abcd", "a, b and 2 more")],
)
def test_words_are_joined_as_in_a_sentence(words: str, text: str) -> None:
    assert join_words(list(words), 3) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [(1.0, "= 1.000"), (0.0124, "= 0.012"), (0.001, "= 0.001"), (0.00099, "< 0.001"), (0.0, "< 0.001")],
)
def test_a_p_value_has_its_relation(p: float, text: str) -> None:
    assert p_value(p) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.004, "0.00"), (-0.004, "0.00"), (0.0, "0.00"), (0.006, "+0.01"), (-1.5, "-1.50")]
)
def test_a_figure_has_its_sign_unless_it_rounds_to_zero(value: float, text: str) -> None:
    assert signed_figure(value, 2) == text


def test_only_the_first_letter_becomes_a_capital() -> None:
    assert [capitalise(text) for text in ("", "nDCG falls", "Über x")] == ["", "NDCG falls", "Über x"]


def test_an_error_without_words_is_called_by_its_type() -> None:
    assert first_line(ValueError(" one\ntwo")) == "one"
    assert first_line(KeyboardInterrupt()) == "KeyboardInterrupt"


def test_what_libraries_say_is_cut_and_a_message_keeps_its_end() -> None:
    assert len(first_line(ValueError("x" * 3_000_000))) <= FOREIGN + len(" […] ")
    message = shorten("a" * 3_000 + " Do this.")
    assert len(message) <= LONGEST_MESSAGE + len(" […] ") and message.endswith("Do this.")


def test_a_task_s_options_stand_in_one_order() -> None:
    options = {"b": "2", "a": "1"}
    assert task_label("xquad", options.items()) == task_label("xquad", reversed(options.items())) == "xquad+a=1+b=2"
    assert task_label("xquad", ()) == "xquad"


@given(st.text("ab|*_`<>@#&\\ \n~[]{}", max_size=20))
def test_escaped_markdown_is_one_line_that_reads_as_the_text(text: str) -> None:
    escaped = escape_markdown(text)
    assert "\n" not in escaped
    assert html.unescape(re.sub(r"\\(.)", r"\1", escaped)) == " ".join(text.split())
    assert not re.search(r"[`*_{}\[\]<>|#@~]", re.sub(r"\\.", "", escaped))


@given(st.text())
def test_a_file_name_holds_no_separator_and_no_blank(text: str) -> None:
    assert re.fullmatch(r"[\w.+-]*", file_name(text)) and "/" not in file_name(text)
    assert file_name("BAAI/bge m3") == "BAAI_bge_m3" and file_name("BAAI/bge m3", "-") == "BAAI-bge-m3"


def test_kinds_of_json_values_are_said_in_words():
    kinds = ["an object", "a list", "text", "true or false", "null", "a number", "a number"]
    assert [json_kind(value) for value in ({"a": 1}, [0], "a", True, None, 1, 1.5)] == kinds
