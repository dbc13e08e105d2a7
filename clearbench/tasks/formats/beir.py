"""A BEIR-style folder, with languages: `corpus.jsonl`, `queries.jsonl`, `qrels/*.tsv`.

Rows may have a field `language` (or `lang`); if not, an option or the task file names the language. A query row may
have a `parallel_id`: the same value in two languages is the same question. The three files may have any form that
`rows` and `qrels` read.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NamedTuple

from clearbench.common.errors import DataError, UsageError
from clearbench.common.languages import Language, parse_language
from clearbench.common.pairs import Pair
from clearbench.common.text import count, join_names
from clearbench.tasks.dataset import Dataset, TaskPair, Texts
from clearbench.tasks.formats.base import Reader, SplitOptions, WantedPairs, join_title
from clearbench.tasks.formats.beir_judgements import Judgements, QueryKey, cluster_queries, describe_left_out, leave_out
from clearbench.tasks.formats.columns import OWN_PASSAGE_ID, OWN_QUERY_ID
from clearbench.tasks.formats.gather import TextsBuilder
from clearbench.tasks.formats.parsing import Row, optional_text, text_field
from clearbench.tasks.formats.qrels import find_qrels, read_qrels
from clearbench.tasks.formats.rows import ACCEPTED, find_rows, read_rows


class BeirOptions(SplitOptions):
    """Options of the `beir` reader.

    Attributes:
        split: Name of the file under `qrels/`, without its ending; default: `test`, or the only one there is.
        query_language: Language of queries whose rows name none.
        passage_language: Language of passages whose rows name none.
        skip_self: Leave the passage with the query's own id out of the query's ranking, for data whose queries are also
            in the corpus.
    """

    keep_counts: ClassVar[frozenset[str]] = frozenset({"skip_self"})

    query_language: str | None = None
    passage_language: str | None = None
    skip_self: bool = False


class _FolderContent(NamedTuple):
    """The whole folder.

    Attributes:
        pools: Passages by language.
        texts: Queries by language, under the ids that they are scored under.
        queries: Queries by the id that the judgements use.
        judged: Pair -> judgements of the queries that have a relevant passage.
        left_out: Pair -> queries that are left out because they have no relevant passage.
        notes: What is unusual, one sentence each.
    """

    pools: Mapping[Language, Texts]
    texts: Mapping[Language, Texts]
    queries: Mapping[str, QueryKey]
    judged: Judgements
    left_out: Mapping[Pair, tuple[str, ...]]
    notes: tuple[str, ...]


class BeirReader(Reader[BeirOptions]):
    """Reads the folder once; the judgements say which pairs there are, and a pool is all passages of a language."""

    def pairs(self) -> tuple[Pair, ...]:
        """Return the pairs that occur in the judgements."""
        return tuple(self._content.judged)

    def load(self, wanted: WantedPairs) -> Dataset:
        """Read the wanted pairs; see `Reader.load`."""
        data = self._content
        used = {pair.passage for pair in wanted.pairs}
        return Dataset(
            task=self._spec.name,
            version=self._spec.version,
            pools={str(language): pool for language, pool in data.pools.items() if language in used},
            queries={str(pair): self._queries_of(pair) for pair in wanted.pairs},
            qrels={str(pair): data.judged[pair] for pair in wanted.pairs},
            pairs=tuple(TaskPair(*pair, str(pair), str(pair.passage), str(pair)) for pair in wanted.pairs),
            clusters=cluster_queries(data.judged.values()),
            left_out={str(pair): data.left_out[pair] for pair in wanted.pairs},
            own_passages={str(pair): self._own_passages(pair) for pair in wanted.pairs if self._options.skip_self},
            notes=(*data.notes, *(note for pair in wanted.pairs for note in self._note_self_matches(pair))),
        )

    def _queries_of(self, pair: Pair) -> Texts:
        judged, texts = self._content.judged[pair], self._content.texts[pair.query]
        kept = {key: text for key, text in zip(texts.ids, texts.texts, strict=True) if key in judged}
        return Texts(pair.query, tuple(kept), tuple(kept.values()))

    def _note_self_matches(self, pair: Pair) -> Iterator[str]:
        """Yield a note on queries that are in the pool under their own id, and so would rank themselves first."""
        queries, pool, judged = self._queries_of(pair), self._content.pools[pair.passage], self._content.judged[pair]
        same = [
            query
            for query, passage in self._own_passages(pair).items()
            if pool.texts[pool.index[passage]].endswith(queries.texts[queries.index[query]].strip())
            and judged[query].get(passage, 0) <= 0
        ]
        if same and not self._options.skip_self:
            yield (
                f"{pair}: {count(len(same), 'query')} in the pool under the same id, not relevant to themselves: "
                f"{join_names(same)}. Option skip_self=true leaves them out of their own rankings."
            )

    def _own_passages(self, pair: Pair) -> dict[str, str]:
        """Return query -> the passage with its own id, in the pool of a pair."""
        pool, judged = self._content.pools[pair.passage].index, self._content.judged[pair]
        return {
            query.id: key
            for key, query in self._content.queries.items()
            if query.language == pair.query and query.id in judged and key in pool
        }

    @cached_property
    def _content(self) -> _FolderContent:
        pools, home = self._read_passages()
        queries, texts = self._read_queries()
        path = self._find_qrels_path()
        judged = self._read_judgements(path, queries, home)
        kept, left_out = leave_out(judged, queries.values())
        if not kept:
            raise DataError(f"{path}: no query has a relevant passage.")
        order = {language: place for place, language in enumerate(self._spec.spellings)}
        pairs = sorted(kept, key=lambda pair: (*(order.get(side, len(order)) for side in pair), pair))
        notes = tuple(describe_left_out(judged, kept, queries))
        return _FolderContent(pools, texts, queries, {pair: kept[pair] for pair in pairs}, left_out, notes)

    def _read_judgements(self, path: Path, queries: Mapping[str, QueryKey], home: Mapping[str, Language]) -> Judgements:
        judged: dict[Pair, dict[str, dict[str, int]]] = {}
        unknown: Counter[str] = Counter()
        examples: dict[str, str] = {}
        for where, query_id, passage_id, relevance in read_qrels(path):
            query, language = queries.get(query_id), home.get(passage_id)
            if query is None or language is None:
                kind, name = ("query", query_id) if query is None else ("passage", passage_id)
                unknown[kind] += 1
                examples.setdefault(kind, f"{where}: {kind} {name!r}")
            elif not (self._options.skip_self and query_id == passage_id):
                row = judged.setdefault(Pair(query.language, language), {}).setdefault(query.id, {})
                if row.setdefault(passage_id, relevance) != relevance:
                    raise DataError(f"{where}: {query_id!r} and {passage_id!r} have two different judgements.")
        if unknown:
            counts = " and ".join(f"{count:,} rows with an unknown {kind}" for kind, count in unknown.items())
            raise DataError(f"{'; '.join(examples.values())} is not in the folder ({counts} in all).")
        return judged

    def _read_passages(self) -> tuple[dict[Language, Texts], dict[str, Language]]:
        path = self._find_path("corpus")
        builders: dict[Language, TextsBuilder] = {}
        home: dict[str, Language] = {}
        for where, row in read_rows(path):
            key = text_field(row, OWN_PASSAGE_ID.find(row, where), where)
            if key in home:
                raise DataError(f"{where}: passage id {key!r} occurs twice; ids must be unique.")
            home[key] = language = self._find_language(row, where, "passage_language", self._options.passage_language)
            if language not in builders:
                builders[language] = TextsBuilder(language, "passage")
            text = join_title(optional_text(row, "title", where), text_field(row, "text", where))
            builders[language].add(key, text, where)
        return {language: builder.build(path) for language, builder in builders.items()}, home

    def _read_queries(self) -> tuple[dict[str, QueryKey], dict[Language, Texts]]:
        path = self._find_path("queries")
        queries: dict[str, QueryKey] = {}
        seen: set[QueryKey] = set()
        builders: dict[Language, TextsBuilder] = {}
        for where, row in read_rows(path):
            key = text_field(row, OWN_QUERY_ID.find(row, where), where)
            if key in queries:
                raise DataError(f"{where}: query id {key!r} occurs twice; ids must be unique.")
            language = self._find_language(row, where, "query_language", self._options.query_language)
            query = QueryKey(language, optional_text(row, "parallel_id", where) or key)
            if query in seen:
                raise DataError(f"{where}: parallel_id {query.id!r} occurs twice in {language}.")
            seen.add(query)
            if language not in builders:
                builders[language] = TextsBuilder(language, "query")
            builders[language].add(query.id, text_field(row, "text", where), where)
            queries[key] = query
        return queries, {language: builder.build(path) for language, builder in builders.items()}

    def _find_language(self, row: Row, where: str, option: str, default: str | None) -> Language:
        text = optional_text(row, "language", where) or optional_text(row, "lang", where) or default
        if not text:
            raise DataError(f"{where}: no field 'language', and option {option} is not set; give one of the two.")
        try:
            return parse_language(text)
        except UsageError as error:
            raise DataError(f"{where}: {error}") from None

    def _find_path(self, key: str) -> Path:
        """Return the corpus or queries file."""
        if not self._files.has("folder"):
            return self._files.require(key)
        folder = self._files.require("folder")
        path = find_rows(folder, key)
        if path is None:
            raise DataError(f"{folder}: no file of {key}; expected {key}.jsonl, or {key} in another form: {ACCEPTED}.")
        return path

    def _find_qrels_path(self) -> Path:
        path = self._files.require("folder") / "qrels" if self._files.has("folder") else self._files.require("qrels")
        return path if path.is_file() else find_qrels(path, self._options.split)
