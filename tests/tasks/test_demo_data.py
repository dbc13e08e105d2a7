"""The embedded data set: complete, parallel, in the right scripts, consistent."""

import json
import re
import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import regex

from clearbench.training.rows.leaks import LeakIndex, find_leaks
from clearbench.training.rows.sources import load_excluded_task, read_task_source

FOLDER = Path(__file__).resolve().parents[2] / "tasks" / "demo"
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


TRAIN_SCRIPTS = {"en": "Latin", "de": "Latin", "es": "Latin", "ru": "Cyrillic", "sw": "Latin"}


def train_rows(name):
    with (FOLDER / "train" / name).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def train_passages():
    return {row["_id"]: row["text"] for row in train_rows("corpus.jsonl")}


@pytest.fixture(scope="module")
def train_questions():
    rows = train_rows("queries.jsonl")
    return {code: [row for row in rows if row["language"] == code] for code in TRAIN_SCRIPTS}


def test_the_train_split_is_complete_and_parallel(train_passages, train_questions):
    assert len(train_passages) == len(set(train_passages.values())) == 40
    assert set(Counter(link.rpartition("-")[0] for link in train_passages).values()) == {4}
    identity = [f"{link}#{number}" for link in train_passages for number in (1, 2)]
    for code, rows in train_questions.items():
        assert [row["parallel_id"] for row in rows] == identity
        assert [row["_id"] for row in rows] == [f"{key}/{code}" for key in identity]
        assert len({row["text"] for row in rows}) == 80
    assert sum(map(len, train_questions.values())) == len(train_rows("queries.jsonl")) == 400
    header, *judged = (FOLDER / "train" / "qrels" / "train.tsv").read_text(encoding="utf-8").splitlines()
    assert header.split("\t") == ["query-id", "corpus-id", "score"]
    expected = [
        (row["_id"], row["parallel_id"].split("#")[0], "1") for rows in train_questions.values() for row in rows
    ]
    assert [tuple(line.split("\t")) for line in judged] == expected


def test_texts_of_the_train_split_are_clean_and_in_their_script(train_passages, train_questions):
    texts = [("en", text) for text in train_passages.values()]
    texts += [(code, row["text"]) for code, rows in train_questions.items() for row in rows]
    for code, text in texts:
        assert text == unicodedata.normalize("NFC", text).strip()
        assert not regex.search(r"[\p{Cc}\p{Co}\p{Cn}<>{}|]|  ", text)
        letters = regex.findall(r"\p{L}", text)
        assert len(regex.findall(rf"\p{{{TRAIN_SCRIPTS[code]}}}", text)) >= 0.98 * len(letters), text
    assert all(row["text"].endswith("?") for rows in train_questions.values() for row in rows)
    assert all("¿" in row["text"] for row in train_questions["es"])


def test_questions_of_the_train_split_agree_with_the_english_in_length_and_numbers(train_questions):
    english = train_questions["en"]
    for rows in train_questions.values():
        for row, other in zip(rows, english, strict=True):
            assert 0.6 < len(row["text"]) / len(other["text"]) < 1.7, row["_id"]
            assert re.findall(r"\d{4}", row["text"]) == re.findall(r"\d{4}", other["text"]), row["_id"]


def test_passages_of_the_train_split_have_the_promised_length_and_hold_the_answers(train_passages, train_questions):
    assert all(50 <= len(text.split()) <= 90 for text in train_passages.values())
    shares = []
    for row in train_questions["en"]:
        passage = train_passages[row["parallel_id"].split("#")[0]]
        assert row["answers"][0] in passage
        assert row["answers"][0].lower() not in row["text"].lower()
        words = set(re.findall(r"[a-z]{5,}", row["text"].lower()))
        shares.append(len(words & set(re.findall(r"[a-z]{5,}", passage.lower()))) / max(len(words), 1))
    assert max(shares) <= 0.5 and sum(shares) / len(shares) < 0.35


def test_the_train_split_shares_no_topic_and_no_text_with_the_evaluation(english, train_passages):
    assert not {row["link"].rpartition("-")[0] for row in english} & {
        link.rpartition("-")[0] for link in train_passages
    }
    source = read_task_source("demo-train")
    assert Counter(row.language for row in source.rows) == dict.fromkeys(["de", "es", "ru", "sw"], 80)
    index = LeakIndex()
    index.add_task(load_excluded_task("demo", ["de", "es", "ru", "sw"]))
    assert find_leaks(source.rows, index) == {}
    # The check sees what it should: a passage and a question of the evaluation in a row's place.
    for change in ({"passage": english[0]["flores_passage"]}, {"target_query": rows("deu_Latn")[5]["question"]}):
        assert list(find_leaks([replace(source.rows[0], **change)], index)) == [0]
