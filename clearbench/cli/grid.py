"""Tables by language, cut to the terminal's width."""

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

# A matrix with more columns than this is unreadable in a terminal.
MAX_COLUMNS = 16
# Blanks between columns; the box style gives one of them.
GAP = 2


def grid(
    rows: Sequence[str], columns: Sequence[str], cells: Mapping[tuple[str, str], str], width: int, corner: str = ""
) -> list[Table | str]:
    """Cut a table into as many as the width asks for: a figure is never shortened.

    Args:
        rows: Row names.
        columns: Column names.
        cells: (row, column) -> what to show; blank where there is none.
        width: Of the terminal.
        corner: Head of the row names.
    """
    if len(columns) > MAX_COLUMNS:
        return [f"({len(rows)} x {len(columns)} languages: too wide to show; every pair is in the record)"]
    first = max(map(len, [corner, *rows]))
    widest = max(map(len, [*cells.values(), *columns]))
    fitting = max((width - first - 1) // (widest + GAP), 1)
    tables: list[Table | str] = []
    for start in range(0, len(columns), fitting):
        table = Table(corner, box=SIMPLE_HEAD, padding=(0, 0, 0, GAP - 1), pad_edge=False)
        for column in columns[start : start + fitting]:
            table.add_column(column, justify="right", no_wrap=True)
        for row in rows:
            table.add_row(row, *(cells.get((row, column), "") for column in columns[start : start + fitting]))
        tables.append(table)
    return tables


def english_first(language: object) -> tuple[bool, str]:
    """Sort key: English, then by code."""
    return (str(language) != "en", str(language))
