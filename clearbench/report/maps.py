"""Making the matrices of a report: from records, or from comparisons."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from clearbench.common.languages import ENGLISH, MULTIPLE, Language, Pair, parse_pair
from clearbench.records.schema import PairRecord, Record
from clearbench.report.charts import Group
from clearbench.report.matrix import FIELDS, Difference, Map, nice_range
from clearbench.stats.averages import TIERS


def value_maps(records: Sequence[tuple[str, Record]], measure: str) -> tuple[Map, ...]:
    """Make the maps of one task: one per model, or one for all where a side has a single language.

    Args:
        records: Model's name and record, in the order of showing.
        measure: What to show; records that lack it are left out.
    """
    found = {
        name: {parse_pair(pair.pair): _figures(pair, measure) for pair in record.pairs if measure in pair.measures}
        for name, record in records
    }
    return _maps({name: cells for name, cells in found.items() if cells}, measure)


def difference_maps(
    comparisons: Mapping[str, Mapping[str, Difference]], unit: str, level: float = 0.05
) -> tuple[Map, ...]:
    """Make the maps of differences of one task; all share one range of colours.

    Args:
        comparisons: Title -> pair -> difference.
        unit: Measure.
        level: Below this corrected p a difference is marked.
    """
    found = {
        title: {parse_pair(pair): _difference_figures(value) for pair, value in pairs.items()}
        for title, pairs in comparisons.items()
        if pairs
    }
    largest = max((abs(cell["value"]) for cells in found.values() for cell in cells.values()), default=0.0)
    return _maps(found, unit, signed=True, range=nice_range(largest), level=level)


def group_map(groups: Sequence[Group], measure: str) -> Map:
    """Make one table of groups of pairs, a column per model: for more models than colours can tell apart."""
    models = {dot.series: dot.name for group in groups for dot in group.dots}
    series = sorted(models)
    cells = [[_dot_figures(group, number) for number in series] for group in groups]
    rows = tuple(group.key for group in groups)
    names = {group.key: group.name for group in groups}
    places = tuple(f"macro average: {group.name}" for group in groups for _ in series)
    columns = tuple(models[number] for number in series)
    return Map("", measure, rows, columns, **_fields(cells), models=True, names=names, places=places)


def by_english_first(language: Language) -> tuple[bool, str]:
    """Key that sorts English first, others by code."""
    return (language != ENGLISH, str(language))


_Cells = Mapping[Pair, Mapping[str, Any]]


def _figures(pair: PairRecord, measure: str) -> dict[str, Any]:
    value = pair.measures[measure]
    return {
        "value": 100 * value.mean,
        "lower": _hundred(value.lower),
        "upper": _hundred(value.upper),
        "counts": f"{_count(pair.num_queries, 'query', 'queries')} in {_count(pair.num_clusters, 'cluster')}, "
        f"{_count(pair.num_passages, 'passage')}",
    }


def _difference_figures(found: Difference) -> dict[str, Any]:
    nan = float("nan")
    return {
        "value": found.mean,
        "lower": nan if found.lower is None else found.lower,
        "upper": nan if found.upper is None else found.upper,
        "p": nan if found.p is None else found.p,
        "base": found.base,
        "other": found.other,
        "counts": _count(found.num_queries, "query", "queries"),
    }


def _dot_figures(group: Group, series: int) -> dict[str, Any] | None:
    dot = next((dot for dot in group.dots if dot.series == series), None)
    if dot is None:
        return None
    nan = float("nan")
    ends = {"lower": nan if dot.lower is None else dot.lower, "upper": nan if dot.upper is None else dot.upper}
    return {"value": dot.mean, **ends, "counts": _count(group.num_pairs, "pair")}


def _maps(found: Mapping[str, _Cells], unit: str, **more: Any) -> tuple[Map, ...]:
    if not found:
        return ()
    pairs = {pair for cells in found.values() for pair in cells}
    queries = sorted({pair.query for pair in pairs}, key=by_english_first)
    passages = sorted({pair.passage for pair in pairs}, key=by_english_first)
    languages = {str(language): language for language in (*queries, *passages)}
    more["names"] = {code: language.name for code, language in languages.items()}
    more["tiers"] = {code: _tier(language) for code, language in languages.items()}
    if min(len(queries), len(passages)) == 1:
        return (_models_map(found, queries, passages, unit, more),)
    grid = [[Pair(query, passage) for passage in passages] for query in queries]
    rows, columns = tuple(map(str, queries)), tuple(map(str, passages))
    return tuple(
        Map(title, unit, rows, columns, **_fields([[cells.get(pair) for pair in row] for row in grid]), **more)
        for title, cells in found.items()
    )


def _models_map(
    found: Mapping[str, _Cells],
    queries: Sequence[Language],
    passages: Sequence[Language],
    unit: str,
    more: Mapping[str, Any],
) -> Map:
    """One table of all models: rows are the languages of the side that varies."""
    grid = [Pair(query, passage) for query in queries for passage in passages]
    rows = tuple(str(language) for language in (passages if len(queries) == 1 else queries))
    places = tuple(f"{pair.query.name} queries, {pair.passage.name} passages" for pair in grid for _ in found)
    cells = [[of_model.get(pair) for of_model in found.values()] for pair in grid]
    return Map("", unit, rows, tuple(found), **_fields(cells), **more, models=True, places=places)


def _fields(cells: Sequence[Sequence[Mapping[str, Any] | None]]) -> dict[str, Any]:
    """Turn cells into matrices; fields that no cell has are left out."""
    present = [cell for row in cells for cell in row if cell is not None]
    names = [name for name in FIELDS if name in present[0]]
    matrices = {
        name: np.array([[float("nan") if cell is None else cell[name] for cell in row] for row in cells])
        for name in names
    }
    texts = {cell["counts"] for cell in present}
    every = tuple("" if cell is None else str(cell["counts"]) for row in cells for cell in row)
    return {**matrices, "counts": tuple(texts) if len(texts) == 1 else every}


def _tier(language: Language) -> int:
    return len(TIERS) if language == MULTIPLE else TIERS.index(language.tier)


def _hundred(value: float | None) -> float:
    return float("nan") if value is None else 100 * value


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
