"""Parallel text, line by line: line 7 of one language's file is the translation of line 7 of another's.

A sentence is identified by its line, never by its text: an equal sentence on another line is not relevant, as in MTEB's
bitext mining.

Sources: Federmann, Kocmi & Xin (2022), "NTREX-128 - News Test References for MT Evaluation of 128 Languages";
Artetxe & Schwenk (2019), "Massively Multilingual Sentence Embeddings for Zero-Shot Cross-Lingual Transfer and Beyond"
(Tatoeba).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from clearbench.common.errors import DataError, TaskError
from clearbench.common.languages import ENGLISH, Language
from clearbench.common.pairs import Pair
from clearbench.common.text import count, join_names
from clearbench.tasks.dataset import Dataset, Qrels, TaskPair, Texts
from clearbench.tasks.formats.base import (
    Reader,
    ReaderOptions,
    WantedPairs,
    find_language_files,
    languages_of,
    note_absent,
)
from clearbench.tasks.formats.gather import TextsBuilder
from clearbench.tasks.formats.parallel import SHARED, all_pairs
from clearbench.tasks.formats.parsing import read_lines
from clearbench.tasks.sources import SourceFiles
from clearbench.tasks.spec import TaskSpec


class LinesOptions(ReaderOptions):
    """Options of the `lines` reader.

    Attributes:
        layout: "parallel": one file per language, and all files have the same sentences (NTREX-128); the source
            `english`, where the task has it, is the English file, and `documents` the document of each line.
            "english": two files per language, its sentences (source `sentences`) and their English translations
            (source `english`); each language has different sentences (Tatoeba).
        num_lines: Number of lines that each file must have; by default parallel files only need equal numbers.
        num_lines_by: Language, spelled as in the task file -> number of lines of its files, if it is not `num_lines`.
    """

    layout: Literal["parallel", "english"]
    num_lines: int | None = None
    num_lines_by: Mapping[str, int] = {}


class _LineFile(NamedTuple):
    """One file: its texts without blank lines, the number of its lines, blank ones included, and its path."""

    texts: Texts
    num_lines: int
    path: Path


class LinesReader(Reader[LinesOptions]):
    """Reads files that are parallel by line, in one of two layouts, see `LinesOptions`.

    A blank line is left out of its own language only: there it is not a passage, and in a pair with that language it is
    not a query. So the figures of a pair do not depend on which other languages are loaded.
    """

    def __init__(self, spec: TaskSpec, files: SourceFiles, options: LinesOptions) -> None:
        super().__init__(spec, files, options)
        unknown = sorted(set(options.num_lines_by) - set(spec.languages))
        if unknown:
            raise TaskError(f"{spec.name}: num_lines_by: {unknown[0]!r} is not a language of the task.")

    def pairs(self) -> tuple[Pair, ...]:
        """Return every pair of two languages, or those with English; never a language with itself.

        There each sentence would only have to find itself.
        """
        pairs = (pair for pair in all_pairs(self._spec) if not pair.monolingual)
        if self._options.layout == "parallel":
            return tuple(pairs)
        return tuple(sorted((pair for pair in pairs if ENGLISH in pair), key=lambda pair: pair.passage != ENGLISH))

    def load(self, wanted: WantedPairs) -> Dataset:
        """Read the wanted pairs; see `Reader.load`."""
        return self._load_parallel(wanted) if self._options.layout == "parallel" else self._load_english(wanted)

    def _load_parallel(self, wanted: WantedPairs) -> Dataset:
        languages = languages_of(wanted.pairs)
        separate = [language for language in languages if language == ENGLISH and self._files.has("english")]
        others = [language for language in languages if language not in separate]
        paths, notes = find_language_files(self._files, "sentences", others, wanted)
        if separate:
            find = self._files.require if ENGLISH in wanted.named else self._files.find
            if (english := find("english")) is not None:
                paths[ENGLISH] = english
            else:
                notes += note_absent("languages without files", separate, len(languages))
        files = {language: self._read(language, path, language, "") for language, path in paths.items()}
        loadable = [pair for pair in wanted.pairs if pair.query in files and pair.passage in files]
        if not loadable:
            raise self._files.missing_error("english" if ENGLISH in separate and ENGLISH not in files else "sentences")
        _check_lengths(files.values())
        notes += _note_blank_lines(files.values())
        return self._assemble([(pair, files[pair.query], files[pair.passage]) for pair in loadable], notes)

    def _load_english(self, wanted: WantedPairs) -> Dataset:
        languages = [language for language in languages_of(wanted.pairs) if language != ENGLISH]
        paths, notes = find_language_files(self._files, "sentences", languages, wanted)
        translations, more = find_language_files(self._files, "english", list(paths), wanted)
        notes += more
        files: dict[Language, tuple[_LineFile, _LineFile]] = {}
        for language, english in translations.items():
            path = paths[language]
            prefix = f"{language}:"
            both = self._read(language, path, language, prefix), self._read(ENGLISH, english, language, prefix)
            _check_lengths(both)
            files[language] = both
        notes += _note_blank_lines(lines for both in files.values() for lines in both)
        files_of_pairs = []
        for pair in wanted.pairs:
            if pair.query in files:
                files_of_pairs.append((pair, *files[pair.query]))
            elif pair.passage in files:
                passages, queries = files[pair.passage]
                files_of_pairs.append((pair, queries, passages))
        return self._assemble(files_of_pairs, notes)

    def _read(self, language: Language, path: Path, of: Language, prefix: str) -> _LineFile:
        """Read one file.

        Args:
            language: Language of its sentences.
            path: The file.
            of: The language that decides its expected number of lines.
            prefix: First part of the ids, before the line number.
        Raises:
            DataError: It has another number of lines, or a text that cannot be used.
        """
        builder = TextsBuilder(language, "passage")
        number = 0
        for number, line in read_lines(path, keep_blank=True):
            if line and not line.isspace():
                builder.add(f"{prefix}{number}", line, f"{path}:{number}")
        expected = self._options.num_lines_by.get(self._spec.spellings[of], self._options.num_lines)
        if expected is not None and number != expected:
            raise DataError(
                f"{path}: {count(number, 'line')}, the task file expects {expected:,}. The sentences of "
                f"{self._spec.name} are identified by their line; download the whole file again."
            )
        return _LineFile(builder.build(path), number, path)

    def _read_clusters(self, num_lines: int) -> dict[str, str]:
        """Return line -> its document; nothing if the task has no documents."""
        if not self._files.has("documents"):
            return {}
        path = self._files.require("documents")
        rows = list(read_lines(path, keep_blank=True))
        if len(rows) != num_lines:
            raise DataError(
                f"{path}: {count(len(rows), 'line')}; expected {num_lines:,}, the document of each sentence."
            )
        return {str(number): text.strip() for number, text in rows if text.strip()}

    def _assemble(self, files: Iterable[tuple[Pair, _LineFile, _LineFile]], notes: tuple[str, ...]) -> Dataset:
        """Build the pairs; pairs with the same query set, pool or judgements share them."""
        pools: dict[str, Texts] = {}
        query_sets: dict[str, Texts] = {}
        judgements: dict[str, Qrels] = {}
        left_out: dict[str, tuple[str, ...]] = {}
        pairs: list[TaskPair] = []
        num_lines = 0
        for pair, queries, passages in files:
            num_lines = queries.num_lines
            own = self._options.layout == "english"
            pool = str(pair) if own else str(pair.passage)
            with_passage, absent = _split_by_passage(queries.texts, passages.texts)
            if not len(with_passage):
                raise DataError(
                    f"{queries.path}: none of its lines with text has text in {passages.path}; expected at least one."
                )
            key = str(pair) if own or absent else str(pair.query)
            complete = len(passages.texts) == num_lines and not own
            qrels = SHARED if complete else pool
            pools[pool], query_sets[key] = passages.texts, with_passage
            if absent:
                left_out[key] = absent
            if qrels not in judgements:
                judgements[qrels] = {line: {line: 1} for line in passages.texts.ids}
            pairs.append(TaskPair(*pair, key, pool, qrels))
        return Dataset(
            task=self._spec.name,
            version=self._spec.version,
            pools=pools,
            queries=query_sets,
            qrels=judgements,
            pairs=tuple(pairs),
            clusters=self._read_clusters(num_lines),
            left_out=left_out,
            notes=notes,
        )


def _split_by_passage(queries: Texts, passages: Texts) -> tuple[Texts, tuple[str, ...]]:
    """Return the queries whose line has a passage, and the ids of the others."""
    if queries.ids == passages.ids:
        return queries, ()
    kept = [(key, text) for key, text in zip(queries.ids, queries.texts, strict=True) if key in passages.index]
    absent = tuple(key for key in queries.ids if key not in passages.index)
    if not absent:
        return queries, ()
    return Texts(queries.language, tuple(key for key, _ in kept), tuple(text for _, text in kept)), absent


def _check_lengths(files: Iterable[_LineFile]) -> None:
    """Refuse files of different lengths: a missing line in the middle would shift all lines after it."""
    first, *others = files
    for other in others:
        if other.num_lines != first.num_lines:
            raise DataError(
                f"{other.path}: {count(other.num_lines, 'line')}, but {first.path} has {first.num_lines:,}; "
                "files that are parallel by line must have the same number of lines."
            )


def _note_blank_lines(files: Iterable[_LineFile]) -> tuple[str, ...]:
    """Return a note on the blank lines that were left out, or none."""
    blank = {lines.path.name: lines.num_lines - len(lines.texts) for lines in files}
    named = [f"{name} ({number:,})" for name, number in blank.items() if number]
    if not named:
        return ()
    return (f"blank lines are not used as queries or passages of their language: {join_names(named)}.",)
