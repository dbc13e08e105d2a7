"""MTEB's result files: its names, its subsets, and MTEB itself as the reader."""

import json
from dataclasses import replace

import pytest
from builders.records import write_model

from clearbench.common.errors import RecordError
from clearbench.export.mteb import export_mteb
from clearbench.records.select import load_results


def mteb_scores(tmp_path, task, pairs, **options):
    write_model(tmp_path, "model", {task: {pair: [0.5, 0.25] for pair in pairs}}, **options)
    [entry] = load_results(tmp_path)
    exported = export_mteb(entry, tmp_path / "mteb")
    document = json.loads(exported.files[0].read_text(encoding="utf-8"))
    [(split, subsets)] = document["scores"].items()
    return document, split, {s["hf_subset"]: s for s in subsets}, exported.notes


def test_belebele_gets_mtebs_names_corpus_language_first(tmp_path):
    pairs = ["de-en", "en-de", "de-de", "hi-hin_Latn", "de-fr"]
    document, split, subsets, notes = mteb_scores(tmp_path, "belebele", pairs)
    assert (document["task_name"], split, document["mteb_version"]) == ("BelebeleRetrieval", "test", None)
    assert subsets["eng_Latn-deu_Latn"]["languages"] == ["eng-Latn", "deu-Latn"], "German queries, English corpus"
    assert set(subsets) == {"eng_Latn-deu_Latn", "deu_Latn-eng_Latn", "deu_Latn-deu_Latn", "hin_Latn-hin_Deva"}
    assert notes[0].endswith("no such subsets: de-fr.") and "merge_duplicate_questions=true" in notes[1]
    assert subsets["deu_Latn-deu_Latn"] == {
        "ndcg_at_10": 0.375,
        "recall_at_10": 0.1875,
        "main_score": 0.375,
        "hf_subset": "deu_Latn-deu_Latn",
        "languages": ["deu-Latn", "deu-Latn"],
    }


def test_xquad_and_mlqa_get_mtebs_subsets(tmp_path):
    merged = {"merge_duplicate_questions": "True"}
    document, split, subsets, notes = mteb_scores(tmp_path / "x", "xquad", ["de-de", "zh-zh", "de-en"], options=merged)
    assert (document["task_name"], split, set(subsets)) == ("XQuADRetrieval", "validation", {"de", "zh"})
    assert subsets["zh"]["languages"] == ["zho-Hans"] and len(notes) == 1
    document, split, subsets, _ = mteb_scores(tmp_path / "m", "mlqa-test", ["de-ar", "en-en"], options=merged)
    assert (document["task_name"], split, set(subsets)) == ("MLQARetrieval", "test", {"ara-deu", "eng-eng"})
    assert subsets["ara-deu"]["languages"] == ["ara-Arab", "deu-Latn"]


def test_other_tasks_and_other_options_keep_their_own_name(tmp_path):
    measures = ("R@2kt", "MRR@10", "success@5", "answer_recall@20")
    document, _, subsets, notes = mteb_scores(
        tmp_path / "own", "my-task", ["de-en", "zh_Hant_HK-en"], measures=measures, main_measure="MRR@10"
    )
    assert document["task_name"] == "clearbench-my-task" and notes == ()
    assert set(subsets) == {"eng_Latn-deu_Latn", "eng_Latn-zho_Hant_HK"}
    names = {"R_at_2kt", "mrr_at_10", "hit_rate_at_5", "answer_recall_at_20"}
    assert names < set(subsets["eng_Latn-deu_Latn"])
    assert subsets["eng_Latn-deu_Latn"]["main_score"] == subsets["eng_Latn-deu_Latn"]["mrr_at_10"]
    document, _, subsets, _ = mteb_scores(tmp_path / "mixed", "belebele", ["de-mul"], options={"pool": "mixed"})
    assert document["task_name"] == "clearbench-belebele+pool=mixed"
    assert subsets["mul-deu_Latn"]["languages"] == ["deu-Latn"]


def test_a_record_without_any_of_mtebs_subsets_is_an_error(tmp_path):
    with pytest.raises(RecordError, match="MTEB's XQuADRetrieval has none of its pairs"):
        mteb_scores(tmp_path, "xquad", ["de-en"])


@pytest.mark.parametrize("task", ["belebele", "own"])
def test_mteb_loads_the_file(tmp_path, task):
    mteb = pytest.importorskip("mteb", reason="the package mteb is not installed")
    document, *_ = mteb_scores(tmp_path, task, ["de-en", "en-en"])
    result = mteb.TaskResult.from_disk(tmp_path / "mteb" / f"{document['task_name']}.json")
    assert result.get_score() == pytest.approx(0.375)
    assert set(result.languages) == {"deu", "eng"}


def test_a_changed_mean_is_not_exported_and_odd_timings_are_left_out(ranked, tmp_path):
    odd = replace(ranked, record=ranked.record.model_copy(update={"timings": {"seconds": "long"}}))
    [file] = export_mteb(odd, tmp_path / "mteb").files
    assert json.loads(file.read_text())["evaluation_time"] is None
    first, *rest = ranked.record.pairs
    value = replace(first.measures["recall@5"], mean=0.99)
    pairs = [first.model_copy(update={"measures": {**first.measures, "recall@5": value}}), *rest]
    changed = replace(ranked, record=ranked.record.model_copy(update={"pairs": pairs}))
    with pytest.raises(RecordError, match=r"says .* for recall@5"):
        export_mteb(changed, tmp_path / "other")
    assert not (tmp_path / "other").exists()
