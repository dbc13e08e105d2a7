"""Topics, judgements in TREC's form, and a collection in shards: MIRACL, Mr.TyDi, CIRAL, NeuCLIR.

Topics are a tsv (id, text), or JSON lines with a text per language as in NeuCLIR. Each language of passages has its
collection: one file, or a folder of JSON-lines shards.

Sources: Zhang et al. (2023), "MIRACL"; Zhang et al. (2021), "Mr. TyDi"; Adeyemi et al. (2023), "CIRAL"; Lawrie et al.
(2023), "Overview of the TREC 2022 NeuCLIR Track".
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from clearbench.common.errors import DataError, UsageError
from clearbench.common.languages import ENGLISH, Language, parse_language
from clearbench.common.pairs import Pair
from clearbench.tasks.dataset import Dataset, Qrels, TaskPair, Texts
from clearbench.tasks.formats.base import Reader, SplitOptions, WantedPairs, join_title, note_absent
from clearbench.tasks.formats.columns import OWN_PASSAGE_ID, OWN_QUERY_ID
from clearbench.tasks.formats.gather import TextsBuilder
from clearbench.tasks.formats.parsing import Row, list_field, optional_text, read_json_lines, read_lines, text_field
from clearbench.tasks.formats.qrels import read_qrels
from clearbench.tasks.formats.rows import is_rows
from clearbench.tasks.formats.unpack import plain_name

# Fields that hold the text of a passage, the first that a row has.
_TEXTS = ("text", "contents")


class TrecOptions(SplitOptions):
    """Options of the `trec` reader.

    Attributes:
        split: Value of `{split}` in file names.
        queries: "passage": queries in the language of the passages (MIRACL, Mr.TyDi); "english": English queries for
            passages in each other language (CIRAL); "both": both of them, of the same topics (NeuCLIR).
        join_title: Put a passage's title before its text.
    """

    queries: Literal["passage", "english", "both"] = "passage"
    join_title: bool = True


class TrecReader(Reader[TrecOptions]):
    """Reads topics, judgements and collection of each language of passages; unjudged topics are left out.

    Query ids get the language of the passages before them, because topics of different collections are different
    questions under the same numbers.
    """

    def pairs(self) -> tuple[Pair, ...]:
        """Return the pairs of each language of passages: with itself, with English, or both."""
        passages = [language for language in self._spec.spellings if self._asks_itself or language != ENGLISH]
        english = [] if self._options.queries == "passage" else [Pair(ENGLISH, passage) for passage in passages]
        return (*english, *(Pair(passage, passage) for passage in passages if self._asks_itself))

    @property
    def _asks_itself(self) -> bool:
        return self._options.queries != "english"

    def load(self, wanted: WantedPairs) -> Dataset:
        """Read the wanted pairs; see `Reader.load`."""
        pools: dict[str, Texts] = {}
        query_sets: dict[str, Texts] = {}
        judgements: dict[str, Qrels] = {}
        without: dict[str, tuple[str, ...]] = {}
        pairs: list[TaskPair] = []
        paths = {pair: found for pair in wanted.pairs if (found := self._find(pair.passage, wanted))}
        if not paths:
            raise self._files.missing_error("corpus", language=wanted.pairs[0].passage)
        absent = [pair for pair in wanted.pairs if pair not in paths]
        for pair, (topics, qrels, corpus) in paths.items():
            pool, key = str(pair.passage), str(pair)
            if pool not in pools:
                pools[pool] = self._read_collection(pair.passage, corpus)
                judgements[pool] = _read_judgements(pool, qrels)
            asked, left_out = _judged(_read_topics(pair, topics), judgements[pool])
            if not len(asked):
                raise DataError(f"{qrels}: no topic of {topics} has a relevant passage; expected some.")
            query_sets[key] = asked
            if left_out:
                without[key] = left_out
            pairs.append(TaskPair(*pair, key, pool, pool))
        return Dataset(
            task=self._spec.name,
            version=self._spec.version,
            pools=pools,
            queries=query_sets,
            qrels=judgements,
            pairs=tuple(pairs),
            left_out=without,
            notes=note_absent("pairs without files", absent, len(wanted.pairs)),
        )

    def _find(self, passage: Language, wanted: WantedPairs) -> tuple[Path, Path, Path] | None:
        """Return topics, judgements and collection of a language; None if it lacks one and the user did not name it."""
        find = self._files.require if passage in wanted.named else self._files.find
        topics, qrels, corpus = (find(key, language=passage) for key in ("topics", "qrels", "corpus"))
        return (topics, qrels, corpus) if topics and qrels and corpus else None

    def _read_collection(self, language: Language, path: Path) -> Texts:
        builder = TextsBuilder(language, "passage")
        for file in _shards(path):
            for where, row in read_json_lines(file):
                field = next((name for name in _TEXTS if name in row), _TEXTS[0])
                text, title = text_field(row, field, where), optional_text(row, "title", where)
                text = join_title(title, text) if self._options.join_title else text.strip()
                builder.add(text_field(row, OWN_PASSAGE_ID.find(row, where), where), text, where)
        return builder.build(path)


def _shards(path: Path) -> list[Path]:
    """Return the files of a collection in the order of the numbers in their names: docs-2 before docs-10.

    Raises:
        DataError: A folder holds no JSON lines.
    """
    if not path.is_dir():
        return [path]
    files = [file for file in path.iterdir() if is_rows(file) and not file.name.startswith(".")]
    if not files:
        raise DataError(f"{path}: the folder holds no shards; expected docs-0.jsonl.gz or the like.")
    return sorted(
        files, key=lambda file: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", file.name)]
    )


def _read_topics(pair: Pair, path: Path) -> Texts:
    builder = TextsBuilder(pair.query, "query")
    for where, key, text in _topics(pair, path):
        builder.add(f"{pair.passage}:{key}", text, where)
    return builder.build(path)


def _topics(pair: Pair, path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield place, id and text of each topic in the language of a pair's queries."""
    if plain_name(path).endswith((".jsonl", ".json")):
        for where, row in read_json_lines(path):
            key = text_field(row, OWN_QUERY_ID.find(row, where), where)
            texts = _translations(row, pair.query, where) if "topics" in row else [text_field(row, "text", where)]
            yield from ((where, key, text.strip()) for text in texts[:1])
        return
    for number, line in read_lines(path):
        key, tab, text = line.partition("\t")
        if not tab:
            raise DataError(f"{path}:{number}: found {line[:60]!r}, expected a topic's id, a tab and its text.")
        yield f"{path}:{number}", key.strip(), text.strip()


def _translations(row: Row, language: Language, where: str) -> list[str]:
    """Return the titles of a NeuCLIR topic in a language: first what people wrote, then what machines translated."""
    found: list[tuple[bool, str]] = []
    for topic in list_field(row, "topics", where):
        try:
            is_wanted = parse_language(text_field(topic, "lang", where)) == language
        except UsageError as error:
            raise DataError(f"{where}: {error}") from None
        if is_wanted:
            is_machine = "machine" in optional_text(topic, "source", where)
            found.append((is_machine, text_field(topic, "topic_title", where)))
    return [title for _, title in sorted(found, key=lambda item: item[0])]


def _read_judgements(prefix: str, path: Path) -> dict[str, dict[str, int]]:
    """Return topic -> passage -> relevance.

    Raises:
        DataError: A passage is judged twice for a topic, with different grades.
    """
    judged: dict[str, dict[str, int]] = {}
    for where, query, passage, relevance in read_qrels(path):
        row = judged.setdefault(f"{prefix}:{query}", {})
        if row.setdefault(passage, relevance) != relevance:
            raise DataError(
                f"{where}: passage {passage!r} is judged {relevance} here and {row[passage]} in an earlier line."
            )
    return judged


def _judged(topics: Texts, judgements: Qrels) -> tuple[Texts, tuple[str, ...]]:
    """Return the topics with a relevant passage, and the ids of the others."""
    has_relevant = [any(value > 0 for value in judgements.get(key, {}).values()) for key in topics.ids]
    rows = [row for row, kept in zip(zip(topics.ids, topics.texts, strict=True), has_relevant, strict=True) if kept]
    left_out = tuple(key for key, kept in zip(topics.ids, has_relevant, strict=True) if not kept)
    return Texts(topics.language, tuple(key for key, _ in rows), tuple(text for _, text in rows)), left_out
