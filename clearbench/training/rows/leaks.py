"""Find texts of an evaluation in training rows: equal texts, and near-duplicates that share word sequences.

The rule, which every manifest also states:

- equal: two texts are the same after folding (`common.text.fold`) and after each run of white space becomes one blank.
  A question or a passage of the evaluation may not occur in any column of a row.
- near: a "shingle" is a sequence of eight consecutive words. Two texts are near-duplicates if they share at least half
  of the shingles of the shorter text. Questions are compared with questions, and passages with passages. In scripts
  written without blanks each character counts as a word. Punctuation does not count. A text of fewer than eight words
  is one shingle, so it is a near-duplicate only of texts with exactly the same words.

Source: word shingling after Broder (1997), "On the resemblance and containment of documents", section 2. The share is
taken of the text with fewer shingles, so an excerpt of a longer passage is found in both directions.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import regex

from clearbench.common.errors import TrainingError
from clearbench.common.languages import UNSPACED
from clearbench.common.text import fold
from clearbench.tasks.dataset import Dataset, Texts
from clearbench.training.rows.row import TrainingRow

Kind = Literal["question", "passage"]

SHINGLE_WORDS = 8
NEAR_SHARE = 0.5

_WORDS = regex.compile(rf"[{UNSPACED}]|[[\p{{L}}\p{{M}}\p{{N}}]--[{UNSPACED}]]+", regex.V1)

# Number of leaks that an error names.
_LEAKS_IN_ERROR = 3


@dataclass(frozen=True)
class Leak:
    """A text of a row that equals a text of the evaluation, or nearly does.

    Attributes:
        column: The row's column that holds the text, such as `passage` or `passage_negatives[2]`.
        share: 1 for equal texts, else the share of shared shingles, in (0, 1].
        equal: Whether the texts are equal after normalisation.
        where: The evaluation's text, as kind, id, task and language.
    """

    column: str
    share: float
    equal: bool
    where: str

    def __str__(self) -> str:
        how = "equals" if self.equal else f"shares {self.share:.0%} of its word sequences with"
        return f"{self.column} {how} {self.where}"


def normalise(text: str) -> str:
    """Return the form in which texts are compared: folded, with each run of white space as one blank."""
    return " ".join(fold(text).split())


def shingles(normalised: str) -> frozenset[str]:
    """Return a text's sequences of eight consecutive words.

    A shorter text is one sequence; a text without words has no sequence.
    """
    words = _WORDS.findall(normalised)
    last = max(len(words) - SHINGLE_WORDS + 1, 1)
    return frozenset(" ".join(words[start : start + SHINGLE_WORDS]) for start in range(last)) - {""}


@dataclass
class LeakIndex:
    """An index of the evaluation's texts that finds leaks in training rows.

    Attributes:
        near_share: Two texts that share at least this part of their shingles are near-duplicates; above 1 only equal
            texts count.
        tasks: Labels of the tasks whose texts are in the index.
    """

    near_share: float = NEAR_SHARE
    tasks: list[str] = field(default_factory=list)
    _equal: dict[str, str] = field(default_factory=dict)
    _holders: dict[tuple[Kind, str], list[int]] = field(default_factory=dict)
    _sizes: list[int] = field(default_factory=list)
    _names: list[str] = field(default_factory=list)

    @property
    def rule(self) -> dict[str, object]:
        """What the manifest says about the check."""
        return {
            "against": self.tasks,
            "texts": len(self._equal),
            "equal": "after NFKC, case folding, invisible characters, white space",
            "near": f"shared {SHINGLE_WORDS}-word sequences >= {self.near_share:g} of the shorter text's",
        }

    def add_task(self, data: Dataset) -> None:
        """Add a task's questions, and its passages if it has relevance judgements.

        Without judgements the passages are a whole corpus, which training rows may share.
        """
        self.tasks.append(data.label)
        pools = data.used_pools() if data.has_qrels else ()
        for part in data.used_queries():
            self._add_texts(part, "question", data.label)
        for part in pools:
            self._add_texts(part, "passage", data.label)

    def add_rows(self, rows: Iterable[TrainingRow], label: str) -> None:
        """Add the questions and passages of rows that are kept for evaluation."""
        self.tasks.append(label)
        for row in rows:
            self.add(row.query, "question", f"question {row.query_id!r} of {label} (en)")
            self.add(row.target_query, "question", f"question {row.query_id!r} of {label} ({row.language})")
            self.add(row.passage, "passage", f"the passage of {row.query_id!r} of {label}")

    def _add_texts(self, texts: Texts, kind: Kind, label: str) -> None:
        for key, text in zip(texts.ids, texts.texts, strict=True):
            self.add(text, kind, f"{kind} {key!r} of {label} ({texts.language})")

    def add(self, text: str, kind: Kind, where: str) -> None:
        """Add one text of the evaluation.

        Args:
            text: The text.
            kind: "question" or "passage".
            where: Kind, id, task and language, for messages.
        """
        normalised = normalise(text)
        if normalised in self._equal:
            return
        self._equal[normalised] = where
        text_shingles = shingles(normalised)
        for shingle in text_shingles:
            self._holders.setdefault((kind, shingle), []).append(len(self._sizes))
        self._sizes.append(len(text_shingles))
        self._names.append(where)

    def find(self, text: str, kind: Kind, column: str) -> Leak | None:
        """Return the nearest text of the evaluation that a row's text equals or nearly equals, or None.

        Args:
            text: The text.
            kind: "question" or "passage"; near-duplicates are of the same kind.
            column: The row's column that holds the text.
        """
        normalised = normalise(text)
        if (where := self._equal.get(normalised)) is not None:
            return Leak(column, 1.0, True, where)
        text_shingles = shingles(normalised)
        shared = Counter(number for shingle in text_shingles for number in self._holders.get((kind, shingle), ()))
        shares = ((count / min(len(text_shingles), self._sizes[number]), -number) for number, count in shared.items())
        share, number = max(shares, default=(0.0, 0))
        return Leak(column, share, False, self._names[-number]) if share and share >= self.near_share else None


def find_leaks(rows: Sequence[TrainingRow], index: LeakIndex) -> dict[int, Leak]:
    """Return position of a row -> its first leak, for the rows that have a leak."""
    known: dict[tuple[Kind, str], Leak | None] = {}
    leaks: dict[int, Leak] = {}
    for position, row in enumerate(rows):
        for column, kind, text in _row_texts(row):
            key = (kind, text)
            if key not in known:
                known[key] = index.find(text, kind, column)
            if (leak := known[key]) is not None:
                leaks[position] = Leak(column, leak.share, leak.equal, leak.where)
                break
    return leaks


def refuse_leaks(rows: Sequence[TrainingRow], leaks: dict[int, Leak]) -> None:
    """Refuse rows that have leaks.

    Raises:
        TrainingError: There are leaks; the message names the first of them.
    """
    if leaks:
        first = list(leaks.items())[:_LEAKS_IN_ERROR]
        shown = "; ".join(f"{rows[place].query_id} ({rows[place].language}): {leak}" for place, leak in first)
        raise TrainingError(
            f"{len(leaks):,} of {len(rows):,} rows hold texts of the evaluation: {shown}"
            f"{'; ...' if len(leaks) > _LEAKS_IN_ERROR else ''}. Leave such rows out with --on-leak drop."
        )


def _row_texts(row: TrainingRow) -> Iterator[tuple[str, Kind, str]]:
    yield "passage", "passage", row.passage
    yield "query", "question", row.query
    yield "target_query", "question", row.target_query
    for position, text in enumerate(row.passage_negatives):
        yield f"passage_negatives[{position}]", "passage", text
    for position, text in enumerate(row.target_query_negatives):
        yield f"target_query_negatives[{position}]", "question", text
