"""Mine hard negatives: passages that the base model ranks near a question, each with a question of its own.

Some passages answer a question although the data do not say so. A window of ranks below the top leaves out most of
them, and the margin to the positive's score leaves out passages that the model scores as high as the positive. Every
negative passage comes with one of its questions in the row's language: target_query_negatives[k] is a question of
passage_negatives[k], as a loss in both directions needs.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clearbench.common.arrays import FloatArray
from clearbench.common.errors import TrainingError, locate_errors
from clearbench.common.hashing import content_hash
from clearbench.common.languages import ENGLISH
from clearbench.encoders.base import DenseEncoder
from clearbench.encoders.vectors.store import EmbeddingStore, text_keys
from clearbench.search.dense import DenseEngine
from clearbench.search.pool import Rankings
from clearbench.search.scores import pair_scores
from clearbench.tasks.dataset import Dataset, TaskPair, Texts
from clearbench.training.rows.candidates import Candidates, Gold, collect_candidates
from clearbench.training.rows.options import MiningOptions, Window
from clearbench.training.rows.row import Rows, TrainingRow


@dataclass(frozen=True)
class MiningReport:
    """The manifest's description of mined rows.

    Attributes:
        window_asked: The requested ranks.
        window_used: The ranks that negatives were taken from; they differ from the requested ones if there are fewer
            passages.
        passages_searched: Number of distinct passages.
        rows_full: Number of rows with the requested number of negatives.
        rows_with_fewer: Number of rows with at least one negative, but fewer than requested.
        rows_with_none: Number of rows without negatives.
        candidates_rejected: Reason -> number of rejected candidates over all rows, largest first.
        rows_whose_negatives_were_replaced: Number of rows that had negatives before.
    """

    window_asked: Window
    window_used: Window
    passages_searched: int
    rows_full: int
    rows_with_fewer: int
    rows_with_none: int
    candidates_rejected: Mapping[str, int]
    rows_whose_negatives_were_replaced: int


@dataclass(frozen=True)
class MinedRows:
    """Rows with negatives, and the manifest's description of them."""

    rows: tuple[TrainingRow, ...]
    report: MiningReport


def mine(
    rows: Rows, encoder: DenseEncoder, store: EmbeddingStore, options: MiningOptions, pool: Rows | None = None
) -> MinedRows:
    """Return the rows with hard negatives, from a window of the encoder's ranking for the English question.

    These passages are never negatives of a row: a passage that answers the question in any row (same id or equal
    question text), a passage equal to the positive, a passage without a question in the row's language, and a passage
    with a score above the positive's score minus the margin. A seeded random choice is made among the others, and they
    are kept in the order of their ranks.

    Args:
        rows: Training rows; existing negatives are replaced.
        encoder: The base model.
        store: The cache of its vectors.
        options: See MiningOptions.
        pool: Rows that provide the passages to search; None searches the passages of `rows`.
    Raises:
        EncoderError: A text cannot be encoded.
        StoreError: The cache cannot be read or written.
        SearchError: A vector is not finite, or has another dimension.
        TrainingError: No row gets a negative.
    """
    candidates = collect_candidates((pool or rows).rows)
    window = fit_window(options.window, len(candidates.passages))
    searched = _search(rows.rows, candidates, encoder, store, window.last)
    miner = _Miner(candidates, Gold((*rows.rows, *(pool.rows if pool else ()))), options)
    mined = []
    rejected: Counter[str] = Counter()
    for row, positive in zip(rows.rows, searched.positives.tolist(), strict=True):
        chosen, reasons = miner.choose(row, searched.ranks(row.query, window), positive)
        mined.append(chosen)
        rejected.update(reasons)
    if not any(row.passage_negatives for row in mined):
        raise TrainingError(
            f"No row gets a negative from the ranks {window} of {len(candidates.passages):,} passages "
            f"({', '.join(f'{count:,} {reason}' for reason, count in rejected.most_common())}). Widen --window, lower "
            "--margin, or search more passages with --pool."
        )
    sizes = Counter(len(row.passage_negatives) for row in mined)
    report = MiningReport(
        window_asked=options.window,
        window_used=window,
        passages_searched=len(candidates.passages),
        rows_full=sizes[options.num_negatives],
        rows_with_fewer=sum(count for size, count in sizes.items() if 0 < size < options.num_negatives),
        rows_with_none=sizes[0],
        candidates_rejected=dict(rejected.most_common()),
        rows_whose_negatives_were_replaced=sum(bool(row.passage_negatives) for row in rows.rows),
    )
    return MinedRows(tuple(mined), report)


def fit_window(window: Window, num_passages: int) -> Window:
    """Return a window that fits into a pool: moved up if the pool ends before it, and cut if it is still too long."""
    first, last = window
    end = min(last, num_passages)
    return Window(max(min(first, end - (last - first)), 1), end)


@dataclass(frozen=True)
class _SearchResult:
    """How the encoder ranks the candidates for each English question.

    Attributes:
        ids: Passage ids, by position in the pool.
        places: Question -> its row in `ranked`.
        ranked: The rankings.
        positives: The score of each training row's own passage, float32 [N].
    """

    ids: tuple[str, ...]
    places: Mapping[str, int]
    ranked: Rankings
    positives: FloatArray

    def ranks(self, question: str, window: Window) -> list[tuple[str, float]]:
        """Return passage ids and scores of a question's ranks in the window, best first."""
        place, span = self.places[question], slice(window.first - 1, window.last)
        ids = [self.ids[position] for position in self.ranked.positions[place, span]]
        return list(zip(ids, self.ranked.scores[place, span].tolist(), strict=True))


def _search(
    rows: Sequence[TrainingRow], candidates: Candidates, encoder: DenseEncoder, store: EmbeddingStore, depth: int
) -> _SearchResult:
    """Rank the candidates for the rows' English questions, and score each row's own passage."""
    texts = tuple(dict.fromkeys(row.query for row in rows))
    places = {text: place for place, text in enumerate(texts)}
    queries = Texts(ENGLISH, tuple(map(str, range(len(texts)))), texts)
    pool = Texts(ENGLISH, tuple(candidates.passages), tuple(candidates.passages.values()))
    own_texts = tuple(dict.fromkeys(row.passage for row in rows))
    own = Texts(ENGLISH, tuple(map(str, range(len(own_texts)))), own_texts)
    pairs = tuple(TaskPair(ENGLISH, ENGLISH, "questions", name) for name in ("pool", "own"))
    data = [Dataset("rows", 1, {"pool": pool, "own": own}, {"questions": queries}, {}, pairs)]
    engine = DenseEngine(encoder, store)
    engine.prepare(engine.plan(data))
    with locate_errors("mining"):
        [ranked] = engine.open(pool).rank([queries], depth)
    query_QD = engine.query_vectors(queries).values
    own_UD = store.get(text_keys(encoder, own_texts, "passage"))
    own_places = {text: place for place, text in enumerate(own_texts)}
    query_N = np.array([places[row.query] for row in rows], dtype=np.int64)
    own_N = np.array([own_places[row.passage] for row in rows], dtype=np.int64)
    return _SearchResult(pool.ids, places, ranked, pair_scores(query_QD, query_N, own_UD, own_N))


@dataclass(frozen=True)
class _Miner:
    """Chooses the negatives of one row at a time."""

    candidates: Candidates
    gold: Gold
    options: MiningOptions

    def choose(
        self, row: TrainingRow, ranks: Iterable[tuple[str, float]], positive: float
    ) -> tuple[TrainingRow, Counter[str]]:
        """Return the row with its negatives, and reason -> number of passages rejected for it.

        Args:
            row: The training row.
            ranks: Passage ids and scores in the window, best first.
            positive: The score of the row's own passage.
        """
        gold = self.gold.passages_of(row)
        reasons: Counter[str] = Counter()
        usable = []
        for passage, score in ranks:
            if passage in gold:
                reasons["answer the question"] += 1
            elif score > positive - self.options.margin:
                reasons["within the margin of the positive"] += 1
            elif (passage, row.language) not in self.candidates.questions:
                reasons["have no question in the row's language"] += 1
            else:
                usable.append(passage)
        drawn = set(sorted(usable, key=lambda passage: self._draw_number(row, passage))[: self.options.num_negatives])
        kept = [passage for passage in usable if passage in drawn]
        chosen = replace(
            row,
            passage_negatives=tuple(self.candidates.passages[passage] for passage in kept),
            target_query_negatives=tuple(self._choose_question(row, passage) for passage in kept),
        )
        return chosen, reasons

    def _draw_number(self, row: TrainingRow, passage: str) -> str:
        """Return a pseudo-random hexadecimal number for a row and a passage; the lowest numbers are chosen."""
        return content_hash("negative", str(self.options.seed), row.query_id, passage)

    def _choose_question(self, row: TrainingRow, passage: str) -> str:
        """Return one of the passage's questions in the row's language."""
        questions = self.candidates.questions[passage, row.language]
        return questions[int(self._draw_number(row, passage), 16) % len(questions)]
