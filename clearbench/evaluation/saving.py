"""Saving rankings, with the judgements and texts that a reader of them needs."""

from collections.abc import Sequence

from clearbench.records.folder import RecordFolder
from clearbench.records.runs import qrels_lines, text_rows, trec_lines
from clearbench.scoring.judge import PairScores
from clearbench.search.engine import OpenPool
from clearbench.tasks.dataset import Dataset

# Passages of each ranking whose texts are kept, beside the judged ones.
TEXTS_DEPTH = 10


def save_runs(folder: RecordFolder, data: Dataset, pool: OpenPool, scored: Sequence[PairScores]) -> None:
    """Write the rankings of pairs that share a pool, and the texts of their queries and best passages.

    Args:
        folder: The folder of the task's record.
        data: The task's data.
        pool: The passage pool that the pairs share.
        scored: The scores of the pairs, with their rankings.
    Raises:
        RecordError: A file cannot be written.
    """
    position = {passage: place for place, passage in enumerate(pool.passages.ids)}
    near: set[int] = set()
    for one in scored:
        ranked = one.rankings()
        queries, qrels = data.queries_of(one.pair).ids, data.qrels_of(one.pair)
        lines = trec_lines(queries, pool.passages.ids, ranked.positions, ranked.scores)
        folder.write_run(str(one.pair), lines, qrels_lines(queries, qrels))
        near.update(ranked.positions[:, :TEXTS_DEPTH].ravel().tolist())
        near.update(position[key] for query in queries for key in qrels.get(query, {}))
    pairs = [one.pair for one in scored]
    rows = text_rows([data.queries_of(pair) for pair in pairs], data.passages_of(pairs[0]), sorted(near))
    folder.write_texts(pairs[0].pool, [str(pair) for pair in pairs], rows)
