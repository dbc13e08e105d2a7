"""Train CLEAR, InfoNCE and ablations on the same rows and budget, evaluate all, and print a table over seeds.

    python benchmarks/clear_experiment.py --data-dir D --seeds 0,1,2

Rows: MLQA dev (English passages, questions in German and Spanish) and AfriQA train (Hausa, Igbo, Kinyarwanda), without
any text of XQuAD or of AfriQA's test split; hard negatives are mined with the base model. Evaluation: XQuAD, all pairs
of English, German and Spanish; AfriQA test. Everything runs through the command line, as for a user. Prints nDCG@10 x
100 as the mean over pairs and seeds with the standard deviation over seeds, and seconds per step, and writes the same
figures as JSON. Training-free corrections for comparison: centring and LIR with the demo's text (--adjust), and the
mean offset of questions with the training rows.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mean_offset import VARIABLE, estimate

from clearbench.tasks.load import load_task
from clearbench.tasks.options import DataLocation, Selection

HERE = Path(__file__).resolve().parent
LOSSES = ("infonce", "clear", "mixed", "clear-no-kl", "forward-only")
EVALUATIONS = {"xquad": "en,de,es", "afriqa": None}
COLUMNS = ("xquad xx-en", "xquad en-xx", "xquad xx-xx", "xquad xx-yy", "xquad en-en", "afriqa xx-en", "afriqa en-en")


def main() -> None:
    """Build rows, train, evaluate, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, default=HERE.parent.parent / "shared" / "data")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--work", type=Path, default=Path("experiment"), help="folder for rows, checkpoints, results")
    parser.add_argument("--losses", default=",".join(LOSSES))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--lr", type=float, default=5e-5)
    parser.add_argument("--negatives", type=int, default=1)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--dtype", default="fp32", help="precision of the evaluation")
    parser.add_argument(
        "--time-only", action="store_true", help="train each loss once, print step times, evaluate nothing"
    )
    parser.add_argument("--output", type=Path, default=HERE / "results" / "clear_experiment.json")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    rows = make_rows(options)
    if options.time_only:
        return time_steps(rows, options)
    table: dict[str, list[dict[str, float]]] = {"base": [evaluate(options.model, "base", options)]}
    for method in ("center", "lir"):  # the demo's text, which gives the statistics, lacks AfriQA's languages
        table[method] = [evaluate(options.model, method, options, ("xquad",), ("--adjust", method))]
    table["mean offset"] = [evaluate_offset(rows, options)]
    seconds: dict[str, list[float]] = {}
    for seed in options.seeds.split(","):
        for loss in options.losses.split(","):
            checkpoint = options.work / f"{loss}-{seed}"
            if not (checkpoint / "clearbench_training.json").exists():
                train(loss, seed, rows, checkpoint, options)
            table.setdefault(loss, []).append(evaluate(str(checkpoint), checkpoint.name, options))
            seconds.setdefault(loss, []).append(seconds_per_step(checkpoint))
        print_table(table, seconds)
    print_table(table, seconds)
    settings = {key: str(value) for key, value in vars(options).items() if key not in ("data_dir", "work", "output")}
    answer = {"settings": settings, "scores": table, "seconds_per_step": seconds}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")


def time_steps(rows: Path, options: argparse.Namespace) -> None:
    """Print seconds per step of each loss, and their ratio to the first; use a machine without other work."""
    seconds = {}
    for loss in options.losses.split(","):
        checkpoint = options.work / f"timing-{loss}"
        if not (checkpoint / "clearbench_training.json").exists():
            train(loss, "0", rows, checkpoint, options, "--save-every", str(options.steps))
        seconds[loss] = seconds_per_step(checkpoint)
    first = next(iter(seconds.values()))
    for loss, value in seconds.items():
        print(f"{loss:14} {value:6.2f} s/step  {value / first:5.2f}x")


def make_rows(options: argparse.Namespace) -> Path:
    """Build rows from both sources, join them, and mine negatives; an existing file is used again."""
    mined: Path = options.work / "mined.jsonl"
    if mined.exists():
        return mined
    data = ["--data-dir", str(options.data_dir)]
    sources = {
        "mlqa": ["--task", "mlqa", "--languages", "de,es"],
        "afriqa": ["--task", "afriqa", "--languages", "ha,ig,rw", "--option", "split=train"],
    }
    joined = options.work / "rows.jsonl"
    parts = []
    for name, arguments in sources.items():
        out = options.work / f"{name}.jsonl"
        exclude = ["--exclude-task", "xquad", "--exclude-task", "afriqa", "--on-leak", "drop"]
        run_clearbench("rows", "build", *arguments, *data, *exclude, "--out", str(out))
        parts.append(out.read_text(encoding="utf-8"))
    joined.write_text("".join(parts), encoding="utf-8")
    arguments = ["--rows", str(joined), "--model", options.model, "--negatives", str(options.negatives)]
    run_clearbench("rows", "mine", *arguments, "--window", "10-50", "--out", str(mined))
    return mined


def train(loss: str, seed: str, rows: Path, checkpoint: Path, options: argparse.Namespace, *more: str) -> None:
    """Train one checkpoint."""
    budget = {"--steps": options.steps, "--batch-size": options.batch_size, "--lr": options.lr, "--seed": seed}
    budget |= {"--negatives": options.negatives, "--max-length": options.max_length}
    flags = [str(word) for pair in budget.items() for word in pair]
    run_clearbench(
        "train", "--model", options.model, "--loss", loss, "--data", str(rows), "--out", str(checkpoint), *flags, *more
    )


def seconds_per_step(checkpoint: Path) -> float:
    """Return the training time (including saving) per step, from the checkpoint's manifest."""
    manifest = json.loads((checkpoint / "clearbench_training.json").read_text(encoding="utf-8"))
    return float(manifest["timings"]["seconds"]) / int(manifest["step"])


def evaluate(
    model: str,
    name: str,
    options: argparse.Namespace,
    tasks: Sequence[str] = tuple(EVALUATIONS),
    more: Sequence[str] = (),
    **environment: str,
) -> dict[str, float]:
    """Return column -> score of one model, nDCG@10 in [0, 1]."""
    scores: dict[str, list[float]] = {}
    for task in tasks:
        languages = EVALUATIONS[task]
        arguments = ["--model", model, "--tasks", task, "--all-pairs", "--data-dir", str(options.data_dir), *more]
        arguments += ["--languages", languages] if languages else []
        arguments += ["--dtype", options.dtype, "--out", str(options.work / "results"), "--name", name]
        [record] = json.loads(run_clearbench("run", *arguments, "--format", "json", **environment))
        for pair in record["pairs"]:
            value = pair["measures"]["nDCG@10"]["mean"]
            scores.setdefault(f"{task} {column_of_pair(pair['pair'])}", []).append(value)
    return {column: statistics.mean(values) for column, values in scores.items()}


def column_of_pair(pair: str) -> str:
    """Return the column that a pair belongs to."""
    query, passage = pair.split("-")
    if query == passage:
        return "en-en" if query == "en" else "xx-xx"
    return "xx-en" if passage == "en" else "en-xx" if query == "en" else "xx-yy"


def evaluate_offset(rows: Path, options: argparse.Namespace) -> dict[str, float]:
    """Return the scores of the training-free correction with offsets from the training rows."""
    with rows.open(encoding="utf-8") as lines:
        training = [json.loads(line) for line in lines]
    questions: dict[str, str] = {}
    for task, languages in EVALUATIONS.items():
        loaded = load_task(task, Selection(languages=languages, all_pairs=True), DataLocation(options.data_dir))
        for pair in loaded.pairs:
            questions |= dict.fromkeys(loaded.queries_of(pair).texts, str(pair.query))
    table = (options.work / "offsets.npz").resolve()
    estimate(table, options.model, training, questions)
    return evaluate("mean_offset:encode", "mean-offset", options, **{VARIABLE: str(table), "PYTHONPATH": str(HERE)})


def run_clearbench(*arguments: str, **environment: str) -> str:
    """Run a clearbench command and return its stdout."""
    command = [sys.executable, "-m", "clearbench", *arguments]
    print("+ clearbench", *arguments, file=sys.stderr, flush=True)
    finished = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}, check=False
    )
    if finished.returncode:
        raise SystemExit(finished.returncode)
    return finished.stdout


def print_table(table: Mapping[str, Sequence[Mapping[str, float]]], seconds: Mapping[str, Sequence[float]]) -> None:
    """Print the means over seeds x 100, with their standard deviations over seeds."""
    print(f"{'':14}" + "".join(f"{column:>15}" for column in COLUMNS) + f"{'s/step':>8}")
    for name, runs in table.items():
        cells = []
        for column in COLUMNS:
            values = [100 * run[column] for run in runs if column in run]
            if not values:
                cells.append("-")
                continue
            spread = f" ±{statistics.stdev(values):.1f}" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.1f}{spread}")
        time = f"{statistics.mean(seconds[name]):.2f}" if name in seconds else ""
        print(f"{name:14}" + "".join(f"{cell:>15}" for cell in cells) + f"{time:>8}", flush=True)


if __name__ == "__main__":
    main()
