"""Loading by name: each kind of model has its own options, and an option that it has not is refused."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from builders.encoders import HashEncoder, tiny_checkpoint

from clearbench.common.errors import UsageError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.bm25 import BM25, LexicalEncoder
from clearbench.encoders.function import FunctionEncoder
from clearbench.encoders.load import FOR_EVERY_KIND, load_dense, load_encoder, require_vectors

SET: dict[str, Any] = {
    "pooling": "cls", "query_prompt": "", "passage_prompt": "p: ", "max_length": 64, "dtype": "bf16",
    "device": "cpu", "truncate_dim": 99999, "revision": "main", "trust_remote_code": True, "allow_pickle": True,
    "offline": True, "batch_tokens": 64, "cache_dir": Path("cache"),
}  # fmt: skip
OF_CHECKPOINTS = sorted(set(SET) - set(FOR_EVERY_KIND))


@pytest.fixture
def function(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_encoder.py").write_text("def encode(texts, role):\n    return [[1.0, 2.0] for _ in texts]\n")
    return "own_encoder:encode"


def test_every_option_is_tried_here():
    assert set(SET) == {field.name for field in fields(EncoderOptions)}


@pytest.mark.parametrize("name", OF_CHECKPOINTS)
def test_an_option_of_checkpoints_is_refused_for_other_kinds(function, name):
    flag = f"--{name.replace('_', '-')}"
    for model, kind in (("bm25", "bm25 matches words"), (function, "is a Python function")):
        with pytest.raises(UsageError, match=f"{kind} and has no {flag}: only a checkpoint has"):
            load_encoder(model, EncoderOptions(**{name: SET[name]}))


def test_options_that_change_no_result_may_be_given_to_every_kind(function):
    options = EncoderOptions(**{name: SET[name] for name in FOR_EVERY_KIND})
    assert isinstance(load_encoder("bm25", options), LexicalEncoder)
    encoder = load_encoder(function, options)
    assert isinstance(encoder, FunctionEncoder) and encoder.batch_tokens == 64


def test_all_options_that_do_not_fit_are_named_at_once():
    with pytest.raises(UsageError, match="has no --pooling, --dtype: "):
        load_encoder("bm25", EncoderOptions(pooling="cls", dtype="bf16"))


def test_a_folder_has_no_revision(tmp_path):
    folder = tiny_checkpoint(tmp_path / "model")
    with pytest.raises(UsageError, match="--revision main: only a checkpoint from the Hub has revisions"):
        load_encoder(str(folder), EncoderOptions(revision="main"))


def test_what_needs_vectors_refuses_bm25():
    with pytest.raises(UsageError, match="--model bm25 has no vectors: ranks need an embedding model"):
        load_dense("bm25", EncoderOptions(), "ranks need an embedding model")
    with pytest.raises(UsageError, match="no vectors"):
        require_vectors(BM25, "they are changed")
    encoder = HashEncoder()
    assert require_vectors(encoder, "they are changed") is encoder
