"""Scores by accepted answer strings, for tasks whose passages carry no judgements: XOR-Retrieve and MKQA.

Both rules ask whether an accepted answer is in the first passages, and differ in the rest:

    xor.py    first n *tokens* of the ranking   raw substring, case counts    unranked question not counted
    mkqa.py   first k *passages*                whole tokens, case folded     unranked question counts 0

Both are monotone in their cut-off, so one number per question settles every cut-off: the tokens (XOR) or
passages (MKQA) that have to be read until the first hit.

Scores are per question of one language pair. The published XOR figure ("macro") is the unweighted mean over
the seven languages of the per-language means, the published MKQA figure the same over 25 languages; neither
is computed here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clearbench.common.errors import ScoringError

RankedIds = Mapping[str, Sequence[str]]
"""query id -> passage ids, best first."""

Passages = Mapping[str, str]
"""passage id -> text."""


@dataclass(frozen=True)
class AnswerScores:
    """Hits of one language pair, one row per counted question.

    Attributes:
        measures: Names of the columns of `scores`, such as `R@2kt`.
        scores: query id -> 1.0 or 0.0 per measure, in the order of the answers.
        skipped: Questions that the rule excludes whatever the ranking (XOR: no answer but yes or no).
    """

    measures: tuple[str, ...]
    scores: Mapping[str, tuple[float, ...]]
    skipped: tuple[str, ...]


def look_up(passages: Passages, passage: str, query: str) -> str:
    """Return a passage's text.

    Args:
        passages: The texts of the pool.
        passage: Id of the passage.
        query: Id of the query that ranks it, for the message.
    Raises:
        ScoringError: The id is unknown; it does not count as a miss.
    """
    try:
        return passages[passage]
    except KeyError as error:
        raise ScoringError(
            f"Query {query!r} ranks passage {passage!r}, which the passage pool does not hold. "
            "Score a ranking against the pool it was searched in."
        ) from error


def check_cutoffs(cutoffs: Sequence[int]) -> None:
    """Refuse an empty list and cut-offs below 1."""
    if not cutoffs or min(cutoffs) < 1:
        raise ScoringError(f"Cut-offs must be one or more numbers from 1 up, not {tuple(cutoffs)}.")
