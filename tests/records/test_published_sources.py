"""Sources of published figures: none by default, shipped ones, and those of a checkout of the MTEB results."""

import json

import pytest
from builders.files import write

from clearbench.common.errors import UsageError
from clearbench.records.published import load_published
from clearbench.records.published_sources import PublishedSources


@pytest.fixture
def checkout(tmp_path):
    scores = {"test": [{"hf_subset": "deu-eng", "accuracy": 0.5}]}
    for model in ("BAAI__bge-m3", "intfloat__multilingual-e5-small"):
        content = {"dataset_revision": "1", "mteb_version": "2.0.0", "scores": scores}
        write(tmp_path / "results" / model / "abcdefghij" / "Tatoeba.json", json.dumps(content))
    write(tmp_path / "results" / "BAAI__bge-m3" / "broken" / "Tatoeba.json", "{")
    return tmp_path


def test_without_a_source_nothing_is_read():
    assert PublishedSources().load(["belebele"]) == ((), ())
    assert PublishedSources(with_published=True).load(["belebele"]) == (load_published(), ())


def test_figures_of_both_sources_are_joined_and_broken_files_said(checkout):
    entries, notes = PublishedSources(with_published=True, mteb_results=checkout).load(["tatoeba"])
    assert entries[: len(load_published())] == load_published()
    assert [entry.model for entry in entries[len(load_published()) :]] == [
        "BAAI/bge-m3 @ abcdefg",
        "intfloat/multilingual-e5-small @ abcdefg",
    ]
    assert len(notes) == 1 and "broken" in notes[0]


def test_models_are_chosen_among_those_of_a_checkout(checkout):
    entries, _ = PublishedSources(mteb_results=checkout, mteb_models=("BAAI/bge-m3",)).load(["tatoeba"])
    assert [entry.model for entry in entries] == ["BAAI/bge-m3 @ abcdefg"]
    with pytest.raises(UsageError, match="--mteb-results DIR"):
        PublishedSources(mteb_models=("BAAI/bge-m3",)).load(["tatoeba"])
