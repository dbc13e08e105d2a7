"""The folder: sentence-transformers loads it with the weights, the tokens, the pooling and the prompts of the file."""

import json

import numpy as np
import pytest
import torch
from builders.q4 import SIZES, TinyFile
from safetensors.numpy import load_file

from clearbench.encoders.packaged.folder import WEIGHTS_FILE, bert_name, write_folder
from clearbench.encoders.packaged.q4 import read_q4

PROMPTS = {"query": "ask: ", "passage": "tell: "}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The weights computed one by one, and the folder."""
    place = tmp_path_factory.mktemp("folder")
    weights = TinyFile().write(place / "tiny.bin")
    write_folder(read_q4(place / "tiny.bin"), place / "tiny", PROMPTS, "# Tiny\n")
    return weights, place / "tiny"


def test_weights_are_those_of_the_file_under_berts_names(made):
    from transformers import BertConfig, BertModel

    weights, folder = made
    stored = load_file(folder / WEIGHTS_FILE)
    assert set(stored) == {bert_name(name) for name in weights}
    for name, expected in weights.items():
        assert np.array_equal(stored[bert_name(name)], expected)
    model = BertModel(BertConfig.from_pretrained(folder), add_pooling_layer=False)
    assert set(stored) == set(model.state_dict())


def test_vectors_are_means_of_berts_token_vectors_of_unit_norm(made):
    from sentence_transformers import SentenceTransformer
    from transformers import AutoTokenizer, BertModel

    _, folder = made
    loaded = SentenceTransformer(str(folder), device="cpu")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = BertModel.from_pretrained(folder, add_pooling_layer=False)
    assert loaded.max_seq_length == SIZES[5]
    for encode, prompt in ((loaded.encode_query, "ask: "), (loaded.encode_document, "tell: ")):
        for text in ("the river", "flows the river flows"):
            with torch.inference_mode():
                tokens = model(**tokenizer(prompt + text, return_tensors="pt")).last_hidden_state[0]
            expected = tokens.mean(0) / tokens.mean(0).norm()
            assert np.abs(encode([text])[0] - expected.numpy()).max() < 1e-6


def test_two_folders_of_one_file_are_equal_byte_by_byte(made, tmp_path):
    _, folder = made
    TinyFile().write(tmp_path / "tiny.bin")
    write_folder(read_q4(tmp_path / "tiny.bin"), tmp_path / "again", PROMPTS, "# Tiny\n")
    files = [file.relative_to(folder) for file in folder.rglob("*") if file.is_file()]
    assert len(files) == 9
    assert all((tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes() for name in files)


def test_no_file_names_the_version_of_a_library(made):
    _, folder = made
    assert "version" not in json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert "__version__" not in (folder / "config_sentence_transformers.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("emb.word", "embeddings.word_embeddings.weight"),
        ("emb.ln.b", "embeddings.LayerNorm.bias"),
        ("l0.q.w", "encoder.layer.0.attention.self.query.weight"),
        ("l11.fo.b", "encoder.layer.11.output.dense.bias"),
        ("l3.oln.w", "encoder.layer.3.output.LayerNorm.weight"),
    ],
)
def test_names(name, expected):
    assert bert_name(name) == expected
