"""XOR-Retrieve: questions in seven languages, English passages, judged by answer strings.

Source: Asai et al. (2021), "XOR QA: Cross-lingual Open-Retrieval Question Answering"; data version 1.1.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Literal

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
    note_absent,
    one_pool_pairs,
)
from clearbench.tasks.formats.corpus import load_corpus
from clearbench.tasks.formats.gather import TextsBuilder
from clearbench.tasks.formats.parsing import list_field, read_json_lines, text_field


class XorOptions(ReaderOptions):
    """Options of the `xor` reader.

    Attributes:
        join_title: Encode `title + " " + text` of a passage; the official measure encodes its text alone.
        tokeniser: How tokens are counted: `official` (nltk.word_tokenize), or `unsplit`, which needs no data.
    """

    keep_counts: ClassVar[frozenset[str]] = frozenset({"join_title", "tokeniser"})

    join_title: bool = False
    tokeniser: Literal["official", "unsplit"] = "official"


class XorReader(Reader[XorOptions]):
    """Reads the one file of questions, and a passage corpus.

    Questions are not changed or normalised: zero-width joiners are part of their spelling, and some are not NFC.
    Answers are not changed either, yes/no and repeats included: the official measure decides which of them count.
    """

    def pairs(self) -> tuple[Pair, ...]:
        """Return every language with English."""
        return one_pool_pairs(self._spec, ENGLISH)

    def load(self, wanted: WantedPairs) -> Dataset:
        """Read the wanted pairs; see `Reader.load`."""
        path = self._files.require("questions")
        queries, answers = self._read_questions(path, [pair.query for pair in wanted.pairs])
        absent = [language for language, items in queries.items() if not items]
        if named := [language for language in absent if language in wanted.named]:
            raise DataError(f"{path}: no questions in {named[0]}.")
        name, pool = load_corpus(self._files, ENGLISH, join=self._options.join_title)
        if len(absent) == len(queries):
            raise DataError(f"{path}: no questions in {', '.join(map(str, absent))}.")
        return Dataset(
            task=self._spec.name,
            version=self._spec.version,
            pools={name: pool},
            queries={str(language): questions.build(path) for language, questions in queries.items() if questions},
            qrels={},
            pairs=tuple(TaskPair(*pair, str(pair.query), name) for pair in wanted.pairs if queries[pair.query]),
            answers=answers,
            tokeniser=self._options.tokeniser,
            notes=(
                *note_absent("languages without questions", absent, len(queries)),
                f"passage corpus: {name}, {len(pool):,} passages.",
            ),
        )

    def _read_questions(self, path: Path, languages: Iterable[Language]) -> tuple[Questions, Answers]:
        """Read the questions of the given languages, and the answers of all."""
        known = {str(language): language for language in self._spec.spellings}
        known |= {spelling: language for language, spelling in self._spec.spellings.items()}
        queries: Questions = {language: TextsBuilder(language, "query") for language in languages}
        answers: Answers = {}
        for where, row in read_json_lines(path):
            spelling = text_field(row, "lang", where).strip()  # the training file has ' ar'
            language = known.get(spelling)
            if language is None:
                expected = ", ".join(self._spec.languages)
                raise DataError(f"{where}: language {spelling!r} is not one of the task's: {expected}.")
            key = text_field(row, "id", where)
            if key in answers:
                raise DataError(f"{where}: query id {key!r} occurs twice; ids must be unique.")
            answers[key] = _check_answers(list_field(row, "answers", where), where)
            if language in queries:
                queries[language].add(key, text_field(row, "question", where), where)
        return queries, answers


def _check_answers(values: list[object], where: str) -> tuple[str, ...]:
    for value in values:
        if not isinstance(value, str):
            raise DataError(f"{where}: field 'answers' holds {json_kind(value)}, expected a list of texts.")
    return tuple(map(str, values))
