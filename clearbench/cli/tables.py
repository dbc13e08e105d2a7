"""Printing tables: cut to the terminal's width by language, or in a pipe, where no cell is cut."""

from collections.abc import Iterable, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from clearbench.common.console import SafeConsole

# A matrix with more columns than this is unreadable in a terminal.
MAX_COLUMNS = 16
# Blanks between columns; the box style gives one of them.
GAP = 2
# Least width of a table that goes to a file or a pipe.
PLAIN_WIDTH = 120
# No table is wider.
UNLIMITED = 10_000


def stdout() -> SafeConsole:
    """Return a console made now, so that it writes to the stdout of now; wide enough to cut no cell in a pipe."""
    console = SafeConsole(highlight=False)
    return console if console.is_terminal else SafeConsole(highlight=False, width=max(console.width, PLAIN_WIDTH))


def whole_width(tables: Iterable[Table]) -> int:
    """Columns that the widest table asks for: a figure that is cut is worse than a line that wraps."""
    unlimited = SafeConsole(width=UNLIMITED)
    return max((unlimited.measure(table).maximum for table in tables), default=0)


def facts(rows: Mapping[str, str]) -> Table:
    """Return a table of names and what is said of each; an empty text is left out."""
    table = Table.grid(padding=(0, 2))
    for name, text in rows.items():
        if text:
            table.add_row(Text(name, style="bold"), Text(text))
    return table


def grid(
    rows: Sequence[str], columns: Sequence[str], cells: Mapping[tuple[str, str], str], width: int, corner: str = ""
) -> list[Table | str]:
    """Cut a table into as many as the width asks for: a figure is never shortened.

    Args:
        rows: Row names.
        columns: Column names.
        cells: (row, column) -> what to show; blank where there is none.
        width: Width of the terminal, in characters.
        corner: Heading of the column of row names.
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
