"""Language bias in a report: results of mixed pools, which contain the passages of all languages."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clearbench.common.languages import MULTIPLE, Language, english_first, parse_language
from clearbench.common.measures import RIGHT_OTHER, RIGHT_SAME, WRONG_OTHER, WRONG_SAME
from clearbench.common.pairs import parse_pair
from clearbench.records.schema import PairRecord, Record
from clearbench.records.select import Entry
from clearbench.report.charts.kinds import Axis, Estimate, EstimateChart, EstimateRow, ShareChart
from clearbench.report.content.matrix import Matrix, Scale, language_heading, round_end
from clearbench.report.content.models import ShownModel
from clearbench.stats.summaries import BiasSummary

FIRST_KINDS = {
    RIGHT_SAME: "right passage, query's language",
    RIGHT_OTHER: "right passage, another language",
    WRONG_SAME: "wrong passage, query's language",
    WRONG_OTHER: "wrong passage, another language",
}
"""Measures that classify queries by the kind of their first passage, with the kind in words."""


@dataclass(frozen=True)
class QueryLanguageBias:
    """The results for queries of one language in a mixed pool; shares are in per cent.

    Attributes:
        language: Language of the queries.
        own_first: Share of queries with the relevant passage in the query's language before its translations; None if
            no query has such a choice.
        lower: Lower end of its 95% interval.
        upper: Upper end of its 95% interval.
        chance: The share that a ranking would have if it ignored language.
        first_kinds: Share of queries by the kind of their first passage, as in FIRST_KINDS; empty if not measured.
    """

    language: Language
    own_first: float | None
    lower: float | None
    upper: float | None
    chance: float | None
    first_kinds: tuple[float, ...]


@dataclass(frozen=True)
class BiasPanel:
    """The results of one model in one mixed pool.

    Attributes:
        model: Name of the model.
        series: Number of the model among the report's models.
        task: Task label.
        summary: The bias over the queries of all languages.
        languages: The results for each query language.
        places: Places gained, query language x passage language; None if no passage has a translation.
    """

    model: str
    series: int
    task: str
    summary: BiasSummary
    languages: tuple[QueryLanguageBias, ...]
    places: Matrix | None


def bias_panels(models: Sequence[ShownModel]) -> list[BiasPanel]:
    """Return one panel per record of a mixed pool; the matrices of a task have the same scale."""
    mixed = [(model, entry) for model in models for entry in model.entries if entry.record.bias is not None]
    largest: dict[str, float] = {}
    for _, entry in mixed:
        gaps = [rank.gap or 0.0 for pair in entry.record.pairs if pair.bias for rank in pair.bias.languages.values()]
        largest[entry.label] = max([largest.get(entry.label, 0.0), *map(abs, gaps)])
    return [_make_panel(model, entry, round_end(largest[entry.label])) for model, entry in mixed]


def own_language_chart(panels: Sequence[BiasPanel]) -> EstimateChart:
    """Return a chart of how often the query's own language comes first: a row per language, an estimate per model."""
    rows = []
    for language in english_first(bias.language for panel in panels for bias in panel.languages):
        estimates = [
            Estimate(
                panel.model,
                panel.series,
                language_bias.own_first,
                language_bias.lower,
                language_bias.upper,
                language_bias.chance,
            )
            for panel in panels
            for language_bias in panel.languages
            if language_bias.language == language and language_bias.own_first is not None
        ]
        rows.append(EstimateRow(language.name, "", tuple(estimates)))
    return EstimateChart("share of queries, %", Axis(0.0, 100.0, (0.0, 25.0, 50.0, 75.0, 100.0)), tuple(rows))


def first_kinds_chart(panel: BiasPanel) -> ShareChart | None:
    """Return a chart of the kinds of first passages by query language, or None if they were not measured."""
    rows = tuple(
        (language_bias.language.name, language_bias.first_kinds)
        for language_bias in panel.languages
        if language_bias.first_kinds
    )
    return ShareChart(f"First passage, {panel.model}", tuple(FIRST_KINDS.values()), rows) if rows else None


def _make_panel(model: ShownModel, entry: Entry, end: float) -> BiasPanel:
    assert entry.record.bias is not None
    pairs = {parse_pair(pair.pair).query: pair for pair in entry.record.pairs if pair.bias is not None}
    languages = tuple(_language_bias(language, pairs[language]) for language in english_first(pairs))
    places = _places_matrix(model.name, entry.record, Scale(-end, end, "places", signed=True))
    return BiasPanel(model.name, model.series, entry.label, entry.record.bias, languages, places)


def _language_bias(language: Language, pair: PairRecord) -> QueryLanguageBias:
    assert pair.bias is not None
    own = pair.bias.own_first
    kinds = tuple(100 * pair.measures[key].mean for key in FIRST_KINDS if key in pair.measures)
    return QueryLanguageBias(
        language=language,
        own_first=_to_percent(own.mean if own else None),
        lower=_to_percent(own.lower if own else None),
        upper=_to_percent(own.upper if own else None),
        chance=_to_percent(pair.bias.chance),
        first_kinds=kinds if len(kinds) == len(FIRST_KINDS) else (),
    )


def _places_matrix(title: str, record: Record, scale: Scale) -> Matrix | None:
    """Return a matrix of the places that a passage is ranked above the mean of its translations (minus the gap)."""
    ranks = {parse_pair(pair.pair).query: pair.bias.languages for pair in record.pairs if pair.bias}
    queries = english_first(ranks)
    passages = english_first({parse_language(code) for found in ranks.values() for code in found} - {MULTIPLE})
    figures = np.full((3, len(queries), len(passages)), np.nan)
    counts = np.full(figures.shape[1:], "", dtype=object)
    for row, query in enumerate(queries):
        for column, passage in enumerate(passages):
            rank = ranks[query].get(str(passage))
            if rank is None or rank.gap is None:
                continue
            figures[0, row, column] = -rank.gap
            counts[row, column] = f"mean rank in the pool {rank.mean_rank:,.1f}"
            if rank.lower is not None and rank.upper is not None:
                figures[1:, row, column] = -rank.upper, -rank.lower
    if np.isnan(figures[0]).all():
        return None
    rows, columns = (tuple(map(language_heading, side)) for side in (queries, passages))
    return Matrix(title, "places gained", rows, columns, figures, counts, scale)


def _to_percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
