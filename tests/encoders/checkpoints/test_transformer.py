"""Checkpoints: vectors equal sentence-transformers', identity is content, broken ones are refused by name."""

import json
import shutil

import numpy as np
import pytest
from builders.checkpoints import TEXTS, load_on_cpu
from builders.encoders import tiny_checkpoint

from clearbench.common.errors import UsageError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.transformer import load_transformer


def test_vectors_equal_sentence_transformers(checkpoint):
    from sentence_transformers import SentenceTransformer

    encoder = load_on_cpu(checkpoint)
    expected = SentenceTransformer(str(checkpoint), device="cpu").encode(TEXTS, normalize_embeddings=True)
    assert np.abs(encoder.encode_batch(TEXTS, "query") - expected).max() < 1e-6
    alone = np.concatenate([encoder.encode_batch([text], "query") for text in TEXTS])
    assert np.abs(encoder.encode_batch(TEXTS, "query") - alone).max() < 1e-6


def test_token_counts_are_what_the_model_sees(checkpoint):
    encoder = load_on_cpu(checkpoint, max_length=12, query_prompt="ask: ")
    counts = encoder.count_tokens(TEXTS, "query")
    features = [encoder.model.preprocess([text], prompt="ask: ")["input_ids"].shape[1] for text in TEXTS]
    assert counts.tolist() == features and counts.max() == 12


def test_prompts_change_vectors_identity_and_can_be_emptied(checkpoint, copy):
    config = copy / "config_sentence_transformers.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "prompts": {"query": "q: ", "document": "d: "}}))
    plain, prompted = load_on_cpu(checkpoint), load_on_cpu(copy)
    assert prompted.prompts == {"query": "q: ", "passage": "d: "}
    assert prompted.settings["prompt_source"] == "checkpoint"
    expected = plain.encode_batch([f"q: {text}" for text in TEXTS], "query")
    assert np.abs(prompted.encode_batch(TEXTS, "query") - expected).max() < 1e-6
    emptied = load_on_cpu(copy, query_prompt="", passage_prompt="")
    assert np.abs(emptied.encode_batch(TEXTS, "query") - plain.encode_batch(TEXTS, "query")).max() < 1e-6
    assert len({plain.fingerprint, prompted.fingerprint, emptied.fingerprint}) == 3


def test_a_well_known_familys_prompts_apply_by_name_and_options_win(checkpoint, tmp_path):
    e5 = shutil.copytree(checkpoint, tmp_path / "multilingual-e5-small")
    assert load_on_cpu(e5).prompts == {"query": "query: ", "passage": "passage: "}
    assert load_on_cpu(e5).settings["prompt_source"] == "family e5"
    assert load_on_cpu(e5, passage_prompt="").prompts == {"query": "query: ", "passage": ""}


def test_identity_is_content_not_name(checkpoint, copy, tmp_path):
    assert load_on_cpu(copy).fingerprint == load_on_cpu(checkpoint).fingerprint
    (copy / "README.md").write_text("another model card")
    (copy / "checkpoint-10").mkdir()
    (copy / "checkpoint-10" / "model.safetensors").write_bytes(b"leftover")
    assert load_on_cpu(copy).fingerprint == load_on_cpu(checkpoint).fingerprint
    other = tiny_checkpoint(tmp_path / "other" / "final", seed=1)
    assert load_on_cpu(other).name == load_on_cpu(checkpoint).name == "final"
    assert load_on_cpu(other).fingerprint != load_on_cpu(checkpoint).fingerprint


@pytest.mark.parametrize("change", [{"max_length": 16}, {"dtype": "bf16"}, {"truncate_dim": 8}, {"query_prompt": "x"}])
def test_every_setting_that_changes_a_vector_changes_the_identity(checkpoint, change):
    assert load_on_cpu(checkpoint, **change).fingerprint != load_on_cpu(checkpoint).fingerprint


def test_truncation_comes_before_normalisation(checkpoint):
    whole = load_on_cpu(checkpoint).encode_batch(TEXTS, "query")
    cut = load_on_cpu(checkpoint, truncate_dim=8).encode_batch(TEXTS, "query")
    expected = whole[:, :8] / np.linalg.norm(whole[:, :8], axis=1, keepdims=True)
    assert cut.shape == (4, 8) and np.abs(cut - expected).max() < 1e-6


def test_bf16_is_close_to_fp32_and_gives_float32(checkpoint):
    half = load_on_cpu(checkpoint, dtype="bf16").encode_batch(TEXTS, "query")
    full = load_on_cpu(checkpoint).encode_batch(TEXTS, "query")
    assert half.dtype == np.float32
    assert 0 < np.abs(half - full).max() < 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "fp64"}, "expected one of fp32, bf16, fp16"),
        ({"dtype": "fp16"}, "very slow on a CPU"),
        ({"truncate_dim": 17}, "expected 1 to 16"),
        ({"max_length": 65}, "expected 3 to 64"),
    ],
)
def test_options_out_of_range_are_usage_errors(checkpoint, options, message):
    with pytest.raises(UsageError, match=message):
        load_on_cpu(checkpoint, **options)


@pytest.mark.parametrize("device", ["tpu", "cuda:99", "cuda:x"])
def test_unknown_devices_are_usage_errors(checkpoint, device):
    with pytest.raises(UsageError, match="--device"):
        load_transformer(str(checkpoint), EncoderOptions(device=device))
