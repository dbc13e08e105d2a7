"""Queries that gained and lost most between two models, with texts and retrieved passages where runs were saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from clearbench.common.languages import MULTIPLE
from clearbench.common.measures import find_measure
from clearbench.common.pairs import Pair, parse_pair
from clearbench.records.runs import has_runs, has_texts, is_saved, read_run, read_run_qrels, read_texts
from clearbench.records.select import Entry
from clearbench.verdicts.compare.compute import records_by_label
from clearbench.verdicts.compare.options import CompareOptions
from clearbench.verdicts.matching import Matched, match

# Retrieved passages shown per model.
TOP = 3


@dataclass(frozen=True)
class Passage:
    """A passage that a model ranked.

    Attributes:
        rank: From 1; None for a relevant passage that the saved ranking does not hold.
        id: Its id.
        relevant: Whether it is judged relevant; None where no judgements were saved.
        text: Its text, if it was saved.
    """

    rank: int | None
    id: str
    relevant: bool | None
    text: str | None


@dataclass(frozen=True)
class Retrieved:
    """What one model retrieved for a query.

    Attributes:
        score: The query's score, in [0, 1] unless the measure is a rank.
        top: The first passages.
        relevant: The relevant passages, in order of rank.
    """

    score: float
    top: tuple[Passage, ...] = ()
    relevant: tuple[Passage, ...] = ()


@dataclass(frozen=True)
class Example:
    """One query of one pair.

    Attributes:
        task: Label of the task.
        pair: Language pair.
        measure: Which measure.
        query: Query id.
        text: The query's text, if it was saved.
        difference: Other minus base.
        base: What the base retrieved.
        other: What the other model retrieved.
    """

    task: str
    pair: str
    measure: str
    query: str
    text: str | None
    difference: float
    base: Retrieved
    other: Retrieved


@dataclass(frozen=True)
class Examples:
    """The queries of one task that changed most.

    Attributes:
        task: Label of the task.
        base: Key of the base.
        other: Key of the other model.
        gained: Queries that gained most, the greatest gain first.
        lost: Queries that lost most, the greatest loss first.
        notes: Which models have no saved runs, one sentence each.
    """

    task: str
    base: str
    other: str
    gained: tuple[Example, ...] = ()
    lost: tuple[Example, ...] = ()
    notes: tuple[str, ...] = ()


def find_examples(base: Sequence[Entry], other: Sequence[Entry], options: CompareOptions, num: int) -> list[Examples]:
    """Return, for each task that both models have, the queries that gained and lost most in any selected pair.

    A query is listed once, with the pair of its greatest difference. Of equal differences, the query that gained (lost)
    more in the mean over pairs comes first. A query without a difference is never listed.

    Args:
        base: Records of the base.
        other: Records of the other model.
        options: Which tasks, pairs and measure; the other options are not used.
        num: Largest number of queries listed of each kind.
    Raises:
        RecordError, UsageError: As `match`; or a saved run is damaged.
    """
    base_records, other_records = (records_by_label(entries, options.tasks) for entries in (base, other))
    examples = []
    for label in filter(other_records.__contains__, base_records):
        records = base_records[label], other_records[label]
        matched = match(*records, options.measure, options.pairs)
        runs = [_SavedRuns(record.place) for record in records]
        unsaved = [record.key for record, saved in zip(records, runs, strict=True) if not saved.exist]
        notes = [f"{key} has no saved runs: `clearbench run --save-runs --replace` keeps them." for key in unsaved]
        sign = find_measure(matched.measure).sign
        examples.append(
            Examples(
                task=label,
                base=records[0].key,
                other=records[1].key,
                gained=tuple(_example(matched, *place, *runs) for place in _most_gained(matched, sign, num)),
                lost=tuple(_example(matched, *place, *runs) for place in _most_gained(matched, -sign, num)),
                notes=tuple(notes),
            )
        )
    return examples


class _SavedRuns:
    """What `--save-runs` has written into a record's folder: rankings, judgements, texts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.exist = has_runs(folder)
        self.run = cache(lambda pair: read_run(folder, pair) if is_saved(folder, pair, "trec") else {})
        self.qrels = cache(lambda pair: read_run_qrels(folder, pair) if is_saved(folder, pair, "qrels") else None)
        self.texts = cache(self._texts)

    def _texts(self) -> dict[tuple[str, str, str], str]:
        """Return (kind, language, id) -> text; each text also with "" as its language, for mixed pools."""
        if not self.exist or not has_texts(self.folder):
            return {}
        rows = read_texts(self.folder).itertuples(index=False, name=None)
        texts: dict[tuple[str, str, str], str] = {}
        for kind, language, key, text in rows:
            texts[kind, language, key] = text
            texts.setdefault((kind, "", key), text)
        return texts

    def passage_text(self, pair: Pair, key: str) -> str | None:
        return self.texts().get(("passage", "" if pair.passage == MULTIPLE else str(pair.passage), key))

    def query_text(self, pair: Pair, key: str) -> str | None:
        return self.texts().get(("query", str(pair.query), key))

    def retrieved(self, name: str, query: str, score: float) -> Retrieved:
        pair = parse_pair(name)
        ranking = [key for key, _ in self.run(name).get(query, [])]
        qrels = self.qrels(name)
        relevant = None if qrels is None else {key for key, value in qrels.get(query, {}).items() if value > 0}
        rank = {key: place for place, key in enumerate(ranking, start=1)}

        def passage(key: str) -> Passage:
            judged = None if relevant is None else key in relevant
            return Passage(rank.get(key), key, judged, self.passage_text(pair, key))

        golds = sorted(relevant or (), key=lambda key: (rank.get(key, len(ranking) + 1), key))
        return Retrieved(score, tuple(map(passage, ranking[:TOP])), tuple(map(passage, golds)) if ranking else ())


def _most_gained(matched: Matched, sign: float, num: int) -> list[tuple[int, int]]:
    """Return pair and query positions of the queries with the greatest signed differences, where these are above 0.

    A query is listed once, with its pair of the greatest difference; equal ones are ordered by the mean over pairs.
    """
    signed_QP = sign * matched.differences
    present = ~np.isnan(signed_QP)
    greatest_QP = np.where(present, signed_QP, -np.inf)
    pair_Q = greatest_QP.argmax(axis=1)
    greatest_Q = greatest_QP.max(axis=1)
    mean_Q = np.where(present, signed_QP, 0.0).sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    order = np.lexsort((-mean_Q, -greatest_Q))[:num]
    return [(int(pair_Q[row]), int(row)) for row in order if greatest_Q[row] > 0]


def _example(matched: Matched, column: int, row: int, base: _SavedRuns, other: _SavedRuns) -> Example:
    name, query = matched.pairs[column], matched.queries[row]
    pair = parse_pair(name)
    base_score, other_score = float(matched.base[row, column]), float(matched.other[row, column])
    return Example(
        task=matched.task,
        pair=name,
        measure=matched.measure,
        query=query,
        text=base.query_text(pair, query) or other.query_text(pair, query),
        difference=other_score - base_score,
        base=base.retrieved(name, query, base_score),
        other=other.retrieved(name, query, other_score),
    )
