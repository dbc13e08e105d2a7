"""Read the official XQuAD, MLQA and Belebele files with only the standard library.

The benchmarks compare clearbench with MTEB, so the MTEB side must not use clearbench's readers: a mistake in them would
be on both sides, and the comparison would not show it. This file is a second, independent reader. It also works in an
environment that has only MTEB.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PairTexts:
    """One language pair in the form that MTEB's retrieval tasks need.

    Attributes:
        query_language: Code in the file name (`de`, `deu_Latn`).
        passage_language: Code in the file name.
        queries: Question id -> question.
        passages: Passage id -> (title, text). MTEB encodes `(title + " " + text).strip()`.
        relevant: Question id -> {passage id: 1}.
    """

    query_language: str
    passage_language: str
    queries: dict[str, str]
    passages: dict[str, tuple[str, str]]
    relevant: dict[str, dict[str, int]]

    @property
    def name(self) -> str:
        """The pair with the query language first: `de-en` means German questions and English passages."""
        return f"{self.query_language}-{self.passage_language}"

    @property
    def passage_texts(self) -> list[str]:
        """The texts that an encoder receives for the passages."""
        return [(f"{title} {text}" if title else text).strip() for title, text in self.passages.values()]


def read_xquad(data_dir: Path, languages: Sequence[str] | None = None, merge: bool = False) -> list[PairTexts]:
    """Return all language pairs of XQuAD, parallel by question id.

    Args:
        data_dir: Folder with `xquad/xquad.<language>.json`.
        languages: Language codes, in this order; None means all files found.
        merge: Whether to make one query of equal questions. Questions that differ only in outer blanks are equal,
            because MTEB's copy of the data is stripped (English: 1,190 -> 1,185, not 1,187).
    """
    files = _find_files("xquad", data_dir)
    rows = {language: list(_read_squad_rows(files[language])) for language in _choose_languages(files, languages)}
    passages: dict[str, dict[str, tuple[str, str]]] = {}
    passage_ids: dict[str, dict[str, str]] = {}
    for language, language_rows in rows.items():
        texts = dict.fromkeys(context for _, _, context in language_rows)
        ids = {context: f"p{position:04d}" for position, context in enumerate(texts)}
        passages[language] = {ids[context]: ("", context) for context in texts}
        passage_ids[language] = {key: ids[context] for key, _, context in language_rows}
    pairs = []
    for query_language, query_rows in rows.items():
        for passage_language in rows:
            judged = [
                (key, question, passage_ids[passage_language][key])
                for key, question, _ in query_rows
                if key in passage_ids[passage_language]
            ]
            queries, relevant = _make_judgements(judged, merge)
            pairs.append(PairTexts(query_language, passage_language, queries, passages[passage_language], relevant))
    return pairs


def read_mlqa(data_dir: Path, languages: Sequence[str] | None = None, merge: bool = False) -> list[PairTexts]:
    """Return every pair of MLQA dev with a file `dev-context-<c>-question-<q>.json`, each with its own pool.

    Contexts repeat within a file. As in MTEB's copy, each text is in the pool once, without a title.
    """
    files = _find_files("mlqa", data_dir)
    _choose_languages(find_languages("mlqa", data_dir), languages)
    pairs = []
    for name, path in files.items():
        query_language, passage_language = name.split("-")
        if languages is not None and not {query_language, passage_language} <= set(languages):
            continue
        rows = list(_read_squad_rows(path))
        ids: dict[str, str] = {}
        for _, _, context in rows:
            ids.setdefault(context, f"p{len(ids):04d}")
        queries, relevant = _make_judgements(((key, question, ids[context]) for key, question, context in rows), merge)
        passages = {key: ("", context) for context, key in ids.items()}
        pairs.append(PairTexts(query_language, passage_language, queries, passages, relevant))
    return pairs


def read_belebele(data_dir: Path, languages: Sequence[str] | None = None, merge: bool = False) -> list[PairTexts]:
    """Return all pairs of Belebele variants, parallel by (link, question_number).

    Args:
        data_dir: Folder with `belebele/<variant>.jsonl`.
        languages: Variants; None means all files found.
        merge: Whether to make one query of equal questions, as MTEB's own task does; such a query can have two relevant
            passages.
    """
    files = _find_files("belebele", data_dir)
    rows = {
        language: [json.loads(line) for line in files[language].read_text("utf-8").split("\n") if line.strip()]
        for language in _choose_languages(files, languages)
    }
    passages = {
        language: {row["link"]: ("", row["flores_passage"]) for row in reversed(language_rows)}
        for language, language_rows in rows.items()
    }
    pairs = []
    for query_language, query_rows in rows.items():
        for passage_language in rows:
            judged = ((f"{r['link']}#{r['question_number']}", r["question"], r["link"]) for r in query_rows)
            queries, relevant = _make_judgements(judged, merge)
            pairs.append(PairTexts(query_language, passage_language, queries, passages[passage_language], relevant))
    return pairs


READERS: dict[str, Callable[..., list[PairTexts]]] = {"xquad": read_xquad, "mlqa": read_mlqa, "belebele": read_belebele}


def distinct_texts(pairs: Sequence[PairTexts]) -> list[str]:
    """Return every text of the pairs once, in order of first appearance."""
    texts: dict[str, None] = {}
    for pair in pairs:
        texts.update(dict.fromkeys(pair.queries.values()))
        texts.update(dict.fromkeys(pair.passage_texts))
    return list(texts)


def _make_judgements(
    rows: Iterable[tuple[str, str, str]], merge: bool
) -> tuple[dict[str, str], dict[str, dict[str, int]]]:
    queries: dict[str, str] = {}
    relevant: dict[str, dict[str, int]] = {}
    first_with: dict[str, str] = {}
    for key, question, passage in rows:
        query = first_with.setdefault(question, key) if merge else key
        queries[query] = question
        relevant.setdefault(query, {})[passage] = 1
    return queries, relevant


def _read_squad_rows(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (id, question, context), both texts without outer blanks."""
    for article in json.loads(path.read_text("utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield str(question["id"]), question["question"].strip(), paragraph["context"].strip()


def _find_files(task: str, data_dir: Path) -> dict[str, Path]:
    """Return language (for MLQA `query-passage`) -> file."""
    if task == "xquad":
        return {path.name.split(".")[1]: path for path in sorted((data_dir / "xquad").glob("xquad.*.json"))}
    if task == "belebele":
        return {path.stem: path for path in sorted((data_dir / "belebele").glob("*.jsonl"))}
    files = {}
    for path in sorted((data_dir / "mlqa" / "MLQA_V1" / "dev").glob("dev-context-*-question-*.json")):
        _, _, passage, _, query = path.stem.split("-")
        files[f"{query}-{passage}"] = path
    return files


def find_languages(task: str, data_dir: Path) -> list[str]:
    """Return the languages of a task with files in the data folder, as the file names write them."""
    return sorted({language for name in _find_files(task, data_dir) for language in name.split("-")})


def _choose_languages(found: Collection[str], languages: Sequence[str] | None) -> Sequence[str]:
    chosen = list(found) if languages is None else languages
    missing = [language for language in chosen if language not in found]
    if missing or not chosen:
        raise SystemExit(f"no file for {', '.join(missing) or 'any language'}; found {', '.join(found) or 'none'}")
    return chosen
