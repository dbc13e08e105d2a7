"""The names that columns of ids and of relevance have in data sets; columns are found by name, never by position."""

from collections.abc import Collection
from typing import NamedTuple

from clearbench.common.errors import DataError
from clearbench.common.text import join_names


class Column(NamedTuple):
    """A column of a table or a field of JSON lines.

    Attributes:
        what: What it holds, for messages.
        usual: BEIR's own name, which has priority over others.
        others: Further names, as `_normalise` writes them.
    """

    what: str
    usual: str
    others: tuple[str, ...]

    def find(self, names: Collection[str], where: str) -> str:
        """Return the name of this column among a row's names; letter case, hyphens and blanks do not matter.

        Args:
            names: Names of the row's columns.
            where: Place in the file, for messages.
        Raises:
            DataError: No name fits, or two fit and neither is the usual one.
        """
        if self.usual in names:
            return self.usual
        known = [name for name in names if self.is_named(name)]
        if len(known) == 1:
            return known[0]
        if known:
            raise DataError(
                f"{where}: columns {' and '.join(map(repr, known))} could both be the {self.what}; name one of them "
                f"{self.usual}, or leave one out."
            )
        raise DataError(
            f"{where}: no column is the {self.what}: found {join_names(map(repr, names), 8)}; expected "
            f"{' or '.join(filter(None, [self.usual, ', '.join(self.others)]))}."
        )

    def is_named(self, name: str) -> bool:
        """Return whether a name is one of this column's."""
        return _normalise(name) in (_normalise(self.usual), *self.others)


_QUERY = ("query_id", "queryid", "qid", "q_id", "question_id", "topic_id")
_PASSAGE = ("doc_id", "docid", "docno", "did", "passage_id", "passageid", "pid", "document_id")

QUERY_ID = Column("query id", "query-id", (*_QUERY, "topic"))
PASSAGE_ID = Column("passage id", "corpus-id", ("corpus_id", "corpusid", *_PASSAGE))
RELEVANCE = Column("relevance", "score", ("relevance", "rel", "label", "grade", "relevance_score"))
OWN_QUERY_ID = Column("query's id", "_id", ("id", *_QUERY))
TEXT = Column("text", "text", ())
OWN_PASSAGE_ID = Column("passage's id", "_id", ("id", *_PASSAGE))


def _normalise(name: str) -> str:
    return name.strip().casefold().replace("-", "_").replace(" ", "_")
