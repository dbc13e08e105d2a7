"""Comparisons as tables for people: for a terminal, and as Markdown. LaTeX is in `latex`.

Shares are shown in points (x 100), ranks as they are.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from clearbench.common.measures import find_measure
from clearbench.common.text import count, escape_markdown
from clearbench.verdicts.compare.result import LEVELS, ComparedRow, Comparison

if TYPE_CHECKING:
    from rich.table import Table

CORRECTED = {"max-t": "p max-T", "holm": "p Holm", "bh": "q BH", "none": "p"}
"""Correction -> heading of the corrected p."""

# More pairs of one task than this are too many to read, so only the most changed are shown.
MAX_PAIRS = 40
MOST_CHANGED = 10


def to_markdown(comparisons: Sequence[Comparison]) -> str:
    """Return one table per model and task, each with a sentence that sums it up."""
    lines = []
    for comparison in comparisons:
        for task, pairs, groups in rows_by_task(comparison):
            head = header(comparison)
            lines += [f"### {escape_markdown(title(comparison, task, pairs))}", ""]
            lines += [f"| {' | '.join(map(escape_markdown, head))} |", f"|{'---|' * len(head)}"]
            lines += [f"| {' | '.join(map(escape_markdown, cells(comparison, row)))} |" for row in (*pairs, *groups)]
            lines += ["", escape_markdown(summary(comparison, task, pairs)), ""]
        lines += [f"- {escape_markdown(sentence)}" for sentence in remarks(comparison)]
    return "\n".join(lines).rstrip() + "\n"


def to_tables(comparisons: Sequence[Comparison]) -> Iterator["Table | str"]:
    """Yield what a terminal shows: for each model and task a heading, a table, and sentences."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    for comparison in comparisons:
        for task, pairs, groups in rows_by_task(comparison):
            yield f"\n{title(comparison, task, pairs)}"
            shown, left_out = most_changed_rows(pairs)
            table = Table(box=SIMPLE_HEAD, pad_edge=False)
            for number, column in enumerate(header(comparison)):
                table.add_column(Text(column), justify="left" if number == 0 else "right", no_wrap=True)
            for row in shown:
                table.add_row(*map(Text, cells(comparison, row)))
            table.add_section()
            for row in groups:
                table.add_row(*map(Text, cells(comparison, row)))
            yield table
            if left_out:
                yield f"({left_out:,} pairs that changed less are left out: --format csv lists all)"
            yield summary(comparison, task, pairs)
        yield from remarks(comparison)


def rows_by_task(comparison: Comparison) -> Iterator[tuple[str, list[ComparedRow], list[ComparedRow]]]:
    """Yield each task with its rows of pairs and its rows of groups."""
    for task in dict.fromkeys(row.task for row in comparison.pairs):
        yield (
            task,
            [row for row in comparison.pairs if row.task == task],
            [row for row in comparison.groups if row.task == task],
        )


def title(comparison: Comparison, task: str, pairs: Sequence[ComparedRow]) -> str:
    """Return the heading of a table: task, measure and the two models.

    Args:
        comparison: The comparison.
        task: Label of the task.
        pairs: The task's rows of pairs.
    """
    scale = find_measure(pairs[0].measure).scale
    return f"{task}: {pairs[0].measure}{scale}, {comparison.other_name} against {comparison.base_name}"


def header(comparison: Comparison) -> list[str]:
    """Return the headings of the columns."""
    level = f"{100 * comparison.options.confidence:g}% interval"
    p = ["p", CORRECTED[comparison.options.correction]] if comparison.options.correction != "none" else ["p"]
    return ["pair", "n", comparison.base_name, comparison.other_name, "Δ", level, *p, "", "win/tie/loss", "d_z"]


def cells(comparison: Comparison, row: ComparedRow) -> list[str]:
    """Return the cells of a row, in the columns of `header`. For a group, n and win/tie/loss count pairs."""
    p = [show_p(row.p), show_p(row.p_corrected)] if comparison.options.correction != "none" else [show_p(row.p)]
    return [
        row.name if row.kind == "pair" else f"{row.name} (mean)",
        f"{row.num_queries:,}" if row.kind == "pair" else count(row.num_pairs, "pair"),
        f"{row.points * row.base:.1f}",
        f"{row.points * row.other:.1f}",
        f"{row.points * row.difference:+.2f}",
        show_interval(row),
        *p,
        row.marks,
        f"{row.wins:,}/{row.ties:,}/{row.losses:,}",
        "" if row.d_z is None else f"{row.d_z:+.2f}",
    ]


def show_interval(row: ComparedRow) -> str:
    """Return the difference's interval in points or ranks; a dash where there is none."""
    if row.lower is None or row.upper is None:
        return "–"
    return f"[{row.points * row.lower:+.2f}, {row.points * row.upper:+.2f}]"


def show_p(p: float) -> str:
    """Return a p-value with four decimals; never 0."""
    return f"{p:.4f}" if p >= 0.00005 else "<0.0001"


def summary(comparison: Comparison, task: str, pairs: Sequence[ComparedRow]) -> str:
    """Return a sentence that counts the pairs that are better, worse, or not significantly different.

    For a measure without a better direction, the sentence says higher and lower.

    Args:
        comparison: The comparison.
        task: Label of the task.
        pairs: The task's rows of pairs.
    """
    level = LEVELS[-1][0]
    better = sum(row.gain > 0 and row.p_corrected < level for row in pairs)
    worse = sum(row.gain < 0 and row.p_corrected < level for row in pairs)
    names = {"max-t": "max-T", "holm": "Holm", "bh": "Benjamini-Hochberg", "none": "no correction"}
    how = f"{names[comparison.options.correction]}, {comparison.num_tests:,} tests"
    up, down = ("higher", "lower") if find_measure(pairs[0].measure).better == "neither" else ("better", "worse")
    return (
        f"{task}: {comparison.other_name} is {up} in {better:,} of {len(pairs):,} pairs, {down} in {worse:,}, not "
        f"told apart in {len(pairs) - better - worse:,} ({level:g} level, {how})."
    )


def remarks(comparison: Comparison) -> list[str]:
    """Return sentences on the tasks and pairs that only one model has, and the comparison's notes."""
    return [*(f"Left out: {sentence}." for sentence in comparison.missing), *comparison.notes]


def most_changed_rows(pairs: Sequence[ComparedRow]) -> tuple[list[ComparedRow], int]:
    """Return all rows, or of many those that changed most in both directions, and how many were left out."""
    if len(pairs) <= MAX_PAIRS:
        return list(pairs), 0
    order = sorted(range(len(pairs)), key=lambda place: pairs[place].difference)
    kept = sorted({*order[:MOST_CHANGED], *order[-MOST_CHANGED:]})
    return [pairs[place] for place in kept], len(pairs) - len(kept)
