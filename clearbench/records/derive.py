"""Deriving a record from its parts: all of record.json except its times is computed from their documents."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

from clearbench.common.hashing import content_hash
from clearbench.common.pairs import parse_pair
from clearbench.records.parts import PartSummary
from clearbench.records.schema import SCHEMA_VERSION, PairRecord, Provenance, Record
from clearbench.stats.averages import macro_averages
from clearbench.stats.summaries import BiasSummary

AND = " and "
"""Between the versions of a package that several runs used."""


def derive_record(
    status: Literal["running", "complete"],
    parts: Sequence[PartSummary],
    provenance: Provenance,
    timings: Mapping[str, Any],
    bias: BiasSummary | None = None,
) -> Record:
    """Return the record of some parts.

    Args:
        status: Whether every pair that was asked for is scored.
        parts: The parts of one record's folder.
        provenance: The current run's provenance, for parts that have none.
        timings: The times that record.json will hold.
        bias: Language bias over all pairs, where the pool is mixed.
    """
    runs = [part.provenance for part in parts if part.provenance is not None]
    known = provenance if provenance.model in [run.model for run in runs] or not runs else runs[0]
    return Record(
        schema_version=SCHEMA_VERSION,
        status=status,
        identity=provenance.identity,
        model=known.model,
        main_measure=known.main_measure,
        **fields_of_runs(runs or [provenance]),
        timings=dict(timings),
        bias=bias,
        **fields_of_pairs(map(PairRecord.model_validate, pairs_of(parts).values())),
    )


def fields_of_runs(runs: Sequence[Provenance]) -> dict[str, Any]:
    """Return the fields of a record that follow from what its runs state: `environment` and `notes`."""
    return {
        "environment": join_environments([run.environment for run in runs]),
        "notes": list(dict.fromkeys(note for run in runs for note in run.notes)),
    }


def fields_of_pairs(pairs: Iterable[PairRecord]) -> dict[str, Any]:
    """Return the fields of a record that follow from its pairs: `pairs` by name, `data`, `coverage`, `averages`."""
    pairs = sorted(pairs, key=lambda pair: pair.pair)
    means = {parse_pair(p.pair): {name: value.mean for name, value in p.measures.items()} for p in pairs}
    return {"pairs": pairs, **totals_of_pairs([dict(pair) for pair in pairs]), "averages": macro_averages(means)}


def totals_of_pairs(pairs: Collection[Mapping[str, Any]]) -> dict[str, Any]:
    """Return `data` and `coverage` of a record: the hash and the counts over pairs, given as fields of PairRecords."""
    names_and_data = sorted((pair["pair"], pair["data"]) for pair in pairs)
    return {
        "data": content_hash(*(f"{name} {data}" for name, data in names_and_data)),
        "coverage": {
            "pairs": len(pairs),
            "queries_scored": sum(pair["num_queries"] for pair in pairs),
            "queries_skipped": sum(pair["num_skipped"] for pair in pairs),
        },
    }


def pairs_of(parts: Iterable[PartSummary]) -> dict[str, Mapping[str, Any]]:
    """Return pair -> fields of its record; a pair that is in two parts is taken from the first."""
    pairs: dict[str, Mapping[str, Any]] = {}
    for part in parts:
        for pair in part.pairs:
            pairs.setdefault(pair["pair"], pair)
    return pairs


def join_environments(environments: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return package -> version, or the versions joined by "and" where runs differ."""
    versions: dict[str, dict[str, None]] = {}
    for environment in environments:
        for package, version in environment.items():
            versions.setdefault(package, {}).update(dict.fromkeys(version.split(AND)))
    return {package: AND.join(package_versions) for package, package_versions in versions.items()}


def add_timings(earlier: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sums of a run's seconds and counts and those of earlier runs; other values are the run's."""
    total = dict(earlier)
    for key, value in run.items():
        if isinstance(value, Mapping):
            total[key] = add_timings(total.get(key) or {}, value)
        elif isinstance(value, (int, float)):
            total[key] = total.get(key, 0) + value
        else:
            total[key] = value
    return total
