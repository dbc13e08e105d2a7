"""Prompts: by sentence-transformers' own rule where it has one, by well-known names, and never lost in silence."""

import shutil

import numpy as np
import pytest
from builders.encoders import store_prompts, tiny_checkpoint

from clearbench.common.errors import EncoderError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.prompts import ROLES, names_for
from clearbench.encoders.checkpoints.transformer import TransformerEncoder, load_transformer

TEXTS = ["short", "a somewhat longer text about rivers"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("models") / "final")


@pytest.fixture
def copy(checkpoint, tmp_path):
    return shutil.copytree(checkpoint, tmp_path / "final")


def load(folder, **options) -> TransformerEncoder:
    return load_transformer(str(folder), EncoderOptions(device="cpu", **options))


def prompts_of(folder, **options) -> tuple[str, str, str]:
    encoder = load(folder, **options)
    return encoder.prompts["query"], encoder.prompts["passage"], encoder.prompt_source


@pytest.mark.parametrize(
    ("stored", "default"),
    [
        ({}, None),
        ({"query": "q: ", "document": "d: "}, None),
        ({"query": "q: "}, None),
        ({"document": "d: "}, None),
        ({"query": "q: ", "document": "d: ", "passage": "p: ", "corpus": "c: "}, None),
        ({"query": "q: ", "document": "d: ", "classification": "c: "}, "classification"),
        ({"query": "q: ", "document": "d: "}, "query"),
        ({"sts": "s: ", "clustering": "c: "}, "sts"),
        ({"query": "", "document": "", "sts": "s: "}, None),
    ],
)
def test_vectors_equal_encode_query_and_encode_document(copy, stored, default):
    from sentence_transformers import SentenceTransformer

    store_prompts(copy, stored, default)
    encoder, reference = load(copy), SentenceTransformer(str(copy), device="cpu")
    for role in ROLES:
        encode = {"query": reference.encode_query, "passage": reference.encode_document}[role]
        expected = encode(TEXTS, normalize_embeddings=True)
        assert np.abs(encoder.encode_batch(TEXTS, role) - expected).max() < 1e-6
        for prompt in {*stored.values()} - {encoder.prompts[role]}:
            other = encode(TEXTS, prompt=prompt, normalize_embeddings=True)
            assert np.abs(other - expected).max() > 1e-4  # a wrong prompt would be seen


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"query": "q", "passage": "p"}, ("q", "p", "checkpoint")),
        ({"query": "q", "document": "", "passage": "p"}, ("q", "p", "checkpoint")),
        ({"query": "q", "corpus": "c"}, ("q", "c", "checkpoint")),
        (
            {"retrieval.query": "q", "retrieval.passage": "p", "text-matching": "t"},
            ("q", "p", "checkpoint (retrieval.query, retrieval.passage)"),
        ),
        (
            {"search_query": "q", "search_document": "d", "clustering": "c"},
            ("q", "d", "checkpoint (search_query, search_document)"),
        ),
        ({"s2s_query": "s", "s2p_query": "q"}, ("q", "", "checkpoint (s2p_query)")),
        ({"web_search_query": "q", "sts_query": "s"}, ("q", "", "checkpoint (web_search_query)")),
        (
            {"Retrieval-query": "q", "Retrieval-document": "d", "STS": "s"},
            ("q", "d", "checkpoint (Retrieval-query, Retrieval-document)"),
        ),
        ({"query": "", "document": "", "search_query": "q"}, ("q", "", "checkpoint (search_query)")),
        ({"query": "q", "search_document": "d"}, ("q", "", "checkpoint")),
    ],
)
def test_prompts_are_found_by_what_their_names_say(copy, stored, expected, capsys):
    assert prompts_of(store_prompts(copy, stored)) == expected
    assert load(copy).prompt_note is None and capsys.readouterr().err == ""


def test_prompts_that_are_not_used_are_said_in_the_record_and_on_stderr(copy, capsys):
    store_prompts(copy, {"query": "", "document": "", "sts": "s: ", "clustering": "c: "}, "sts")
    encoder = load(copy)
    assert (encoder.prompts["query"], encoder.prompts["passage"]) == ("", "")
    said = capsys.readouterr().err
    assert (
        said.count("\n") == 1
        and "has prompts (sts, clustering)" in said
        and "but none (the default prompt sts included) is named for queries or passages, so" in said
    )
    assert encoder.settings["prompt_note"] == said.strip()
    assert prompts_of(copy, query_prompt="s: ", passage_prompt="")[2] == "options"
    assert capsys.readouterr().err == ""


def test_a_familys_prompts_by_name_stand_in_for_those_that_are_not_used(checkpoint, tmp_path, capsys):
    folder = shutil.copytree(checkpoint, tmp_path / "multilingual-e5-small")
    assert prompts_of(store_prompts(folder, {"sts": "s: "})) == ("query: ", "passage: ", "family e5")
    assert "those of the family e5 are used" in capsys.readouterr().err


def test_one_option_leaves_the_other_role_to_the_checkpoint(copy):
    store_prompts(copy, {"retrieval.query": "q: ", "retrieval.passage": "p: "})
    assert prompts_of(copy, query_prompt="x: ") == ("x: ", "p: ", "options")


@pytest.mark.parametrize(
    ("stored", "message"), [({"query": 3}, "the prompt 'query' is 3; expected a text"), (["q: "], "not an object")]
)
def test_a_prompt_that_is_not_text_is_refused(copy, stored, message):
    with pytest.raises(EncoderError, match=message):
        load(store_prompts(copy, stored))


def test_names_for_a_role_are_those_that_could_serve_it():
    stored = dict.fromkeys(["sts", "search_query", "query", "document", "Retrieval.Passage"], "x")
    assert names_for("query", stored) == ["query", "search_query"]
    assert names_for("passage", stored) == ["document", "Retrieval.Passage"]


def test_the_case_of_a_prompts_name_counts_as_in_sentence_transformers():
    assert names_for("query", {"Query": "Q: ", "query": "q: "}) == ["query"]
    assert names_for("passage", {"Passage": "P: "}) == []
