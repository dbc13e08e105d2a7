"""SQuAD JSON in retrieval form: XQuAD (parallel), MLQA (a file per pair), TyDi QA GoldP (monolingual).

Blanks around questions and passages are removed, as in the figures that MTEB publishes (XQuAD en has 1,185 distinct
questions after that, 1,187 before); MLQA's stray blanks are not part of a question.

Sources: Artetxe et al. (2020), "On the Cross-lingual Transferability of Monolingual Representations"; Lewis et al.
(2020), "MLQA"; Clark et al. (2020), "TyDi QA".
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from clearbench.common.errors import DataError
from clearbench.common.languages import ENGLISH, Language
from clearbench.common.pairs import Pair
from clearbench.tasks.dataset import Dataset, Qrels, TaskPair, Texts
from clearbench.tasks.formats.base import (
    Reader,
    SplitOptions,
    WantedPairs,
    find_language_files,
    languages_of,
    note_absent,
    text_id,
)
from clearbench.tasks.formats.gather import gather_texts
from clearbench.tasks.formats.parallel import ParallelFile, all_pairs, assemble, merge_equal
from clearbench.tasks.formats.parsing import list_field, read_json, text_field


class SquadOptions(SplitOptions):
    """Options of the `squad` reader.

    Attributes:
        layout: "parallel": one file per language, the same paragraphs and questions in each (XQuAD);
            "pairs": one file per pair of context and question language (MLQA);
            "monolingual": one file per language, not parallel (TyDi QA GoldP).
        merge_duplicate_questions: Merge questions of equal text into one query, as for Belebele.
    """

    layout: Literal["parallel", "pairs", "monolingual"]
    merge_duplicate_questions: bool = False


class _Question(NamedTuple):
    """One question with its paragraph (position "article-paragraph" and text), and its place in the file."""

    id: str
    text: str
    position: str
    context: str
    where: str


class SquadReader(Reader[SquadOptions]):
    """Reads SQuAD files in one of three layouts, see `SquadOptions`."""

    def pairs(self) -> tuple[Pair, ...]:
        """Return every pair of languages, or every language with itself in the monolingual layout."""
        if self._options.layout == "monolingual":
            return tuple(Pair(language, language) for language in self._spec.spellings)
        return all_pairs(self._spec)

    def load(self, wanted: WantedPairs) -> Dataset:
        """Read the wanted pairs; see `Reader.load`."""
        if self._options.layout != "parallel":
            return self._load_separate(wanted)
        paths, notes = find_language_files(self._files, "questions", languages_of(wanted.pairs), wanted)
        parsed = {language: _parse_parallel(language, path) for language, path in paths.items()}
        return assemble(self._spec, wanted, parsed, merge=self._options.merge_duplicate_questions, notes=notes)

    def _load_separate(self, wanted: WantedPairs) -> Dataset:
        """Read one file per pair: pools are the distinct contexts of the file, ids are hashes of their texts.

        The clusters must not depend on which pairs are loaded, but contexts in two languages group the questions
        differently. So the English context decides, from the file that has all questions in English; a question that
        is not in it belongs to its context in the first loaded pair that has the question.
        """
        paths = {pair: path for pair in wanted.pairs if (path := self._find_path(pair, wanted))}
        if not paths:
            raise self._missing_error(wanted.pairs[0])
        absent = [pair for pair in wanted.pairs if pair not in paths]
        notes = note_absent("pairs without files", absent, len(wanted.pairs))
        clusters = self._read_english_clusters(wanted)
        pools: dict[str, Texts] = {}
        query_sets: dict[str, Texts] = {}
        judgements: dict[str, Qrels] = {}
        pairs: list[TaskPair] = []
        for pair, path in paths.items():
            questions = list(_read_questions(path))
            contexts = {question.id: text_id(question.context) for question in questions}
            for query, context in contexts.items():
                clusters.setdefault(query, context)
            pool = str(pair) if self._options.layout == "pairs" else str(pair.passage)
            pools[pool] = _gather_passages(
                pair.passage, path, {text_id(question.context): question for question in questions}
            )
            queries = _gather_queries(pair.query, path, questions)
            qrels: Qrels = {query: {context: 1} for query, context in contexts.items()}
            if self._options.merge_duplicate_questions:
                queries, qrels = merge_equal(queries, qrels)
            key = str(pair)
            query_sets[key], judgements[key] = queries, qrels
            pairs.append(TaskPair(*pair, key, pool, key))
        return Dataset(
            task=self._spec.name,
            version=self._spec.version,
            pools=pools,
            queries=query_sets,
            qrels=judgements,
            pairs=tuple(pairs),
            clusters=clusters,
            notes=notes,
        )

    def _find_path(self, pair: Pair, wanted: WantedPairs) -> Path | None:
        if self._options.layout == "monolingual":
            find = self._files.require if pair.query in wanted.named else self._files.find
            return find("questions", language=pair.query)
        find = self._files.require if wanted.names(pair) else self._files.find
        return find("questions", pair=pair)

    def _missing_error(self, pair: Pair) -> DataError:
        if self._options.layout == "monolingual":
            return self._files.missing_error("questions", language=pair.query)
        return self._files.missing_error("questions", pair=pair)

    def _read_english_clusters(self, wanted: WantedPairs) -> dict[str, str]:
        if self._options.layout == "monolingual" or ENGLISH not in self._spec.spellings:
            return {}
        path = self._find_path(Pair(ENGLISH, ENGLISH), WantedPairs(wanted.pairs))
        return {} if path is None else {question.id: text_id(question.context) for question in _read_questions(path)}


def _parse_parallel(language: Language, path: Path) -> ParallelFile:
    """Read one language of a parallel task; a passage's id is its position, the same in every language."""
    questions = list(_read_questions(path))
    first: dict[str, _Question] = {}
    gold = {question.id: first.setdefault(question.context, question).position for question in questions}
    passages = _gather_passages(language, path, {question.position: question for question in first.values()})
    return ParallelFile(path, _gather_queries(language, path, questions), passages, gold)


def _gather_queries(language: Language, path: Path, questions: Iterable[_Question]) -> Texts:
    return gather_texts(
        language, ((question.id, question.text, question.where) for question in questions), "query", path
    )


def _gather_passages(language: Language, path: Path, questions: Mapping[str, _Question]) -> Texts:
    """Return the paragraphs of questions, by the ids given."""
    rows = ((key, question.context, question.where) for key, question in questions.items())
    return gather_texts(language, rows, "passage", path)


def _read_questions(path: Path) -> Iterator[_Question]:
    """Yield the questions of a SQuAD file in its order.

    Raises:
        DataError: The file has another structure.
    """
    for number, article in enumerate(list_field(read_json(path), "data", str(path))):
        place = f"{path}: data[{number}]"
        for index, paragraph in enumerate(list_field(article, "paragraphs", place)):
            where = f"{place}.paragraphs[{index}]"
            context = text_field(paragraph, "context", where).strip()
            for row in list_field(paragraph, "qas", where):
                text = text_field(row, "question", where).strip()
                yield _Question(text_field(row, "id", where), text, f"{number}-{index}", context, where)


def read_titles(file: Path) -> Iterator[tuple[object, object]]:
    """Yield each passage of a file with its article's title, as the file has them; None where there is none."""
    for article in read_json(file)["data"]:
        yield from ((paragraph["context"], article.get("title")) for paragraph in article["paragraphs"])
