"""The judgements of a BEIR-style folder by pair: which queries are left out, and which form a cluster."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from clearbench.common.groups import group_linked
from clearbench.common.languages import Language
from clearbench.common.pairs import Pair
from clearbench.common.text import join_names

Judgements = Mapping[Pair, Mapping[str, Mapping[str, int]]]
"""Pair -> query id -> passage id -> relevance."""


class QueryKey(NamedTuple):
    """One query: its language, and the id it is scored under (its parallel id if it has one)."""

    language: Language
    id: str


def leave_out(judged: Judgements, queries: Iterable[QueryKey]) -> tuple[Judgements, dict[Pair, tuple[str, ...]]]:
    """Return the judgements of queries with a relevant passage, and for each pair the queries that are left out.

    Left out of a pair are the queries that it judges without a relevant passage, and the queries of its language that
    have a relevant passage in no pair.
    """
    kept: dict[Pair, Mapping[str, Mapping[str, int]]] = {}
    for pair, judgements in judged.items():
        rows = {query: row for query, row in judgements.items() if any(value > 0 for value in row.values())}
        if rows:
            kept[pair] = rows
    lost: dict[Language, list[str]] = {}
    for query in _queries_without_relevant(kept, queries):
        lost.setdefault(query.language, []).append(query.id)
    left_out = {
        pair: tuple(dict.fromkeys([*(key for key in judged[pair] if key not in rows), *lost.get(pair.query, ())]))
        for pair, rows in kept.items()
    }
    return kept, left_out


def _queries_without_relevant(kept: Judgements, queries: Iterable[QueryKey]) -> list[QueryKey]:
    """Return the queries that have a relevant passage in no pair."""
    answered = {QueryKey(pair.query, key) for pair, rows in kept.items() for key in rows}
    return [query for query in queries if query not in answered]


def describe_left_out(judged: Judgements, kept: Judgements, queries: Mapping[str, QueryKey]) -> Iterator[str]:
    """Yield notes on the queries and pairs that are left out because they have no relevant passage.

    Args:
        judged: All judgements.
        kept: Those that `leave_out` keeps.
        queries: Every query, by its own id.
    """
    if lost := set(_queries_without_relevant(kept, queries.values())):
        names = [key for key, query in queries.items() if query in lost]
        yield (
            f"queries without a relevant passage are left out: {len(names):,} of {len(queries):,} "
            f"({join_names(names)})."
        )
    if pairs := [pair for pair in judged if pair not in kept]:
        yield f"pairs without a relevant passage are left out: {join_names(sorted(pairs))}."


def cluster_queries(judged: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, str]:
    """Return query -> cluster: queries that share their only relevant passage in some pair are one cluster.

    So are queries that are linked through others. All judgements count, not only those of the wanted pairs, so the
    clusters do not depend on the selection.
    """
    links: list[tuple[str, tuple[int, str]]] = []
    for pair, qrels in enumerate(judged):
        for query, row in qrels.items():
            relevant = [passage for passage, value in row.items() if value > 0]
            if len(relevant) == 1:
                links.append((query, (pair, relevant[0])))
    return group_linked(links)
