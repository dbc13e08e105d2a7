"""Standard output and error that are safe for a terminal, whatever the files that are read contain.

Names of models and tasks, paths and messages come from strangers' files. A terminal obeys what they contain: escape
sequences move the cursor, set the title and hide text, and bidirectional marks put words in another order.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from clearbench.common.text import escape_controls


class SafeStream:
    """A text stream that writes control characters and bidirectional marks as their escapes, such as \\u001b.

    An escape stands for the same character in JSON. What rich styles goes to the stream inside; `SafeConsole` has
    escaped its texts by then.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def rich_proxied_file(self) -> TextIO:
        """The stream that rich writes to."""
        return self._stream

    def write(self, text: str) -> int:
        """Write a text with its escapes; a carriage return is let through, as progress bars of libraries need it."""
        self._stream.write("\r".join(map(escape_controls, text.split("\r"))))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts one after another."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def safe_streams() -> Iterator[None]:
    """Make stdout and stderr safe while the block runs; what the block itself put in their place is left there."""
    before = {name: getattr(sys, name) for name in ("stdout", "stderr")}
    safe = {name: stream if isinstance(stream, SafeStream) else SafeStream(stream) for name, stream in before.items()}
    for name, stream in safe.items():
        setattr(sys, name, stream)
    try:
        yield
    finally:
        for name, stream in safe.items():
            if getattr(sys, name) is stream:
                setattr(sys, name, before[name])


def discard_stdout() -> None:
    """Send what follows on stdout to nowhere, so that the interpreter's last flush of a closed or full one succeeds."""
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
