"""Records with per-query scores of one's own choosing, written through the package's own writer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from clearbench.common.hashing import content_hash
from clearbench.common.sealed import open_sealed, sealed_bytes
from clearbench.common.text import task_label
from clearbench.records.derive import fields_of_pairs
from clearbench.records.folder import RecordFolder, record_folder
from clearbench.records.parts import QueryScores
from clearbench.records.schema import SCHEMA_VERSION, Identity, PairRecord, Provenance, Record
from clearbench.stats.summaries import BiasSummary, MeasureValue

MEASURE = "nDCG@10"
TWO_MEASURES = (MEASURE, "recall@10")
TIMINGS = {"finished": "2026-01-02T03:04:05Z", "seconds": {"encode": 1.5, "search_and_judge": 0.5}}


@dataclass(frozen=True)
class RecordOptions:
    """How a record differs from the plain one.

    Attributes:
        encoder: Fingerprint; None makes one of the model's name.
        version: Of the task definition.
        options: Reader options.
        scoring: Scoring settings.
        kind: Of the encoder.
        dtype: Of the encoder; None leaves it out.
        environment: Versions of the software.
        notes: What was odd.
        status: "running" for a record that was not finished.
        measures: The first one's scores are the given ones, the second one's half of them, and so on.
        main_measure: None takes the first.
        queries: Pair -> query ids; by default q00000, q00001, ...
        clusters: Cluster of each query; by default two neighbours share one.
        data: Pair -> data hash; by default the same for every model.
        bias: Of every pair; where there is one, scores may be NaN.
        pairs_in_part: How many pairs share a Parquet part.
    """

    encoder: str | None = None
    version: int = 1
    options: Mapping[str, str] = field(default_factory=dict)
    scoring: Mapping[str, str | int] = field(default_factory=lambda: {"judged_by": "qrels", "search": "exact"})
    kind: str = "transformer"
    dtype: str | None = "fp32"
    environment: Mapping[str, str] = field(default_factory=lambda: {"torch": "2.13.0"})
    notes: Sequence[str] = ()
    status: Literal["running", "complete"] = "complete"
    measures: Sequence[str] = (MEASURE,)
    main_measure: str | None = None
    queries: Mapping[str, Sequence[str]] = field(default_factory=dict)
    clusters: Sequence[str] | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    bias: BiasSummary | None = None
    pairs_in_part: int = 3


def write_record(out: Path, name: str, scores: Mapping[str, Any], task: str = "toy", **changes: Any) -> Path:
    """Write one model's record of one task and return its folder.

    Args:
        out: Results folder.
        name: Of the model.
        scores: Pair -> score per query.
        task: Task name.
        changes: See RecordOptions.
    """
    options = RecordOptions(**changes)
    identity = make_identity(name, task, options)
    label = task_label(task, identity.options.items())
    folder = RecordFolder(record_folder(out, name, identity.encoder, label), make_provenance(name, task, options))
    results = [query_scores(pair, values, task, options) for pair, values in scores.items()]
    with folder.writing():
        for start in range(0, len(results), options.pairs_in_part):
            folder.add(f"pool{start}", results[start : start + options.pairs_in_part])
        folder.write(options.status, TIMINGS)
    return folder.final_path


def write_model(
    out: Path,
    name: str,
    scores: Mapping[str, Mapping[str, Any]],
    measures: Sequence[str] = TWO_MEASURES,
    **changes: Any,
) -> list[Path]:
    """Write one model's records of several tasks: task -> pair -> score per query."""
    return [write_record(out, name, by_pair, task, measures=measures, **changes) for task, by_pair in scores.items()]


def make_identity(name: str = "model", task: str = "toy", options: RecordOptions = RecordOptions()) -> Identity:
    """Return what identifies a record of the named model."""
    return Identity(
        encoder=options.encoder or f"encoder of {name}",
        task=task,
        task_version=options.version,
        options=dict(options.options),
        scoring=dict(options.scoring),
    )


def query_scores(pair: str, values: Any, task: str = "toy", options: RecordOptions = RecordOptions()) -> QueryScores:
    """Return the per-query scores of one pair with their summary."""
    stacked = np.stack(
        [np.asarray(values, dtype=np.float64) / (place + 1) for place in range(len(options.measures))], axis=1
    )
    clusters = options.clusters or [f"c{number // 2}" for number in range(len(stacked))]
    summary = PairRecord(
        pair=pair,
        data=options.data.get(pair, content_hash(task, pair)),
        num_passages=100,
        num_queries=len(stacked),
        num_skipped=0,
        num_clusters=len(set(clusters)),
        measures={
            measure: MeasureValue(mean=float(np.nanmean(column)), lower=None, upper=None)
            for measure, column in zip(options.measures, stacked.T, strict=True)
        },
        bias=options.bias,
    )
    queries = options.queries.get(pair) or [f"q{number:05}" for number in range(len(stacked))]
    return QueryScores(summary, queries, clusters, options.measures, stacked)


def make_provenance(name: str = "model", task: str = "toy", options: RecordOptions = RecordOptions()) -> Provenance:
    """Return what a run of the named model says of all that it measures."""
    model = {"name": name, "kind": options.kind, "dtype": options.dtype}
    return Provenance(
        identity=make_identity(name, task, options),
        model={key: value for key, value in model.items() if value is not None},
        main_measure=options.main_measure or options.measures[0],
        environment=dict(options.environment),
        notes=list(options.notes),
    )


def make_record(pairs: Sequence[PairRecord], status: Literal["running", "complete"] = "complete") -> Record:
    """Return what stands in record.json."""
    return Record(
        schema_version=SCHEMA_VERSION,
        status=status,
        timings=TIMINGS,
        **dict(make_provenance()),
        **fields_of_pairs(pairs),
    )


def rewrite_part(file: Path, change: Callable[[Any], Any] = lambda table: table, **document: Any) -> None:
    """Write a sealed Parquet file anew with another table, or with other keys in its document."""
    opened = open_sealed(file)
    file.write_bytes(sealed_bytes(change(opened.read()), {**opened.document, **document}))


def scores_with(differences: Any, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Baseline and candidate whose per-query differences are exactly the given ones, all within [0, 1]."""
    differences = np.asarray(differences, dtype=np.float64)
    low, high = np.maximum(0.0, -differences), np.minimum(1.0, 1.0 - differences)
    base = low + np.random.default_rng(seed).random(len(differences)) * (high - low)
    return base, base + differences


def write_two(out: Path, differences: Any, pairs: Sequence[str] = ("en-en",), **changes: Any) -> None:
    """Records `base` and `cand` of one task, with the same differences on each pair."""
    base, candidate = scores_with(differences)
    write_record(out, "base", dict.fromkeys(pairs, base), **changes)
    write_record(out, "cand", dict.fromkeys(pairs, candidate), **changes)
