"""Small synthetic records, written through the package's own writer, for tests of what reads records."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from clearbench.common.hashing import content_hash
from clearbench.records import (
    SCHEMA_VERSION,
    Identity,
    MeasureValue,
    PairRecord,
    QueryScores,
    Record,
    RecordFolder,
    record_folder,
)

MEASURES = ("nDCG@10", "recall@10")


def write_model(
    out: Path,
    name: str,
    scores: Mapping[str, Mapping[str, Any]],
    *,
    encoder: str | None = None,
    per_cluster: int = 2,
    version: int = 1,
    options: Mapping[str, str] | None = None,
    scoring: Mapping[str, str | int] | None = None,
    data: str = "data",
    main_measure: str = "nDCG@10",
    measures: tuple[str, ...] = MEASURES,
    judged_pairs: int = 3,
) -> dict[str, Path]:
    """Write one model's records: task -> pair -> first measure per query; the second is half of it.

    Queries of a pair are q0, q1, ..; `per_cluster` neighbours are a cluster, the same in all pairs of a task. Every
    `judged_pairs` pairs share a part.
    """
    folders = {}
    for task, by_pair in scores.items():
        encoder = encoder or f"encoder of {name}"
        label = "+".join([task, *(f"{key}={value}" for key, value in sorted((options or {}).items()))])
        identity = Identity(
            encoder=encoder,
            task=task,
            task_version=version,
            options=dict(options or {}),
            scoring=dict(scoring or {"judged_by": "qrels", "search": "exact"}),
        )
        folder = RecordFolder(record_folder(out, name, encoder, label), identity)
        results = [
            _result(pair, np.asarray(values, float), per_cluster, data, measures) for pair, values in by_pair.items()
        ]
        for start in range(0, len(results), judged_pairs):
            folder.add(f"pool{start}", results[start : start + judged_pairs])
        pairs = sorted(folder.done.values(), key=lambda pair: pair.pair)
        folder.write(
            Record(
                schema_version=SCHEMA_VERSION,
                status="complete",
                identity=identity,
                model={"name": name},
                main_measure=main_measure,
                environment={},
                data=content_hash(*(pair.data for pair in pairs)),
                coverage={},
                notes=[],
                pairs=pairs,
                averages={},
                timings={"finished": "2026-01-02T03:04:05Z", "seconds": {"encode": 1.5, "search_and_judge": 0.5}},
            )
        )
        folders[label] = folder.folder
    return folders


def _result(pair: str, values: Any, per_cluster: int, data: str, measures: tuple[str, ...]) -> QueryScores:
    stacked = np.stack([values / (place + 1) for place in range(len(measures))], axis=1)
    summary = PairRecord(
        pair=pair,
        data=f"{data} {pair}",
        num_passages=100,
        num_queries=len(values),
        num_skipped=0,
        num_clusters=-(-len(values) // per_cluster),
        measures={
            measure: MeasureValue(mean=float(column.mean()), lower=None, upper=None)
            for measure, column in zip(measures, stacked.T, strict=True)
        },
    )
    queries = [f"q{place}" for place in range(len(values))]
    clusters = [f"c{place // per_cluster}" for place in range(len(values))]
    return QueryScores(summary, queries, clusters, measures, stacked)
