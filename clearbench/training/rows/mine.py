"""Hard negatives: passages that the base model ranks near a question, each with its own question.

A window of ranks below the top leaves out most of the passages that answer the question without being marked so; the
margin to the positive leaves out those that the model finds as good. Every negative passage brings a question of its
own in the row's language, so that the columns of both directions of a loss correspond: [k] is a question of [k].
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from clearbench.common.arrays import FloatArray
from clearbench.common.errors import TrainingError, located
from clearbench.common.hashing import content_hash
from clearbench.common.languages import ENGLISH
from clearbench.encoders.base import DenseEncoder
from clearbench.encoders.vectors.store import EmbeddingStore, text_keys
from clearbench.search.dense import DenseEngine
from clearbench.search.pool import Ranked
from clearbench.tasks.dataset import Dataset, TaskPair, Texts
from clearbench.training.rows.leaks import normalise
from clearbench.training.rows.options import MiningOptions, Window
from clearbench.training.rows.row import Rows, TrainingRow


@dataclass(frozen=True)
class Mined:
    """Rows with negatives, and what the manifest says about them."""

    rows: tuple[TrainingRow, ...]
    report: Mapping[str, Any]


@dataclass(frozen=True)
class Candidates:
    """The passages that can be negatives, known by their normalised text, with their questions.

    Attributes:
        passages: Id -> text, by id. Passages that are equal after normalisation are one.
        questions: (id, language) -> the distinct questions that rows of that language ask of it, sorted.
    """

    passages: Mapping[str, str]
    questions: Mapping[tuple[str, str], tuple[str, ...]]


@dataclass(frozen=True)
class Gold:
    """Which passages answer which question: those of its id, and those of equal questions under other ids."""

    rows: tuple[TrainingRow, ...]

    def of(self, row: TrainingRow) -> set[str]:
        """Return the ids of a row's relevant passages."""
        return set().union(*(self._passages[key] for key in self._keys(row)))

    @cached_property
    def _passages(self) -> Mapping[tuple[str, str], set[str]]:
        found: dict[tuple[str, str], set[str]] = {}
        for row in self.rows:
            for key in self._keys(row):
                found.setdefault(key, set()).add(passage_id(row.passage))
        return found

    @staticmethod
    def _keys(row: TrainingRow) -> tuple[tuple[str, str], ...]:
        return (
            ("id", row.query_id),
            ("en", normalise(row.query)),
            (f"target {row.language}", normalise(row.target_query)),
        )


def passage_id(text: str) -> str:
    """Return the id of a passage: a hash of its normalised text."""
    return content_hash(normalise(text))


def mine(
    rows: Rows, encoder: DenseEncoder, store: EmbeddingStore, options: MiningOptions, pool: Rows | None = None
) -> Mined:
    """Give every row hard negatives from the ranks of a window, by the encoder's own ranking of the English question.

    Never taken: a passage that answers the question in any row, under the same id or for an equal question text; a
    passage equal to the positive; one without a question in the row's language; one within the margin or above it.
    Of the others a seeded choice is taken, in the order of their ranks.

    Args:
        rows: Training rows; negatives that they have are replaced.
        encoder: The base model.
        store: Its vectors.
        options: See MiningOptions.
        pool: Rows whose passages are searched; None searches the passages of `rows`.
    Raises:
        EncoderError, StoreError, SearchError: See each.
        TrainingError: No row gets any negative.
    """
    candidates = collect_candidates((pool or rows).rows)
    window = fit_window(options.window, len(candidates.passages))
    places, ranked, positive_N = _search(rows.rows, candidates, encoder, store, window.last)
    gold = Gold((*rows.rows, *(pool.rows if pool else ())))
    ids = tuple(candidates.passages)
    rejected: Counter[str] = Counter()
    mined = []
    for number, row in enumerate(rows.rows):
        place = places[row.query]
        span = slice(window.first - 1, window.last)
        ranks = zip((ids[p] for p in ranked.positions[place, span]), ranked.scores[place, span].tolist(), strict=True)
        limit = float(positive_N[number]) - options.margin
        mined.append(_choose(row, ranks, limit, gold.of(row), candidates, options, rejected))
    found = Counter(len(row.passage_negatives) for row in mined)
    if not any(found.keys()):
        raise TrainingError(
            f"No row gets a negative from ranks {window} of {len(ids):,} passages "
            f"({', '.join(f'{count:,} {reason}' for reason, count in rejected.most_common())}). Widen --window, lower "
            "--margin, or search more passages with --pool."
        )
    report = {
        "window_asked": list(options.window),
        "window_used": list(window),
        "passages_searched": len(ids),
        "rows_full": found[options.num_negatives],
        "rows_with_fewer": sum(count for size, count in found.items() if 0 < size < options.num_negatives),
        "rows_with_none": found[0],
        "candidates_rejected": dict(rejected.most_common()),
        "rows_whose_negatives_were_replaced": sum(bool(row.passage_negatives) for row in rows.rows),
    }
    return Mined(tuple(mined), report)


def collect_candidates(rows: Iterable[TrainingRow]) -> Candidates:
    """Return the distinct passages of rows, by id, with their questions per language; row order does not matter."""
    passages: dict[str, str] = {}
    questions: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        key = passage_id(row.passage)
        passages[key] = min(passages.get(key, row.passage), row.passage)
        questions.setdefault((key, row.language), set()).add(row.target_query)
    return Candidates(dict(sorted(passages.items())), {key: tuple(sorted(texts)) for key, texts in questions.items()})


def fit_window(window: Window, num_passages: int) -> Window:
    """Move a window up into a pool that is smaller than its last rank, cut where even then it does not fit."""
    first, last = window
    end = min(last, num_passages)
    return Window(max(min(first, end - (last - first)), 1), end)


def _search(
    rows: Sequence[TrainingRow], candidates: Candidates, encoder: DenseEncoder, store: EmbeddingStore, depth: int
) -> tuple[Mapping[str, int], Ranked, FloatArray]:
    """Return place of each English question, their rankings, and each row's score of its own passage, float32 [N]."""
    texts = tuple(dict.fromkeys(row.query for row in rows))
    places = {text: place for place, text in enumerate(texts)}
    queries = Texts(ENGLISH, tuple(map(str, range(len(texts)))), texts)
    pool = Texts(ENGLISH, tuple(candidates.passages), tuple(candidates.passages.values()))
    own_texts = tuple(dict.fromkeys(row.passage for row in rows))
    own = Texts(ENGLISH, tuple(map(str, range(len(own_texts)))), own_texts)
    pairs = tuple(TaskPair(ENGLISH, ENGLISH, "questions", name) for name in ("pool", "own"))
    data = [Dataset("rows", 1, {"pool": pool, "own": own}, {"questions": queries}, {}, pairs)]
    engine = DenseEngine(encoder, store)
    engine.prepare(data, engine.plan(data))
    with located("mining"):
        [ranked] = engine.open(pool).top([queries], depth)
    query_QD = engine.query_vectors(queries)
    own_UD = store.get(text_keys(encoder, own_texts, "passage"))
    own_places = {text: place for place, text in enumerate(own_texts)}
    query_N = [places[row.query] for row in rows]
    own_N = [own_places[row.passage] for row in rows]
    return places, ranked, np.einsum("nd,nd->n", query_QD[query_N], own_UD[own_N])


def _choose(
    row: TrainingRow,
    ranks: Iterable[tuple[str, float]],
    limit: float,
    gold: set[str],
    candidates: Candidates,
    options: MiningOptions,
    rejected: Counter[str],
) -> TrainingRow:
    usable = []
    for passage, score in ranks:
        if passage in gold:
            rejected["answer the question"] += 1
        elif score > limit:
            rejected["within the margin of the positive"] += 1
        elif (passage, row.language) not in candidates.questions:
            rejected["have no question in the row's language"] += 1
        else:
            usable.append(passage)

    def draw(passage: str) -> str:
        return content_hash("negative", str(options.seed), row.query_id, passage)

    chosen = set(sorted(usable, key=draw)[: options.num_negatives])
    kept = [passage for passage in usable if passage in chosen]
    questions = []
    for passage in kept:
        several = candidates.questions[passage, row.language]
        questions.append(several[int(draw(passage), 16) % len(several)])
    return replace(
        row,
        passage_negatives=tuple(candidates.passages[passage] for passage in kept),
        target_query_negatives=tuple(questions),
    )
