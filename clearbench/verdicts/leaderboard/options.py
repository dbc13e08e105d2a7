"""The options of a leaderboard: what it shows, and how its models are told apart."""

from dataclasses import dataclass
from typing import Annotated

from clearbench.common.errors import UsageError
from clearbench.common.options import Option, read_names


@dataclass(frozen=True)
class LeaderboardOptions:
    """What a leaderboard shows, and how its models are told apart.

    `confidence` is family-wise: 1 - confidence is the level at which two models are called separable.
    """

    tasks: Annotated[tuple[str, ...] | None, Option("Only these tasks, separated by commas.", read=read_names)] = None
    measure: Annotated[str | None, Option("Measure instead of each task's main one: nDCG@10.")] = None
    confidence: Annotated[float, Option("Confidence of the tests that tell models apart.")] = 0.95
    flips: Annotated[int, Option("Number of sign flips of these tests.", minimum=1)] = 10_000
    seed: Annotated[int, Option("Seed of the flips.", minimum=0)] = 0

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1:
            raise UsageError(f"--confidence {self.confidence:g}: expected a value between 0 and 1, such as 0.95.")

    @property
    def alpha(self) -> float:
        """The level: a p-value below it says that two models differ."""
        return round(1 - self.confidence, 12)
