"""`clearbench reproduce`: published figures beside this installation's."""

from pathlib import Path
from typing import Annotated

import typer


def reproduce(
    name: Annotated[str, typer.Argument(help="Published figures: `minilm`, or a TOML file of the same form.")],
    model: Annotated[str | None, typer.Option(help="Checkpoint to use instead of the one the figures are of.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder with the official files.", envvar="CLEARBENCH_DATA")
    ] = None,
    out: Annotated[Path, typer.Option(help="Results folder.")] = Path("results"),
    cache_dir: Annotated[Path | None, typer.Option(help="Cache folder.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never use the network.")] = False,
) -> int:
    """Evaluate and compare with published figures: OK within 0.001, near within 0.005, else off (exit code 1)."""
    from rich.console import Console
    from rich.table import Table

    from clearbench.common.environment import default_cache
    from clearbench.encoders.base import EncoderOptions
    from clearbench.encoders.load import load_encoder
    from clearbench.evaluation.pipeline import EvaluationOptions, evaluate
    from clearbench.evaluation.reproduce import compare_with_published, find_expectation
    from clearbench.tasks.load import Selection, load_task
    from clearbench.tasks.sources import DataLocation

    expectation = find_expectation(name)
    cache = cache_dir or default_cache()
    location = DataLocation(data_dir=data_dir, cache_dir=cache, offline=offline)
    sets = [
        load_task(task.name, Selection(pairs=",".join(task.expected)), location, options=dict(task.options))
        for task in expectation.task
    ]
    encoder = load_encoder(model or expectation.model, EncoderOptions(offline=offline))
    comparisons = compare_with_published(expectation, evaluate(encoder, sets, EvaluationOptions(out=out, cache=cache)))
    table = Table(title=f"{expectation.model}: published ({expectation.source}) and found")
    for column in ("task", "pair", "measure", "published", "found", "difference", ""):
        table.add_column(column, justify="right" if column in ("published", "found", "difference") else "left")
    for row in comparisons:
        figures = (f"{row.published:.5f}", f"{row.found:.5f}", f"{row.difference:+.5f}")
        table.add_row(row.task, row.pair, row.measure, *figures, row.verdict)
    Console().print(table)
    verdicts = [row.verdict for row in comparisons]
    print(", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in ("OK", "near", "off")))
    return 1 if "off" in verdicts else 0
