"""Measures as values: name, direction, unit. Whatever shows, compares or ranks a figure asks its measure.

`scoring` computes measures; this module defines what they are, so that tables, tests and gates agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Better = Literal["higher", "lower", "neither"]
ScoringRule = Literal["qrels", "bitext", "xor", "mkqa"]
"""What decides whether a passage is a hit: judgements, or answer strings by XOR-Retrieve's or MKQA's rule.

"bitext" goes by judgements too, and has one measure more.
"""


@dataclass(frozen=True)
class Measure:
    """One measure; prints as its name.

    Attributes:
        name: As in tables and records: nDCG@10.
        better: Which direction is an improvement; "neither" for a measure that describes a ranking without judging it.
        unit: "share" in [0, 1], shown times 100 as points; or "rank", from 1, shown as it is.
    """

    name: str
    better: Better = "higher"
    unit: Literal["share", "rank"] = "share"

    def __str__(self) -> str:
        return self.name

    @property
    def points(self) -> float:
        """What tables multiply figures by: 100 for shares, 1 for ranks."""
        return 100.0 if self.unit == "share" else 1.0

    @property
    def sign(self) -> float:
        """Factor that turns a difference into a gain: -1 where lower is better, else 1."""
        return -1.0 if self.better == "lower" else 1.0

    @property
    def scale(self) -> str:
        """What follows the name in a heading: " x 100" for shares, nothing for ranks."""
        return " x 100" if self.unit == "share" else ""

    @property
    def shown_in(self) -> str:
        """The unit of shown figures: points or ranks."""
        return "points" if self.unit == "share" else "ranks"

    def amount(self, figure: float) -> str:
        """Return a figure as shown, with its unit in words: 0.5 points, 1 rank."""
        return f"{figure:g} {self.shown_in.removesuffix('s') if figure == 1 else self.shown_in}"

    @property
    def mteb(self) -> str:
        """MTEB's name of it: ndcg_at_10."""
        stem, _, cutoff = self.name.partition("@")
        return f"{_MTEB_STEMS.get(stem, stem)}_at_{cutoff}" if cutoff else stem


def find_measure(name: str) -> Measure:
    """Return the measure of a name; one that no table lists is taken for a share where higher is better."""
    return _KNOWN.get(name) or Measure(name)


CUTOFFS = (1, 5, 10, 20, 100)
F1 = "f1"
"""Weighted F1 over the passages that come first, as MTEB's bitext mining has it."""
_RANK_MEASURES = (
    *(f"{stem}@{cutoff}" for stem in ("nDCG", "recall") for cutoff in CUTOFFS),
    "MRR@10",
    "MAP@100",
    *(f"success@{cutoff}" for cutoff in CUTOFFS),
)
MAIN_MEASURE = "nDCG@10"
"""What tables show, comparisons compare and gates guard, unless a task or an option names another measure."""
OWN_FIRST = "lpr_first"
"""Whether the first relevant passage is in the language of the query, in a mixed pool."""
PAIRWISE_FIRST = "lpr_pairwise"
"""Share of pairs of relevant passages, one in the query's language and one in another, in which the former is ahead."""
TLR_CUTOFFS = (10, 100)
TLR = tuple(f"TLR@{cutoff}" for cutoff in TLR_CUTOFFS)
"""Share of the relevant passages in other languages that are among the first."""
RIGHT_SAME, RIGHT_OTHER = "top1_right_same", "top1_right_other"
WRONG_SAME, WRONG_OTHER = "top1_wrong_same", "top1_wrong_other"
"""Whether the first passage is relevant, and whether it is in the query's language: for each query, one of the four."""
MAP = "MAP"
"""Average precision over the whole ranking of a mixed pool; the means of it are LAReQA's mAP."""
ONE_TARGET_SAME, ONE_TARGET_OTHER = "one_target_same", "one_target_other"
"""Reciprocal rank of a relevant passage in the query's language, or in another, if no other passage were relevant.

LAReQA's "limit to one target": the other relevant passages are taken out of the ranking.
"""
MAX_RANK = "Max@R"
"""Rank of the last relevant passage."""
SAME_SCORE = 1e-9
"""Scores that differ by less are equal: it is rounding in float64, while one rank more changes a score by far more."""


@dataclass(frozen=True)
class Rule:
    """What a scoring rule goes by, and what it gives.

    Attributes:
        measures: The measures that it gives, in the order of a record's columns.
        judges_passages: Whether judgements of passages decide what a hit is; if not, accepted answers do.
        mixed_measures: Measures that only a mixed pool has and that may be a task's main measure.
    """

    measures: tuple[str, ...]
    judges_passages: bool
    mixed_measures: tuple[str, ...] = ()


RULES: Mapping[ScoringRule, Rule] = MappingProxyType(
    {
        "qrels": Rule(_RANK_MEASURES, judges_passages=True, mixed_measures=(MAP,)),
        "bitext": Rule((*_RANK_MEASURES, F1), judges_passages=True),
        "xor": Rule(("R@2kt", "R@5kt"), judges_passages=False),
        "mkqa": Rule(("answer_recall@20", "answer_recall@100"), judges_passages=False),
    }
)
"""The table of scoring rules, as task files name them in `judged_by`."""


def judges_passages(rule: str) -> bool:
    """Return whether judgements of passages decide what a hit is; if the table lacks the rule, answers do."""
    return any(name == rule and known.judges_passages for name, known in RULES.items())


_MTEB_STEMS = {"nDCG": "ndcg", "MRR": "mrr", "MAP": "map", "success": "hit_rate"}
_KNOWN = {
    measure.name: measure
    for measure in (
        Measure(MAX_RANK, "lower", "rank"),
        Measure(OWN_FIRST, "neither"),
        Measure(PAIRWISE_FIRST, "neither"),
        Measure(RIGHT_SAME),
        Measure(RIGHT_OTHER),
        Measure(WRONG_SAME, "lower"),
        Measure(WRONG_OTHER, "lower"),
    )
}
