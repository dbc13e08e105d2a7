"""Summaries of many queries: means with intervals, and the bias between languages of a mixed pool.

Scoring makes these values and records keep them: the fields are those of record.json.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from clearbench.common.arrays import IntArray, Scores
from clearbench.common.measures import find_measure
from clearbench.stats.intervals import mean_interval
from clearbench.stats.ranks import Friedman

Preference = Literal["own", "others", "neither", "unknown"]
"""Whether a ranking puts the query's language before others; unknown with too few independent questions."""

PREFERENCE_PHRASES: Mapping[Preference, str] = {
    "own": "the model prefers the query's language",
    "others": "the model prefers other languages to the query's language",
    "neither": "no preference for the query's language is seen",
    "unknown": "there are too few independent questions to decide",
}


@dataclass(frozen=True)
class MeasureValue:
    """A mean over queries with its 95% cluster-robust interval.

    Attributes:
        mean: In [0, 1]; for Max@R, which is a rank, 1 or more.
        lower: Lower end of the interval; None with fewer than two clusters.
        upper: Upper end of the interval; None with fewer than two clusters.
    """

    mean: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class LanguageRank:
    """How a mixed pool ranks the relevant passages of one language.

    Attributes:
        num_queries: Queries with a relevant passage in the language.
        mean_rank: Mean rank in the pool of the best such passage; passages of equal score share their ranks' mean.
        gap: Place of that passage among the best of each language (1 is first) minus the mean place, mean over
            queries: below 0 where the language is put before others. None where no query has a second language.
        lower: Lower end of the gap's 95% cluster-robust interval.
        upper: Upper end of the gap's 95% cluster-robust interval.
    """

    num_queries: int
    mean_rank: float
    gap: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class BiasSummary:
    """What the language of a passage does to its rank in a mixed pool.

    Attributes:
        own_first: Share of queries whose first relevant passage is in the query's language, over the queries that have
            relevant passages both in it and in others (the measure lpr_first); None where no query has.
        chance: What a ranking blind to language would give: the mean share of relevant passages in that language.
        languages: Passage language -> its ranks.
        friedman: Whether passage languages are ranked alike; None where fewer than two clusters have a relevant passage
            in every language. A block is a cluster of dependent questions, with the mean place over its questions.
        left_out: Measure -> queries that have no value for it.
    """

    own_first: MeasureValue | None
    chance: float | None
    languages: dict[str, LanguageRank]
    friedman: Friedman | None
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def preference(self) -> Preference:
        """own or others where chance is outside the interval of `own_first`; else neither, or unknown without one."""
        own, chance = self.own_first, self.chance
        if own is None or chance is None or own.lower is None or own.upper is None:
            return "unknown"
        return "own" if own.lower > chance else "others" if own.upper < chance else "neither"


def summarise_measures(measures: Sequence[str], scores: Scores, clusters: IntArray) -> dict[str, MeasureValue]:
    """Return the mean of each measure over the queries that have a value for it; without measures that none has.

    Intervals of shares are cut to [0, 1].

    Args:
        measures: Names of the columns.
        scores: float64 [Q, M], NaN for no value.
        clusters: Cluster number per query, int64 [Q].
    """
    intervals = mean_interval(scores, clusters)
    shares = np.array([find_measure(measure).unit == "share" for measure in measures], dtype=bool)
    lower = np.where(shares, intervals.lower.clip(0.0, 1.0), intervals.lower)
    upper = np.where(shares, intervals.upper.clip(0.0, 1.0), intervals.upper)
    columns = (intervals.mean.tolist(), lower.tolist(), upper.tolist(), intervals.num_queries.tolist())
    return {
        measure: MeasureValue(mean, None if np.isnan(low) else low, None if np.isnan(high) else high)
        for measure, mean, low, high, num_queries in zip(measures, *columns, strict=True)
        if num_queries
    }
