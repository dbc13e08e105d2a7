"""BEIR-style folders: pairs from the judgements, languages, splits, and what is refused."""

import gzip
from dataclasses import replace

import pytest
from builders.files import write, write_jsonl
from builders.tasks import write_task

from clearbench.common.errors import DataError
from clearbench.tasks.load import load_task
from clearbench.tasks.options import DataLocation, Selection

CORPUS = [
    {"_id": "e1", "title": "Bears", "text": " eat honey. ", "language": "en"},
    {"_id": "e2", "title": "", "text": "Bees make honey.", "language": "en"},
    {"_id": "d1", "text": "Bären fressen Honig.", "lang": "deu"},
]
QUERIES = [
    {"_id": "1", "text": "What do bears eat?", "language": "en", "parallel_id": "bears"},
    {"_id": "2", "text": "Was fressen Bären?", "language": "de", "parallel_id": "bears"},
    {"_id": "3", "text": "Who makes honey?", "language": "en"},
    {"_id": "4", "text": "Unjudged?", "language": "en"},
]
QRELS = "query-id\tcorpus-id\tscore\n1\te1\t2\n1\td1\t1\n2\te1\t1\n3\te2\t1\n3\te1\t0\n"


SELF = [{"_id": key, "text": f"Question {key}?", "language": "en"} for key in ("d1", "d2", "d3")]


def load_folder(folder, corpus=CORPUS, queries=QUERIES, qrels=QRELS, split="test", options=None, **selection):
    write_jsonl(folder / "corpus.jsonl", corpus)
    write_jsonl(folder / "queries.jsonl", queries)
    write(folder / "qrels" / f"{split}.tsv", qrels)
    return load_task(str(folder), Selection(**selection), DataLocation(), options=options)


def test_pairs_are_those_of_the_judgements_and_pools_all_passages_of_a_language(tmp_path):
    data = load_folder(tmp_path)
    assert {str(pair) for pair in data.pairs} == {"en-en", "en-de", "de-en"}
    assert {key: len(pool) for key, pool in data.pools.items()} == {"en": 2, "de": 1}
    assert data.pools["en"].texts == ("Bears  eat honey.", "Bees make honey.")


def test_questions_with_a_parallel_id_are_the_same_question(tmp_path):
    data = load_folder(tmp_path)
    assert data.queries["de-en"].ids == ("bears",)
    assert data.queries["en-en"].ids == ("bears", "3"), "an unjudged query is left out"
    assert data.qrels["en-en"] == {"bears": {"e1": 2}, "3": {"e2": 1, "e1": 0}}
    assert data.qrels["en-de"] == {"bears": {"d1": 1}}


def test_questions_of_one_passage_are_a_cluster(tmp_path):
    qrels = QRELS + "4\te2\t1\n"
    clusters = load_folder(tmp_path, qrels=qrels).clusters
    assert clusters["3"] == clusters["4"] != clusters["bears"]


def test_pairs_can_be_selected(tmp_path):
    assert [str(pair) for pair in load_folder(tmp_path, pairs="de-*").pairs] == ["de-en"]


def test_queries_without_a_relevant_passage_are_left_out_and_counted(tmp_path):
    data = load_folder(tmp_path, qrels=QRELS + "2\td1\t0\n4\te1\t0\n")
    assert data.notes == (
        "queries without a relevant passage are left out: 1 of 4 (4).",
        "pairs without a relevant passage are left out: de-de.",
    )
    assert data.left_out == {"de-en": (), "en-de": ("4",), "en-en": ("4",)}


@pytest.mark.parametrize("qrels", ["", "4\te1\t-1\n", "5\te1\t0\n"])
def test_queries_that_no_judgement_names_are_counted_like_those_without_a_relevant_one(tmp_path, qrels):
    queries = [*QUERIES, {"_id": "5", "text": "Qui?", "language": "fr"}]
    data = load_folder(tmp_path, queries=queries, qrels=QRELS + qrels)
    assert data.left_out == {"de-en": (), "en-de": ("4",), "en-en": ("4",)}
    assert data.notes[0] == "queries without a relevant passage are left out: 2 of 5 (4, 5)."


def test_a_query_counts_as_left_out_where_it_is_judged_and_nothing_is_relevant(tmp_path):
    data = load_folder(tmp_path, qrels=QRELS + "3\td1\t0\n4\te1\t1\n")
    assert data.left_out == {"de-en": (), "en-de": ("3",), "en-en": ()}
    assert data.notes == ()


@pytest.mark.parametrize("change", [{}, {"parallel_id": "p"}, {"text": " Question d1? "}])
def test_a_query_that_is_in_the_pool_is_noted_whatever_its_parallel_id_and_the_passages_title(tmp_path, change):
    corpus = [{**SELF[0], "title": "Title"}, *SELF[1:]]
    data = load_folder(tmp_path, corpus, [{**SELF[0], **change}], "d1\td2\t1\n")
    assert len(data.notes) == 1 and "en-en: 1 query in the pool under the same id" in data.notes[0]


def test_another_text_under_the_same_id_is_a_coincidence(tmp_path):
    assert load_folder(tmp_path, SELF, [{**SELF[0], "text": "Other?"}], "d1\td2\t1\n").notes == ()


@pytest.mark.parametrize("key", ["id", "docid", "doc_id", "_id"])
def test_ids_have_the_usual_names(tmp_path, key):
    corpus = [{key: row["_id"], **{name: value for name, value in row.items() if name != "_id"}} for row in CORPUS]
    expected = load_folder(tmp_path / "plain")
    assert load_folder(tmp_path / "other", corpus).pools == expected.pools


def test_a_numeric_title_is_text(tmp_path):
    data = load_folder(tmp_path, [{**CORPUS[0], "title": 1984}, *CORPUS[1:]])
    assert data.pools["en"].texts[0] == "1984  eat honey."


def test_all_three_files_may_have_another_form(tmp_path):
    expected = load_folder(tmp_path / "plain")
    write_jsonl(tmp_path / "queries.jsonl", QUERIES)
    names = ("_id", "title", "text", "language")
    values = [[row.get("title", ""), row["text"], row.get("language", "de")] for row in CORPUS]
    lines = [",".join(names), *(",".join([row["_id"], *more]) for row, more in zip(CORPUS, values, strict=True))]
    write(tmp_path / "corpus.csv.gz", gzip.compress("\n".join(lines).encode()))
    write(tmp_path / "qrels" / "test.csv", QRELS.replace("\t", ","))
    data = load_task(str(tmp_path))
    assert {str(pair): data.pair_fingerprint(pair) for pair in data.pairs} == {
        str(pair): expected.pair_fingerprint(pair) for pair in expected.pairs
    }


SELF_QRELS = "d1\td2\t1\nd2\td1\t1\nd1\td1\t1\n"


def test_queries_that_are_passages_can_be_left_out_of_their_own_rankings(tmp_path):
    plain = load_folder(tmp_path, SELF, SELF, SELF_QRELS)
    assert plain.own_passages == {} and plain.qrels["en-en"]["d1"] == {"d2": 1, "d1": 1}
    assert "1 query in the pool under the same id, not relevant to themselves: d2" in plain.notes[-1]
    data = load_task(str(tmp_path), options={"skip_self": "true"})
    assert data.own_passages == {"en-en": {"d1": "d1", "d2": "d2"}}
    assert data.qrels["en-en"] == {"d1": {"d2": 1}, "d2": {"d1": 1}}
    assert data.options == {"skip_self": "True"} and not any("themselves" in note for note in data.notes)
    pair = data.pairs[0]
    assert data.pair_fingerprint(pair) != replace(data, own_passages={}).pair_fingerprint(pair)


def test_languages_can_be_an_option(tmp_path):
    corpus = [{"_id": "a", "text": "A"}]
    queries = [{"_id": "1", "text": "Q"}]
    with pytest.raises(
        DataError, match=r"corpus\.jsonl:1: no field 'language', and option passage_language is not set"
    ):
        load_folder(tmp_path, corpus, queries, "1\ta\t1\n")
    options = {"query_language": "sw", "passage_language": "eng_Latn"}
    data = load_folder(tmp_path, corpus, queries, "1\ta\t1\n", options=options)
    assert [str(pair) for pair in data.pairs] == ["sw-en"]


@pytest.mark.parametrize("qrels", ["1\te1\t1\n", "1 0 e1 1\n", "query-id\tcorpus-id\tscore\n1\te1\t1\n"])
def test_qrels_have_three_or_four_columns_and_perhaps_a_header(tmp_path, qrels):
    assert load_folder(tmp_path, qrels=qrels).qrels["en-en"] == {"bears": {"e1": 1}}


def test_the_only_split_is_taken_and_of_several_test(tmp_path):
    assert load_folder(tmp_path, split="dev").pairs
    write(tmp_path / "qrels" / "train.tsv", QRELS)
    with pytest.raises(DataError, match=r"no test\.tsv; there are: dev, train\. Choose one with option split"):
        load_task(str(tmp_path))
    assert load_task(str(tmp_path), options={"split": "train"}).pairs
    assert load_folder(tmp_path).pairs


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"qrels": QRELS + "9\te1\t1\n1\te9\t1\n8\te1\t1\n"}, "query '9'; .*passage 'e9' .*2 rows .*query and 1 rows"),
        ({"qrels": QRELS + "1\te1\tmuch\n"}, r"test\.tsv:7: relevance 'much' is not a whole number"),
        ({"qrels": QRELS + "1\te1\n"}, r"test\.tsv:7: found 2 fields, expected 3"),
        ({"qrels": "1\te1\t0.5\n" + QRELS}, r"test\.tsv:1: relevance '0\.5' is not a whole number"),
        ({"qrels": QRELS + "1\te1\t1\n"}, "have two different judgements"),
        ({"qrels": "1\te1\t0\n"}, "no query has a relevant passage"),
        ({"corpus": [*CORPUS, CORPUS[0]]}, r"corpus\.jsonl:4: passage id 'e1' occurs twice"),
        ({"queries": [*QUERIES, QUERIES[0]]}, r"queries\.jsonl:5: query id '1' occurs twice"),
        ({"queries": [*QUERIES, QUERIES[0] | {"_id": "9"}]}, "parallel_id 'bears' occurs twice in en"),
        (
            {"corpus": [*CORPUS, {"_id": "e3", "text": "", "lang": "en"}]},
            r"corpus\.jsonl:4: passage 'e3' has an empty text",
        ),
        ({"corpus": [{**CORPUS[0], "language": "xx"}]}, r"corpus\.jsonl:1: Unknown language 'xx'"),
    ],
)
def test_broken_folders_are_errors(tmp_path, changes, message):
    with pytest.raises(DataError, match=message):
        load_folder(tmp_path, **changes)


def test_a_folder_without_qrels_is_an_error(tmp_path):
    write_jsonl(tmp_path / "corpus.jsonl", CORPUS)
    write_jsonl(tmp_path / "queries.jsonl", QUERIES)
    with pytest.raises(DataError, match=r"qrels: there is no such folder; expected qrels/test\.tsv"):
        load_task(str(tmp_path))


def test_a_task_file_can_name_the_three_files(tmp_path):
    load_folder(tmp_path / "data")
    names = {"corpus": "corpus.jsonl", "queries": "queries.jsonl", "qrels": "qrels/test.tsv"}
    sources = [{"key": key, "bundled": f"data/{name}"} for key, name in names.items()]
    task = write_task(tmp_path, reader="beir", languages=["de", "en"], sources=sources)
    assert [str(pair) for pair in load_task(str(task)).pairs] == ["de-en", "en-de", "en-en"]
