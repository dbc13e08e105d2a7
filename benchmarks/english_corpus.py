"""Build a small English passage corpus (DPR tsv: id, text, title) from the English texts of the data folder.

XOR-Retrieve and MKQA search Wikipedia, which has more than 4 GB. This corpus of a few thousand passages replaces it for
tests of the pipeline with the real questions. Its figures are not comparable with published figures.

    python benchmarks/english_corpus.py --out english.tsv
    clearbench run --model minilm --tasks xor,mkqa --corpus english.tsv
"""

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path

from processes import default_data_dir

Passage = tuple[str, str]
"""(title, text)"""


def read_squad(*paths: Path) -> Iterator[Passage]:
    """Yield the contexts of SQuAD files."""
    for path in paths:
        for article in json.loads(path.read_text("utf-8"))["data"]:
            for paragraph in article["paragraphs"]:
                yield article.get("title") or "", paragraph["context"]


def read_belebele(*paths: Path) -> Iterator[Passage]:
    """Yield the passages of Belebele files, which have no titles."""
    for path in paths:
        for line in path.read_text("utf-8").split("\n"):
            if line.strip():
                yield "", json.loads(line)["flores_passage"]


def read_afriqa(*paths: Path) -> Iterator[Passage]:
    """Yield the gold passages of AfriQA files (JSON arrays or JSON lines); Python's parser accepts their bare NaN."""
    for path in paths:
        text = path.read_text("utf-8")
        rows = json.loads(text) if text.lstrip().startswith("[") else map(json.loads, filter(None, text.split("\n")))
        for row in rows:
            title, context = row.get("title"), row.get("context")
            yield title if isinstance(title, str) else "", context if isinstance(context, str) else ""


def open_sources(data_dir: Path) -> dict[str, Iterator[Passage]]:
    """Return source name -> its passages; a source without files is empty."""
    return {
        "XQuAD": read_squad(*sorted(data_dir.glob("xquad/xquad.en.json"))),
        "MLQA": read_squad(*sorted(data_dir.glob("mlqa/MLQA_V1/*/*-context-en-question-*.json"))),
        "TyDi QA": read_squad(*sorted(data_dir.glob("tydiqa/*.en.*.json"))),
        "Belebele": read_belebele(*sorted(data_dir.glob("belebele/eng_Latn.jsonl"))),
        "AfriQA": read_afriqa(*sorted(data_dir.glob("afriqa/gold_passages/*/*.en.*.json"))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, default=default_data_dir())
    parser.add_argument("--out", type=Path, required=True, help="tsv file to write")
    options = parser.parse_args()

    passages: dict[str, str] = {}
    print(f"{'source':<10}{'passages':>10}{'empty':>8}{'new':>8}")
    for name, rows in open_sources(options.data_dir).items():
        before, seen, empty = len(passages), 0, 0
        for title, text in rows:
            # DPR's tsv has one passage per line, and some readers do not accept a line break inside quotes.
            clean = " ".join(text.split())
            seen += 1
            empty += not clean
            if clean:
                passages.setdefault(clean, " ".join(title.replace("_", " ").split()))
        print(f"{name:<10}{seen:>10,}{empty:>8,}{len(passages) - before:>8,}")
    if not passages:
        raise SystemExit(f"no English texts found under {options.data_dir}")
    with options.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(["id", "text", "title"])
        writer.writerows([i, text, title] for i, (text, title) in enumerate(passages.items(), start=1))
    print(f"{len(passages):,} passages written")


if __name__ == "__main__":
    main()
