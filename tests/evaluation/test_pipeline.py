"""The pipeline from loaded tasks to records: right figures, nothing done twice, nothing lost, nothing mixed."""

import contextlib
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from builders.datasets import pair_named, parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets

from clearbench.common.errors import DataError, RecordError, ScoringError, SearchError
from clearbench.common.languages import parse_language
from clearbench.encoders.bm25 import BM25
from clearbench.encoders.function import FunctionEncoder
from clearbench.encoders.vectors.store import EmbeddingStore
from clearbench.evaluation import pipeline
from clearbench.evaluation.options import EvaluationOptions
from clearbench.evaluation.pipeline import evaluate, measure_pairs
from clearbench.records.folder import RecordFolder
from clearbench.records.parts import read_scores
from clearbench.records.read import read_record
from clearbench.records.runs import read_run, read_run_qrels, read_texts
from clearbench.records.training import evaluation_key
from clearbench.scoring import qrels
from clearbench.scoring.answers.judges import XorJudge
from clearbench.scoring.answers.xor import Tokeniser
from clearbench.scoring.compute import MEASURE_NAMES, score_ranks, score_run
from clearbench.scoring.table import make_judge
from clearbench.tasks.dataset import Texts
from clearbench.tasks.mixed import mix

LANGUAGES = ("en", "de", "sw")


def run(tmp_path, sets=None, encoder=None, **options):
    options = {"out": tmp_path / "out", "cache": tmp_path / "cache", **options}
    return evaluate_sets(encoder or HashEncoder(), sets or [parallel_set(LANGUAGES)], EvaluationOptions(**options))


def literal_scores(encoder, retrieval, pair):
    """One pair, scored straightforwardly: all inner products, then pytrec_eval."""
    pool, queries = retrieval.passages_of(pair), retrieval.queries_of(pair)
    scores = encoder.encode_batch(queries.texts, "query") @ encoder.encode_batch(pool.texts, "passage").T
    rankings = {
        q: dict(zip(pool.ids, map(float, row), strict=True)) for q, row in zip(queries.ids, scores, strict=True)
    }
    return score_run(rankings, retrieval.qrels_of(pair), queries.ids)


def contents(folder):
    """File name -> bytes, of all files of a record's folder except the record itself."""
    return {file.name: file.read_bytes() for file in folder.rglob("*") if file.is_file() and file.name != "record.json"}


def without_times(record):
    return {key: value for key, value in json.loads(record.model_dump_json()).items() if key != "timings"}


def test_every_pair_equals_the_straightforward_computation(tmp_path):
    retrieval = parallel_set(LANGUAGES, size=30)
    [evaluation] = run(tmp_path, [retrieval])
    table = read_scores(evaluation.folder)
    assert len(evaluation.record.pairs) == 9
    for pair in retrieval.pairs:
        expected = literal_scores(HashEncoder(), retrieval, pair)
        rows = table[table["pair"] == str(pair)].set_index("query").loc[list(retrieval.queries_of(pair).ids)]
        assert np.abs(rows[list(MEASURE_NAMES)].to_numpy() - expected).max() < 1e-12
        summary = next(p for p in evaluation.record.pairs if p.pair == str(pair))
        assert summary.measures["nDCG@10"].mean == pytest.approx(expected[:, MEASURE_NAMES.index("nDCG@10")].mean())
        assert (summary.num_queries, summary.num_passages, summary.num_clusters) == (60, 30, 30)
    assert 0.05 < evaluation.record.averages["all"]["nDCG@10"] < 0.95  # neither trivial nor hopeless


def test_several_relevant_passages_go_through_pytrec_eval(tmp_path):
    toy = parallel_set(("en",), size=12)
    qrels = {query: {passage: 1, "p0": 1} for query, judged in toy.qrels["all"].items() for passage in judged}
    several = replace(toy, qrels={"all": qrels})
    [evaluation] = run(tmp_path, [several])
    expected = literal_scores(HashEncoder(), several, several.pairs[0])
    assert np.abs(read_scores(evaluation.folder)[list(MEASURE_NAMES)].to_numpy() - expected).max() < 1e-12


def test_verification_passes_and_would_catch_a_wrong_rank(tmp_path, monkeypatch):
    run(tmp_path, verify=True)
    monkeypatch.setattr(qrels, "score_ranks", lambda ranks: score_ranks(ranks + 1))
    with pytest.raises(ScoringError, match="pytrec_eval says"):
        run(tmp_path, verify=True, replace=True)


def test_figures_without_a_record_are_the_means_of_the_record_and_nothing_is_written(tmp_path):
    plain, mixed, quiz = parallel_set(LANGUAGES), mix(parallel_set(LANGUAGES)), answer_set("mkqa")
    figures = measure_pairs(HashEncoder(), [make_judge(data) for data in (plain, mixed, quiz)])
    assert list(tmp_path.iterdir()) == []
    expected: dict[str, float] = {}
    for evaluation, measure in zip(
        run(tmp_path, [plain, mixed, quiz]), ("nDCG@10", "nDCG@10", "answer_recall@20"), strict=True
    ):
        means = {pair.pair: pair.measures[measure].mean for pair in evaluation.record.pairs}
        expected |= {evaluation_key(evaluation.record.identity.task, pair, measure): means[pair] for pair in means}
    assert figures == pytest.approx(expected) and len(figures) == 9 + 3 + 1


def test_long_work_says_how_long_it_may_take(tmp_path, capsys, monkeypatch):
    run(tmp_path / "short")
    assert "54 to encode\n" in capsys.readouterr().err
    monkeypatch.setattr(pipeline, "WORTH_ESTIMATING", 1)
    run(tmp_path)
    assert re.search(r"54 to encode, about .*second", capsys.readouterr().err)


def test_a_second_run_encodes_and_scores_nothing(tmp_path, monkeypatch):
    [first] = run(tmp_path)
    encoder = HashEncoder()
    monkeypatch.setattr(RecordFolder, "add", lambda *a: pytest.fail("a finished part was written again"))
    [second] = run(tmp_path, encoder=encoder)
    assert encoder.encoded == []
    assert second.record == first.record  # times too: they are those of the run that did the work


def test_a_run_killed_between_parts_goes_on_and_gives_the_same_record(tmp_path, monkeypatch):
    [whole] = run(tmp_path / "whole")
    original = RecordFolder.add
    written: list[str] = []

    def add_once(self, pool, results):
        if written:
            raise KeyboardInterrupt
        written.append(pool)
        original(self, pool, results)

    monkeypatch.setattr(RecordFolder, "add", add_once)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed")
    [folder] = (tmp_path / "killed" / "out" / "records").glob("*/toy")
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
    run(tmp_path, [full.select(full.pairs[:2])])
    [later] = run(tmp_path, [full])
    [at_once] = run(tmp_path / "fresh", [full])
    assert without_times(later.record) == without_times(at_once.record)


def at_once(*runs):
    """Run calls at the same time, each in a thread; the first error is raised."""
    with ThreadPoolExecutor(len(runs)) as pool:
        return [future.result() for future in [pool.submit(call) for call in runs]]


def test_runs_at_once_on_different_pairs_end_with_one_record_of_all_pairs(tmp_path):
    full = parallel_set(LANGUAGES)
    [whole] = run(tmp_path / "whole", [full])
    barrier = threading.Barrier(3)

    class Together(HashEncoder):
        def encode_batch(self, texts, role):
            with contextlib.suppress(threading.BrokenBarrierError):
                barrier.wait(5)  # no run has written when another one begins
            return super().encode_batch(texts, role)

    sets = [full.select(full.pairs[:4]), full.select(full.pairs[3:7]), full.select(full.pairs[6:])]
    calls = [partial(run, tmp_path, [data], Together(), cache=tmp_path / str(n)) for n, data in enumerate(sets)]
    evaluations = [evaluation for [evaluation] in at_once(*calls)]
    record = read_record(evaluations[0].folder)
    assert without_times(record) == without_times(whole.record)
    assert max(len(evaluation.record.pairs) for evaluation in evaluations) == 9
    assert [len(evaluation.asked) for evaluation in evaluations] == [4, 4, 3]


def test_replacing_runs_at_once_all_succeed(tmp_path):
    [before] = run(tmp_path)
    calls = [partial(run, tmp_path, cache=tmp_path / str(number), replace=True, save_runs=True) for number in range(4)]
    for [evaluation] in at_once(*calls):
        assert without_times(evaluation.record) == without_times(before.record)
    assert without_times(read_record(before.folder)) == without_times(before.record)
    assert [path.name for path in before.folder.parent.iterdir() if not path.name.endswith(".lock")] == ["toy"]


def test_pairs_that_a_replacement_opened_while_others_were_encoded_are_encoded_and_scored(tmp_path, capsys):
    full = parallel_set(LANGUAGES)
    german = full.select(pair for pair in full.pairs if "de" in str(pair))
    [whole] = run(tmp_path / "whole", [full])
    run(tmp_path, [german], cache=tmp_path / "first")

    class Overtaken(HashEncoder):
        def encode_batch(self, texts, role):
            if not self.encoded:
                run(
                    tmp_path,
                    [full.select(pair for pair in full.pairs if str(pair) == "en-en")],
                    cache=tmp_path / "second",
                    replace=True,
                )
            return super().encode_batch(texts, role)

    encoder = Overtaken()
    [evaluation] = run(tmp_path, [full], encoder, cache=tmp_path / "third")
    assert without_times(evaluation.record) == without_times(whole.record)
    assert "another run replaced the record meanwhile, so 5 more pairs will be scored" in capsys.readouterr().err
    of_replacement = 18  # the run that replaced the record encoded as many
    assert evaluation.record.timings["texts_encoded"] == len(encoder.encoded) + of_replacement


def test_nothing_is_deleted_before_its_replacement_is_measured(tmp_path, monkeypatch):
    [before] = run(tmp_path)
    monkeypatch.setattr(RecordFolder, "add", lambda *_: (_ for _ in ()).throw(ScoringError("cannot be scored")))
    kept = contents(before.folder)
    with pytest.raises(ScoringError):
        run(tmp_path, replace=True)
    assert contents(before.folder) == kept and read_record(before.folder) == before.record


def test_a_record_that_does_not_follow_from_its_scores_is_written_anew_by_the_next_run(tmp_path, capsys):
    [before] = run(tmp_path)
    file = before.folder / "record.json"
    text = file.read_text()
    for edit in (
        lambda record: record["pairs"][0]["measures"]["nDCG@10"].update(mean=0.99),
        lambda record: record["averages"]["all"].update({"nDCG@10": 0.99}),
        lambda record: record["identity"].update(encoder="another"),
        lambda record: record["pairs"].pop(),
    ):
        record = json.loads(text)
        edit(record)
        file.write_text(json.dumps(record))
        [after] = run(tmp_path)
        assert after.record == before.record and file.read_text() == text
        assert "record.json is rewritten from the scores" in capsys.readouterr().err
    file.unlink()
    assert without_times(run(tmp_path)[0].record) == without_times(before.record)


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
    lost = replace(toy, qrels={"all": {**toy.qrels["all"], "p0#1": {"elsewhere": 1}}})
    with pytest.raises(DataError, match="'elsewhere'"):
        run(tmp_path, [lost])


def test_a_pair_without_a_query_that_can_be_scored_is_refused_by_name(tmp_path):
    retrieval = parallel_set(("en",))
    unjudged = replace(retrieval, qrels={"all": {query: {"p0": 0} for query in retrieval.qrels["all"]}})
    with pytest.raises(DataError, match=r"^toy en-en: no query can be scored\.$"):
        run(tmp_path, [unjudged])
    with pytest.raises(DataError, match=r"^toy en-en: no query can be scored\.$"):
        measure_pairs(HashEncoder(), [make_judge(unjudged)])


def test_scores_that_cannot_be_ranked_are_named_with_task_and_pair(tmp_path, monkeypatch):
    monkeypatch.setattr(EmbeddingStore, "get", lambda self, keys: np.full((len(keys), 2), np.nan, dtype=np.float32))
    with pytest.raises(SearchError, match=r"toy en-en: [0-9]+ scores are NaN or infinite"):
        run(tmp_path)


def test_bm25_finds_shared_words_and_needs_no_vectors(tmp_path):
    [evaluation] = run(tmp_path, encoder=BM25, verify=True)
    assert next(p for p in evaluation.record.pairs if p.pair == "en-en").measures["nDCG@10"].mean > 0.9
    assert not (tmp_path / "cache").exists()


def test_runs_are_trec_runs_that_give_the_same_scores(tmp_path):
    retrieval = parallel_set(("en", "de"))
    [evaluation] = run(tmp_path, [retrieval], save_runs=True)
    for line in (evaluation.folder / "runs" / "de-en.trec").read_text().splitlines():
        query, q0, passage, rank, score, _ = line.split()
        assert q0 == "Q0" and read_run(evaluation.folder, "de-en")[query][int(rank) - 1] == (passage, float(score))
    rankings = {query: dict(ranking) for query, ranking in read_run(evaluation.folder, "de-en").items()}
    qrels = read_run_qrels(evaluation.folder, "de-en")
    assert qrels == retrieval.qrels_of(pair_named(retrieval, "de-en"))
    scores = read_scores(evaluation.folder, pairs=["de-en"], columns=["nDCG@10"])
    assert scores["nDCG@10"].tolist() == pytest.approx(
        score_run(rankings, qrels, scores["query"].tolist())[:, MEASURE_NAMES.index("nDCG@10")].tolist()
    )


def test_texts_are_kept_with_runs_each_once(tmp_path):
    retrieval = parallel_set(("en", "de"), size=40)
    [evaluation] = run(tmp_path, [retrieval], save_runs=True)
    texts = read_texts(evaluation.folder)
    queries = texts[texts["kind"] == "query"]
    for language in ("en", "de"):
        own = queries[queries["language"] == language]
        expected = retrieval.queries[language]
        assert dict(zip(own["id"], own["text"], strict=True)) == dict(zip(expected.ids, expected.texts, strict=True))
        passages = texts[(texts["kind"] == "passage") & (texts["language"] == language)]
        assert set(passages["id"]) == set(retrieval.pools[language].ids)  # all are judged here
    files = sorted(file.name for file in (evaluation.folder / "runs").glob("*.texts.parquet"))
    assert len(files) == 2 and files[0].startswith("de-") and files[1].startswith("en-")
    one = retrieval.select(retrieval.pairs[:1])
    [first] = run(tmp_path / "steps", [one], save_runs=True)
    assert set(read_texts(first.folder)["language"]) == {"en"}
    [later] = run(tmp_path / "steps", [retrieval], save_runs=True)
    both = [frame.sort_values(list(frame)).values.tolist() for frame in (texts, read_texts(later.folder))]
    assert both[0] == both[1]


def test_passages_that_are_neither_judged_nor_ranked_high_are_not_kept(tmp_path):
    retrieval = parallel_set(("en",), size=40)
    queries = retrieval.queries["en"]
    few = replace(retrieval, queries={"en": Texts(queries.language, queries.ids[:2], queries.texts[:2])})
    [evaluation] = run(tmp_path, [few], save_runs=True)
    texts = read_texts(evaluation.folder)
    kept = set(texts[texts["kind"] == "passage"]["id"])
    near = {passage for ranking in read_run(evaluation.folder, "en-en").values() for passage, _ in ranking[:10]}
    assert kept == near | {"p0"} and len(kept) < 40


def test_runs_that_a_finished_record_lacks_are_spoken_of(tmp_path, capsys):
    [before] = run(tmp_path)
    assert "rankings" not in capsys.readouterr().err
    run(tmp_path, save_runs=True)
    assert "9 pairs were scored before without their rankings; --replace writes them" in capsys.readouterr().err
    with pytest.raises(RecordError, match=r"de-en\.trec.*--save-runs --replace"):
        read_run(before.folder, "de-en")
    with pytest.raises(RecordError, match=r"holds no texts\. Measure again with --save-runs --replace"):
        read_texts(before.folder)
    run(tmp_path, save_runs=True, replace=True)
    assert len(read_run(before.folder, "de-en")) == 12


def test_ids_with_blanks_cannot_be_saved_as_runs_and_cost_no_encoding(tmp_path):
    toy = parallel_set(("en",))
    blank = Texts(toy.pools["en"].language, ("p 0", *toy.pools["en"].ids[1:]), toy.pools["en"].texts)
    encoder = HashEncoder()
    with pytest.raises(DataError, match="id 'p 0' holds a blank"):
        run(tmp_path, [replace(toy, pools={"en": blank})], encoder, save_runs=True)
    assert encoder.encoded == []


def test_damaged_saved_runs_are_named(tmp_path):
    [done] = run(tmp_path, save_runs=True)
    file = done.folder / "runs" / "de-en.trec"
    file.write_text(file.read_text() + "q Q0 p\n")
    with pytest.raises(RecordError, match=r"de-en\.trec is not the file that was saved"):
        read_run(done.folder, "de-en")
    texts = sorted((done.folder / "runs").glob("*.parquet"))[0]
    texts.write_bytes(b"PAR1")
    with pytest.raises(RecordError, match=texts.name):
        read_texts(done.folder)


def literal_rankings(encoder, mixed, pair):
    """query -> passage ids of the mixed pool, best first, by all inner products."""
    pool, queries = mixed.passages_of(pair), mixed.queries_of(pair)
    scores = encoder.encode_batch(queries.texts, "query") @ encoder.encode_batch(pool.texts, "passage").T
    return {
        query: [key for _, key in sorted(zip(row.tolist(), pool.ids, strict=True), reverse=True)]
        for query, row in zip(queries.ids, scores, strict=True)
    }


def test_a_mixed_pool_gives_the_usual_measures_with_all_translations_relevant_and_bias_beside_them(tmp_path):
    mixed = mix(parallel_set(LANGUAGES, size=20))
    [evaluation] = run(tmp_path, [mixed], verify=True)
    record = evaluation.record
    assert evaluation.folder.name == "toy+pool=mixed" and [p.pair for p in record.pairs] == [
        "de-mul",
        "en-mul",
        "sw-mul",
    ]
    assert record.identity.scoring["pool_languages"] == "de en sw"
    table = read_scores(evaluation.folder)
    for pair in mixed.pairs:
        rankings = literal_rankings(HashEncoder(), mixed, pair)
        ids, qrels = mixed.queries_of(pair).ids, mixed.qrels_of(pair)
        rows = table[table["pair"] == str(pair)].set_index("query").loc[list(ids)]
        expected = literal_scores(HashEncoder(), mixed, pair)
        assert np.abs(rows[list(MEASURE_NAMES)].to_numpy() - expected).max() < 1e-12
        own = str(pair.query)
        summary = next(p for p in record.pairs if p.pair == str(pair))
        gold = {query: sorted(qrels[query], key=rankings[query].index) for query in ids}
        first = [gold[query][0].startswith(f"{own}/") for query in ids]
        assert rows["lpr_first"].tolist() == first
        others = [[key for key in gold[query] if not key.startswith(f"{own}/")] for query in ids]
        found = [np.mean([key in rankings[q][:10] for key in keys]) for q, keys in zip(rankings, others, strict=True)]
        assert summary.measures["TLR@10"].mean == pytest.approx(np.mean(found)) and 0 < np.mean(found) < 1
        assert rows["rank:sw"].tolist() == [1 + rankings[q].index(f"sw/{q[:-2]}") for q in rankings]
        assert summary.bias.languages["sw"].mean_rank == pytest.approx(rows["rank:sw"].mean())
        assert (summary.bias.own_first, summary.bias.chance) == (summary.measures["lpr_first"], pytest.approx(1 / 3))
    assert record.bias.own_first.mean == pytest.approx(table["lpr_first"].mean())
    assert record.bias.friedman.num_blocks == 20  # passages: their questions and translations are dependent
    assert record.averages["all"]["TLR@10"] == pytest.approx(table["TLR@10"].mean())
    assert list(record.averages) == ["high", "low", "all"]  # no cross-lingual, no en-*
    assert "PEER@10" not in table  # one relevant passage a language
    assert [pair.bias for pair in run(tmp_path / "plain")[0].record.pairs] == [None] * 9


def test_a_killed_run_of_a_mixed_pool_goes_on_after_the_last_query_language(tmp_path, monkeypatch):
    mixed = mix(parallel_set(LANGUAGES))
    [whole] = run(tmp_path / "whole", [mixed], save_runs=True)
    original = RecordFolder.add
    written: list[list[str]] = []

    def add_two(self, pool, results):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append([result.summary.pair for result in results])
        original(self, pool, results)

    monkeypatch.setattr(RecordFolder, "add", add_two)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", [mixed], save_runs=True)
    assert written == [["en-mul"], ["de-mul"]]
    monkeypatch.undo()
    [resumed] = run(tmp_path / "killed", [mixed], save_runs=True)
    assert without_times(resumed.record) == without_times(whole.record)
    assert resumed.record.bias is not None
    assert contents(resumed.folder) == contents(whole.folder)


def test_mixed_pools_of_other_languages_do_not_share_a_record(tmp_path):
    run(tmp_path, [mix(parallel_set(("en", "de")))])
    with pytest.raises(RecordError, match=r"'pool_languages': 'de en'.*is now .*'pool_languages': 'de en sw'"):
        run(tmp_path, [mix(parallel_set(LANGUAGES))])
    both = run(tmp_path / "both", [parallel_set(LANGUAGES), mix(parallel_set(LANGUAGES))])
    assert [evaluation.folder.name for evaluation in both] == ["toy", "toy+pool=mixed"]


def test_queries_in_a_language_without_passages_have_no_preference(tmp_path):
    toy = parallel_set(LANGUAGES)
    without_german = toy.select(pair for pair in toy.pairs if str(pair.passage) != "de")
    [evaluation] = run(tmp_path, [mix(without_german)], encoder=BM25)
    german = next(pair for pair in evaluation.record.pairs if pair.pair == "de-mul")
    assert "lpr_first" not in german.measures and "TLR@10" in german.measures
    assert german.bias.own_first is None and german.bias.left_out["lpr_first"] == 12
    assert "lpr_first" not in evaluation.record.averages["all"]  # never averaged over fewer pairs
    assert evaluation.record.bias.left_out == {"lpr_first": 12}
    assert read_record(evaluation.folder) == evaluation.record


def test_several_relevant_passages_of_a_language_get_peer(tmp_path):
    toy = parallel_set(("en", "de"), size=8)
    qrels = {query: {**judged, "p0": 1} for query, judged in toy.qrels["all"].items()}
    mixed = mix(replace(toy, qrels={"all": qrels}))
    [evaluation] = run(tmp_path, [mixed])
    table = read_scores(evaluation.folder)
    several = ~table["query"].str.startswith("p0#")
    assert table["PEER@10"].notna().equals(several) and table["PEER@10"][several].between(0, 1).all()
    assert evaluation.record.pairs[0].bias.left_out == {"PEER@10": 2, "PEER@100": 2}


def answer_set(judged_by):
    toy = parallel_set(("en", "de"), size=8)
    answers = {query: (f"topic{query[1]}",) for query in toy.queries["de"].ids}
    answers["p0#1"] = ("yes",)
    pair = replace(pair_named(toy, "de-en"), qrels="")
    measure = {"xor": "R@2kt", "mkqa": "answer_recall@20"}[judged_by]
    return replace(
        toy,
        task="quiz",
        qrels={},
        pairs=(pair,),
        clusters={},
        answers=answers,
        judged_by=judged_by,
        main_measure=measure,
    )


def test_answer_judged_tasks_use_their_own_measures(tmp_path):
    words = Tokeniser("words", str.split)
    judge = XorJudge(answer_set("xor"), tokeniser=words)
    [xor] = evaluate(HashEncoder(), [judge], EvaluationOptions(tmp_path / "out"))
    summary = xor.record.pairs[0]
    assert list(summary.measures) == ["R@2kt", "R@5kt"]
    assert (summary.num_queries, summary.num_skipped) == (15, 1)
    assert xor.record.coverage == {"pairs": 1, "queries_scored": 15, "queries_skipped": 1}
    assert summary.measures["R@2kt"].mean == 1.0  # all eight passages fit into 2,000 tokens
    assert xor.record.identity.scoring["tokeniser"] == "words"
    [mkqa] = run(tmp_path / "mkqa", [answer_set("mkqa")])
    assert list(mkqa.record.pairs[0].measures) == ["answer_recall@20", "answer_recall@100"]
    assert mkqa.record.pairs[0].measures["answer_recall@20"].mean == pytest.approx(15 / 16)  # "yes" is in no passage


def test_queries_that_the_files_have_and_no_judgement_names_count_as_skipped(tmp_path):
    [result] = run(tmp_path, [parallel_set(left_out={"de": ("lost", "lost too")})])
    assert {pair.pair: pair.num_skipped for pair in result.record.pairs} == {
        "de-de": 2,
        "de-en": 2,
        "en-de": 0,
        "en-en": 0,
    }
    assert result.record.coverage["queries_skipped"] == 4


def test_a_model_that_gives_all_texts_one_vector_is_noted_in_the_record(tmp_path, capsys):
    def encode(texts, role):
        return np.ones((len(texts), 4), dtype=np.float32)

    [evaluation] = run(tmp_path, encoder=FunctionEncoder("constant", encode, "constant", True))
    said = capsys.readouterr().err
    for language in LANGUAGES:
        notes = [note for note in evaluation.record.notes if note.startswith(f"{language}: all ")]
        of_passages, of_queries = sorted(notes, key=lambda note: "queries" in note)
        assert "nothing but their ids decides how they are ranked" in of_passages
        assert "have the same vector, so all have the same ranking" in of_queries
        assert said.count(of_passages) == said.count(of_queries) == 1
    assert read_record(evaluation.folder) == evaluation.record


def test_a_pool_that_lacks_languages_is_another_measurement(tmp_path):
    whole = parallel_set(LANGUAGES)
    [evaluation] = run(tmp_path, [replace(whole, pool_without=(parse_language("zu"), parse_language("yo")))])
    assert evaluation.record.identity.scoring["pool_without"] == "zu yo"
    with pytest.raises(RecordError, match=r"another measurement: .*pool_without"):
        run(tmp_path, [whole])
