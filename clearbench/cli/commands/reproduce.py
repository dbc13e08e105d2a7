"""`clearbench reproduce`: compare published figures with those of this installation."""

from typing import Annotated

import typer

from clearbench.common.options import Option
from clearbench.encoders.base import EncoderOptions
from clearbench.evaluation.options import EvaluationOptions
from clearbench.tasks.options import DataLocation, Selection


def reproduce(
    figures: Annotated[
        str, typer.Argument(metavar="NAME", help="Published figures: `minilm`, or a TOML file of the same format.")
    ],
    model: Annotated[str | None, Option("Checkpoint or `e5-small`, instead of the published model.")] = None,
    *,
    location: DataLocation,
    evaluation: EvaluationOptions,
    encoder: EncoderOptions,
) -> int:
    """Evaluate and compare with published figures: OK within 0.001, near within 0.005, otherwise off (exit code 1)."""
    from rich.table import Table

    from clearbench.common.console import SafeConsole
    from clearbench.encoders.load import load_encoder
    from clearbench.evaluation.pipeline import evaluate
    from clearbench.evaluation.reproduce import compare_with_published
    from clearbench.records.published import find_published
    from clearbench.scoring.table import make_judge
    from clearbench.tasks.load import load_task

    published = find_published(figures)
    datasets = [
        load_task(task.task, Selection(pairs=",".join(task.figures)), location, task.options) for task in published
    ]
    judges = [make_judge(data, offline=not location.downloads) for data in datasets]
    evaluations = evaluate(load_encoder(model or published[0].model, encoder), judges, evaluation)
    comparisons = compare_with_published(published, evaluations)
    table = Table(title=f"{published[0].model}: published ({published[0].source}) and found")
    for column in ("task", "pair", "measure", "published", "found", "difference", ""):
        table.add_column(column, justify="right" if column in ("published", "found", "difference") else "left")
    for row in comparisons:
        shown = (f"{row.published:.5f}", f"{row.measured:.5f}", f"{row.difference:+.5f}")
        table.add_row(row.task, row.pair, row.measure, *shown, row.verdict)
    SafeConsole().print(table)
    verdicts = [row.verdict for row in comparisons]
    print(", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in ("OK", "near", "off")))
    return 1 if "off" in verdicts else 0
