"""`clearbench demo`: the whole story on embedded data, as the commands a user would type."""

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
TRAINED = ("infonce", "clear")
"""Losses that are trained, which are also the names of their checkpoints."""


@dataclass(frozen=True)
class Step:
    """One command of the demo.

    Attributes:
        why: What the step is for, in one line.
        arguments: What follows `clearbench`.
        done: Whether the step is finished; None repeats it (it is cheap, or goes on by itself).
        fine: Exit codes after which the demo goes on.
    """

    why: str
    arguments: tuple[str, ...]
    done: Callable[[], bool] | None = None
    fine: tuple[int, ...] = (0,)


def demo(
    context: typer.Context,
    out: Annotated[Path, Option("Folder for rows, checkpoints, results and the report.")] = Path("demo-out"),
    model: Annotated[str, Option("Encoder to start from: `minilm`, `e5-small`, or any checkpoint.")] = "minilm",
    steps: Annotated[int, Option("Optimizer steps of each training.", range=Range(minimum=1))] = 24,
    show: Annotated[bool, Option("Only print the commands.")] = False,
) -> int:
    """Train CLEAR and InfoNCE, evaluate, compare, gate English, rank, report: minutes on two cores, nothing downloaded.

    Interrupt it at any time; the same command goes on where it was.
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
        finished = step.done is not None and step.done()
        console.rule(f"{number}/{len(plan)} {step.why}" + (" (done before)" if finished else ""), align="left")
        say(f"$ {line}")
        if finished:
            continue
        if (code := execute_command(context.find_root().command, step.arguments)) not in step.fine:
            return code
    if not show:
        say(f"\nThe report: {(out / 'report.html').resolve()}")
        say("64 passages and so short a training show how the tool works, not how good a model or a loss is.")
    return 0


def plan_demo(out: Path, model: str, steps: int) -> Iterator[Step]:
    """Give the demo's commands, in order.

    Args:
        out: Folder for rows, checkpoints, results and the report.
        model: Encoder to start from.
        steps: Optimizer steps of each training.
    """
    yield from _prepare_rows(out, model)
    yield from _train(out, model, steps)
    yield from _evaluate(out, model)
    yield from _judge(out)


def _prepare_rows(out: Path, model: str) -> Iterator[Step]:
    rows, mined = out / ROWS, out / MINED
    yield Step(
        "Training rows from the demo's train split, checked against the evaluation",
        ("rows", "build", "--task", "demo-train", "--exclude-task", "demo", "--out", str(rows)),
        done=partial(_made, rows),
    )
    mining = ("--negatives", "1", "--window", "2-8", "--margin", "0")
    yield Step(
        "Hard negatives, each with its question",
        ("rows", "mine", "--rows", str(rows), "--model", model, *mining, "--out", str(mined)),
        done=partial(_made, mined),
    )


def _train(out: Path, model: str, steps: int) -> Iterator[Step]:
    budget = ("--preset", "cpu-demo", "--steps", str(steps), "--max-length", "128", "--seed", "0")
    for loss in TRAINED:
        folder = out / loss
        begun = ("--resume",) if (folder / TRAINING_FILE).exists() else ()
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
                *begun,
            ),
        )


def _evaluate(out: Path, model: str) -> Iterator[Step]:
    results = ("--out", str(out / RESULTS), "--format", "summary")
    everything = ("--tasks", "demo,demo-xor,demo-mkqa", "--all-pairs", *results)
    sources = {"base": model, **{loss: str(out / loss) for loss in TRAINED}, "bm25": "bm25"}
    for name, source in sources.items():
        yield Step(f"Evaluate {name} on every language pair", ("run", "--model", source, "--name", name, *everything))
    known = ("--tasks", "demo", "--pairs", "*-en", "--languages", "en,de,es,ru,sw", *results)
    offset = ("--adjust", "offset", "--adjust-text", "demo-train")
    yield Step(
        "A training-free rival: shift questions by the mean difference to English ones",
        ("run", "--model", model, "--name", "base+offset", *offset, *known),
    )


def _judge(out: Path) -> Iterator[Step]:
    results = str(out / RESULTS)
    where = ("--results", results)
    for name in TRAINED:
        yield Step(
            f"Is {name} better than the base model, pair by pair, and is that chance?",
            ("compare", "base", name, *where, "--tasks", "demo", "--pairs", "*-en"),
        )
    for name in TRAINED:
        yield Step(
            f"Did English get worse with {name}?",
            ("gate", "--baseline", "base", "--candidate", name, *where, "--tasks", "demo"), fine=GATE_OUTCOMES,
        )  # fmt: skip
    yield Step("Rank", ("leaderboard", results, "--out", str(out / "leaderboard.csv")))
    yield Step("Rank, to read", ("leaderboard", results))
    page = ("--out", str(out / "report.html"), "--baseline", "base", "--training", str(out))
    yield Step("The report", ("report", results, *page))


def _made(rows: Path) -> bool:
    """Whether a file of rows and its manifest are there, and whole."""
    from clearbench.common.errors import TrainingError
    from clearbench.training.rows.manifest import read_fingerprint

    try:
        return rows.exists() and read_fingerprint(rows) is not None
    except TrainingError:
        return False
