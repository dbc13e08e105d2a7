"""A checkout of the public MTEB results: pairs with the query language first, and broken files named."""

import json

import pytest
from builders.files import write

from clearbench.common.errors import UsageError
from clearbench.records.mteb_results import TASKS, read_mteb_results

E5 = "intfloat/multilingual-e5-small"


def result(split, *subsets, **other):
    scores = [{"hf_subset": name, "languages": [], "main_score": 0.5, **figures} for name, figures in subsets]
    return {"dataset_revision": "75b399", "task_name": "", "mteb_version": "1.38.3", "scores": {split: scores}, **other}


@pytest.fixture
def checkout(tmp_path):
    def put(task, content, model="intfloat__multilingual-e5-small", revision="fd1525a9fd15"):
        text = content if isinstance(content, str) else json.dumps(content)
        write(tmp_path / "results" / model / revision / f"{task}.json", text)
        return tmp_path

    return put


def only(folder, task, **options):
    [entry], notes = read_mteb_results(folder, [task], **options)
    assert notes == ()
    return entry


@pytest.mark.parametrize(
    ("task", "split", "subset", "pair"),
    [
        ("belebele", "test", "deu_Latn-eng_Latn", "en-de"),
        ("belebele", "test", "hin_Latn-hin_Deva", "hi-hi_Latn"),
        ("mlqa", "validation", "deu-ara", "ar-de"),
        ("mlqa-test", "test", "deu-ara", "ar-de"),
        ("xquad", "validation", "th", "th-th"),
        ("ntrex", "test", "afr_Latn-eng_Latn", "af-en"),
        ("ntrex", "test", "mon_Mong-orm_Ethi", "mn-om"),
        ("ntrex", "test", "zho_Hant-srp_Latn", "zh_Hant_TW-sr_Latn"),
        ("tatoeba", "test", "cmn-eng", "zh-en"),
    ],
)
def test_subsets_become_pairs_with_the_query_language_first(checkout, task, split, subset, pair):
    folder = checkout(TASKS[task].name, result(split, (subset, {"ndcg_at_10": 0.5})))
    assert only(folder, task).figures == {pair: {"nDCG@10": 0.5}}


def test_measures_have_the_names_of_here_and_undefined_ones_are_left_out(checkout):
    figures = {"ndcg_at_10": 0.1, "recall_at_100": 1, "mrr_at_10": 0.2, "accuracy": 0.3, "f1": float("nan")}
    folder = checkout("Tatoeba", result("test", ("deu-eng", figures | {"nauc_mrr_at_1_std": -0.3, "map_at_100": None})))
    expected = {"nDCG@10": 0.1, "recall@100": 1.0, "MRR@10": 0.2, "success@1": 0.3}
    assert only(folder, "tatoeba").figures == {"de-en": expected}


def test_an_entry_says_which_model_revision_and_version_it_is_of(checkout):
    entry = only(checkout("BelebeleRetrieval", result("test", ("eng_Latn-eng_Latn", {"ndcg_at_10": 0.5}))), "belebele")
    assert entry.model == "intfloat/multilingual-e5-small @ fd1525a"
    assert entry.source == "MTEB 1.38.3, model revision fd1525a9fd15, data revision 75b399"
    assert entry.options == {"merge_duplicate_questions": "True"}


def test_revisions_are_models_of_their_own(checkout):
    for revision, score in (("aaaaaaaaaa", 0.1), ("bbbbbbbbbb", 0.2)):
        folder = checkout("Tatoeba", result("test", ("deu-eng", {"accuracy": score})), revision=revision)
    entries, _ = read_mteb_results(folder, ["tatoeba"])
    assert {entry.model[-7:]: entry.figures["de-en"]["success@1"] for entry in entries} == {
        "aaaaaaa": 0.1,
        "bbbbbbb": 0.2,
    }


def test_the_folder_of_results_and_the_checkout_are_the_same(checkout):
    folder = checkout("Tatoeba", result("test", ("deu-eng", {"accuracy": 0.1})))
    assert read_mteb_results(folder, ["tatoeba"]) == read_mteb_results(folder / "results", ["tatoeba"])


def test_only_wanted_models_tasks_and_splits_are_read(checkout):
    for task, split in (("Tatoeba", "test"), ("MLQARetrieval", "test"), ("AILAStatutes", "test")):
        checkout(task, result(split, ("deu-eng", {"accuracy": 0.1})))
    folder = checkout("Tatoeba", result("test", ("deu-eng", {"accuracy": 0.1})), model="BAAI__bge-m3")
    assert read_mteb_results(folder, ["mlqa", "xor"]) == ((), ())
    entries, _ = read_mteb_results(folder, ["tatoeba", "mlqa-test"], [E5])
    assert [(entry.model.split(" @ ")[0], entry.task) for entry in entries] == [(E5, "mlqa-test"), (E5, "tatoeba")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a result of MTEB"),
        (json.dumps(result("test", ("deu-qqq", {"accuracy": 0.5}))), "subset 'deu-qqq'"),
        (json.dumps({"dataset_revision": "1", "scores": {"test": [{"accuracy": 1}]}}), "hf_subset"),
    ],
)
def test_a_broken_file_is_named_and_others_are_used(checkout, content, reason):
    checkout("Tatoeba", content, model="BAAI__bge-m3")
    folder = checkout("Tatoeba", result("test", ("deu-eng", {"accuracy": 0.1})))
    [entry], [note] = read_mteb_results(folder, ["tatoeba"])
    assert entry.model.startswith(E5)
    assert "BAAI__bge-m3" in note and reason in note


def test_a_folder_without_results_and_an_unknown_model_are_errors(checkout, tmp_path):
    with pytest.raises(UsageError, match="Clone"):
        read_mteb_results(tmp_path / "absent", ["tatoeba"])
    folder = checkout("Tatoeba", result("test", ("deu-eng", {"accuracy": 0.1})))
    with pytest.raises(UsageError, match=f"Did you mean.*{E5}"):
        read_mteb_results(folder, ["tatoeba"], ["intfloat/multilingual-e5-smal"])
