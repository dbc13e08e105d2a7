"""AfriQA gold passages: questions in African languages, their translations, English or French passages.

Source: Ogundepo et al. (2023), "AfriQA: Cross-lingual Open-Retrieval Question Answering for African Languages".
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from clearbench.common.errors import DataError
from clearbench.common.languages import Language, parse_language
from clearbench.common.pairs import Pair
from clearbench.tasks.dataset import Dataset, TaskPair
from clearbench.tasks.formats.base import (
    Reader,
    SplitOptions,
    WantedPairs,
    find_language_files,
    join_title,
    note_incomplete_pool,
    one_pool_pairs,
    text_id,
)
from clearbench.tasks.formats.gather import gather_texts, make_texts
from clearbench.tasks.formats.parsing import optional_text, read_json_lines, text_field


class AfriqaOptions(SplitOptions):
    """Options of the `afriqa` reader.

    Attributes:
        split: Value of `{split}` in file names.
        join_title: Put the article's title before the passage.
        pivot: Language of the passages and of the translated questions: "en" or "fr".
    """

    split: Literal["train", "dev", "test"] = "test"
    join_title: bool = False
    pivot: Literal["en", "fr"] = "en"


class _Row(NamedTuple):
    """One question: id `<language>:<id>`, both texts, its passage if it has one, whether it is yes/no, its place."""

    id: str
    question: str
    translation: str
    passage: str | None
    yes_no: bool
    where: str


class AfriqaReader(Reader[AfriqaOptions]):
    """Reads the files of all languages that have one, so that the pool does not depend on which pairs are wanted.

    The pool holds the distinct passages of the split, all in the pivot language. The human translations of all
    questions are the queries of that language, under the same ids, so `en-en` and `ha-en` ask the same questions of the
    same pool.
    """

    def pairs(self) -> tuple[Pair, ...]:
        """Return every language with the pivot language, the pivot language itself (the translations) included."""
        return one_pool_pairs(self._spec, self._pivot)

    @property
    def _pivot(self) -> Language:
        return parse_language(self._options.pivot)

    def load(self, wanted: WantedPairs) -> Dataset:
        """Read the wanted pairs; see `Reader.load`."""
        pivot = self._pivot
        languages = [language for language in self._spec.spellings if language != pivot]
        if not languages:
            raise DataError(f"{self._spec.name}: the task file names only {pivot.name}.")
        paths, notes = find_language_files(self._files, "questions", languages, wanted)
        rows = {language: self._parse(language, path) for language, path in paths.items()}
        judged = {language: [row for row in items if row.passage] for language, items in rows.items()}
        everything = [row for items in judged.values() for row in items]
        passages = {text_id(row.passage): row.passage for row in everything if row.passage}
        where = next(iter(paths.values())).parent
        queries = {
            language: gather_texts(
                language, ((row.id, row.question, row.where) for row in items), "query", paths[language]
            )
            for language, items in judged.items()
        }
        translations = ((row.id, row.translation, row.where) for row in everything)
        queries[pivot] = gather_texts(pivot, translations, "query", where)
        gold = {row.id: text_id(row.passage) for row in everything if row.passage}
        qrels = {language: {query: {gold[query]: 1} for query in texts.ids} for language, texts in queries.items()}
        pool, official = str(pivot), self._files.official_languages("questions")
        absent = tuple(language for language in languages if language in official and language not in paths)
        loaded = Dataset(
            task=self._spec.name,
            version=self._spec.version,
            pools={pool: make_texts(pivot, passages.items(), "passage", where)},
            queries={str(language): texts for language, texts in queries.items()},
            qrels={str(language): judgements for language, judgements in qrels.items()},
            pairs=tuple(
                TaskPair(*pair, str(pair.query), pool, str(pair.query))
                for pair in wanted.pairs
                if pair.query in queries
            ),
            clusters=gold,
            pool_without=absent,
            notes=(*notes, *note_incomplete_pool(absent), *_describe_oddities(rows)),
        )
        return loaded.select(loaded.pairs)

    def _parse(self, language: Language, path: Path) -> list[_Row]:
        rows = []
        for where, row in read_json_lines(path):
            passage = optional_text(row, "context", where).strip()
            if passage and self._options.join_title:
                passage = join_title(optional_text(row, "title", where), passage)
            rows.append(
                _Row(
                    id=f"{language}:{text_field(row, 'id', where)}",
                    question=text_field(row, "question_lang", where).strip(),
                    translation=text_field(row, "question_translated", where).strip(),
                    passage=passage or None,
                    yes_no=_is_yes_no(row.get("answer_pivot")),
                    where=where,
                )
            )
        return rows


def _is_yes_no(answer: object) -> bool:
    texts = answer.get("text") if isinstance(answer, dict) else None
    return isinstance(texts, list) and bool(texts) and all(str(text).lower() in {"yes", "no"} for text in texts)


def _describe_oddities(rows: dict[Language, list[_Row]]) -> tuple[str, ...]:
    notes = []
    total = sum(len(items) for items in rows.values())
    num_missing = {language: sum(row.passage is None for row in items) for language, items in rows.items()}
    if sum(num_missing.values()):
        counts = ", ".join(f"{count} {language}" for language, count in num_missing.items() if count)
        notes.append(f"questions without a passage are left out: {counts} ({sum(num_missing.values())} of {total:,}).")
    yes_no = sum(row.yes_no and row.passage is not None for items in rows.values() for row in items)
    if yes_no:
        notes.append(f"{yes_no:,} of {total:,} questions have the answer yes or no; they are kept.")
    return tuple(notes)


def read_titles(file: Path) -> Iterator[tuple[object, object]]:
    """Yield each passage of a file with its article's title, as the file has them; None where there is none."""
    for _, row in read_json_lines(file):
        yield row.get("context"), row.get("title")
