"""XQuAD-R, the form of LAReQA: SQuAD JSON with sentence breaks, and one pool of the sentences of all languages.

Source: Roy et al. (2020), "LAReQA: Language-Agnostic Answer Retrieval from a Multilingual Pool", section 3.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from clearbench.common.errors import DataError
from clearbench.common.languages import MULTIPLE, Language
from clearbench.common.pairs import Pair
from clearbench.tasks.dataset import Dataset, TaskPair, Texts
from clearbench.tasks.formats.base import (
    Reader,
    ReaderOptions,
    WantedPairs,
    find_language_files,
    note_incomplete_pool,
    one_pool_pairs,
)
from clearbench.tasks.formats.gather import TextsBuilder
from clearbench.tasks.formats.parallel import SHARED, ParallelFile, check_same_questions
from clearbench.tasks.formats.parsing import list_field, read_json, text_field
from clearbench.tasks.mixed import POOL


class _Sentences(NamedTuple):
    """One language's file.

    Attributes:
        parsed: Its questions, its sentences, and the paragraph of each question.
        answers: Question id -> id of the sentence with its answer.
        num_across: Questions whose answer does not end in the sentence in which it begins.
    """

    parsed: ParallelFile
    answers: Mapping[str, str]
    num_across: int


class SentencesReader(Reader[ReaderOptions]):
    """Reads the files of all languages that have one, so that the pool does not depend on which pairs are wanted.

    A candidate is a sentence, under the id `<language>/<article>-<paragraph>-<sentence>`. A question, asked in any
    language, has one relevant sentence in each language: the one in which its answer begins. Candidates are sentences
    alone; the models of the paper encode them with their paragraph. Blanks around texts are removed.
    """

    def pairs(self) -> tuple[Pair, ...]:
        """Return the questions of every language with the pool of all languages."""
        return one_pool_pairs(self._spec, MULTIPLE)

    def load(self, wanted: WantedPairs) -> Dataset:
        """Read the wanted pairs; see `Reader.load`."""
        languages = list(self._spec.spellings)
        paths, notes = find_language_files(self._files, "questions", languages, wanted)
        files = {language: _read(language, path) for language, path in paths.items()}
        first = next(iter(files.values()))
        for other in files.values():
            check_same_questions(first.parsed, other.parsed)
        notes += note_incomplete_pool([language for language in languages if language not in files])
        across = {language: file.num_across for language, file in files.items() if file.num_across}
        if across:
            named = ", ".join(f"{language} ({number:,})" for language, number in across.items())
            notes += (f"answers across sentences count for the sentence in which they begin: {named}.",)
        loaded = Dataset(
            task=self._spec.name,
            version=self._spec.version,
            pools={POOL: _join({language: file.parsed.passages for language, file in files.items()})},
            queries={str(language): file.parsed.queries for language, file in files.items()},
            qrels={
                SHARED: {
                    query: {f"{language}/{file.answers[query]}": 1 for language, file in files.items()}
                    for query in first.answers
                }
            },
            pairs=tuple(TaskPair(*pair, str(pair.query), POOL, SHARED) for pair in wanted.pairs if pair.query in files),
            clusters=first.parsed.gold,
            notes=notes,
        )
        return loaded.select(loaded.pairs)


def _join(pools: Mapping[Language, Texts]) -> Texts:
    """Return one pool of the passages of all languages, under ids that begin with the language."""
    rows = [(lang, key, text) for lang, pool in pools.items() for key, text in zip(pool.ids, pool.texts, strict=True)]
    return Texts(
        MULTIPLE,
        tuple(f"{language}/{key}" for language, key, _ in rows),
        tuple(text for _, _, text in rows),
        tuple(language for language, _, _ in rows),
    )


def _read(language: Language, path: Path) -> _Sentences:
    """Read one language's file.

    Raises:
        DataError: The file has another structure, or its breaks or answers are not within their paragraphs.
    """
    queries, sentences = TextsBuilder(language, "query"), TextsBuilder(language, "passage")
    answers: dict[str, str] = {}
    paragraphs: dict[str, str] = {}
    num_across = 0
    for number, article in enumerate(list_field(read_json(path), "data", str(path))):
        for index, row in enumerate(list_field(article, "paragraphs", f"{path}: data[{number}]")):
            where, paragraph = f"{path}: data[{number}].paragraphs[{index}]", f"{number}-{index}"
            context = text_field(row, "context", where)
            breaks = _breaks(row, len(context), where)
            for place, (start, end) in enumerate(breaks):
                sentences.add(f"{paragraph}-{place}", context[start:end].strip(), where)
            for question in list_field(row, "qas", where):
                key = text_field(question, "id", where)
                queries.add(key, text_field(question, "question", where).strip(), where)
                start, end = _span(question, len(context), where)
                place = _sentence_at(start, breaks)
                answers[key], paragraphs[key] = f"{paragraph}-{place}", paragraph
                num_across += end > breaks[place][1]
    return _Sentences(ParallelFile(path, queries.build(path), sentences.build(path), paragraphs), answers, num_across)


def _breaks(paragraph: Any, length: int, where: str) -> list[tuple[int, int]]:
    """Return start and end of each sentence of a paragraph, in characters."""
    breaks: list[tuple[int, int]] = []
    for pair in list_field(paragraph, "sentence_breaks", where):
        previous = breaks[-1][1] if breaks else 0
        whole = isinstance(pair, list) and len(pair) == 2 and all(type(place) is int for place in pair)
        if not whole or not previous <= pair[0] < pair[1] <= length:
            raise DataError(
                f"{where}: sentence_breaks holds {str(pair)[:40]}, expected [start, end] with "
                f"{previous} <= start < end <= {length}."
            )
        breaks.append((pair[0], pair[1]))
    if not breaks:
        raise DataError(f"{where}: sentence_breaks is empty; expected a sentence or more.")
    return breaks


def _span(question: Any, length: int, where: str) -> tuple[int, int]:
    """Return start and end of a question's first answer, in characters of its paragraph."""
    answers = list_field(question, "answers", where)
    if not answers:
        raise DataError(f"{where}: question {question['id']!r} has no answer; expected one.")
    text, start = text_field(answers[0], "text", where), answers[0].get("answer_start")
    if type(start) is not int or not 0 <= start < length:
        raise DataError(
            f"{where}: answer_start is {start!r}, expected a place in a paragraph of {length:,} characters."
        )
    return start, start + len(text.rstrip())


def _sentence_at(place: int, breaks: Sequence[tuple[int, int]]) -> int:
    """Return the number of the sentence at a character; between two sentences, that of the next; else the last."""
    return next((number for number, (_, end) in enumerate(breaks) if place < end), len(breaks) - 1)
