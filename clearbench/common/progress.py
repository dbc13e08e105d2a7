"""Progress of long work on stderr: a bar with rate and time left on a terminal, else a line now and then."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clearbench.common.text import count, shorten

# Where there is no bar: seconds until the first line, and the factor by which the time grows until each next line.
FIRST_LINE = 30.0
NEXT_LINE = 1.5


def say(message: str) -> None:
    """Print one line for the user on stderr, cut where it is too long to be read."""
    print(shorten(message), file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Return how long something takes, in the unit that fits: 40 seconds, 12 minutes, 3.5 hours."""
    if seconds < 90:
        return count(max(round(seconds), 1), "second")
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


class Stopwatch:
    """Adds up the time that is spent in its blocks.

    Attributes:
        seconds: Time spent so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._started


def duration_range(low: float, high: float) -> str:
    """Return how long something takes at least and at most: 40 seconds, 3 to 5 minutes, 50 seconds to 2 minutes."""
    shortest, longest = duration(low), duration(high)
    if shortest == longest:
        return longest
    number, _, unit = shortest.partition(" ")
    return f"{number if longest.endswith((unit, f'{unit}s')) else shortest} to {longest}"


@contextmanager
def progress(description: str, total: float, unit: str) -> Iterator[Callable[[float], None]]:
    """Show one progress line while the block runs; the block calls the given function with each advance.

    Args:
        description: What is being done; the line starts with it.
        total: Where the work ends, in `unit`.
        unit: What is counted, for the rate: "pairs".
    """
    if not sys.stderr.isatty() or total <= 0:
        yield _lines(description, total)
        return
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
    from rich.text import Text

    from clearbench.common.console import SafeConsole

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f} {unit}/s" if task.speed else f"- {unit}/s")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=SafeConsole(stderr=True), transient=True, speed_estimate_period=60) as display:
        task = display.add_task(description, total=total)
        yield lambda amount: display.advance(task, amount)


def _lines(description: str, total: float) -> Callable[[float], None]:
    """Return a function that counts each advance, and prints progress and the time left now and then."""
    started, done, due = time.monotonic(), 0.0, FIRST_LINE

    def advance(amount: float) -> None:
        nonlocal done, due
        done += amount
        elapsed = time.monotonic() - started
        if elapsed >= due and 0 < done < total:
            due = elapsed * NEXT_LINE
            say(f"{description}: {done / total:.0%}, about {duration(elapsed * (total - done) / done)} left")

    return advance
