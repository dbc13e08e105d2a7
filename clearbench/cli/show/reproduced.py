"""Printing published figures next to this installation's."""

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from clearbench.cli.tables import stdout_console
from clearbench.common.text import count
from clearbench.evaluation.reproduce import VERDICTS, Distribution, ReproducedFigure
from clearbench.records.published import Published

# Up to this many figures are all printed; of more, only as many with the largest differences.
_PRINTED_FIGURES = 60


def print_published(known: Mapping[str, Sequence[Published]]) -> None:
    """Print the names of published figures, with what each has."""
    table = Table("name", "model", "figures", "tasks", "source", box=None)
    for name, tasks in known.items():
        numbers = [sum(map(len, task.figures.values())) for task in tasks]
        named = ", ".join(f"{task.task} {number:,}" for task, number in zip(tasks, numbers, strict=True))
        table.add_row(name, tasks[0].model, f"{sum(numbers):,}", named, tasks[0].source)
    stdout_console().print(table)


def print_reproduced(
    title: str, figures: Sequence[ReproducedFigure], distributions: Sequence[Distribution], num_left_out: int
) -> None:
    """Print figures, how their differences are distributed, and the number of each verdict.

    Args:
        title: Names the model and the source.
        figures: All figures that were measured.
        distributions: Their differences, by task and measure.
        num_left_out: Published figures that were not measured, for want of files.
    """
    by_difference = sorted(figures, key=lambda figure: -abs(figure.difference))
    shown = by_difference[:_PRINTED_FIGURES] if len(figures) > _PRINTED_FIGURES else figures
    table = Table(title=title if shown is figures else f"{title}; the {_PRINTED_FIGURES} largest differences")
    for column in ("task", "pair", "measure", "published", "found", "difference", ""):
        table.add_column(column, justify="right" if column in ("published", "found", "difference") else "left")
    for row in shown:
        values = (f"{row.published:.5f}", f"{row.measured:.5f}", f"{row.difference:+.5f}")
        table.add_row(row.task, row.pair, row.measure, *values, row.verdict)
    stdout_console().print(table)
    stdout_console().print(_distribution_table(distributions))
    if num_left_out:
        stdout_console().print(
            f"{count(num_left_out, 'published figure')} left out: files of their languages are missing."
        )
    verdicts = [figure.verdict for figure in figures]
    print(", ".join(f"{verdicts.count(verdict):,} {verdict}" for verdict in VERDICTS))


def _distribution_table(distributions: Sequence[Distribution]) -> Table:
    heads = ("figures", "equal", *VERDICTS, "mean", "least", "5%", "median", "95%", "most")
    table = Table(title="differences, measured minus published; equal: to five decimals", box=SIMPLE_HEAD)
    table.add_column("task", no_wrap=True)
    table.add_column("measure", no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right")
    for row in distributions:
        numbers = (row.num_figures, row.num_equal, *row.verdicts)
        differences = (f"{value:+.4f}" for value in (row.mean, *row.quantiles))
        table.add_row(row.task, row.measure, *(f"{number:,}" for number in numbers), *differences)
    return table
