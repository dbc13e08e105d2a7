"""The options of a leaderboard: what it shows, and how its models are told apart."""

from dataclasses import dataclass

from clearbench.common.options import check_numbers
from clearbench.verdicts.options import Confidence, Flips, MeasureName, Seed, Tasks


@dataclass(frozen=True)
class LeaderboardOptions:
    """What a leaderboard shows, and how its models are told apart.

    `confidence` is family-wise: 1 - confidence is the level at which two models are called separable.
    """

    tasks: Tasks = None
    measure: MeasureName = None
    confidence: Confidence = 0.95
    flips: Flips = 10_000
    seed: Seed = 0

    def __post_init__(self) -> None:
        check_numbers(self)

    @property
    def alpha(self) -> float:
        """The level: a p-value below it says that two models differ."""
        return round(1 - self.confidence, 12)
