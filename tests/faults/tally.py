"""What the rounds of a fault injection gave: outcomes by kind, worst time and memory, and every failure in words."""

import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from faults.process import MIB, Finished

MOST_SHOWN = 40
"""Kinds of failure that are printed."""
ALIKE = 90
"""Failures are of one kind if they begin with the same characters, this many, whatever the numbers in them."""


@dataclass
class Tally:
    """The count of one kind of fault.

    Attributes:
        name: What is injected.
        seed: What the rounds are drawn from.
        faults: How many faults were injected.
        outcomes: Outcome -> how often.
        failures: Each outcome that must not be, with what led to it.
        seconds: Of the slowest command.
        memory: Bytes by which the largest command grew.
    """

    name: str
    seed: int
    faults: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0
    memory: int = 0
    started: float = field(default_factory=time.perf_counter)

    def note(self, outcome: str, what: str = "", right: bool = True) -> None:
        """Count the outcome of a round.

        Args:
            outcome: In a word or two.
            what: What led to it.
            right: Whether it may be.
        """
        self.outcomes[outcome] += 1
        if not right:
            self.failures.append(f"{outcome}: {what}")

    def measure(self, finished: Finished) -> Finished:
        """Return how a command ended, after noting its time and memory."""
        self.seconds = max(self.seconds, finished.seconds)
        self.memory = max(self.memory, finished.memory)
        return finished

    def lines(self) -> Iterable[str]:
        """Say the figures in a line, then each kind of failure in one of its own."""
        outcomes = ", ".join(f"{outcome} {times:,}" for outcome, times in sorted(self.outcomes.items()))
        yield (
            f"{self.name} (seed {self.seed}): {self.outcomes.total():,} rounds, {self.faults:,} faults; {outcomes}; "
            f"slowest command {self.seconds:.1f} s, largest growth {self.memory / MIB:,.0f} MiB; "
            f"{time.perf_counter() - self.started:.0f} s in all"
        )
        kinds: dict[str, list[str]] = {}
        for failure in self.failures:
            kinds.setdefault(re.sub(r"\d+", "#", failure)[:ALIKE], []).append(failure)
        for alike in list(kinds.values())[:MOST_SHOWN]:
            yield f"  WRONG {len(alike):,} x {alike[0]}"
        if (more := len(kinds) - MOST_SHOWN) > 0:
            yield f"  and {more:,} more kinds"
