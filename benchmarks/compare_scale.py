"""Measure time and memory of verdicts on 122 x 122 language pairs of 900 queries, the size of Belebele.

    python benchmarks/compare_scale.py [--languages 122] [--models 3] [--folder /tmp/scale]

Writes synthetic records of all measures (not timed), runs `clearbench compare` and `clearbench leaderboard` as a user
would, and prints wall-clock and processor seconds and peak memory of each process.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from clearbench.common.hashing import content_hash
from clearbench.common.languages import languages
from clearbench.common.pairs import Pair
from clearbench.records.folder import RecordFolder, name_in_key, record_folder, records_folder
from clearbench.records.parts import QueryScores
from clearbench.records.schema import Identity, PairRecord, Provenance
from clearbench.scoring.compute import MEASURE_NAMES, MEASURES
from clearbench.stats.summaries import summarise_measures

NUM_QUERIES, NUM_PASSAGES, TASK = 900, 488, "synthetic"
BASE_SHIFT = 0.15


def write_model(out: Path, name: str, num_languages: int, shift: float, seed: int) -> None:
    """Write the records of one model; its queries in languages other than English are easier by `shift`."""
    rng = np.random.default_rng(seed)
    identity = Identity(encoder=content_hash(name), task=TASK, task_version=1, options={}, scoring={"search": "exact"})
    provenance = Provenance(
        identity=identity, model={"name": name, "kind": "synthetic", "dtype": "fp32"}, main_measure="nDCG@10",
        environment={}, notes=[],
    )  # fmt: skip
    folder = RecordFolder(record_folder(out, name, identity.encoder, TASK), provenance)
    queries = [f"question-{number:03d}" for number in range(NUM_QUERIES)]
    cluster_Q = np.sort(np.random.default_rng(0).integers(0, NUM_PASSAGES, NUM_QUERIES))
    clusters = [f"passage-{code:03d}" for code in cluster_Q]
    codes = np.unique(cluster_Q, return_inverse=True)[1].astype(np.int64)
    # Log-rank = the difficulty of language, passage and question, which is the same for all models, plus noise.
    common = np.random.default_rng(1)
    language_L = common.normal(1.0, 0.6, num_languages)
    passage_C, question_Q = common.normal(0, 0.7, codes.max() + 1), common.normal(0, 0.7, NUM_QUERIES)
    hard_Q = passage_C[codes] + question_Q
    at_rank = np.array([measure.at_rank(np.arange(1.0, NUM_PASSAGES + 1)) for measure in MEASURES]).T
    at_rank[np.arange(NUM_PASSAGES)[:, None] >= np.array([measure.cutoff for measure in MEASURES])] = 0.0
    varieties = languages()[:num_languages]
    for p, passage in enumerate(varieties):
        log_rank = language_L + language_L[p] + hard_Q[:, None] + rng.normal(0, 0.5, (NUM_QUERIES, num_languages))
        log_rank -= shift * np.array([str(variety) != "en" for variety in varieties])
        rank_QL = np.clip(np.exp(log_rank), 1, NUM_PASSAGES).astype(np.int64)
        scores_QLM = at_rank[rank_QL - 1]
        results = []
        for q, query in enumerate(varieties):
            pair = str(Pair(query, passage))
            summary = PairRecord(
                pair=pair, data=content_hash(pair), num_passages=NUM_PASSAGES, num_queries=NUM_QUERIES, num_skipped=0,
                num_clusters=int(codes.max()) + 1, measures=summarise_measures(MEASURE_NAMES, scores_QLM[:, q], codes),
            )  # fmt: skip
            results.append(QueryScores(summary, queries, clusters, MEASURE_NAMES, scores_QLM[:, q]))
        folder.add(str(passage), results)
    folder.write("complete")


def measure(arguments: list[str]) -> dict[str, object]:
    """Return seconds and peak memory of one `clearbench` process."""
    command = [sys.executable, "-m", "clearbench", *arguments]
    started = time.perf_counter()
    # A separate process, so the peak of its children is the peak of this command.
    code = (
        "import resource, subprocess, sys; r = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); "
        "u = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(r.returncode, u.ru_maxrss, u.ru_utime + u.ru_stime)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - started
    status, kilobytes, processor = map(float, done.stdout.split())
    if status:
        sys.exit(f"{' '.join(arguments)} exited {status:.0f}: {done.stderr}")
    return {
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "peak_mib": round(kilobytes / 1024),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", type=int, default=122)
    parser.add_argument("--models", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="Where to write the records, and to keep them.")
    arguments = parser.parse_args()
    out = arguments.folder or Path(tempfile.mkdtemp())
    names = [f"model{number}" for number in range(arguments.models)]
    for number, name in enumerate(names):
        if name not in [name_in_key(folder.name) for folder in records_folder(out).glob("*")]:
            started = time.perf_counter()
            write_model(out, name, arguments.languages, BASE_SHIFT * number, 10 + number)
            print(f"{name}: written in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    results_flag = ["--results", str(out)]
    commands = {
        "compare one model": ["compare", *names[:2], *results_flag, "--format", "csv"],
        "compare --correction holm": ["compare", *names[:2], *results_flag, "--correction", "holm", "--format", "csv"],
        f"compare {len(names) - 1} models": ["compare", *names, *results_flag, "--format", "csv"],
        "leaderboard": ["leaderboard", str(out), "--format", "csv"],
    }
    results = {what: measure(command) for what, command in commands.items()}
    print(json.dumps({"pairs": arguments.languages**2, "queries": NUM_QUERIES, **results}, indent=1))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"(writing peaked at {peak / 1024:.0f} MiB)", file=sys.stderr)


if __name__ == "__main__":
    main()
