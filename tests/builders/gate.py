"""Records on disk with per-query scores of one's own choosing."""

import numpy as np

from clearbench.common.hashing import content_hash
from clearbench.common.languages import parse_pair
from clearbench.records import Identity, MeasureValue, PairRecord, QueryScores, Record, RecordFolder, record_folder
from clearbench.stats.averages import macro_averages

MEASURE = "nDCG@10"


def write_record(out, name, scores, task="toy", clusters=None, **changes):
    """Write one record; `scores` is pair -> array over queries q0, q1, ...; two questions a cluster by default.

    Changes: version, options, scoring, dtype (None: not stated), kind, data (pair -> hash), encoder, environment,
    measure, queries (pair -> ids).
    """
    measure = changes.get("measure", MEASURE)
    identity = Identity(
        encoder=changes.get("encoder", f"encoder of {name}"),
        task=task,
        task_version=changes.get("version", 1),
        options=changes.get("options", {}),
        scoring=changes.get("scoring", {"judged_by": "qrels", "search": "exact"}),
    )
    results = []
    for pair, values in scores.items():
        values = np.asarray(values, dtype=np.float64)
        queries = changes.get("queries", {}).get(pair) or [f"q{number:05}" for number in range(len(values))]
        named = clusters or [f"c{number // 2}" for number in range(len(values))]
        summary = PairRecord(
            pair=pair,
            data=changes.get("data", {}).get(pair, content_hash(task, pair)),
            num_passages=100,
            num_queries=len(values),
            num_skipped=0,
            num_clusters=len(set(named)),
            measures={measure: MeasureValue(mean=float(values.mean()), lower=None, upper=None)},
        )
        results.append(QueryScores(summary, queries, named, [measure], values[:, None]))
    label = "+".join([task, *(f"{key}={value}" for key, value in sorted(identity.options.items()))])
    folder = RecordFolder(record_folder(out, name, identity.encoder, label), identity)
    folder.add("pool", results)
    model = {"name": name, "kind": changes.get("kind", "transformer"), "dtype": changes.get("dtype", "fp32")}
    folder.write(
        Record(
            schema_version=1,
            status=changes.get("status", "complete"),
            identity=identity,
            model={key: value for key, value in model.items() if value is not None},
            main_measure=measure,
            environment=changes.get("environment", {"torch": "2.13.0"}),
            data="",
            coverage={"pairs": len(results)},
            notes=[],
            pairs=[result.summary for result in results],
            averages=macro_averages({parse_pair(r.summary.pair): {measure: float(r.scores.mean())} for r in results}),
            timings={},
        )
    )
    return folder.folder


def scores_with(differences, seed=0):
    """Baseline and candidate whose per-query differences are exactly the given ones, all within [0, 1]."""
    differences = np.asarray(differences, dtype=np.float64)
    low, high = np.maximum(0.0, -differences), np.minimum(1.0, 1.0 - differences)
    base = low + np.random.default_rng(seed).random(len(differences)) * (high - low)
    return base, base + differences


def write_two(out, differences, pairs=("en-en",), **changes):
    """Records `base` and `cand` of one task, with the same differences on each pair."""
    base, candidate = scores_with(differences)
    write_record(out, "base", dict.fromkeys(pairs, base), **changes)
    write_record(out, "cand", dict.fromkeys(pairs, candidate), **changes)
