"""How tokenizers cut and pad is put back as it was, whatever was tokenized since."""

import pytest
from builders.encoders import tiny_checkpoint
from sentence_transformers import SentenceTransformer

from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.tokenizers import read_tokenizers
from clearbench.encoders.checkpoints.transformer import load_transformer


@pytest.mark.parametrize("cuts", [False, True])
def test_what_a_call_changes_is_put_back(tmp_path, cuts):
    model = SentenceTransformer(str(tiny_checkpoint(tmp_path / "tiny")), device="cpu")
    tokenizer = model.tokenizer.backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if cuts:
        tokenizer.enable_truncation(7, stride=2, direction="left")
        tokenizer.enable_padding(pad_id=3, pad_token="[X]", length=9, direction="left", pad_to_multiple_of=4)
    before = tokenizer.to_str()
    [settings] = read_tokenizers(model)
    model.encode(["topic 1", "a longer text about the topic"])
    assert tokenizer.to_str() != before
    settings.restore()
    assert tokenizer.to_str() == before


def test_models_without_such_a_tokenizer_have_nothing_to_put_back():
    from torch.nn import Linear

    assert read_tokenizers(Linear(2, 2)) == ()


def test_loading_leaves_the_tokenizer_as_the_checkpoint_has_it(tmp_path):
    """A checkpoint is tried with two texts when it is loaded, which must not show in what is saved from it."""
    folder = tiny_checkpoint(tmp_path / "tiny")
    plain = SentenceTransformer(str(folder), device="cpu").tokenizer.backend_tokenizer.to_str()
    loaded = load_transformer(str(folder), EncoderOptions(device="cpu")).model
    assert loaded.tokenizer.backend_tokenizer.to_str() == plain
