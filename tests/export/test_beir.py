"""BEIR folders, read back by the reader of BEIR folders."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets
from builders.tasks import write_belebele, write_task

from clearbench.common.errors import DataError, RecordError
from clearbench.common.languages import parse_language
from clearbench.encoders.bm25 import LexicalEncoder
from clearbench.evaluation.options import EvaluationOptions
from clearbench.export.beir import check_same_data, export_beir
from clearbench.tasks.dataset import Dataset, TaskPair, Texts
from clearbench.tasks.load import load_task
from clearbench.tasks.options import DataLocation, Selection


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
    assert notes == ("Readers of BEIR folders remove the blanks around the text of 1 passage.",)
    assert load_task(str(tmp_path)).pools["en"].texts == ("passage", "passage")


def test_a_model_scores_the_same_on_an_exported_folder(tmp_path):
    before = parallel_set(("en", "de", "sw"), 15)
    export_beir(before, tmp_path / "beir")
    after = load_task(str(tmp_path / "beir"), Selection(all_pairs=True))
    figures = []
    for place, retrieval in enumerate((before, after)):
        [evaluation] = evaluate_sets(LexicalEncoder(), [retrieval], EvaluationOptions(out=tmp_path / str(place)))
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
    found: dict[str, Any] = {}
    for folder in sorted({file.parent for file in map(Path, exported.files) if file.name == "corpus.jsonl"}):
        found |= plain(load_task(str(folder), Selection(all_pairs=True)), prefixed=True)
    wanted = plain(before)
    assert found == wanted


def test_a_set_that_skips_self_matches_is_read_back_with_the_same_option(tmp_path):
    english = parse_language("en")
    texts = Texts(english, ("d1", "d2"), ("One?", "Two?"))
    own = {"en-en": {"d1": "d1", "d2": "d2"}}
    pair = TaskPair(english, english, "en-en", "en", "en-en")
    qrels = {"en-en": {"d1": {"d2": 1}, "d2": {"d1": 1}}}
    data = Dataset("self", 1, {"en": texts}, {"en-en": texts}, qrels, (pair,), own_passages=own)
    assert "skip_self=true" in export_beir(data, tmp_path).notes[-1]
    again = load_task(str(tmp_path), options={"skip_self": True})
    assert again.pair_fingerprint(again.pairs[0]) == data.pair_fingerprint(pair)
