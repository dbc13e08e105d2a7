"""What a record says about its pairs together."""

from collections.abc import Iterable
from typing import Any

from clearbench.common.hashing import content_hash
from clearbench.common.pairs import parse_pair
from clearbench.records.schema import PairRecord
from clearbench.stats.averages import macro_averages


def fields_of_pairs(pairs: Iterable[PairRecord]) -> dict[str, Any]:
    """Return the fields of a record that follow from its pairs: `pairs` by name, `data`, `coverage`, `averages`."""
    pairs = sorted(pairs, key=lambda pair: pair.pair)
    means = {parse_pair(p.pair): {name: value.mean for name, value in p.measures.items()} for p in pairs}
    return {
        "pairs": pairs,
        "data": content_hash(*(f"{pair.pair} {pair.data}" for pair in pairs)),
        "coverage": {
            "pairs": len(pairs),
            "queries_scored": sum(pair.num_queries for pair in pairs),
            "queries_skipped": sum(pair.num_skipped for pair in pairs),
        },
        "averages": macro_averages(means),
    }
