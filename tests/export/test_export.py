"""Exports, each read by its consumer: trec_eval and ir_measures, MTEB, the reader of BEIR folders."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from builders.encoders import HashEncoder, parallel_set
from builders.evaluation import evaluate_sets
from builders.records import write_model
from builders.tasks import write, write_belebele, write_task

from clearbench.common.errors import DataError, RecordError
from clearbench.common.languages import parse_language
from clearbench.encoders.bm25 import Lexical
from clearbench.evaluation.options import EvaluationOptions
from clearbench.export.beir import check_same_data, export_beir
from clearbench.export.mteb import export_mteb
from clearbench.export.trec import export_trec
from clearbench.records.select import load_results
from clearbench.tasks.dataset import TaskPair, Texts
from clearbench.tasks.load import DataLocation, Selection, load_task

TREC = {
    **{f"{name}@{k}": f"{key}_{k}" for name, key in (("nDCG", "ndcg_cut"), ("recall", "recall")) for k in (1, 10, 100)},
    "MAP@100": "map_cut_100",
    "success@5": "success_5",
}


@pytest.fixture
def ranked(tmp_path):
    """A record with saved rankings: 20 passages, 40 questions, and rankings with errors in them."""
    options = EvaluationOptions(out=tmp_path / "results", save_runs=True)
    [evaluation] = evaluate_sets(HashEncoder(dimension=6), [parallel_set(("en", "de"), 20)], options)
    assert 0.05 < evaluation.record.averages["all"]["nDCG@10"] < 0.95
    [entry] = load_results(tmp_path / "results")
    return entry


def parse(path):
    return [line.split() for line in path.read_text(encoding="utf-8").splitlines()]


def test_trec_eval_finds_the_records_figures_in_the_exported_files(ranked, tmp_path):
    import pytrec_eval

    exported = export_trec(ranked, tmp_path / "trec")
    assert len(exported.files) == 8 and exported.notes == ()
    for pair in ranked.record.pairs:
        qrels, run = {}, {}
        for query, _, passage, relevance in parse(tmp_path / "trec" / f"{pair.pair}.qrels"):
            qrels.setdefault(query, {})[passage] = int(relevance)
        for query, _, passage, _, score, _ in parse(tmp_path / "trec" / f"{pair.pair}.run"):
            run.setdefault(query, {})[passage] = float(score)
        assert len(qrels) == pair.num_queries
        wanted = {"ndcg_cut.1,10,100", "recall.1,10,100", "map_cut.100", "success.5"}
        values = pytrec_eval.RelevanceEvaluator(qrels, wanted).evaluate(run)
        for ours, theirs in TREC.items():
            mean = sum(query[theirs] for query in values.values()) / len(values)
            assert mean == pytest.approx(pair.measures[ours].mean, abs=1e-9), (pair.pair, ours)


def test_ir_measures_reads_the_exported_files_and_agrees(ranked, tmp_path):
    ir_measures = pytest.importorskip("ir_measures", reason="the package ir-measures is not installed")
    export_trec(ranked, tmp_path)
    for pair in ranked.record.pairs:
        qrels = ir_measures.read_trec_qrels(str(tmp_path / f"{pair.pair}.qrels"))
        run = ir_measures.read_trec_run(str(tmp_path / f"{pair.pair}.run"))
        found = ir_measures.calc_aggregate([ir_measures.nDCG @ 10, ir_measures.R @ 100], qrels, run)
        assert found[ir_measures.nDCG @ 10] == pytest.approx(pair.measures["nDCG@10"].mean, abs=1e-9)
        assert found[ir_measures.R @ 100] == pytest.approx(pair.measures["recall@100"].mean, abs=1e-9)


def test_a_record_without_rankings_says_how_to_get_them(tmp_path):
    write_model(tmp_path, "model", {"xquad": {"de-en": [0.5, 0.6]}})
    [entry] = load_results(tmp_path)
    with pytest.raises(RecordError, match=r"no saved ranking of de-en\. Run again with --save-runs --replace"):
        export_trec(entry, tmp_path / "trec")
    write(entry.place / "runs" / "de-en.trec", "q0 Q0 p 1 0.5 clearbench\n")
    with pytest.raises(RecordError, match="no saved judgements of de-en"):
        export_trec(entry, tmp_path / "trec")


def test_a_task_judged_by_answers_has_runs_only(tmp_path):
    write_model(tmp_path, "model", {"xor": {"de-en": [0.5]}}, scoring={"judged_by": "xor"})
    [entry] = load_results(tmp_path)
    write(entry.place / "runs" / "de-en.trec", "q0 Q0 p 1 0.5 clearbench\n")
    exported = export_trec(entry, tmp_path / "trec")
    assert [file.name for file in exported.files] == ["de-en.run"]
    assert "judged by answers: there are runs, but no qrels" in exported.notes[0]


def test_an_id_with_a_blank_is_refused(tmp_path):
    write_model(tmp_path, "model", {"xquad": {"de-en": [0.5]}})
    [entry] = load_results(tmp_path)
    write(entry.place / "runs" / "de-en.trec", "q0 Q0 p 1 0.5 clearbench\nq 1 Q0 p 1 0.5 clearbench\n")
    write(entry.place / "runs" / "de-en.qrels", "q0 0 p 1\n")
    with pytest.raises(RecordError, match=r"de-en\.trec:2 has 7 fields, expected 6: an id holds a blank"):
        export_trec(entry, tmp_path / "trec")


# --- MTEB


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


# --- BEIR


def plain(retrieval, prefixed=False):
    """What a pair retrieves, with `<language>/` taken from passage ids."""

    def strip(language, key):
        return key.removeprefix(f"{language}/") if prefixed else key

    found = {}
    for pair in retrieval.pairs:
        pool, queries = retrieval.passages_of(pair), retrieval.queries_of(pair)
        passages = {strip(pool.language, key): text for key, text in zip(pool.ids, pool.texts, strict=True)}
        qrels = {
            query: {strip(pool.language, passage): value for passage, value in retrieval.qrels_of(pair)[query].items()}
            for query in queries.ids
        }
        found[str(pair)] = (passages, dict(zip(queries.ids, queries.texts, strict=True)), qrels)
    return found


def test_a_folder_comes_back_as_it_was(tmp_path):
    write_belebele(tmp_path / "data", "eng_Latn", "deu_Latn", passages=7)
    task = write_task(tmp_path)
    before = load_task(str(task), Selection(all_pairs=True), DataLocation(data_dir=tmp_path / "data"))
    assert export_beir(before, tmp_path / "beir").notes == ()
    after = load_task(str(tmp_path / "beir"), Selection(all_pairs=True))
    assert plain(after, prefixed=True) == plain(before)
    assert groups(after.clusters) == groups(before.clusters)


def groups(clusters):
    return {frozenset(query for query in clusters if clusters[query] == one) for one in clusters.values()}


def test_blanks_around_passages_are_spoken_of(tmp_path):
    before = parallel_set(("en",), 2)
    padded = Texts(parse_language("en"), ("p0", "p1"), (" passage", "passage"))
    notes = export_beir(replace(before, pools={"en": padded}), tmp_path).notes
    assert notes == ("Readers of BEIR folders take away the blanks around the text of 1 passage.",)
    assert load_task(str(tmp_path)).pools["en"].texts == ("passage", "passage")


def test_a_model_scores_the_same_on_an_exported_folder(tmp_path):
    before = parallel_set(("en", "de", "sw"), 15)
    export_beir(before, tmp_path / "beir")
    after = load_task(str(tmp_path / "beir"), Selection(all_pairs=True))
    figures = []
    for place, retrieval in enumerate((before, after)):
        [evaluation] = evaluate_sets(Lexical(), [retrieval], EvaluationOptions(out=tmp_path / str(place)))
        figures.append({pair.pair: pair.measures for pair in evaluation.record.pairs})
    assert len(figures[0]) == 9 and figures[0] == figures[1]


def test_ids_are_unique_across_languages_and_questions_stay_parallel(tmp_path):
    export_beir(parallel_set(("en", "de"), 3), tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len({row["_id"] for row in rows}) == len(rows) == 12
    assert {row["parallel_id"] for row in rows if row["language"] == "de"} == {
        row["parallel_id"] for row in rows if row["language"] == "en"
    }


def test_a_single_language_keeps_its_ids(tmp_path):
    before = parallel_set(("en",), 3)
    export_beir(before, tmp_path)
    assert plain(load_task(str(tmp_path))) == plain(before)


def test_pairs_with_pools_of_their_own_get_folders_of_their_own(tmp_path):
    english, german = parse_language("en"), parse_language("de")
    whole = parallel_set(("en", "de"), 4)
    part = Texts(english, ("p0", "p1"), ("passage 0", "passage 1"))
    short = Texts(german, ("p0#1",), ("Frage",))
    own = TaskPair(german, english, "short", "small", "own")
    mixed = replace(
        whole,
        pools={**whole.pools, "small": part},
        queries={**whole.queries, "short": short},
        qrels={**whole.qrels, "own": {"p0#1": {"p0": 1, "p1": 0}}},
        pairs=(whole.pairs[0], own),
    )
    exported = export_beir(mixed, tmp_path)
    assert "a folder for each of 2 pairs" in exported.notes[0]
    for pair in mixed.pairs:
        alone = load_task(str(tmp_path / str(pair)), Selection(all_pairs=True))
        assert plain(alone, prefixed=True)[str(pair)] == plain(mixed)[str(pair)]


def test_what_a_beir_folder_cannot_hold_is_refused(tmp_path):
    with pytest.raises(DataError, match="judged by answer strings"):
        export_beir(parallel_set(("en",), 2, judged_by="xor"), tmp_path)
    with pytest.raises(DataError, match="pool of several languages"):
        export_beir(parallel_set(("en",), 2, options={"pool": "mixed"}), tmp_path)
    texts = Texts(parse_language("en"), ("a\tb",), ("text",))
    odd = replace(
        parallel_set(("en",), 1), pools={"en": texts}, queries={"en": texts}, qrels={"all": {"a\tb": {"a\tb": 1}}}
    )
    with pytest.raises(DataError, match="holds a tab"):
        export_beir(odd, tmp_path)


def test_other_data_than_the_records_are_refused(tmp_path):
    retrieval = parallel_set(("en",), 4)
    [evaluation] = evaluate_sets(HashEncoder(), [retrieval], EvaluationOptions(out=tmp_path))
    check_same_data(retrieval, evaluation.record)
    with pytest.raises(RecordError, match=r"other texts or judgements in 1 pair \(en-en\)"):
        check_same_data(parallel_set(("en",), 5), evaluation.record)


@pytest.mark.parametrize("task", ["xquad", "mlqa", "afriqa", "belebele"])
def test_real_tasks_come_back_as_they_were(data_dir, tmp_path, task):
    before = load_task(task, Selection(pairs="*-en"), DataLocation(data_dir=data_dir))
    exported = export_beir(before, tmp_path)
    found = {}
    for folder in sorted({file.parent for file in map(Path, exported.files) if file.name == "corpus.jsonl"}):
        found |= plain(load_task(str(folder), Selection(all_pairs=True)), prefixed=True)
    wanted = plain(before)
    assert found == wanted


def test_a_changed_mean_is_not_exported_and_odd_timings_are_left_out(ranked, tmp_path):
    odd = replace(ranked, record=ranked.record.model_copy(update={"timings": {"seconds": "long"}}))
    [file] = export_mteb(odd, tmp_path / "mteb").files
    assert json.loads(file.read_text())["evaluation_time"] is None
    record = json.loads((ranked.place / "record.json").read_text())
    record["pairs"][0]["measures"]["recall@5"]["mean"] += 0.01
    (ranked.place / "record.json").write_text(json.dumps(record))
    [changed] = load_results(ranked.place.parents[2])
    with pytest.raises(RecordError, match=r"says .* for recall@5"):
        export_mteb(changed, tmp_path / "other")
    assert not (tmp_path / "other").exists()
