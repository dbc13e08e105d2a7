"""Saving rankings, with the judgements and texts that a reader of the rankings needs."""

from collections.abc import Sequence

from clearbench.records.folder import RecordFolder
from clearbench.records.runs import qrels_lines, text_rows, trec_lines
from clearbench.scoring.judge import PairScores
from clearbench.search.engine import OpenPool
from clearbench.tasks.dataset import Dataset

# Passages of each ranking whose texts are kept, in addition to the judged passages.
TEXTS_DEPTH = 10


def save_runs(folder: RecordFolder, data: Dataset, pool: OpenPool, part_scores: Sequence[PairScores]) -> None:
    """Write the rankings of pairs that share a pool, and the texts of their queries and best passages.

    Args:
        folder: The folder of the task's record.
        data: The task's data.
        pool: The passage pool that the pairs share.
        part_scores: The scores of the pairs, with their rankings.
    Raises:
        RecordError: A file cannot be written.
    """
    position_of = {passage: position for position, passage in enumerate(pool.passages.ids)}
    kept_positions: set[int] = set()
    for pair_scores in part_scores:
        ranked, pair = pair_scores.rankings(), pair_scores.pair
        queries, qrels = data.queries_of(pair).ids, data.qrels_of(pair)
        lines = trec_lines(queries, pool.passages.ids, ranked.positions, ranked.scores)
        folder.write_run(str(pair), lines, qrels_lines(queries, qrels))
        kept_positions.update(ranked.positions[:, :TEXTS_DEPTH].ravel().tolist())
        kept_positions.update(position_of[key] for query in queries for key in qrels.get(query, {}))
    pairs = [pair_scores.pair for pair_scores in part_scores]
    rows = text_rows([data.queries_of(pair) for pair in pairs], data.passages_of(pairs[0]), sorted(kept_positions))
    folder.write_texts(pairs[0].pool, [str(pair) for pair in pairs], rows)
