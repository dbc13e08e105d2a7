"""The shipped tasks on the official files: exact counts, and what is odd in them."""

import json

import pytest
from builders.files import write
from builders.tasks import write_task

from clearbench.tasks.load import check_task, load_task
from clearbench.tasks.options import DataLocation, Selection

ALL = Selection(all_pairs=True)


def counts(data):
    return {str(pair): len(data.queries_of(pair)) for pair in data.pairs}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, data_dir):
    """The English XQuAD paragraphs as a DPR tsv."""
    articles = json.loads((data_dir / "xquad" / "xquad.en.json").read_text(encoding="utf-8"))["data"]
    texts = [" ".join(part["context"].split()) for article in articles for part in article["paragraphs"]]
    lines = "".join(f"{number}\t{text}\tTitle\n" for number, text in enumerate(texts))
    return write(tmp_path_factory.mktemp("corpus") / "tiny_w100.tsv", f"id\ttext\ttitle\n{lines}")


def test_xquad(data_dir):
    loaded = check_task("xquad", ALL, DataLocation(data_dir=data_dir))
    assert len(loaded.data.pairs) == 64
    assert set(counts(loaded.data).values()) == {1190}
    assert {len(pool) for pool in loaded.data.pools.values()} == {240}
    assert len(loaded.data.qrels) == 1
    assert loaded.data.notes == ("languages without files: el, ro, th, tr (4 of 12).",)
    assert not loaded.mismatches
    assert len(set(loaded.data.clusters.values())) == 240


def test_xquad_merged_has_the_query_numbers_that_mteb_publishes(data_dir):
    # MTEB's task card of XQuADRetrieval, num_queries by language
    published = {"ar": 1186, "de": 1181, "en": 1185, "es": 1184, "hi": 1183, "ru": 1185, "vi": 1182, "zh": 1181}
    options = {"merge_duplicate_questions": True}
    data = load_task("xquad", ALL, DataLocation(data_dir=data_dir), options=options)
    assert {str(pair.query): len(data.queries_of(pair)) for pair in data.pairs} == published


def test_belebele(data_dir):
    data = load_task("belebele", ALL, DataLocation(data_dir=data_dir))
    assert counts(data) == dict.fromkeys(("en-en", "en-de", "de-en", "de-de"), 900)
    assert {key: len(pool) for key, pool in data.pools.items()} == {"en": 488, "de": 488}
    assert data.notes[0].endswith("(120 of 122).")
    per_passage = [list(data.clusters.values()).count(link) for link in set(data.clusters.values())]
    assert (per_passage.count(2), per_passage.count(1)) == (412, 76)


def test_mlqa(data_dir):
    data = load_task("mlqa", ALL, DataLocation(data_dir=data_dir))
    numbers = counts(data)
    assert len(numbers) == 16
    assert (numbers["en-en"], numbers["ar-en"], numbers["de-en"], numbers["es-en"]) == (1148, 517, 512, 500)
    pools = {key: len(pool) for key, pool in data.pools.items()}
    assert (pools["en-en"], pools["de-de"], pools["de-en"], pools["en-de"]) == (978, 456, 447, 456)
    assert not any(text != text.strip() for queries in data.queries.values() for text in queries.texts)
    assert len(set(data.clusters.values())) == 978


def test_ntrex(data_dir):
    loaded = check_task("ntrex", ALL, DataLocation(data_dir=data_dir))
    languages = len(loaded.data.pools)
    assert len(loaded.data.pairs) == languages * (languages - 1)
    assert set(counts(loaded.data).values()) == {1997} and {len(pool) for pool in loaded.data.pools.values()} == {1997}
    assert len(loaded.data.qrels) == 1 and not loaded.mismatches
    assert len(loaded.data.clusters) == 1997 and len(set(loaded.data.clusters.values())) == 123
    texts = {language: pool.texts[0] for language, pool in loaded.data.pools.items()}
    assert texts["en"].startswith("Welsh AMs worried about") and not any(text.endswith("\r") for text in texts.values())


def test_tatoeba(data_dir):
    data = load_task("tatoeba", ALL, DataLocation(data_dir=data_dir))
    numbers = counts(data)
    assert (numbers["de-en"], numbers["en-de"], numbers["gsw-en"], numbers["en-tzl"]) == (1000, 1000, 117, 104)
    assert len(data.pools) == len(data.pairs) and data.clusters == {}


AFRIQA = {"bem": 308, "ha": 300, "ig": 409, "rw": 345, "sw": 295, "tw": 486, "yo": 253, "zu": 325}


def test_afriqa(data_dir):
    data = load_task("afriqa", location=DataLocation(data_dir=data_dir))
    numbers = counts(data)
    languages = [str(pair.query) for pair in data.pairs if str(pair.query) != "en"]
    assert {language: numbers[f"{language}-en"] for language in languages} == {key: AFRIQA[key] for key in languages}
    assert numbers["en-en"] == sum(AFRIQA[language] for language in languages)
    assert set(AFRIQA) == {*languages, *map(str, data.pool_without)}
    assert data.pool_without or len(data.pools["en"]) == 2557


def test_afriqa_train(data_dir):
    location = DataLocation(data_dir=data_dir)
    data = load_task("afriqa", location=location, options={"split": "train"})
    train = {"bem": 228, "ha": 223, "ig": 305, "rw": 214, "tw": 351, "yo": 247, "zu": 242}
    numbers = counts(data)
    assert numbers.pop("en-en") == sum(numbers.values())
    assert numbers == {pair: train[pair.removesuffix("-en")] for pair in numbers}


def test_xor(data_dir, corpus):
    data = load_task("xor", location=DataLocation(data_dir=data_dir, corpus=corpus))
    by_language = {"ar": 350, "bn": 312, "fi": 360, "ja": 296, "ko": 299, "ru": 255, "te": 238}
    assert counts(data) == {f"{language}-en": number for language, number in by_language.items()}
    assert len(data.answers) == 2110
    with_yes_no = [answers for answers in data.answers.values() if {"yes", "no"} & set(answers)]
    assert len(with_yes_no) == 210
    assert sum(set(answers) <= {"yes", "no"} for answers in with_yes_no) == 182
    assert sum(key.startswith("-") for key in data.answers) == 1054
    assert list(data.pools) == ["tiny_w100"]


def test_xor_train_with_a_space_before_a_language(data_dir, corpus, tmp_path):
    questions = [{"key": "questions", "local": ["xor_tydi/xor_train_retrieve_eng_span.jsonl"]}]
    changes = {"reader": "xor", "judged_by": "xor", "main_measure": "R@2kt"}
    languages = ["ar", "bn", "fi", "ja", "ko", "ru", "te"]
    task = write_task(tmp_path, sources=questions, languages=languages, **changes)
    data = load_task(str(task), location=DataLocation(data_dir=data_dir, corpus=corpus))
    assert counts(data)["ar-en"] == 2574
    assert sum(counts(data).values()) == 15250


def test_mkqa_copies(data_dir, corpus):
    data = load_task("mkqa", location=DataLocation(data_dir=data_dir, corpus=corpus))
    languages = ["en", "ar", "es", "fi", "ja", "km", "ko", "ms", "ru", "sv", "tr", "zh"]
    assert counts(data) == {f"{language}-en": 1758 for language in languages}
    assert len(data.answers) == 1758
    assert all(answer == answer.strip() for answers in data.answers.values() for answer in answers)
    assert all(len(set(answers)) == len(answers) for answers in data.answers.values())
    assert sum("\u200b" in text for text in data.queries["km"].texts) > 0


def test_mkqa_official_rows(data_dir, corpus, tmp_path):
    write(tmp_path / "mkqa.jsonl.gz", (data_dir / "mkqa" / "test_mkqa.jsonl.gz").read_bytes())
    data = check_task("mkqa", location=DataLocation(data_dir=tmp_path, corpus=corpus)).data
    assert counts(data)["zh_Hant_HK-en"] == 3
    assert len(data.pairs) == 26
    assert data.notes[0] == "3 of 6 questions without a short answer are left out."


def test_tydiqa_through_a_task_file_of_the_users(data_dir, tmp_path):
    source = {"key": "questions", "local": ["tydiqa/tydiqa.goldp.{language}.{split}.json"]}
    options = {"layout": "monolingual", "split": "dev"}
    languages = ["en", "ar", "fi", "te"]
    task = write_task(tmp_path, name="tydiqa", reader="squad", languages=languages, sources=[source], options=options)
    data = load_task(str(task), location=DataLocation(data_dir=data_dir))
    assert list(counts(data)) == ["en-en", "ar-ar", "fi-fi", "te-te"]
