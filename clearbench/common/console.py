"""The console that every table and progress line goes through: its styles are its own, its texts are escaped."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from clearbench.common.text import escape_controls


class SafeConsole(Console):
    """A rich console that writes control characters and bidirectional marks in texts as their escapes."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what a renderable is made of, escaped; see rich.console.Console.render."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=escape_controls(segment.text))
