"""`clearbench demo`: all steps on the demo data, with the commands that a user would type."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from clearbench.common.files import TRAINING_FILE
from clearbench.common.options import Option, Range

GATE_OUTCOMES = (0, 3, 4)
ROWS, MINED, RESULTS = "rows.jsonl", "mined.jsonl", "results"
LOSSES = ("infonce", "clear")
"""The losses to train with; they are also the names of the checkpoints."""
SCALE = "100"
"""Factor of the cosines. E5 models were trained with a temperature of 0.01, so their cosines differ little."""


@dataclass(frozen=True)
class Step:
    """One command of the demo.

    Attributes:
        why: The purpose of the step, in one line.
        arguments: The words after `clearbench`.
        is_done: Returns whether the step is finished. None runs the command again, which is fast or continues its work.
        accepted: Exit codes after which the demo continues.
    """

    why: str
    arguments: tuple[str, ...]
    is_done: Callable[[], bool] | None = None
    accepted: tuple[int, ...] = (0,)


def demo(
    context: typer.Context,
    out: Annotated[Path, Option("Folder for rows, checkpoints, results and the report.")] = Path("demo-out"),
    model: Annotated[str, Option("Encoder to start from: `e5-small`, `minilm`, or any checkpoint.")] = "e5-small",
    steps: Annotated[int, Option("Optimizer steps of each training.", range=Range(minimum=1))] = 8,
    show: Annotated[bool, Option("Only print the commands.")] = False,
) -> int:
    """Train CLEAR and InfoNCE, evaluate, compare, gate English, rank, report: in minutes, without downloads.

    You can interrupt it at any time; the same command continues.
    """
    import shlex

    from clearbench.cli.execute import execute_command
    from clearbench.common.console import SafeConsole
    from clearbench.common.progress import say

    console = SafeConsole(stderr=True, highlight=False)
    plan = list(plan_demo(out, model, steps))
    for number, step in enumerate(plan, start=1):
        line = f"clearbench {shlex.join(step.arguments)}"
        if show:
            print(line)
            continue
        finished = step.is_done is not None and step.is_done()
        console.rule(f"{number}/{len(plan)} {step.why}" + (" (done before)" if finished else ""), align="left")
        say(f"$ {line}")
        if finished:
            continue
        if (code := execute_command(context.find_root().command, step.arguments)) not in step.accepted:
            return code
    if not show:
        say(f"\nThe report: {(out / 'report.html').resolve()}")
        say("64 passages and a short training show how the tool works, not how good a model or a loss is.")
    return 0


def plan_demo(out: Path, model: str, steps: int) -> Iterator[Step]:
    """Yield the demo's steps, in order.

    Args:
        out: Folder for rows, checkpoints, results and the report.
        model: Encoder to start from.
        steps: Optimizer steps of each training.
    """
    yield from _row_steps(out, model)
    yield from _training_steps(out, model, steps)
    yield from _evaluation_steps(out, model)
    yield from _verdict_steps(out)


def _row_steps(out: Path, model: str) -> Iterator[Step]:
    rows, mined = out / ROWS, out / MINED
    yield Step(
        "Training rows from the demo's train split, checked against the evaluation",
        ("rows", "build", "--task", "demo-train", "--exclude-task", "demo", "--out", str(rows)),
        is_done=partial(_is_finished, rows),
    )
    mining = ("--negatives", "1", "--window", "2-8", "--margin", "0")
    yield Step(
        "Hard negatives, each with a question of its own",
        ("rows", "mine", "--rows", str(rows), "--model", model, *mining, "--out", str(mined)),
        is_done=partial(_is_finished, mined),
    )


def _training_steps(out: Path, model: str, steps: int) -> Iterator[Step]:
    budget = ("--preset", "cpu-demo", "--scale", SCALE, "--steps", str(steps), "--max-length", "128", "--seed", "0")
    for loss in LOSSES:
        folder = out / loss
        resume = ("--resume",) if (folder / TRAINING_FILE).exists() else ()
        yield Step(
            f"Fine-tune with {loss}: same rows, same batches, same budget",
            (
                "train",
                "--model",
                model,
                "--loss",
                loss,
                "--data",
                str(out / MINED),
                "--out",
                str(folder),
                *budget,
                *resume,
            ),
        )


def _evaluation_steps(out: Path, model: str) -> Iterator[Step]:
    results = ("--out", str(out / RESULTS), "--format", "summary")
    everything = ("--tasks", "demo,demo-xor,demo-mkqa", "--all-pairs", *results)
    sources = {"base": model, **{loss: str(out / loss) for loss in LOSSES}, "bm25": "bm25"}
    for name, source in sources.items():
        yield Step(f"Evaluate {name} on every language pair", ("run", "--model", source, "--name", name, *everything))
    known = ("--tasks", "demo", "--pairs", "*-en", "--languages", "en,de,es,ru,sw", *results)
    center = ("--adjust", "center", "--adjust-text", "demo-train")
    yield Step(
        "A training-free correction: subtract the mean vector of each language of the training rows",
        ("run", "--model", model, "--name", "base+center", *center, *known),
    )


def _verdict_steps(out: Path) -> Iterator[Step]:
    results = str(out / RESULTS)
    where = ("--results", results)
    for name in LOSSES:
        yield Step(
            f"Is {name} better than the base model in each pair, or is the difference chance?",
            ("compare", "base", name, *where, "--tasks", "demo", "--pairs", "*-en"),
        )
    for name in LOSSES:
        yield Step(
            f"Did English get worse with {name}?",
            ("gate", "--baseline", "base", "--candidate", name, *where), accepted=GATE_OUTCOMES,
        )  # fmt: skip
    yield Step("The leaderboard as a file", ("leaderboard", results, "--out", str(out / "leaderboard.csv")))
    yield Step("The leaderboard", ("leaderboard", results))
    page = ("--out", str(out / "report.html"), "--baseline", "base", "--training", str(out))
    yield Step("The report", ("report", results, *page))


def _is_finished(rows: Path) -> bool:
    """Return whether a rows file and its manifest exist and are complete."""
    from clearbench.common.errors import TrainingError
    from clearbench.training.rows.manifest import read_fingerprint

    try:
        return rows.exists() and read_fingerprint(rows) is not None
    except TrainingError:
        return False
