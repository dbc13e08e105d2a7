"""Language bias in a report: mixed pools, in which passages of all languages compete."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clearbench.common.languages import MULTIPLE, parse_language, parse_pair
from clearbench.records.schema import Record
from clearbench.records.select import Entry
from clearbench.report.maps import by_english_first
from clearbench.report.matrix import Map, nice_range
from clearbench.stats.summaries import BiasSummary

SPLIT = (
    ("top1_right_same", "right passage, query's language"),
    ("top1_right_other", "right passage, another language"),
    ("top1_wrong_same", "wrong passage, query's language"),
    ("top1_wrong_other", "wrong passage, another language"),
)
"""Measures that split what stands first, and what each says."""


@dataclass(frozen=True)
class LanguageBias:
    """One query language against a mixed pool; shares in per cent.

    Attributes:
        code: Query language.
        name: Its name.
        own_first: How often its own passage stands before the translations; None where it has no choice.
        lower: Of its interval.
        upper: Likewise.
        chance: What a ranking blind to language would give.
        split: Share of queries by what stands first, as in SPLIT; empty where it was not measured.
    """

    code: str
    name: str
    own_first: float | None
    lower: float | None
    upper: float | None
    chance: float | None
    split: tuple[float, ...]


@dataclass(frozen=True)
class BiasPanel:
    """One model on one mixed pool.

    Attributes:
        model: Its name.
        series: Its number among the report's models.
        task: Task label.
        record: Over the queries of all languages.
        languages: Per query language.
        places: Places gained by passage language, for each query language.
    """

    model: str
    series: int
    task: str
    record: BiasSummary
    languages: tuple[LanguageBias, ...]
    places: Map | None


def bias_panels(entries: Sequence[tuple[str, int, Entry]]) -> list[BiasPanel]:
    """Return what records of mixed pools say; the maps of a task share one range of colours.

    Args:
        entries: Name, series number and record of each model and task.
    """
    mixed = [(name, series, entry) for name, series, entry in entries if entry.record.bias is not None]
    largest: dict[str, float] = {}
    for _, _, entry in mixed:
        gaps = [
            abs(rank.gap or 0.0) for pair in entry.record.pairs if pair.bias for rank in pair.bias.languages.values()
        ]
        largest[entry.label] = max([largest.get(entry.label, 0.0), *gaps])
    return [_panel(name, series, entry, nice_range(largest[entry.label])) for name, series, entry in mixed]


def _panel(name: str, series: int, entry: Entry, range: float) -> BiasPanel:
    record = entry.record
    assert record.bias is not None
    languages = []
    for pair in sorted(record.pairs, key=lambda pair: by_english_first(parse_pair(pair.pair).query)):
        if pair.bias is None:
            continue
        query, own = parse_pair(pair.pair).query, pair.bias.own_first
        split = tuple(100 * pair.measures[key].mean for key, _ in SPLIT if key in pair.measures)
        languages.append(
            LanguageBias(
                code=str(query),
                name=query.name,
                own_first=_percent(own.mean if own else None),
                lower=_percent(own.lower if own else None),
                upper=_percent(own.upper if own else None),
                chance=_percent(pair.bias.chance),
                split=split if len(split) == len(SPLIT) else (),
            )
        )
    return BiasPanel(name, series, entry.label, record.bias, tuple(languages), _places(name, record, range))


def _places(name: str, record: Record, range: float) -> Map | None:
    """Query language x passage language: how many places before the mean of the translations a passage stands."""
    by_query = {parse_pair(pair.pair).query: pair.bias for pair in record.pairs if pair.bias}
    found = {parse_language(code) for bias in by_query.values() for code in bias.languages} - {MULTIPLE}
    if not found:
        return None
    queries, passages = sorted(by_query, key=by_english_first), sorted(found, key=by_english_first)
    nan = float("nan")
    value, lower, upper, ranks = (np.full((len(queries), len(passages)), nan) for _ in "1234")
    for row, query in enumerate(queries):
        for column, passage in enumerate(passages):
            rank = by_query[query].languages.get(str(passage))
            if rank is None or rank.gap is None:
                continue
            # A gap below 0 is a place nearer to the top: shown as places gained.
            value[row, column] = -rank.gap
            ranks[row, column] = rank.mean_rank
            if rank.lower is not None and rank.upper is not None:
                lower[row, column], upper[row, column] = -rank.upper, -rank.lower
    if np.isnan(value).all():
        return None
    names = {str(language): language.name for language in (*queries, *passages)}
    counts = tuple("" if np.isnan(rank) else f"mean rank in the pool {rank:,.1f}" for rank in ranks.ravel().tolist())
    rows, columns = tuple(map(str, queries)), tuple(map(str, passages))
    return Map(
        name, "places gained", rows, columns, value, lower, upper, counts=counts, signed=True, range=range,
        names=names, tiers=dict.fromkeys(names, 0),
    )  # fmt: skip


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
