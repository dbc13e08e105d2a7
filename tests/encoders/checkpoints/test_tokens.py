"""Tokens: lengths as the model has them, and a tokenizer that is the checkpoint's own."""

import json
import shutil
from typing import Any

import numpy as np
import pytest
import torch
from builders.encoders import offset_checkpoint, tiny_checkpoint, without_length, write_json

from clearbench.common.errors import EncoderError, UsageError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.tokens import num_positions, token_limit
from clearbench.encoders.checkpoints.transformer import TransformerEncoder, load_transformer

LONG = "a b c d e f g h i j " * 20
TEXTS = ["short", LONG]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("plain") / "bert", modules=False)


@pytest.fixture
def folder(plain, tmp_path):
    return shutil.copytree(plain, tmp_path / "model")


def load(folder, **options) -> TransformerEncoder:
    return load_transformer(str(folder), EncoderOptions(device="cpu", **{"pooling": "mean", **options}))


@pytest.fixture
def relative(folder):
    """A model with relative positions, whose tokenizer names no length."""
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(0)
    config = T5Config(vocab_size=91, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    T5EncoderModel(config).save_pretrained(folder)
    return without_length(folder)


@pytest.fixture
def offset(tmp_path):
    return offset_checkpoint(tmp_path / "model")


def test_a_checkpoint_without_a_length_limit_reads_whole_texts_as_the_library_does(relative):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    encoder = load(relative)
    modules = [Transformer(str(relative)), Pooling(16, "mean")]
    expected = SentenceTransformer(modules=modules, device="cpu").encode(TEXTS, normalize_embeddings=True)
    assert np.abs(encoder.encode_batch(TEXTS, "query") - expected).max() < 1e-6
    assert encoder.count_tokens(TEXTS, "query")[1] == 202
    assert encoder.settings["max_length"] is None
    assert (token_limit(encoder.model), num_positions(encoder.model)) == (None, None)
    assert load(relative, max_length=32).count_tokens(TEXTS, "query")[1] == 32


def test_more_tokens_than_positions_are_one_error_that_names_the_option(offset):
    encoder = load(offset)
    assert (token_limit(encoder.model), num_positions(encoder.model)) == (66, 64)
    with pytest.raises(EncoderError, match="positions for 64 tokens, but its tokenizer gave 66: pass --max-length 64"):
        encoder.encode_batch(TEXTS, "query")
    assert np.isfinite(load(offset, max_length=64).encode_batch(TEXTS, "query")).all()
    with pytest.raises(UsageError, match="--max-length 65: expected 3 to 64"):
        load(offset, max_length=65)


@pytest.mark.parametrize("length", [-5, 0, 2])
def test_a_stored_length_that_leaves_no_token_is_one_error(tmp_path, length):
    folder = tiny_checkpoint(tmp_path / "model")
    write_json(folder / "sentence_bert_config.json", max_seq_length=length)
    with pytest.raises(
        EncoderError, match=rf"its maximum length is {length} tokens; expected 3 or more\. Pass --max-length"
    ):
        load(folder, pooling=None)
    assert load(folder, pooling=None, max_length=8).settings["max_length"] == 8


def other_tokenizers(folder):
    """Architectures with tokenizers of their own, each as a configuration."""
    from transformers import BertConfig, MPNetConfig, RobertaConfig, T5Config, XLMRobertaConfig

    small: dict[str, Any] = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
    }
    yield from (kind(vocab_size=91, **small) for kind in (BertConfig, RobertaConfig, XLMRobertaConfig, MPNetConfig))
    yield T5Config(vocab_size=91, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)


@pytest.mark.parametrize("number", range(5))
def test_a_checkpoint_without_a_tokenizer_is_refused_whatever_the_library_makes_up(tmp_path, number):
    from transformers import AutoModel

    config = list(other_tokenizers(tmp_path))[number]
    AutoModel.from_config(config).save_pretrained(tmp_path / "model")
    with pytest.raises(EncoderError) as caught:
        load(tmp_path / "model")
    assert "tokenizer" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("kept", [(), ("tokenizer_config.json",)])
def test_missing_tokenizer_files_are_refused_also_where_modules_json_is_there(tmp_path, kept):
    folder = tiny_checkpoint(tmp_path / "model")
    for file in folder.glob("*token*"):
        if file.name not in kept:
            file.unlink()
    (folder / "vocab.txt").unlink(missing_ok=True)
    with pytest.raises(EncoderError, match=r"has no tokenizer.*expected tokenizer\.json, vocab\.txt"):
        load_transformer(str(folder), EncoderOptions(device="cpu"))


def test_a_tokenizer_that_cannot_pad_is_refused(folder):
    from transformers import PreTrainedTokenizerFast

    fast = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), unk_token="[UNK]")
    fast.save_pretrained(folder)
    write_json(folder / "tokenizer_config.json", pad_token=None)
    with pytest.raises(EncoderError, match=r'no padding token.*"pad_token" in its tokenizer_config\.json'):
        load(folder)


def test_a_tokenizer_with_more_tokens_than_the_model_is_one_error(folder):
    vocabulary = json.loads((folder / "tokenizer.json").read_text())
    vocabulary["model"]["vocab"]["a"] = 1000
    (folder / "tokenizer.json").write_text(json.dumps(vocabulary))
    with pytest.raises(EncoderError, match="model cannot encode 2 texts: IndexError"):
        load(folder)
