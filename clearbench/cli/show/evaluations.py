"""Print evaluations, as a matrix of language pairs per task or as JSON, and print the plan of a dry run."""

import json
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from clearbench.cli.show.bias import print_bias
from clearbench.cli.tables import make_grid
from clearbench.common.console import SafeConsole
from clearbench.common.languages import english_first
from clearbench.common.measures import MAIN_MEASURE, find_measure
from clearbench.common.pairs import parse_pair
from clearbench.common.progress import say
from clearbench.common.text import count
from clearbench.evaluation.pipeline import Evaluation
from clearbench.evaluation.plan import RunPlan
from clearbench.records.derive import fields_of_pairs
from clearbench.records.schema import Record

USUAL_MEASURES = (MAIN_MEASURE, "recall@10", "recall@100", "MRR@10")
"""The measures to show, if a task has them; for other tasks, all measures are shown."""


def print_evaluations(evaluations: Sequence[Evaluation], style: str) -> None:
    """Print results to stdout, and their folders to stderr.

    Tables show the requested pairs. JSON contains the whole record, and the requested pairs as `asked`.
    """
    if style == "json":
        print(json.dumps(list(map(_to_document, evaluations)), indent=1))
    else:
        console = SafeConsole()
        for evaluation in evaluations:
            _print_tables(evaluation, console, with_matrix=style == "table")
    for evaluation in evaluations:
        say(f"{evaluation.record.identity.label}: {evaluation.folder}")


def _to_document(evaluation: Evaluation) -> dict[str, object]:
    return {
        "folder": str(evaluation.folder),
        "asked": list(evaluation.asked),
        **evaluation.record.model_dump(mode="json"),
    }


def _print_tables(evaluation: Evaluation, console: SafeConsole, with_matrix: bool) -> None:
    record = select_pairs(evaluation.record, evaluation.asked)
    main = find_measure(record.main_measure)
    console.print(f"\n{record.identity.label}: {main}{main.scale} of {record.model['name']}", style="bold")
    if record.bias:
        print_bias(record, console)
    elif with_matrix:
        console.print("rows: query language, columns: passage language", style="dim")
        for table in matrix_tables(record, console.width):
            console.print(table)
    console.print("macro averages x 100", style="dim")
    console.print(averages_table(record))
    if skipped := record.coverage["queries_skipped"]:
        console.print(f"{count(skipped, 'query')} of these pairs could not be scored and do not count.", style="dim")
    if others := len(evaluation.record.pairs) - len(record.pairs):
        console.print(f"The record also has {count(others, 'pair')} of earlier runs, not shown here.", style="dim")


def select_pairs(record: Record, pairs: Sequence[str]) -> Record:
    """Return the record that a run of only these pairs would give."""
    known = record.by_pair
    return record.model_copy(update=fields_of_pairs(known[pair] for pair in pairs))


def print_plan(plan: RunPlan) -> None:
    """Print what a run would do."""
    table = Table("task", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("pairs", "scored before", "queries to score"):
        table.add_column(column, justify="right")
    for task in plan.tasks:
        table.add_row(task.task, f"{task.num_pairs:,}", f"{task.num_done:,}", f"{task.num_queries:,}")
    console = SafeConsole()
    console.print(table)
    if plan.estimate is None:
        console.print("BM25 encodes nothing.")
    else:
        rest = plan.num_distinct - plan.num_cached
        console.print(
            f"{plan.num_texts:,} texts, {plan.num_distinct:,} distinct, {plan.num_cached:,} encoded before, "
            f"{rest:,} to encode" + (f": about {plan.estimate}" if rest else ""),
            soft_wrap=True,
        )
    for task in plan.tasks:
        say(f"{task.task}: results would be in {task.folder}")


def matrix_tables(record: Record, width: int) -> list[Table | str]:
    """Return tables of the main measure, with query languages as rows and passage languages as columns.

    There are several tables if one would be too wide for the terminal.
    """
    values = {parse_pair(p.pair): p.measures[record.main_measure].mean for p in record.pairs}
    rows = english_first(pair.query for pair in values)
    columns = english_first(pair.passage for pair in values)
    points = find_measure(record.main_measure).points
    shown = {(str(pair.query), str(pair.passage)): f"{points * value:.1f}" for pair, value in values.items()}
    return make_grid(list(map(str, rows)), list(map(str, columns)), shown, width)


def averages_table(record: Record) -> Table:
    """Return a table of macro averages over groups of pairs."""
    known = record.pairs[0].measures
    usual = [measure for measure in USUAL_MEASURES if measure in known]
    shown = list(dict.fromkeys([record.main_measure, *(usual or known)]))
    table = Table("pairs", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("n", *shown):
        table.add_column(column, justify="right")
    for group, values in record.averages.items():
        table.add_row(
            group, f"{values['num_pairs']:.0f}", *(f"{find_measure(name).points * values[name]:.1f}" for name in shown)
        )
    return table
