"""Judgements by pair: what is left out, what is said of it, and which queries depend on each other."""

from clearbench.common.languages import parse_language
from clearbench.common.pairs import parse_pair
from clearbench.tasks.formats.beir_judgements import QueryKey, cluster_queries, describe_left_out, leave_out

GERMAN, ENGLISH = parse_language("de"), parse_language("en")
EN, DE = parse_pair("en-en"), parse_pair("en-de")
QUERIES = {key: QueryKey(ENGLISH, key) for key in ("a", "b", "lost", "only 0")} | {"g": QueryKey(GERMAN, "a")}
JUDGED = {
    EN: {"a": {"p": 1}, "b": {"p": 0}, "only 0": {"p": 0, "q": -1}},
    DE: {"b": {"d": 2}},
    parse_pair("de-en"): {"a": {"p": 0}},
}


def test_a_pair_keeps_queries_with_a_relevant_passage_and_knows_those_it_leaves_out():
    kept, left_out = leave_out(JUDGED, QUERIES.values())
    assert kept == {EN: {"a": {"p": 1}}, DE: {"b": {"d": 2}}}
    assert left_out == {EN: ("b", "only 0", "lost"), DE: ("lost", "only 0")}


def test_what_no_pair_has_is_said_once():
    kept, _ = leave_out(JUDGED, QUERIES.values())
    assert list(describe_left_out(JUDGED, kept, QUERIES)) == [
        "queries without a relevant passage are left out: 3 of 5 (lost, only 0, g).",
        "pairs without a relevant passage are left out: de-en.",
    ]


def test_queries_that_share_their_only_relevant_passage_are_a_cluster_along_the_chain():
    one = {"a": {"p": 1}, "b": {"p": 1, "x": 0}, "c": {"p": 1, "q": 1}}
    other = {"b": {"q": 1}, "d": {"q": 1}}
    assert cluster_queries([one, other]) == {"a": "a", "b": "a", "d": "a"}
    assert cluster_queries([one]) == {"a": "a", "b": "a"}
