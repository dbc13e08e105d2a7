"""Make tables for the terminal: wide tables are split by columns, and no cell is shortened."""

from collections.abc import Iterable, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from clearbench.common.console import SafeConsole

# A matrix with more columns is unreadable in a terminal.
MAX_COLUMNS = 16
# Blanks between columns; the box style adds one of them.
GAP = 2
# Least width of a table that is written to a file or a pipe.
PLAIN_WIDTH = 120
# A width that no table reaches.
UNLIMITED = 10_000


def stdout_console() -> SafeConsole:
    """Return a new console for the current stdout, at least PLAIN_WIDTH wide if stdout is not a terminal."""
    console = SafeConsole(highlight=False)
    return console if console.is_terminal else SafeConsole(highlight=False, width=max(console.width, PLAIN_WIDTH))


def full_width(tables: Iterable[Table]) -> int:
    """Return the width in characters at which the widest table shows every cell completely."""
    unlimited = SafeConsole(width=UNLIMITED)
    return max((unlimited.measure(table).maximum for table in tables), default=0)


def make_facts_table(rows: Mapping[str, str]) -> Table:
    """Return a table of names and texts, without the names whose text is empty."""
    table = Table.grid(padding=(0, 2))
    for name, text in rows.items():
        if text:
            table.add_row(Text(name, style="bold"), Text(text))
    return table


def make_grid(
    rows: Sequence[str], columns: Sequence[str], cells: Mapping[tuple[str, str], str], width: int, corner: str = ""
) -> list[Table | str]:
    """Return the tables that show a grid of cells: several tables if one would be wider than `width`.

    Args:
        rows: Row names.
        columns: Column names.
        cells: (row, column) -> text of the cell; missing cells are blank.
        width: Width of the terminal, in characters.
        corner: Heading of the column with the row names.
    """
    if len(columns) > MAX_COLUMNS:
        return [f"({len(rows)} x {len(columns)} languages: too wide to show; every pair is in the record)"]
    first = max(map(len, [corner, *rows]))
    widest = max(map(len, [*cells.values(), *columns]))
    num_fitting = max((width - first - 1) // (widest + GAP), 1)
    tables: list[Table | str] = []
    for start in range(0, len(columns), num_fitting):
        table = Table(corner, box=SIMPLE_HEAD, padding=(0, 0, 0, GAP - 1), pad_edge=False)
        for column in columns[start : start + num_fitting]:
            table.add_column(column, justify="right", no_wrap=True)
        for row in rows:
            table.add_row(row, *(cells.get((row, column), "") for column in columns[start : start + num_fitting]))
        tables.append(table)
    return tables
