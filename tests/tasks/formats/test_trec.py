"""Collections in TREC's form: small files laid out as MIRACL, Mr.TyDi, CIRAL and NeuCLIR lay out theirs."""

import gzip
import json

import pytest
from builders.files import write, write_jsonl
from builders.tasks import write_task

from clearbench.common.errors import DataError
from clearbench.tasks.load import check_task, load_task
from clearbench.tasks.options import DataLocation, Selection

ALL = Selection(all_pairs=True)


def write_shards(folder, shards, **renamed):
    """Write one gzipped shard per list of (id, title, text)."""
    for number, rows in enumerate(shards):
        lines = [json.dumps({"docid": key, "title": title, "text": text}) for key, title, text in rows]
        write(folder / f"docs-{number}.jsonl.gz", gzip.compress("\n".join(lines).encode()))


def load(name, folder, selection=ALL):
    return check_task(name, selection, DataLocation(data_dir=folder)).data


@pytest.fixture
def miracl(tmp_path):
    for language in ("sw", "yo"):
        base = tmp_path / "miracl" / f"miracl-v1.0-{language}"
        topics = f"1#0\tSwali la {language}? \n2\tLingine?\n3\tBila jibu?\n"
        write(base / "topics" / f"topics.miracl-v1.0-{language}-dev.tsv", topics)
        qrels = "1#0\tQ0\ta#1\t1\n1#0\tQ0\tb\t0\n2\tQ0\tb\t1\n2\tQ0\tl\t1\n3\tQ0\tb\t0\n"
        write(base / "qrels" / f"qrels.miracl-v1.0-{language}-dev.tsv", qrels)
        shards = [[("a#1", "Ada", "text one")], [("b", "", "text two")], *([(f"{n}", "T", "x")] for n in range(8))]
        write_shards(tmp_path / "miracl-corpus" / f"miracl-corpus-v1.0-{language}", [*shards, [("l", "Last", "ten")]])
    return tmp_path


def test_miracl_is_read_from_topics_judgements_and_shards(miracl):
    data = load("miracl", miracl)
    assert [str(pair) for pair in data.pairs] == ["sw-sw", "yo-yo"]
    pair = data.pairs[0]
    assert data.queries_of(pair).ids == ("sw:1#0", "sw:2")
    assert data.queries_of(pair).texts[0] == "Swali la sw?"
    pool = data.passages_of(pair)
    assert pool.ids == ("a#1", "b", *map(str, range(8)), "l"), "docs-10 comes after docs-9"
    assert pool.texts[:2] == ("Ada text one", "text two")
    assert data.qrels_of(pair)["sw:2"] == {"b": 1, "l": 1}
    assert data.left_out == {"sw-sw": ("sw:3",), "yo-yo": ("yo:3",)}
    assert data.notes == ("pairs without files: ar-ar, bn-bn, en-en, es-es, fa-fa, fi-fi, fr-fr, hi-hi, … (16 of 18).",)


def test_the_papers_counts_are_expected(miracl):
    with pytest.raises(DataError, match=r"miracl sw-sw: 2 queries, the task file expects 482.*expects 131,924"):
        load_task("miracl", Selection(languages="sw"), DataLocation(data_dir=miracl))


def test_a_language_that_is_named_must_have_its_files(miracl):
    with pytest.raises(DataError, match="no topics file for de"):
        load("miracl", miracl, Selection(languages="de"))


def test_hard_negatives_have_the_files_of_a_beir_folder(tmp_path):
    base = tmp_path / "miracl-hard-negatives" / "fi"
    write_jsonl(base / "queries.jsonl", [{"_id": "1", "text": "Mikä?"}])
    write_jsonl(
        base / "corpus.jsonl", [{"_id": "p", "title": "T", "text": "x"}, {"_id": "n", "title": "", "text": "y"}]
    )
    write(base / "qrels" / "dev.tsv", "query-id\tcorpus-id\tscore\n1\tp\t1\n1\tn\t0\n")
    data = load("miracl-hn", tmp_path)
    assert data.passages_of(data.pairs[0]).texts == ("T x", "y")
    assert data.qrels_of(data.pairs[0]) == {"fi:1": {"p": 1, "n": 0}}


def test_mr_tydi_has_folders_by_the_languages_names_and_contents_in_one_field(tmp_path):
    base = tmp_path / "mrtydi-v1.1-swahili"
    write(base / "topic.test.tsv", "0\tNani?\n")
    write(base / "qrels.test.txt", "0 Q0 5#1 1\n")
    lines = [json.dumps({"id": "5#1", "contents": "Title\n\nText."}), json.dumps({"id": "5#2", "contents": "Other."})]
    write(base / "collection" / "docs.jsonl.gz", gzip.compress("\n".join(lines).encode()))
    data = load("mr-tydi", tmp_path)
    assert [str(pair) for pair in data.pairs] == ["sw-sw"]
    assert data.pools["sw"].texts == ("Title\n\nText.", "Other.")
    assert data.qrels["sw"] == {"sw:0": {"5#1": 1}}


def test_ciral_asks_in_english(tmp_path):
    base = tmp_path / "ciral" / "ciral-somali"
    write(base / "topics" / "topics.ciral-v1.0-so-test-a.tsv", "7\tWho?\n")
    write(base / "qrels" / "qrels.ciral-v1.0-so-test-a.tsv", "7\tQ0\tso1\t1\n")
    passage = json.dumps({"docid": "so1", "title": "T", "text": "x", "url": "https://example.org"})
    write(tmp_path / "ciral-corpus" / "passages-v1.0" / "somali_passages.jsonl", passage)
    data = load("ciral", tmp_path)
    assert [(pair.query.code, pair.passage.code) for pair in data.pairs] == [("eng", "som")]
    assert data.qrels_of(data.pairs[0]) == {"so:7": {"so1": 1}}


def test_neuclir_has_topics_in_several_languages_and_grades(tmp_path):
    topics = [
        {"lang": "eng", "source": "original", "topic_title": "Snow", "topic_description": "d"},
        {"lang": "rus", "source": "machine translation", "topic_title": "Снег?"},
        {"lang": "rus", "source": "human translation", "topic_title": "Снег"},
        {"lang": "zho", "source": "human translation", "topic_title": "雪"},
    ]
    write_jsonl(tmp_path / "neuclir.topics.2022.jsonl", [{"topic_id": "4", "topics": topics}])
    write(tmp_path / "qrels.2022.rus.txt", "4 0 d1 3\n4 0 d2 0\n")
    rows = [json.dumps({"id": key, "title": "Т", "text": "x", "url": "u"}) for key in ("d1", "d2")]
    write(tmp_path / "neuclir1" / "rus.jsonl.gz", gzip.compress("\n".join(rows).encode()))
    data = load("neuclir", tmp_path)
    assert {str(pair): data.queries_of(pair).texts for pair in data.pairs} == {"en-ru": ("Snow",), "ru-ru": ("Снег",)}
    assert data.qrels_of(data.pairs[0]) == {"ru:4": {"d1": 3, "d2": 0}}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("topics.tsv", "1 no tab\n", r"topics\.tsv:1: found '1 no tab', expected a topic's id, a tab and its text"),
        ("topics.tsv", "1\tA?\n1\tB?\n", r"topics\.tsv:2: query id 'de:1' occurs twice"),
        ("qrels.txt", "9 0 p 1\n", r"qrels\.txt: no topic of .*topics\.tsv has a relevant passage"),
        ("qrels.txt", "1 0 p 1\n1 0 p 0\n", r"qrels\.txt:2: passage 'p' is judged 0 here and 1 in an earlier line"),
        ("corpus/docs-0.jsonl", '{"docid": "p"}\n', r"docs-0\.jsonl:1: field 'text'"),
    ],
)
def test_broken_files_are_errors_that_name_them(tmp_path, name, text, message):
    files = {"topics.tsv": "1\tA?\n", "qrels.txt": "1 0 p 1\n", "corpus/docs-0.jsonl": '{"docid": "p", "text": "x"}\n'}
    for path, content in {**files, name: text}.items():
        write(tmp_path / path, content)
    sources = [{"key": "topics", "local": ["topics.tsv"]}, {"key": "qrels", "local": ["qrels.txt"]}]
    task = write_task(
        tmp_path, reader="trec", languages=["de"], sources=[*sources, {"key": "corpus", "local": ["corpus"]}]
    )
    with pytest.raises(DataError, match=message):
        load_task(str(task), ALL, DataLocation(data_dir=tmp_path))


def test_a_folder_without_shards_is_an_error(miracl):
    folder = miracl / "miracl-corpus" / "miracl-corpus-v1.0-sw"
    for shard in folder.iterdir():
        shard.unlink()
    with pytest.raises(DataError, match="the folder holds no shards"):
        load("miracl", miracl)
