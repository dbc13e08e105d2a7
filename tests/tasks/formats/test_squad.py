"""MLQA (one file per pair) and TyDi QA (monolingual)."""

import pytest
from builders.files import write
from builders.tasks import squad, write_task

from clearbench.common.errors import DataError
from clearbench.tasks.load import load_task
from clearbench.tasks.options import DataLocation, Selection

ALL = Selection(all_pairs=True)


def write_mlqa(folder, files):
    for pair, paragraphs in files.items():
        query, passage = pair.split("-")
        write(folder / "dev" / f"dev-context-{passage}-question-{query}.json", squad(*paragraphs))
    source = {"key": "questions", "local": ["{split}/{split}-context-{passage}-question-{query}.json"]}
    options = {"layout": "pairs", "split": "dev"}
    return str(write_task(folder, reader="squad", languages=["en", "de"], sources=[source], options=options))


FILES = {
    "en-en": [
        ("Context A", {"q1": "One? ", "q2": "Two?"}),
        ("Context B", {"q3": "Three?"}),
        ("Context A", {"q4": "4?"}),
    ],
    "de-en": [("Context A", {"q1": " Eins?", "q2": "Zwei?"})],
    "de-de": [("Kontext 1", {"q1": " Eins?"}), ("Kontext 2", {"q2": "Zwei?"})],
}


def test_a_pairs_pool_is_the_distinct_contexts_of_its_file(tmp_path):
    data = load_task(write_mlqa(tmp_path, FILES), ALL, DataLocation(data_dir=tmp_path))
    assert {key: pool.texts for key, pool in data.pools.items()} == {
        "en-en": ("Context A", "Context B"),
        "de-en": ("Context A",),
        "de-de": ("Kontext 1", "Kontext 2"),
    }
    assert data.pools["en-en"].ids[0] == data.pools["de-en"].ids[0], "the same text has the same id everywhere"
    assert data.notes == ("pairs without files: en-de (1 of 4).",)


def test_questions_lose_the_blanks_around_them(tmp_path):
    data = load_task(write_mlqa(tmp_path, FILES), Selection(pairs="de-en"), DataLocation(data_dir=tmp_path))
    assert data.queries_of(data.pairs[0]).texts == ("Eins?", "Zwei?")
    assert data.qrels_of(data.pairs[0])["q1"] == {data.pools["de-en"].ids[0]: 1}


def test_the_english_context_decides_the_cluster_whichever_pairs_are_loaded(tmp_path):
    task = write_mlqa(tmp_path, FILES)
    one = load_task(task, Selection(pairs="de-de"), DataLocation(data_dir=tmp_path)).clusters
    all_ = load_task(task, ALL, DataLocation(data_dir=tmp_path)).clusters
    assert one == all_
    assert one["q1"] == one["q2"] == one["q4"] != one["q3"]


def test_without_the_english_file_the_pairs_own_context_decides(tmp_path):
    files = {"de-de": FILES["de-de"]}
    data = load_task(write_mlqa(tmp_path, files), ALL, DataLocation(data_dir=tmp_path))
    assert data.clusters["q1"] != data.clusters["q2"]


def test_a_pair_that_was_named_must_have_its_file(tmp_path):
    task, location = write_mlqa(tmp_path, FILES), DataLocation(data_dir=tmp_path)
    with pytest.raises(
        DataError, match=r"no questions file for en-de\. Looked for: .*dev-context-de-question-en\.json"
    ):
        load_task(task, Selection(languages="en,de"), location)
    assert len(load_task(task, Selection(pairs="en-*"), location).pairs) == 1


def test_without_any_file_there_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no questions file for en-en"):
        load_task(write_mlqa(tmp_path, {}), ALL, DataLocation(data_dir=tmp_path))


def test_equal_questions_can_be_merged(tmp_path):
    files = {"en-en": [("Context A", {"q1": "One?"}), ("Context B", {"q2": "One? "})]}
    options = {"merge_duplicate_questions": True}
    data = load_task(write_mlqa(tmp_path, files), ALL, DataLocation(data_dir=tmp_path), options=options)
    assert data.queries_of(data.pairs[0]).ids == ("q1",)
    assert data.qrels_of(data.pairs[0]) == {"q1": dict.fromkeys(data.pools["en-en"].ids, 1)}


def test_monolingual_files_give_one_pair_a_language(tmp_path):
    write(tmp_path / "tydiqa.goldp.te.dev.json", squad(("Passage", {"te-1": "Question?"})))
    source = {"key": "questions", "local": ["tydiqa.goldp.{language}.{split}.json"]}
    options = {"layout": "monolingual", "split": "dev"}
    task = str(write_task(tmp_path, reader="squad", languages=["en", "te"], sources=[source], options=options))
    data = load_task(task, location=DataLocation(data_dir=tmp_path))
    assert [str(pair) for pair in data.pairs] == ["te-te"]
    assert data.notes == ("pairs without files: en-en (1 of 2).",)
    with pytest.raises(DataError, match="no questions file for en"):
        load_task(task, Selection(languages="en"), DataLocation(data_dir=tmp_path))
