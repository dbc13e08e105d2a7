"""Precision: the weights' own never decides what is computed, and the record says which it was."""

import shutil

import numpy as np
import pytest
import torch
from builders.encoders import tiny_checkpoint, write_json
from safetensors.torch import load_file, save_file

from clearbench.common.errors import EncoderError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.precision import stored_precisions
from clearbench.encoders.checkpoints.transformer import TransformerEncoder, load_transformer

TEXTS = ["short", "a somewhat longer text about rivers"]
NAMES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("models") / "model", sd=0.3)


def stored_as(checkpoint, folder, rounded: str, kept: str, says: str | None):
    """A copy whose weights are rounded to one precision and stored in another, and what config.json says of it."""
    shutil.copytree(checkpoint, folder)
    weights = load_file(folder / "model.safetensors")
    types = [getattr(torch, NAMES[name]) for name in (rounded, kept)]
    weights = {key: weight.to(types[0]).to(types[1]) for key, weight in weights.items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "config.json", dtype=says and NAMES[says])
    return folder


def load(folder, **options) -> TransformerEncoder:
    return load_transformer(str(folder), EncoderOptions(device="cpu", **options))


@pytest.mark.parametrize("half", ["bf16", "fp16"])
@pytest.mark.parametrize("computed", ["fp32", "bf16"])
def test_weights_stored_in_half_precision_give_what_they_give_when_stored_in_full(checkpoint, tmp_path, half, computed):
    full = load(stored_as(checkpoint, tmp_path / "full", half, "fp32", "fp32"), dtype=computed)
    for number, says in enumerate((half, "fp32", None)):
        stored = load(stored_as(checkpoint, tmp_path / str(number), half, half, says), dtype=computed)
        assert {weight.dtype for weight in stored.model.parameters()} == {torch.float32}
        for role in ("query", "passage"):
            assert stored.encode_batch(TEXTS, role).tobytes() == full.encode_batch(TEXTS, role).tobytes()
        assert stored.settings["dtype"] == computed and half in str(stored.settings["stored_dtype"])
    assert "stored_dtype" not in full.settings


def test_left_to_itself_the_library_computes_in_half_precision(checkpoint, tmp_path):
    from sentence_transformers import SentenceTransformer

    folder = stored_as(checkpoint, tmp_path / "half", "bf16", "bf16", "bf16")
    half = SentenceTransformer(str(folder), device="cpu").encode(TEXTS, convert_to_tensor=True).float()
    library = torch.nn.functional.normalize(half, dim=1).numpy()
    assert np.abs(load(folder).encode_batch(TEXTS, "query") - library).max() > 1e-4


def test_a_full_precision_checkpoint_that_says_half_is_not_found_under_its_earlier_identity(checkpoint, tmp_path):
    says_half = load(stored_as(checkpoint, tmp_path / "half", "fp32", "fp32", "bf16"))
    assert says_half.settings["stored_dtype"] == "bf16, fp32"
    assert load(checkpoint).encode_batch(TEXTS, "query").tobytes() == says_half.encode_batch(TEXTS, "query").tobytes()


def test_stored_precisions_are_read_from_headers_and_configurations(checkpoint, tmp_path):
    assert stored_precisions(checkpoint) == ("fp32",)
    weights = load_file(checkpoint / "model.safetensors")
    mixed = {key: weight.half() if "layer.0" in key else weight for key, weight in weights.items()}
    folder = shutil.copytree(checkpoint, tmp_path / "mixed")
    save_file({**mixed, "ids": torch.arange(3)}, folder / "model.safetensors", metadata={"format": "pt"})
    assert stored_precisions(folder) == ("fp16", "fp32")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    assert stored_precisions(folder) == ("fp32", "unknown")


@pytest.mark.parametrize("content", [b"", b"12345678", b"\x02\0\0\0\0\0\0\0[]", b'\x0b\0\0\0\0\0\0\0{"a": "b"} '])
def test_a_damaged_header_is_refused(tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(EncoderError, match=r"model\.safetensors is not a safetensors file, or is damaged"):
        stored_precisions(tmp_path)
