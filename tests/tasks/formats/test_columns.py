"""Columns by name: the usual name wins, another will do alone, and two candidates are an error."""

import pytest

from clearbench.common.errors import DataError
from clearbench.tasks.formats.columns import OWN_QUERY_ID, PASSAGE_ID, QUERY_ID, RELEVANCE


@pytest.mark.parametrize("name", ["query-id", "query_id", "Query ID", "qid", "QID", "topic"])
def test_letter_case_hyphens_and_blanks_do_not_matter(name):
    assert QUERY_ID.find(["x", name], "here") == name


def test_the_usual_name_wins_over_others():
    assert RELEVANCE.find(["label", "score"], "here") == "score"
    assert OWN_QUERY_ID.find({"id": 1, "_id": 2}, "here") == "_id"


def test_two_candidates_or_none_are_errors_that_name_what_is_there():
    with pytest.raises(
        DataError, match="here: columns 'docid' and 'pid' could both be the passage id; name one of the"
    ):
        PASSAGE_ID.find(["docid", "pid"], "here")
    with pytest.raises(
        DataError, match="no column is the relevance: found 'query-id', 'x'; expected score or relevance"
    ):
        RELEVANCE.find(["query-id", "x"], "here")


def test_no_name_means_two_columns_of_the_judgements():
    columns = (QUERY_ID, PASSAGE_ID, RELEVANCE)
    names = [name for column in columns for name in (column.usual, *column.others)]
    assert all(sum(column.is_named(name) for column in columns) == 1 for name in names)
