"""Language pairs: read from every form, printed in one, and chosen by patterns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common import language_table
from clearbench.common.errors import UsageError
from clearbench.common.languages import ENGLISH, Language, languages
from clearbench.common.pairs import Pair, parse_pair, select_pairs

TABLE = languages()
REGIONAL = (Language("zho", "Hant", "HK"), Language("zho", "Hant", "TW"))
known_languages = st.sampled_from(TABLE + REGIONAL)
any_language = st.builds(
    Language,
    st.sampled_from(sorted({code for code, _ in language_table.all_rows()})),
    st.sampled_from(sorted(language_table.scripts())),
    st.sampled_from(["", "419", *sorted(language_table.regions())]),
).filter(lambda language: language != Language("zho", "Hans", "CN"))  # which is zho_Hans


def pairs(text: str) -> list[Pair]:
    return [parse_pair(word) for word in text.split()]


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("de-en", "de-en"),
        (" DE - en ", "de-en"),
        ("deu_Latn-eng_Latn", "de-en"),
        ("deu-Latn-eng-Latn", "de-en"),
        ("deu-Latn-en", "de-en"),
        ("de-eng-Latn", "de-en"),
        ("zh_Hant_HK-en", "zh_Hant_HK-en"),
        ("zh-Hant-HK-en", "zh_Hant_HK-en"),
        ("en-zh_tw", "en-zh_Hant_TW"),
        ("en-zh-tw", "en-zh_Hant_TW"),
        ("zh_cn-en", "zh-en"),
        ("zh-tw", "zh-tw"),
        ("arb-Latn-arb-Arab", "ar_Latn-ar"),
        ("arz-ar", "arz-ar"),
        ("pt-BR-en", "pt_BR-en"),
        ("en-pt_br", "en-pt_BR"),
        ("pt-BR-fr", "pt_BR-fr"),
        ("pt-br-FR", "pt-br_FR"),
        ("en-US-sr-Latn", "en_US-sr_Latn"),
        ("es-419-es-ES", "es_419-es_ES"),
    ],
)
def test_pair_is_read_from_every_form(text: str, printed: str) -> None:
    assert str(parse_pair(text)) == printed


@given(known_languages, known_languages)
def test_pair_is_read_back_from_its_printed_form(query: Language, passage: Language) -> None:
    pair = Pair(query, passage)
    assert parse_pair(str(pair)) == pair
    assert parse_pair(str(pair).replace("_", "-")) == pair


@given(any_language, any_language)
def test_a_pair_of_any_languages_is_read_back_from_its_printed_form(query: Language, passage: Language) -> None:
    assert parse_pair(str(Pair(query, passage))) == Pair(query, passage)


@given(known_languages, known_languages)
def test_pair_is_read_back_from_variants(query: Language, passage: Language) -> None:
    by_variant = parse_pair(f"{query.variant}-{passage.variant}")
    assert (by_variant.query.variant, by_variant.passage.variant) == (query.variant, passage.variant)


def test_pair_names_the_language_of_the_queries_first() -> None:
    pair = parse_pair("de-en")
    assert (pair.query.code, pair.passage.code) == ("deu", "eng")
    assert pair != parse_pair("en-de")


def test_only_the_same_variety_is_monolingual() -> None:
    assert parse_pair("de-deu_Latn").monolingual
    assert not parse_pair("zh-zh_Hant").monolingual
    assert not parse_pair("zh_hk-zh_tw").monolingual


@pytest.mark.parametrize("text", ["", "de", "de-", "-en", "de-en-fr", "de_en", "deu-Latn", "de--en", "*-en", "*"])
def test_text_that_is_not_a_pair_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_pair(text)


def test_a_text_with_two_readings_is_an_error_that_names_both() -> None:
    with pytest.raises(UsageError, match=r"'pt-BR-FR' can be read as pt-br_FR or pt_BR-fr: join .* by underscores"):
        parse_pair("pt-BR-FR")
    assert str(parse_pair("pt_BR-fr")) == "pt_BR-fr"


def test_pair_error_names_the_side_at_fault() -> None:
    with pytest.raises(UsageError, match="Unknown language 'xq'"):
        parse_pair("de-xq")
    with pytest.raises(UsageError, match="'de-en-fr' is not a language pair"):
        parse_pair("de-en-fr")


AVAILABLE = pairs("fr-en de-en en-de de-de en-en zh_Hant_HK-en")


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ("de-en", "de-en"),
        ("deu-Latn-eng-Latn", "de-en"),
        ("*-en", "fr-en de-en en-en zh_Hant_HK-en"),
        ("en-*", "en-de en-en"),
        ("* - *", "fr-en de-en en-de de-de en-en zh_Hant_HK-en"),
        ("de-de", "de-de"),
        ("zh_hk-*", "zh_Hant_HK-en"),
        ("zh-Hant-HK-*", "zh_Hant_HK-en"),
        ("en-de, *-en ,de-en,", "fr-en de-en en-de en-en zh_Hant_HK-en"),
    ],
)
def test_patterns_select_in_the_order_of_the_available_pairs(patterns: str, expected: str) -> None:
    assert select_pairs(patterns, iter(AVAILABLE)) == tuple(pairs(expected))


def test_repeated_available_pairs_are_returned_once() -> None:
    assert select_pairs("*-*", AVAILABLE + AVAILABLE) == tuple(AVAILABLE)


@given(st.lists(st.builds(Pair, known_languages, known_languages), min_size=1, unique=True), st.data())
def test_each_pair_selects_itself_and_the_order_of_patterns_is_immaterial(
    available: list[Pair], data: st.DataObject
) -> None:
    chosen = data.draw(st.lists(st.sampled_from(available), min_size=1))
    assert select_pairs(",".join(map(str, chosen)), available) == tuple(p for p in available if p in chosen)


@pytest.mark.parametrize("patterns", ["", " ", ",", " , "])
def test_no_pattern_is_a_usage_error(patterns: str) -> None:
    with pytest.raises(UsageError, match="No language pair given"):
        select_pairs(patterns, AVAILABLE)


def test_a_pattern_without_match_is_named_even_next_to_one_that_matches() -> None:
    with pytest.raises(UsageError) as error:
        select_pairs("de-en,de-fr", AVAILABLE)
    message = str(error.value)
    assert "'de-fr'" in message and "There are: fr-en, de-en" in message and "Did you mean" in message


def test_the_pairs_in_a_message_are_cut_short() -> None:
    available = [Pair(language, ENGLISH) for language in TABLE]
    with pytest.raises(UsageError, match="and 113 more"):
        select_pairs("en-de", available)
    with pytest.raises(UsageError, match="There are: none"):
        select_pairs("*-*", [])


@pytest.mark.parametrize("patterns", ["xq-en", "de", "*", "de-en;fr-en", "de*-en"])
def test_a_pattern_that_cannot_be_read_is_a_usage_error(patterns: str) -> None:
    with pytest.raises(UsageError):
        select_pairs(patterns, AVAILABLE)
