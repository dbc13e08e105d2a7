"""For mkdocstrings: griffe wants a blank line between the sections of a docstring, and tables fenced."""

import re
from typing import Any

import griffe

SECTION = re.compile(r"^(?=(?:Returns|Raises|Attributes|Source|Example):)", re.MULTILINE)
GRID = re.compile(r"(?:^    [+|].*\n)+", re.MULTILINE)


class Sections(griffe.Extension):
    """Changes docstrings before they are parsed."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Put a blank line before each section, and a table into a block of its own."""
        if obj.docstring:
            text = SECTION.sub("\n", obj.docstring.value)
            obj.docstring.value = GRID.sub(lambda table: f"    ```text\n{table[0]}    ```\n", text)
