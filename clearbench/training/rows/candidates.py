"""The passages that can be negatives of a training row: each has its own question and does not answer the row's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from clearbench.common.hashing import content_hash
from clearbench.training.rows.leaks import normalise
from clearbench.training.rows.row import TrainingRow


@dataclass(frozen=True)
class Candidates:
    """The passages that can be negatives, with their questions.

    Attributes:
        passages: Id -> text, sorted by id. Passages that are equal after normalisation are one passage.
        questions: (id, language) -> the distinct questions of the rows with this passage and language, sorted.
    """

    passages: Mapping[str, str]
    questions: Mapping[tuple[str, str], tuple[str, ...]]


@dataclass(frozen=True)
class Gold:
    """Finds the passages that answer a row's question, under the row's query id or under an equal question text."""

    rows: tuple[TrainingRow, ...]

    def passages_of(self, row: TrainingRow) -> set[str]:
        """Return the ids of a row's relevant passages."""
        return set().union(*(self._passages[key] for key in self._keys(row)))

    @cached_property
    def _passages(self) -> Mapping[tuple[str, str], set[str]]:
        found: dict[tuple[str, str], set[str]] = {}
        for row in self.rows:
            for key in self._keys(row):
                found.setdefault(key, set()).add(passage_id(row.passage))
        return found

    @staticmethod
    def _keys(row: TrainingRow) -> tuple[tuple[str, str], ...]:
        return (
            ("id", row.query_id),
            ("en", normalise(row.query)),
            (f"target {row.language}", normalise(row.target_query)),
        )


def collect_candidates(rows: Iterable[TrainingRow]) -> Candidates:
    """Return the distinct passages of rows with their questions. The order of the rows does not matter."""
    passages: dict[str, str] = {}
    questions: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        key = passage_id(row.passage)
        passages[key] = min(passages.get(key, row.passage), row.passage)
        questions.setdefault((key, row.language), set()).add(row.target_query)
    return Candidates(dict(sorted(passages.items())), {key: tuple(sorted(texts)) for key, texts in questions.items()})


def passage_id(text: str) -> str:
    """Return the id of a passage: a hash of its normalised text."""
    return content_hash(normalise(text))
