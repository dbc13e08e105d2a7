"""Where a record's per-query scores are read from, part by part: its folder, or a baseline file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from clearbench.common.arrays import IntArray, Scores
from clearbench.common.errors import RecordError
from clearbench.records.damage import name_damage
from clearbench.records.parts import part_files, read_part


class ScorePart(NamedTuple):
    """Scores of one measure, a row per pair and query: codes per row, and the names that they stand for.

    Attributes:
        file: The file that messages name.
        pairs: Names of pairs.
        pair: Position in `pairs`, int64 [rows].
        queries: Ids of queries.
        query: Position in `queries`, int64 [rows].
        clusters: Names of clusters.
        cluster: Position in `clusters`, int64 [rows].
        scores: float64 [rows]; NaN where the query has no value for the measure.
    """

    file: Path
    pairs: list[str]
    pair: IntArray
    queries: list[str]
    query: IntArray
    clusters: list[str]
    cluster: IntArray
    scores: Scores


class ScoreSource(Protocol):
    """The per-query scores of one record."""

    @property
    def place(self) -> Path:
        """The record's folder, or the file that holds the record: what messages name."""

    @property
    def remedy(self) -> str:
        """What a user should do about damage, in a sentence."""

    def parts(self, measure: str) -> Iterator[ScorePart]:
        """Yield one measure's scores, part by part.

        Raises:
            RecordError: There are none, or they are damaged.
        """


@dataclass(frozen=True)
class FolderScores:
    """Per-query scores in the Parquet parts of a record's folder."""

    place: Path
    remedy: str = "Restore it, or measure again with --replace."

    def parts(self, measure: str) -> Iterator[ScorePart]:
        """See ScoreSource; one file is open at a time."""
        files = part_files(self.place)
        if not files:
            raise RecordError(f"{self.place} holds no per-query scores: copy the folder `scores` too.")
        for file in files:
            table = read_part(file, ["pair", "query", "cluster", measure], self.remedy)
            with name_damage(file, self.remedy):
                part = score_part(file, table, measure)
            yield part


def score_part(file: Path, table: Any, measure: str) -> ScorePart:
    """Return the columns of an Arrow table as codes and names.

    Args:
        file: Where the table comes from, for messages.
        table: With columns pair, query, cluster and the measure; strings may be dictionary-encoded.
        measure: The column of scores.
    Raises:
        KeyError, ValueError, pyarrow.ArrowException: A column is missing or holds something else.
    """
    columns = table.unify_dictionaries()
    codes = (*_code_column(columns["pair"]), *_code_column(columns["query"]), *_code_column(columns["cluster"]))
    scores = columns[measure].to_numpy().astype(np.float64)
    if np.isinf(scores).any():
        raise ValueError("a score is infinite")
    return ScorePart(file, *codes, scores)


def _code_column(column: Any) -> tuple[list[str], IntArray]:
    """Return the distinct strings of an Arrow column, and the position of each row's string among them."""
    import pyarrow as pa

    combined = column.combine_chunks()
    encoded = combined if pa.types.is_dictionary(combined.type) else combined.dictionary_encode()
    if encoded.null_count:
        raise ValueError("a pair, query or cluster is missing")
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)
