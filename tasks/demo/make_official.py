"""Write the demo questions in the official forms of XOR-Retrieve and MKQA, from the per-language files beside this one.

    python tasks/demo/make_official.py            write tasks/demo/official/
    python tasks/demo/make_official.py --check    exit code 1 if what is there is not what would be written

xor_questions.jsonl has XOR-Retrieve's rows (id, question, answers, lang, split), in its seven languages; mkqa.jsonl has
MKQA's (example_id, query, queries, answers), in all twelve; passages.tsv is the English corpus in DPR's form.
"""

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
XOR_LANGUAGES = {
    "ar": "arb_Arab", "bn": "ben_Beng", "fi": "fin_Latn", "ja": "jpn_Jpan", "ko": "kor_Hang", "ru": "rus_Cyrl",
    "te": "tel_Telu",
}  # fmt: skip
OTHERS = {"en": "eng_Latn", "de": "deu_Latn", "es": "spa_Latn", "hi": "hin_Deva", "sw": "swh_Latn"}
MKQA_LANGUAGES = dict(sorted({**XOR_LANGUAGES, **OTHERS}.items()))


def main(check: bool) -> int:
    """Write the files, or compare with them."""
    wrong = 0
    for name, text in official_files().items():
        path = HERE / "official" / name
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"{path} is not what {Path(__file__).name} writes.", file=sys.stderr)
            wrong = 1
    return wrong


def official_files() -> dict[str, str]:
    """File name -> content."""
    rows = {short: read(variant) for short, variant in MKQA_LANGUAGES.items()}
    english = rows["en"]
    passages = dict.fromkeys((row["link"], row["flores_passage"]) for row in english.values())
    xor = [
        {
            "id": f"{link}-{number}-{language}", "question": row["question"],
            "answers": english[link, number]["answers"], "lang": language, "split": "dev",
        }
        for language in XOR_LANGUAGES
        for (link, number), row in rows[language].items()
    ]  # fmt: skip
    mkqa = [
        {
            "example_id": place, "query": row["question"],
            "queries": {language: rows[language][key]["question"] for language in MKQA_LANGUAGES},
            "answers": {"en": [answer_of(row["answers"])]},
        }
        for place, (key, row) in enumerate(english.items(), start=1)
    ]  # fmt: skip
    tsv = ["id\ttext\ttitle", *(f"{link}\t{quoted(text)}\t" for link, text in passages)]
    return {"xor_questions.jsonl": lines(xor), "mkqa.jsonl": lines(mkqa), "passages.tsv": "\n".join(tsv) + "\n"}


def read(variant: str) -> dict[tuple[str, int], dict[str, Any]]:
    """(link, question number) -> row."""
    text = (HERE / f"{variant}.jsonl").read_text(encoding="utf-8")
    return {(row["link"], row["question_number"]): row for row in map(json.loads, text.splitlines())}


def answer_of(answers: list[str]) -> dict[str, Any]:
    """One MKQA answer: the first string, the others as its aliases."""
    return {"type": "short_phrase", "text": answers[0], "entity": None, "aliases": answers[1:]}


def quoted(text: str) -> str:
    """DPR's files are tab-separated with quotes doubled inside quoted fields."""
    return '"' + text.replace('"', '""') + '"'


def lines(rows: list[dict[str, Any]]) -> str:
    """JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
