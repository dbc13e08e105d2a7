"""Printing evaluations: a matrix of language pairs per task, or JSON."""

import json
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from clearbench.evaluate import Evaluation
from clearbench.languages import Pair, parse_pair
from clearbench.progress import say
from clearbench.records import Record

# A matrix with more columns than this is unreadable in a terminal; averages are shown instead.
MAX_COLUMNS = 16
# Blanks between columns; the box style gives one of them.
GAP = 2


def print_evaluations(evaluations: Sequence[Evaluation], style: str) -> None:
    """Print results to stdout, and where they lie to stderr."""
    if style == "json":
        print(
            json.dumps([{"folder": str(e.folder), **e.record.model_dump(mode="json")} for e in evaluations], indent=1)
        )
    else:
        console = Console()
        for evaluation in evaluations:
            record = evaluation.record
            console.print(f"\n{label(record)}: {record.main_measure} x 100 of {record.model['name']}", style="bold")
            console.print("rows: query language, columns: passage language", style="dim")
            for table in matrix(record, console.width):
                console.print(table)
            console.print("macro averages x 100", style="dim")
            console.print(averages(record))
    for evaluation in evaluations:
        say(f"{label(evaluation.record)}: {evaluation.folder}")


def label(record: Record) -> str:
    """Task name, with the reader options that differ from the task file's."""
    return ", ".join([record.identity.task, *(f"{key}={value}" for key, value in record.identity.options.items())])


def matrix(record: Record, width: int) -> list[Table | str]:
    """Rows are query languages, columns passage languages, cells the main measure x 100.

    Cut into as many tables as the width asks for: a figure is never shortened.
    """
    values = {parse_pair(p.pair): p.measures[record.main_measure].mean for p in record.pairs}
    rows = sorted({pair.query for pair in values}, key=_english_first)
    columns = sorted({pair.passage for pair in values}, key=_english_first)
    if len(columns) > MAX_COLUMNS:
        return [f"({len(rows)} x {len(columns)} languages: too wide to show; every pair is in the record)"]
    shown = {pair: f"{100 * value:.1f}" for pair, value in values.items()}
    widest = max(map(len, [*shown.values(), *map(str, columns)]))
    fitting = max((width - max(len(str(row)) for row in rows) - 1) // (widest + GAP), 1)
    tables: list[Table | str] = []
    for start in range(0, len(columns), fitting):
        table = Table("", box=SIMPLE_HEAD, padding=(0, 0, 0, GAP - 1), pad_edge=False)
        for column in columns[start : start + fitting]:
            table.add_column(str(column), justify="right", no_wrap=True)
        for row in rows:
            cells = (shown.get(Pair(row, column), "") for column in columns[start : start + fitting])
            table.add_row(str(row), *cells)
        tables.append(table)
    return tables


def averages(record: Record) -> Table:
    """Macro averages over groups of pairs; English (en-en) stands apart."""
    known = record.pairs[0].measures
    usual = [measure for measure in USUAL if measure in known]
    shown = list(dict.fromkeys([record.main_measure, *(usual or known)]))
    table = Table("pairs", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("n", *shown):
        table.add_column(column, justify="right")
    for group, values in record.averages.items():
        table.add_row(group, f"{values['num_pairs']:.0f}", *(f"{100 * values[measure]:.1f}" for measure in shown))
    return table


USUAL = ("nDCG@10", "recall@10", "recall@100", "MRR@10")
"""Measures shown where a task has them; others have their own."""


def _english_first(language: object) -> tuple[bool, str]:
    return (str(language) != "en", str(language))
