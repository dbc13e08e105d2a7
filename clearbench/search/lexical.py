"""Search by words: BM25."""

from collections.abc import Sequence

from clearbench.common.arrays import IntArray, Scores
from clearbench.encoders.bm25 import LexicalEncoder, LexicalIndex
from clearbench.encoders.vectors.embed import EncodingReport
from clearbench.search.engine import Work
from clearbench.search.exact import gold_ranks_by_blocks, rank_by_rows, relevant_ranks_by_blocks
from clearbench.search.pool import Pool, Rankings, make_pool
from clearbench.search.scores import RowScores
from clearbench.tasks.dataset import Dataset, Texts


class LexicalEngine:
    """Searches with BM25; there is nothing to encode."""

    def __init__(self, lexical: LexicalEncoder) -> None:
        """Search with the given variant of BM25."""
        self._lexical = lexical

    def plan(self, datasets: Sequence[Dataset]) -> Work:
        """See Engine."""
        return Work(tuple(datasets))

    def estimate(self, work: Work) -> None:
        """See Engine."""

    def prepare(self, work: Work) -> EncodingReport:
        """See Engine."""
        return EncodingReport(0, 0, 0, 0.0)

    def open(self, passages: Texts) -> "LexicalPool":
        """See Engine. Only distinct texts are indexed, as for vectors, so document frequencies count each once."""
        pool, first = make_pool(passages.ids, [text.encode() for text in passages.texts])
        return LexicalPool(pool, self._lexical.index([passages.texts[position] for position in first]))


class LexicalPool:
    """An open pool of indexed texts."""

    def __init__(self, pool: Pool, index: LexicalIndex) -> None:
        """Hold the index of the pool's distinct texts."""
        self.passages = pool
        self.oddities: tuple[str, ...] = ()
        self._index = index

    def query_oddities(self, queries: Texts) -> tuple[str, ...]:
        """See OpenPool; words have none."""
        return ()

    def gold_ranks(self, queries: Texts, gold_Q: IntArray) -> tuple[IntArray, IntArray]:
        """See OpenPool."""
        return gold_ranks_by_blocks(self._scores(queries), gold_Q, self.passages)

    def relevant_ranks(self, queries: Texts, gold_QG: IntArray) -> tuple[IntArray, Scores]:
        """See OpenPool."""
        return relevant_ranks_by_blocks(self._scores(queries), gold_QG, self.passages)

    def rank(self, query_sets: Sequence[Texts], depth: int) -> list[Rankings]:
        """See OpenPool."""
        return [rank_by_rows(self._scores(queries), len(queries), self.passages, depth) for queries in query_sets]

    def _scores(self, queries: Texts) -> RowScores:
        return RowScores(lambda start, stop: self._index.scores(queries.texts[start:stop]))
