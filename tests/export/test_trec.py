"""TREC files, read by their consumers: trec_eval and ir_measures."""

import pytest
from builders.files import write
from builders.records import write_model

from clearbench.common.errors import RecordError
from clearbench.export.trec import export_trec
from clearbench.records.select import load_results

TREC = {
    **{f"{name}@{k}": f"{key}_{k}" for name, key in (("nDCG", "ndcg_cut"), ("recall", "recall")) for k in (1, 10, 100)},
    "MAP@100": "map_cut_100",
    "success@5": "success_5",
}


def parse(path):
    return [line.split() for line in path.read_text(encoding="utf-8").splitlines()]


def test_trec_eval_finds_the_records_figures_in_the_exported_files(ranked, tmp_path):
    import pytrec_eval

    exported = export_trec(ranked, tmp_path / "trec")
    assert len(exported.files) == 8 and exported.notes == ()
    for pair in ranked.record.pairs:
        qrels: dict[str, dict[str, int]] = {}
        run: dict[str, dict[str, float]] = {}
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


def test_an_edited_ranking_is_refused_and_one_without_checksum_is_exported_with_a_note(ranked, tmp_path):
    file = ranked.place / "runs" / "de-en.trec"
    file.write_text(file.read_text().replace(" 1 ", " 2 ", 1))
    with pytest.raises(RecordError, match=r"de-en\.trec is not the file that was saved"):
        export_trec(ranked, tmp_path / "trec")
    file.with_suffix(".sha256").unlink()
    [note] = export_trec(ranked, tmp_path / "trec").notes
    assert "saved de-en without checksums" in note and "clearbench verify" in note


def test_an_id_with_a_blank_is_refused(tmp_path):
    write_model(tmp_path, "model", {"xquad": {"de-en": [0.5]}})
    [entry] = load_results(tmp_path)
    write(entry.place / "runs" / "de-en.trec", "q0 Q0 p 1 0.5 clearbench\nq 1 Q0 p 1 0.5 clearbench\n")
    write(entry.place / "runs" / "de-en.qrels", "q0 0 p 1\n")
    with pytest.raises(RecordError, match=r"de-en\.trec:2 has 7 fields, expected 6: an id holds a blank"):
        export_trec(entry, tmp_path / "trec")
