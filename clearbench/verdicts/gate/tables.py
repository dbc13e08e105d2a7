"""The gate's verdicts as tables, one for each rule: for a terminal, and as a Markdown summary."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from clearbench.common.text import escape_markdown
from clearbench.verdicts.gate.result import GateResult, Outcome, Verdict
from clearbench.verdicts.gate.sentences import (
    explain_all,
    legend,
    show_figure,
    show_plain,
    show_signed,
    tightest_verdicts,
    verdicts_by_rule,
)

if TYPE_CHECKING:
    from rich.table import Table

MARKS: dict[Outcome, str] = {"pass": "✅", "fail": "❌", "undecided": "⚠️"}
COLOURS: dict[Outcome, str] = {"pass": "green", "fail": "red", "undecided": "yellow"}

HEADINGS = (
    *("task", "pairs", "measure", "baseline", "candidate", "difference"),
    *("lower", "guarded", "upper", "bound", "queries", ""),
)
_LEFT = ("task", "pairs", "measure", "")


def to_tables(result: GateResult) -> "list[tuple[str, Table, str]]":
    """Return for each rule its title, a table for a terminal, and a line on verdicts that are left out, or ""."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    tables = []
    for title, verdicts in verdicts_by_rule(result):
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for heading in HEADINGS:
            table.add_column(heading, justify="left" if heading in _LEFT else "right", no_wrap=True)
        shown = tightest_verdicts(verdicts)
        for verdict in shown:
            *cells, outcome = map(escape, _cells(verdict))
            table.add_row(*cells, f"[bold {COLOURS[verdict.outcome]}]{outcome}[/]")
        tables.append((title, table, _left_out_line(verdicts, shown)))
    return tables


def to_markdown(result: GateResult) -> str:
    """Return a summary for a pull request or a GitHub step summary."""
    candidate, baseline = escape_markdown(result.candidate), escape_markdown(result.baseline)
    lines = [
        f"### {MARKS[result.outcome]} English gate: {result.outcome}",
        "",
        f"{candidate} against {baseline}; {escape_markdown(legend(result))}.",
    ]
    for title, verdicts in verdicts_by_rule(result):
        shown = tightest_verdicts(verdicts)
        lines += ["", f"**{escape_markdown(title)}**", ""]
        lines.append("| " + " | ".join(HEADINGS) + " |")
        lines.append("| " + " | ".join("---" if heading in _LEFT else "---:" for heading in HEADINGS) + " |")
        for verdict in shown:
            *cells, outcome = _cells(verdict)
            row = [*map(escape_markdown, cells), f"{MARKS[verdict.outcome]} {outcome}"]
            lines.append("| " + " | ".join(row) + " |")
        if line := _left_out_line(verdicts, shown):
            lines += ["", line]
    if sentences := explain_all(result):
        lines += ["", *(f"- {escape_markdown(sentence)}" for sentence in sentences)]
    return "\n".join(lines) + "\n"


def _left_out_line(verdicts: Sequence[Verdict], shown: Sequence[Verdict]) -> str:
    if len(shown) == len(verdicts):
        return ""
    outcomes = [verdict.outcome for verdict in verdicts]
    counts = ", ".join(f"{outcomes.count(o):,} {o}" for o in MARKS if o in outcomes)
    return f"the {len(shown)} of {len(verdicts):,} with the least room; all: {counts}"


def _cells(verdict: Verdict) -> list[str]:
    """Return a table's row, in the order of HEADINGS."""
    interval, measure = verdict.interval, verdict.measure
    difference = interval.mean if verdict.about == "difference" else verdict.candidate - verdict.baseline
    return [
        verdict.task,
        verdict.where,
        measure.name,
        show_plain(verdict.baseline, measure),
        show_plain(verdict.candidate, measure),
        show_signed(difference, measure),
        *(show_figure(verdict, value) for value in (interval.lower, interval.guarded, interval.upper, verdict.bound)),
        f"{interval.num_queries:,} ({interval.num_clusters:,})",
        verdict.outcome,
    ]
