"""MKQA: 10,000 Natural Questions in 26 languages, English passages, judged by the English answers.

Source: Longpre, Lu & Daiber (2021), "MKQA: A Linguistically Diverse Benchmark for Multilingual Open Domain Question
Answering". The retrieval form is that of mContriever and BGE-M3: every language's question is judged by the English
answers and their aliases; questions of the types below are dropped, which leaves 6,619.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from clearbench.common.errors import DataError
from clearbench.common.languages import ENGLISH, Language
from clearbench.common.pairs import Pair
from clearbench.common.text import json_kind
from clearbench.tasks.dataset import Dataset, TaskPair
from clearbench.tasks.formats.base import (
    Answers,
    Questions,
    Reader,
    ReaderOptions,
    WantedPairs,
    find_language_files,
    one_pool_pairs,
)
from clearbench.tasks.formats.corpus import load_corpus
from clearbench.tasks.formats.gather import TextsBuilder
from clearbench.tasks.formats.parsing import Row, list_field, optional_text, read_json_lines, text_field

_DROPPED_TYPES = frozenset({"unanswerable", "binary", "long_answer"})


class MkqaOptions(ReaderOptions):
    """Options of the `mkqa` reader.

    Attributes:
        join_title: Encode `title + " " + text` of a passage, as in the published runs, instead of its text alone.
    """

    keep_counts: ClassVar[frozenset[str]] = frozenset({"join_title"})

    join_title: bool = True


class MkqaReader(Reader[MkqaOptions]):
    """Reads the official file (source `questions`) or per-language copies (source `copies`), and a corpus.

    Questions are not changed: blanks and U+200B in Khmer belong to their spelling.
    """

    def pairs(self) -> tuple[Pair, ...]:
        """Return every language with English, English included."""
        return one_pool_pairs(self._spec, ENGLISH)

    def load(self, wanted: WantedPairs) -> Dataset:
        """Read the wanted pairs; see `Reader.load`."""
        languages = [pair.query for pair in wanted.pairs]
        path = None if self._has_only_copies() else self._files.require("questions")
        if path is not None:
            questions, answers, notes = self._read_official(path, languages)
        else:
            questions, answers, notes = self._read_copies(languages, wanted)
        name, pool = load_corpus(self._files, ENGLISH, join=self._options.join_title)
        return Dataset(
            task=self._spec.name,
            version=self._spec.version,
            pools={name: pool},
            queries={str(language): texts.build(path or self._spec.name) for language, texts in questions.items()},
            qrels={},
            pairs=tuple(TaskPair(*pair, str(pair.query), name) for pair in wanted.pairs if pair.query in questions),
            answers=answers,
            notes=(*notes, f"passage corpus: {name}, {len(pool):,} passages."),
        )

    def _has_only_copies(self) -> bool:
        """Return whether the data folder has copies and not the official file."""
        return (
            self._files.has("copies")
            and self._files.find_local("questions") is None
            and self._files.find_local("copies", language=ENGLISH) is not None
        )

    def _read_official(self, path: Path, languages: Iterable[Language]) -> tuple[Questions, Answers, tuple[str, ...]]:
        questions: Questions = {language: TextsBuilder(language, "query") for language in languages}
        answers: Answers = {}
        dropped = total = 0
        for where, row in read_json_lines(path):
            total += 1
            key = text_field(row, "example_id", where)
            if key in answers:
                raise DataError(f"{where}: query id {key!r} occurs twice; ids must be unique.")
            accepted = _official_answers(row, where)
            if not accepted:
                dropped += 1
                continue
            answers[key] = accepted
            texts = row.get("queries")
            for language, builder in questions.items():
                builder.add(key, text_field(texts, self._spec.spellings[language], f"{where}: queries"), where)
        if not answers:
            raise DataError(f"{path}: none of {total:,} questions has an answer of an evaluated type.")
        note = f"{dropped:,} of {total:,} questions without a short answer are left out."
        return questions, answers, (note,) if dropped else ()

    def _read_copies(
        self, languages: list[Language], wanted: WantedPairs
    ) -> tuple[Questions, Answers, tuple[str, ...]]:
        answers: Answers = {}
        unanswered: set[str] = set()
        for where, key, row in _read_copy_rows(self._files.require("copies", language=ENGLISH)):
            accepted = _clean_answers(list_field(row, "answers", where), where)
            if accepted:
                answers[key] = accepted
            else:
                unanswered.add(key)
        paths, notes = find_language_files(self._files, "copies", languages, wanted)
        questions: Questions = {}
        for language, path in paths.items():
            questions[language] = TextsBuilder(language, "query")
            for where, key, row in _read_copy_rows(path):
                if key in answers:
                    questions[language].add(key, text_field(row, "question", where), where)
                elif key not in unanswered:
                    raise DataError(f"{where}: question {key!r} is not in the English file, which has the answers.")
        if unanswered:
            notes += (f"{len(unanswered):,} questions without an answer are left out.",)
        return questions, answers, notes


def _read_copy_rows(path: Path) -> Iterator[tuple[str, str, Row]]:
    """Yield place, question id and row of a per-language copy; ids are `<id>_<lang>`, and `zh_cn` has a `_` too."""
    for where, row in read_json_lines(path):
        yield where, text_field(row, "id", where).partition("_")[0], row


def _official_answers(row: Row, where: str) -> tuple[str, ...]:
    """Return the English answers and aliases, or none for a question that is not evaluated.

    The last answer's type decides for the question, as in the reference script (contriever,
    `data_scripts/preprocess_xmkqa.py`) behind the published 6,619.
    """
    by_language = row.get("answers")
    items = list_field(by_language, "en", f"{where}: answers")
    texts: list[object] = []
    kept = False
    for item in items:
        if not isinstance(item, Mapping):
            raise DataError(f"{where}: answers.en holds {json_kind(item)}, expected objects with type, text, aliases.")
        place = f"{where}: answers.en"
        kept = optional_text(item, "type", place) not in _DROPPED_TYPES
        if kept:
            aliases = [] if item.get("aliases") is None else list_field(item, "aliases", place)
            texts += [text for text in (item.get("text"), *aliases) if text is not None]
    return _clean_answers(texts, where) if kept else ()


def _clean_answers(values: Iterable[object], where: str) -> tuple[str, ...]:
    """Return answers without surrounding blanks, repeats and empty answers, which would match any passage."""
    for value in values:
        if not isinstance(value, str):
            raise DataError(f"{where}: an answer is {json_kind(value)}, expected text.")
    return tuple(dict.fromkeys(text for value in values if (text := str(value).strip())))
