"""A data folder in the official formats and of the official sizes, with short made-up texts.

What the documentation calls `D`: its commands then run as written on any machine. Texts of different tasks differ, and
a question shares two words with its passage.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from builders.files import write, write_jsonl

WORDS = [
    "river", "copper", "violin", "harvest", "senator", "glacier", "pepper", "marathon", "enzyme", "chapel", "lantern",
    "anchor", "desert", "falcon", "treaty", "orbit", "textile", "volcano", "parliament", "saffron", "bridge", "comet",
    "dialect", "engine", "fossil", "garden", "hammer", "island", "justice", "kettle", "library", "magnet", "nectar",
    "opera", "pottery", "quarry", "reef", "statue", "turbine", "umbrella",
]  # fmt: skip

# Questions and passages of MLQA dev, by pair of question and passage language.
MLQA = {
    "en-en": (1148, 978), "en-de": (512, 456), "en-es": (500, 454), "de-en": (512, 447), "de-de": (512, 456),
    "de-es": (196, 184), "es-en": (500, 439), "es-de": (196, 181), "es-es": (500, 454),
}  # fmt: skip
# First question of a language's in the English file: German has 0 to 511, Spanish 316 to 815, 196 are in both.
MLQA_FIRST = {"en": 0, "de": 0, "es": 316}
AFRIQA = {"bem": 308, "hau": 300, "ibo": 409, "kin": 345, "swa": 295, "twi": 486, "yor": 253, "zul": 325}
AFRIQA_PASSAGES = 2557
XOR = {"ar": 350, "bn": 312, "fi": 360, "ja": 296, "ko": 299, "ru": 255, "te": 238}
MKQA_LANGUAGES = [
    "en", "ar", "da", "de", "es", "fi", "fr", "he", "hu", "it", "ja", "km", "ko", "ms", "nl", "no", "pl", "pt", "ru",
    "sv", "th", "tr", "vi", "zh_cn", "zh_hk", "zh_tw",
]  # fmt: skip
MKQA_QUESTIONS, CORPUS_PASSAGES = 1758, 200


def write_official(folder: Path) -> Path:
    """Write XQuAD, Belebele and MLQA dev in English, German and Spanish (Belebele in Swahili too), AfriQA test, the
    questions of XOR-Retrieve dev and of MKQA, and a small corpus `wikipedia.tsv`."""
    for language in ("en", "de", "es"):
        write(folder / "xquad" / f"xquad.{language}.json", _squad("xquad", language, language, 1190, 240))
    for variant in ("eng_Latn", "deu_Latn", "spa_Latn", "swh_Latn"):
        write_jsonl(folder / "belebele" / f"{variant}.jsonl", _belebele(variant))
    for pair, (questions, passages) in MLQA.items():
        query, passage = pair.split("-")
        first = max(MLQA_FIRST[query], MLQA_FIRST[passage])
        path = folder / "mlqa" / "MLQA_V1" / "dev" / f"dev-context-{passage}-question-{query}.json"
        write(path, _squad("mlqa", query, passage, questions, passages, first))
    done = 0
    for language, count in AFRIQA.items():
        name = f"gold_span_passages.afriqa.{language}.en.test.json"
        write_jsonl(folder / "afriqa" / "gold_passages" / language / name, _afriqa(language, done, count))
        done += count
    rows = [
        {
            "id": f"{lang}{n}",
            "lang": lang,
            "question": question_text("xor", lang, n),
            "answers": [WORDS[n % len(WORDS)]],
        }
        for lang, count in XOR.items()
        for n in range(count)
    ]
    write_jsonl(folder / "xor" / "xor_dev_retrieve_eng_span_v1_1.jsonl", rows)
    write_jsonl(folder / "mkqa" / "mkqa.jsonl", [_mkqa(number) for number in range(MKQA_QUESTIONS)])
    lines = (f"{n}\t{passage_text('wiki', 'en', n)}\tTitle {n}\n" for n in range(CORPUS_PASSAGES))
    write(folder / "wikipedia.tsv", "id\ttext\ttitle\n" + "".join(lines))
    return folder


def write_own_data(folder: Path) -> Path:
    """Write the folder `mine/` that README.md shows."""
    write_jsonl(
        folder / "corpus.jsonl",
        [{"_id": "d1", "title": "", "text": "The Nile flows north.", "language": "en"}],
    )
    write_jsonl(folder / "queries.jsonl", [{"_id": "q1", "text": "Wohin fließt der Nil?", "language": "de"}])
    write(folder / "qrels" / "test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    return folder


def known_words(demo: Path) -> list[str]:
    """Words of the samples and of the demo's texts in Latin script, as a lower-casing tokenizer sees them."""
    files = [*(demo / f"{name}.jsonl" for name in ("eng_Latn", "deu_Latn", "spa_Latn")), *demo.glob("train/*.jsonl")]
    text = " ".join(file.read_text(encoding="utf-8") for file in files).lower()
    bare = "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))
    return sorted({*WORDS, *re.findall(r"[a-z]{2,}", bare)})


def passage_text(task: str, language: str, number: int) -> str:
    """Three words and a number, different for every task, language and number."""
    return f"{' '.join(_words(task, number))} {task} {language} {number}"


def question_text(task: str, language: str, number: int) -> str:
    """Two of the passage's words."""
    first, second, _ = _words(task, number)
    return f"{second} {first} {task} {language} {number}?"


def _words(task: str, number: int) -> tuple[str, str, str]:
    start = number + len(task) * 7
    return WORDS[start % 40], WORDS[(start // 40 + 11) % 40], WORDS[start * 7 % 40]


def _squad(task: str, query: str, passage_language: str, questions: int, passages: int, first: int = 0) -> str:
    """One article of ten paragraphs each; the questions go round the paragraphs."""
    paragraphs = [
        {
            "context": passage_text(task, passage_language, number),
            "qas": [
                {"id": f"{task}-{first + n}", "question": question_text(task, query, first + n)}
                for n in range(number, questions, passages)
            ],
        }
        for number in range(passages)
    ]
    articles = [
        {"title": f"{task} {start}", "paragraphs": paragraphs[start : start + 10]} for start in range(0, passages, 10)
    ]
    return json.dumps({"data": articles})


def _belebele(variant: str) -> list[dict[str, object]]:
    """488 passages; the first 412 have two questions."""
    return [
        {
            "link": f"https://example.org/{number}",
            "question_number": place,
            "flores_passage": passage_text("belebele", variant, number),
            "question": question_text("belebele", f"{variant} {place}", number),
        }
        for number in range(488)
        for place in ((1, 2) if number < 412 else (1,))
    ]


def _afriqa(language: str, done: int, count: int) -> list[dict[str, object]]:
    return [
        {
            "id": number,
            "question_lang": question_text("afriqa", language, number),
            "question_translated": question_text("afriqa", "en", number),
            "title": f"Title {number % AFRIQA_PASSAGES}",
            "context": passage_text("afriqa", "en", number % AFRIQA_PASSAGES),
            "answer_pivot": {"text": [WORDS[number % len(WORDS)]]},
        }
        for number in range(done, done + count)
    ]


def _mkqa(number: int) -> Mapping[str, object]:
    answer = {"type": "entity", "text": WORDS[number % len(WORDS)], "aliases": []}
    return {
        "example_id": number,
        "query": question_text("mkqa", "en", number),
        "queries": {language: question_text("mkqa", language, number) for language in MKQA_LANGUAGES},
        "answers": {"en": [answer]},
    }
