"""Language bias in a report: mixed pools, in which passages of all languages compete."""

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
"""Measures that divide queries by what stands first, and what each says."""


@dataclass(frozen=True)
class QueryLanguageBias:
    """Queries of one language against a mixed pool; shares in per cent.

    Attributes:
        language: Language of the queries.
        own_first: How often the right passage in the query's language stands before its translations; None where
            there is no choice.
        lower: Lower end of its 95% interval.
        upper: Upper end.
        chance: What a ranking blind to language would give.
        first_kinds: Share of queries by what stands first, as in FIRST_KINDS; empty where it was not measured.
    """

    language: Language
    own_first: float | None
    lower: float | None
    upper: float | None
    chance: float | None
    first_kinds: tuple[float, ...]


@dataclass(frozen=True)
class BiasPanel:
    """One model on one mixed pool.

    Attributes:
        model: Its name.
        series: Its number among the report's models.
        task: Task label.
        summary: Over the queries of all languages.
        languages: See QueryLanguageBias.
        places: Places gained, query language x passage language; None where no passage has a translation.
    """

    model: str
    series: int
    task: str
    summary: BiasSummary
    languages: tuple[QueryLanguageBias, ...]
    places: Matrix | None


def bias_panels(models: Sequence[ShownModel]) -> list[BiasPanel]:
    """Return what records of mixed pools say; the matrices of a task share one scale."""
    mixed = [(model, entry) for model in models for entry in model.entries if entry.record.bias is not None]
    largest: dict[str, float] = {}
    for _, entry in mixed:
        gaps = [rank.gap or 0.0 for pair in entry.record.pairs if pair.bias for rank in pair.bias.languages.values()]
        largest[entry.label] = max([largest.get(entry.label, 0.0), *map(abs, gaps)])
    return [_panel(model, entry, round_end(largest[entry.label])) for model, entry in mixed]


def own_language_chart(panels: Sequence[BiasPanel]) -> EstimateChart:
    """Return how often the query's own language comes first: a row per query language, an estimate per model."""
    rows = []
    for language in english_first(found.language for panel in panels for found in panel.languages):
        estimates = [
            Estimate(panel.model, panel.series, found.own_first, found.lower, found.upper, found.chance)
            for panel in panels
            for found in panel.languages
            if found.language == language and found.own_first is not None
        ]
        rows.append(EstimateRow(language.name, "", tuple(estimates)))
    return EstimateChart("share of queries, %", Axis(0.0, 100.0, (0.0, 25.0, 50.0, 75.0, 100.0)), tuple(rows))


def first_kinds_chart(panel: BiasPanel) -> ShareChart | None:
    """Return what stands first, by query language; None where it was not measured."""
    rows = tuple((found.language.name, found.first_kinds) for found in panel.languages if found.first_kinds)
    return ShareChart(f"What stands first, {panel.model}", tuple(FIRST_KINDS.values()), rows) if rows else None


def _panel(model: ShownModel, entry: Entry, end: float) -> BiasPanel:
    assert entry.record.bias is not None
    pairs = {parse_pair(pair.pair).query: pair for pair in entry.record.pairs if pair.bias is not None}
    languages = tuple(_of_language(language, pairs[language]) for language in english_first(pairs))
    places = _places(model.name, entry.record, Scale(-end, end, "places", signed=True))
    return BiasPanel(model.name, model.series, entry.label, entry.record.bias, languages, places)


def _of_language(language: Language, pair: PairRecord) -> QueryLanguageBias:
    assert pair.bias is not None
    own = pair.bias.own_first
    kinds = tuple(100 * pair.measures[key].mean for key in FIRST_KINDS if key in pair.measures)
    return QueryLanguageBias(
        language=language,
        own_first=_percent(own.mean if own else None),
        lower=_percent(own.lower if own else None),
        upper=_percent(own.upper if own else None),
        chance=_percent(pair.bias.chance),
        first_kinds=kinds if len(kinds) == len(FIRST_KINDS) else (),
    )


def _places(title: str, record: Record, scale: Scale) -> Matrix | None:
    """How many places before the mean of its translations a passage stands; a gap below 0 is nearer to the top."""
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


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
