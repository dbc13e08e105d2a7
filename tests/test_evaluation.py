"""The pipeline from loaded tasks to records: right figures, nothing done twice, nothing lost, nothing mixed."""

import json
from dataclasses import replace

import numpy as np
import pytest
from make import HashEncoder, parallel_set

from clearbench import evaluate as pipeline
from clearbench.encoders.lexical import BM25
from clearbench.errors import DataError, RecordError, ScoringError
from clearbench.evaluate import EvaluationOptions, evaluate
from clearbench.records import RecordFolder, find_records, read_record, read_scores
from clearbench.scoring.measures import MEASURE_NAMES, score_run
from clearbench.scoring.xor import Tokeniser
from clearbench.tasks.retrieval import PairData, RetrievalSet

LANGUAGES = ("en", "de", "sw")


def run(tmp_path, sets=None, encoder=None, **options):
    options = {"out": tmp_path / "out", "cache": tmp_path / "cache", **options}
    return evaluate(encoder or HashEncoder(), sets or [parallel_set(LANGUAGES)], EvaluationOptions(**options))


def literal_scores(encoder, retrieval, pair):
    """One pair, scored straightforwardly: all inner products, then pytrec_eval."""
    pool = retrieval.pools[pair.pool]
    scores = encoder.encode_batch(pair.queries.texts, "query") @ encoder.encode_batch(pool.texts, "passage").T
    rankings = {
        q: dict(zip(pool.ids, map(float, row), strict=True)) for q, row in zip(pair.queries.ids, scores, strict=True)
    }
    return score_run(rankings, pair.qrels, pair.queries.ids)


def test_every_pair_equals_the_straightforward_computation(tmp_path):
    retrieval = parallel_set(LANGUAGES, size=30)
    [evaluation] = run(tmp_path, [retrieval])
    table = read_scores(evaluation.folder)
    assert len(evaluation.record.pairs) == 9
    for pair in retrieval.pairs:
        expected = literal_scores(HashEncoder(), retrieval, pair)
        rows = table[table["pair"] == str(pair.pair)].set_index("query").loc[list(pair.queries.ids)]
        assert np.abs(rows[list(MEASURE_NAMES)].to_numpy() - expected).max() < 1e-12
        summary = next(p for p in evaluation.record.pairs if p.pair == str(pair.pair))
        assert summary.measures["nDCG@10"].mean == pytest.approx(expected[:, MEASURE_NAMES.index("nDCG@10")].mean())
        assert (summary.num_queries, summary.num_passages, summary.num_clusters) == (60, 30, 30)
    assert 0.05 < evaluation.record.averages["all"]["nDCG@10"] < 0.95  # neither trivial nor hopeless


def test_several_relevant_passages_go_through_pytrec_eval(tmp_path):
    toy = parallel_set(("en",), size=12)
    qrels = {query: {passage: 1, "p0": 1} for query, judged in toy.pairs[0].qrels.items() for passage in judged}
    several = replace(toy, pairs=(replace(toy.pairs[0], qrels=qrels),))
    [evaluation] = run(tmp_path, [several])
    expected = literal_scores(HashEncoder(), several, several.pairs[0])
    assert np.abs(read_scores(evaluation.folder)[list(MEASURE_NAMES)].to_numpy() - expected).max() < 1e-12


def test_verification_passes_and_would_catch_a_wrong_rank(tmp_path, monkeypatch):
    run(tmp_path, verify=True)
    wrong = pipeline.judge_ranks
    monkeypatch.setattr(pipeline, "judge_ranks", lambda queries, ranks: wrong(queries, ranks + 1))
    with pytest.raises(ScoringError, match="pytrec_eval says"):
        run(tmp_path, verify=True, replace=True)


def test_a_second_run_encodes_and_scores_nothing(tmp_path, monkeypatch):
    [first] = run(tmp_path)
    encoder = HashEncoder()
    monkeypatch.setattr(RecordFolder, "add", lambda *a: pytest.fail("a finished part was written again"))
    [second] = run(tmp_path, encoder=encoder)
    assert encoder.encoded == []
    assert second.record == first.record  # times too: they are those of the run that did the work


def test_a_run_killed_between_parts_goes_on_and_gives_the_same_record(tmp_path, monkeypatch):
    [whole] = run(tmp_path / "whole")
    original, written = RecordFolder.add, []

    def add_once(self, pool, results):
        if written:
            raise KeyboardInterrupt
        written.append(pool)
        original(self, pool, results)

    monkeypatch.setattr(RecordFolder, "add", add_once)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed")
    [folder] = find_records(tmp_path / "killed" / "out")
    assert read_record(folder).status == "running" and len(list((folder / "scores").iterdir())) == 1
    monkeypatch.undo()
    [resumed] = run(tmp_path / "killed")
    assert without_times(resumed.record) == without_times(whole.record)
    names = [sorted(file.name for file in (e.folder / "scores").iterdir()) for e in (whole, resumed)]
    assert names[0] == names[1] and len(names[0]) == 3
    for name in names[0]:
        assert (whole.folder / "scores" / name).read_bytes() == (resumed.folder / "scores" / name).read_bytes()


def test_pairs_can_be_added_later(tmp_path):
    full = parallel_set(LANGUAGES)
    run(tmp_path, [replace(full, pairs=full.pairs[:2])])
    [later] = run(tmp_path, [full])
    [at_once] = run(tmp_path / "fresh", [full])
    assert without_times(later.record) == without_times(at_once.record)


def test_two_encoders_of_one_name_share_neither_vectors_nor_results(tmp_path):
    folders = {run(tmp_path, encoder=HashEncoder(name="final", salt=salt))[0].folder for salt in "ab"}
    means = {read_record(folder).averages["all"]["nDCG@10"] for folder in folders}
    assert len(folders) == len(means) == 2
    assert len(list((tmp_path / "cache" / "embeddings").iterdir())) == 2


def test_other_data_or_version_at_the_same_place_is_refused(tmp_path):
    run(tmp_path)
    with pytest.raises(RecordError, match=r"scored on other data.*--replace"):
        run(tmp_path, [parallel_set(LANGUAGES, size=7)])
    with pytest.raises(RecordError, match=r"task_version was 1, is now 2"):
        run(tmp_path, [replace(parallel_set(LANGUAGES), version=2)])
    [again] = run(tmp_path, [parallel_set(LANGUAGES, size=7)], replace=True)
    assert again.record.pairs[0].num_passages == 7
    [before] = run(tmp_path / "before")
    assert again.record.data != before.record.data


def test_damaged_results_are_named(tmp_path):
    [done] = run(tmp_path)
    (done.folder / "record.json").write_text('{"schema_version": 1, "status"', encoding="utf-8")
    with pytest.raises(RecordError, match=r"record\.json is damaged"):
        run(tmp_path)
    (done.folder / "record.json").write_text('{"schema_version": 99}', encoding="utf-8")
    with pytest.raises(RecordError, match="schema version 99, this clearbench reads 1"):
        run(tmp_path)
    (done.folder / "record.json").unlink()
    part = sorted((done.folder / "scores").iterdir())[0]
    part.write_bytes(part.read_bytes()[:50])
    with pytest.raises(RecordError, match=part.name):
        run(tmp_path)


def test_unwritable_output_is_refused_before_anything_is_encoded(tmp_path):
    (tmp_path / "file").write_text("")
    encoder = HashEncoder()
    with pytest.raises(RecordError, match="Choose another --out"):
        run(tmp_path, encoder=encoder, out=tmp_path / "file")
    assert encoder.encoded == []


def test_gold_passages_must_be_in_the_pool(tmp_path):
    toy = parallel_set(("en",))
    lost = replace(toy, pairs=(replace(toy.pairs[0], qrels={**toy.pairs[0].qrels, "p0#1": {"elsewhere": 1}}),))
    with pytest.raises(DataError, match="'elsewhere'"):
        run(tmp_path, [lost])


def test_bm25_finds_shared_words_and_needs_no_vectors(tmp_path):
    [evaluation] = run(tmp_path, encoder=BM25, verify=True)
    assert next(p for p in evaluation.record.pairs if p.pair == "en-en").measures["nDCG@10"].mean > 0.9
    assert not (tmp_path / "cache").exists()


def test_runs_are_trec_runs_that_give_the_same_scores(tmp_path):
    retrieval = parallel_set(("en", "de"))
    [evaluation] = run(tmp_path, [retrieval], save_runs=True)
    rankings: dict[str, dict[str, float]] = {}
    for line in (evaluation.folder / "runs" / "de-en.trec").read_text().splitlines():
        query, q0, passage, rank, score, _ = line.split()
        assert q0 == "Q0" and int(rank) == len(rankings.setdefault(query, {})) + 1
        rankings[query][passage] = float(score)
    pair = next(p for p in retrieval.pairs if str(p.pair) == "de-en")
    scores = read_scores(evaluation.folder, pairs=["de-en"], columns=["nDCG@10"])
    assert scores["nDCG@10"].tolist() == pytest.approx(
        score_run(rankings, pair.qrels, scores["query"].tolist())[:, MEASURE_NAMES.index("nDCG@10")].tolist()
    )


def answer_set(judged_by):
    toy = parallel_set(("en", "de"), size=8)
    pair = next(p for p in toy.pairs if str(p.pair) == "de-en")
    answers = {query: (f"topic{query[1]}",) for query in pair.queries.ids}
    answers["p0#1"] = ("yes",)
    pair = PairData(pair.pair, pair.queries, pair.pool, {})
    measure = {"xor": "R@2kt", "mkqa": "answer_recall@20"}[judged_by]
    return RetrievalSet("quiz", 1, toy.pools, (pair,), {}, answers, (), judged_by, measure)


def test_answer_judged_tasks_use_their_own_measures(tmp_path):
    words = Tokeniser("words", False, str.split)
    [xor] = run(tmp_path, [answer_set("xor")], tokeniser=words)
    summary = xor.record.pairs[0]
    assert list(summary.measures) == ["R@2kt", "R@5kt"]
    assert (summary.num_queries, summary.num_skipped) == (15, 1)
    assert xor.record.coverage == {"pairs": 1, "queries_scored": 15, "queries_skipped": 1}
    assert summary.measures["R@2kt"].mean == 1.0  # all eight passages fit into 2,000 tokens
    assert xor.record.identity.scoring["tokeniser"] == "words"
    [mkqa] = run(tmp_path / "mkqa", [answer_set("mkqa")])
    assert list(mkqa.record.pairs[0].measures) == ["answer_recall@20", "answer_recall@100"]
    assert mkqa.record.pairs[0].measures["answer_recall@20"].mean == pytest.approx(15 / 16)  # "yes" is in no passage


def without_times(record):
    return {key: value for key, value in json.loads(record.model_dump_json()).items() if key != "timings"}
