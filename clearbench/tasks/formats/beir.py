"""A BEIR-style folder, with languages: `corpus.jsonl`, `queries.jsonl`, `qrels/*.tsv`.

Rows may carry `language` (or `lang`); where they do not, an option or the task file says it. A query row may carry
`parallel_id`: the same value in two languages is the same question.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from clearbench.common.errors import DataError, UsageError
from clearbench.common.groups import group_linked
from clearbench.common.languages import Language, parse_language
from clearbench.common.pairs import Pair
from clearbench.tasks.dataset import Dataset, TaskPair, Texts
from clearbench.tasks.formats.base import SplitOptions, Wanted, join_title
from clearbench.tasks.formats.parsing import Row, id_field, make_texts, read_json_lines, read_lines, text_field
from clearbench.tasks.sources import SourceFiles
from clearbench.tasks.spec import TaskSpec


class BeirOptions(SplitOptions):
    """Options of the `beir` reader.

    Attributes:
        split: Name of the file under `qrels/`, without `.tsv`; default: `test`, or the only one there is.
        query_language: Language of queries whose rows name none.
        passage_language: Language of passages whose rows name none.
    """

    split: str = ""
    query_language: str | None = None
    passage_language: str | None = None


class _Query(NamedTuple):
    """One query: its language, the id it is scored under (its parallel id if it has one), its text."""

    language: Language
    id: str
    text: str


class _Data(NamedTuple):
    """The whole folder: pools by language, queries by `_id`, judgements by pair and query id, notes."""

    pools: Mapping[Language, Texts]
    queries: Mapping[str, _Query]
    judged: Mapping[Pair, Mapping[str, Mapping[str, int]]]
    notes: tuple[str, ...]


class BeirReader:
    """Reads the folder once; the judgements say which pairs there are, and a pool is all passages of a language."""

    def __init__(self, spec: TaskSpec, files: SourceFiles, options: BeirOptions) -> None:
        self._spec, self._files, self._options = spec, files, options

    def pairs(self) -> tuple[Pair, ...]:
        """Return the pairs that occur in the judgements."""
        return tuple(self._data.judged)

    def load(self, wanted: Wanted) -> Dataset:
        """Read the wanted pairs; see `Reader.load`."""
        data = self._data
        by_language: dict[Language, dict[str, str]] = {}
        for query in data.queries.values():
            by_language.setdefault(query.language, {})[query.id] = query.text
        queries: dict[str, Texts] = {}
        for pair in wanted.pairs:
            judged = data.judged[pair]
            items = [(key, text) for key, text in by_language[pair.query].items() if key in judged]
            queries[str(pair)] = make_texts(pair.query, items, "query", self._path("queries"))
        used = {pair.passage for pair in wanted.pairs}
        return Dataset(
            task=self._spec.name,
            version=self._spec.version,
            pools={str(language): pool for language, pool in data.pools.items() if language in used},
            queries=queries,
            qrels={str(pair): data.judged[pair] for pair in wanted.pairs},
            pairs=tuple(TaskPair(*pair, str(pair), str(pair.passage), str(pair)) for pair in wanted.pairs),
            clusters=_clusters(data.judged.values()),
            notes=data.notes,
        )

    def _path(self, key: str) -> Path:
        """Return the corpus or queries file, or the folder of the judgements."""
        if not self._files.has("folder"):
            return self._files.require(key)
        folder = self._files.require("folder")
        names = {"corpus": ("corpus.jsonl", "corpus.jsonl.gz"), "queries": ("queries.jsonl", "queries.jsonl.gz")}
        if key == "qrels":
            return folder / "qrels"
        return next((folder / name for name in names[key] if (folder / name).exists()), folder / names[key][0])

    @cached_property
    def _data(self) -> _Data:
        pools, home = self._read_passages()
        queries = self._read_queries()
        path = self._qrels_path()
        judged: dict[Pair, dict[str, dict[str, int]]] = {}
        unknown: Counter[str] = Counter()
        examples: dict[str, str] = {}
        for where, query_id, passage_id, relevance in _read_qrels(path):
            query, language = queries.get(query_id), home.get(passage_id)
            if query is None or language is None:
                kind, name = ("query", query_id) if query is None else ("passage", passage_id)
                unknown[kind] += 1
                examples.setdefault(kind, f"{where}: {kind} {name!r}")
            else:
                row = judged.setdefault(Pair(query.language, language), {}).setdefault(query.id, {})
                if row.setdefault(passage_id, relevance) != relevance:
                    raise DataError(f"{where}: {query_id!r} and {passage_id!r} are judged twice, differently.")
        if unknown:
            counts = " and ".join(f"{count:,} rows with an unknown {kind}" for kind, count in unknown.items())
            raise DataError(f"{'; '.join(examples.values())} is not in the folder ({counts} in all).")
        return _Data(pools, queries, *_drop_unanswerable(judged, path, self._order()))

    def _order(self) -> dict[Language, int]:
        return {language: place for place, language in enumerate(self._spec.spellings)}

    def _read_passages(self) -> tuple[dict[Language, Texts], dict[str, Language]]:
        path = self._path("corpus")
        items: dict[Language, list[tuple[str, str]]] = {}
        home: dict[str, Language] = {}
        for where, row in read_json_lines(path):
            key = id_field(row, "_id", where)
            if key in home:
                raise DataError(f"{where}: passage id {key!r} occurs twice; ids must be unique.")
            home[key] = self._language(row, where, "passage_language", self._options.passage_language)
            items.setdefault(home[key], []).append((key, join_title(row.get("title"), text_field(row, "text", where))))
        return {language: make_texts(language, rows, "passage", path) for language, rows in items.items()}, home

    def _read_queries(self) -> dict[str, _Query]:
        queries: dict[str, _Query] = {}
        seen: set[tuple[Language, str]] = set()
        for where, row in read_json_lines(self._path("queries")):
            key = id_field(row, "_id", where)
            if key in queries:
                raise DataError(f"{where}: query id {key!r} occurs twice; ids must be unique.")
            language = self._language(row, where, "query_language", self._options.query_language)
            parallel = id_field(row, "parallel_id", where) if row.get("parallel_id") is not None else key
            if (language, parallel) in seen:
                raise DataError(f"{where}: parallel_id {parallel!r} occurs twice in {language}.")
            seen.add((language, parallel))
            queries[key] = _Query(language, parallel, text_field(row, "text", where))
        return queries

    def _language(self, row: Row, where: str, option: str, default: str | None) -> Language:
        text = row.get("language") or row.get("lang") or default
        if not isinstance(text, str):
            raise DataError(f"{where}: no field 'language', and option {option} is not set; give one of the two.")
        try:
            return parse_language(text)
        except UsageError as error:
            raise DataError(f"{where}: {error}") from None

    def _qrels_path(self) -> Path:
        folder = self._path("qrels")
        if not folder.is_dir():
            if folder.exists():
                return folder
            raise DataError(f"{folder}: there is no such folder; expected qrels/test.tsv or the like.")
        there = {path.stem: path for path in sorted(folder.glob("*.tsv"))}
        split = self._options.split or ("test" if "test" in there or len(there) != 1 else next(iter(there)))
        if split not in there:
            names = ", ".join(there) or "none"
            raise DataError(f"{folder}: no {split}.tsv; there are: {names}. Choose one with option split.")
        return there[split]


def _read_qrels(path: Path) -> Iterable[tuple[str, str, str, int]]:
    """Give place, query id, passage id and relevance; skips a header line, and the second of four columns (TREC's)."""
    for number, line in read_lines(path):
        where = f"{path}:{number}"
        fields = line.split("\t") if "\t" in line else line.split()
        if len(fields) not in (3, 4):
            raise DataError(f"{where}: {len(fields)} fields; expected query id, passage id, relevance, between tabs.")
        query, passage, relevance = fields[0], fields[-2], fields[-1]
        try:
            yield where, query, passage, int(relevance)
        except ValueError:
            if number > 1 or re.search(r"\d", relevance):  # a first line without a number names the columns
                raise DataError(f"{where}: relevance {relevance!r} is not a whole number.") from None


def _drop_unanswerable(
    judged: Mapping[Pair, Mapping[str, Mapping[str, int]]], path: Path, order: Mapping[Language, int]
) -> tuple[Mapping[Pair, Mapping[str, Mapping[str, int]]], tuple[str, ...]]:
    """Leave out queries without a relevant passage, and sort the pairs."""
    kept: dict[Pair, Mapping[str, Mapping[str, int]]] = {}
    dropped = 0

    def rank(pair: Pair) -> tuple[int, int, Pair]:
        return order.get(pair.query, len(order)), order.get(pair.passage, len(order)), pair

    for pair in sorted(judged, key=rank):
        rows = {query: row for query, row in judged[pair].items() if any(value > 0 for value in row.values())}
        dropped += len(judged[pair]) - len(rows)
        if rows:
            kept[pair] = rows
    if not kept:
        raise DataError(f"{path}: no query has a relevant passage.")
    return kept, (f"{dropped:,} queries without a relevant passage are left out.",) if dropped else ()


def _clusters(judged: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, str]:
    """Put together queries that share their only relevant passage in some pair, and so on along the chain.

    All judgements decide, not the wanted pairs, so the clusters do not depend on the selection.
    """
    links: list[tuple[str, tuple[int, str]]] = []
    for pair, qrels in enumerate(judged):
        for query, row in qrels.items():
            relevant = [passage for passage, value in row.items() if value > 0]
            if len(relevant) == 1:
                links.append((query, (pair, relevant[0])))
    return group_linked(links)
