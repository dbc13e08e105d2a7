"""The embedded data set: complete, parallel, in the right scripts, consistent."""

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
import regex

FOLDER = Path(__file__).resolve().parents[1] / "tasks" / "demo"
SCRIPTS = {
    "eng_Latn": "Latin", "arb_Arab": "Arabic", "ben_Beng": "Bengali", "deu_Latn": "Latin", "fin_Latn": "Latin",
    "hin_Deva": "Devanagari", "jpn_Jpan": "Han}\\p{Hiragana}\\p{Katakana", "kor_Hang": "Hangul", "rus_Cyrl": "Cyrillic",
    "spa_Latn": "Latin", "swh_Latn": "Latin", "tel_Telu": "Telugu",
}  # fmt: skip


def rows(variant):
    with (FOLDER / f"{variant}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def english():
    return rows("eng_Latn")


def test_every_language_is_there():
    assert {file.stem for file in FOLDER.glob("*.jsonl")} == set(SCRIPTS)


@pytest.mark.parametrize("variant", SCRIPTS)
def test_a_language_is_complete_parallel_and_clean(variant, english):
    found = rows(variant)
    identity = [(row["link"], row["question_number"]) for row in found]
    assert identity == [(row["link"], row["question_number"]) for row in english]
    passages = {row["link"]: row["flores_passage"] for row in found}
    assert len(passages) == len(set(passages.values())) == 64
    assert all(row["flores_passage"] == passages[row["link"]] for row in found)
    questions = [row["question"] for row in found]
    assert len(set(questions)) == 128
    assert Counter(number for _, number in identity) == {1: 64, 2: 64}
    for text in [*passages.values(), *questions]:
        assert text == unicodedata.normalize("NFC", text).strip()
        assert not regex.search(r"[\p{Cc}\p{Co}\p{Cn}<>{}|]", text)


@pytest.mark.parametrize("variant", SCRIPTS)
def test_texts_are_in_their_languages_script(variant):
    for row in rows(variant):
        for field, least in (("flores_passage", 0.9), ("question", 0.75)):
            letters = regex.findall(r"\p{L}", row[field])
            own = regex.findall(rf"[\p{{{SCRIPTS[variant]}}}ー々]", row[field])
            share = sum(letter in set(own) for letter in letters) / len(letters)
            assert share >= least, (row["link"], field, share)


@pytest.mark.parametrize("variant", SCRIPTS)
def test_lengths_are_those_of_the_english_within_reason(variant, english):
    ratios = [len(r["flores_passage"]) / len(e["flores_passage"]) for r, e in zip(rows(variant), english, strict=True)]
    low, high = (0.25, 0.75) if variant in ("jpn_Jpan", "kor_Hang") else (0.65, 1.6)
    assert low < min(ratios) and max(ratios) < high


@pytest.mark.parametrize("variant", SCRIPTS)
def test_years_agree_with_the_english(variant, english):
    for row, other in zip(rows(variant), english, strict=True):
        # Not decades ("1950s"), which several languages put into words.
        years = re.findall(r"(?<![\d.,])(?:1[0-9]{3}|20[0-2]\d)(?![\d.,]?\d|s)", other["flores_passage"])
        assert all(year in row["flores_passage"] for year in years), row["link"]


def test_english_passages_have_the_promised_length_and_hold_the_answers(english):
    for row in english:
        assert 50 <= len(row["flores_passage"].split()) <= 90
        assert row["answers"][0] in row["flores_passage"]
        assert all(answer.strip() == answer and answer.lower() not in ("", "yes", "no") for answer in row["answers"])
        assert row["answers"][0].lower() not in row["question"].lower()


def test_questions_do_not_repeat_their_passage(english):
    """At most half of a question's longer words stand in its passage, on average well below."""
    shares = []
    for row in english:
        words = set(re.findall(r"[a-z]{5,}", row["question"].lower()))
        passage = set(re.findall(r"[a-z]{5,}", row["flores_passage"].lower()))
        shares.append(len(words & passage) / max(len(words), 1))
    assert sum(shares) / len(shares) < 0.35
