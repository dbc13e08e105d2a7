"""Weights are pooled as asked; missing, unused and non-finite ones are refused by name."""

import json
import shutil

import numpy as np
import pytest
import torch
from builders.checkpoints import TEXTS, drop_weights, load_on_cpu
from safetensors.torch import load_file, save_file

from clearbench.common.errors import EncoderError, UsageError


@pytest.mark.parametrize("pooling", ["cls", "mean", "last"])
def test_a_plain_transformers_folder_is_pooled_as_asked(plain, pooling):
    from transformers import AutoModel, AutoTokenizer

    encoder = load_on_cpu(plain, pooling=pooling)
    tokens = AutoTokenizer.from_pretrained(plain)([TEXTS[1]], return_tensors="pt")
    with torch.no_grad():
        states = AutoModel.from_pretrained(plain)(**tokens).last_hidden_state[0]
    vector = {"cls": states[0], "mean": states.mean(0), "last": states[-1]}[pooling]
    assert np.abs(encoder.encode_batch([TEXTS[1]], "query")[0] - (vector / vector.norm()).numpy()).max() < 1e-5


def test_pooling_is_needed_for_plain_folders_and_refused_for_others(plain, checkpoint):
    with pytest.raises(EncoderError, match=r"plain transformers checkpoint.*--pooling cls\|mean\|last"):
        load_on_cpu(plain)
    with pytest.raises(EncoderError, match="got --pooling sum"):
        load_on_cpu(plain, pooling="sum")
    with pytest.raises(UsageError, match="leave the option out"):
        load_on_cpu(checkpoint, pooling="mean")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused_by_name(copy, value):
    weights = load_file(copy / "model.safetensors")
    name = next(key for key in weights if key.endswith("attention.self.query.weight"))
    weights[name][0, 0] = value
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match=r"attention\.self\.query\.weight holds NaN"):
        load_on_cpu(copy)


def test_weights_that_are_not_in_the_checkpoint_are_refused(copy):
    num_missing = drop_weights(copy, "layer.1.")
    assert num_missing == 16
    message = (
        r"the checkpoint lacks 16 weights of the model, which would be random \(encoder\.layer\.1\..*, .* and 13 more\)"
    )
    with pytest.raises(EncoderError, match=message):
        load_on_cpu(copy)


def test_untrained_weights_of_a_plain_folder_are_refused_too(plain, tmp_path):
    folder = shutil.copytree(plain, tmp_path / "bert")
    drop_weights(folder, "embeddings.word_embeddings")
    with pytest.raises(EncoderError, match=r"lacks 1 weight of the model, .*\(embeddings.word_embeddings.weight\)"):
        load_on_cpu(folder, pooling="mean")


def test_a_missing_pooler_is_fine_because_no_vector_comes_from_it(checkpoint, copy, capfd):
    assert drop_weights(copy, "pooler") == 2
    assert np.array_equal(
        load_on_cpu(copy).encode_batch(TEXTS, "query"), load_on_cpu(checkpoint).encode_batch(TEXTS, "query")
    )
    assert capfd.readouterr() == ("", "")


def add_weights(file, *names):
    save_file({**load_file(file), **{name: torch.ones(2) for name in names}}, file, metadata={"format": "pt"})


def test_a_configuration_with_fewer_layers_than_the_weights_is_refused(copy):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 1}))
    message = r"hold 16 weights that the model .* does not use \(encoder\.layer\.1\..* and 15 more\).*belong together"
    with pytest.raises(EncoderError, match=message):
        load_on_cpu(copy)


@pytest.mark.parametrize(
    "name", ["embeddings.more_embeddings.weight", "bert.encoder.layer.2.output.dense.bias", "decoder.layer.0.bias"]
)
def test_a_weight_that_no_model_uses_is_refused(plain, tmp_path, name):
    folder = shutil.copytree(plain, tmp_path / "bert")
    add_weights(folder / "model.safetensors", name)
    with pytest.raises(EncoderError, match=rf"hold 1 weight that the model .*\({name}\)"):
        load_on_cpu(folder, pooling="mean")


def test_heads_of_other_purposes_are_ignored(plain, tmp_path, capfd):
    folder = shutil.copytree(plain, tmp_path / "bert")
    add_weights(
        folder / "model.safetensors",
        *("embeddings.position_ids", "bert.pooler.other.weight", "cls.predictions.bias", "lm_head.dense.weight"),
        *("head.norm.weight", "decoder.bias", "vocab_projector.bias", "discriminator_predictions.dense.bias"),
    )
    vectors = load_on_cpu(folder, pooling="mean").encode_batch(TEXTS, "query")
    assert np.array_equal(vectors, load_on_cpu(plain, pooling="mean").encode_batch(TEXTS, "query"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("purpose", ["BertForPreTraining", "BertForMaskedLM"])
def test_a_masked_language_model_can_be_pooled(plain, tmp_path, purpose):
    import transformers

    folder = shutil.copytree(plain, tmp_path / "masked")
    config = transformers.BertConfig.from_pretrained(plain)
    getattr(transformers, purpose)(config).save_pretrained(folder)
    assert load_on_cpu(folder, pooling="mean").encode_batch(TEXTS, "query").shape == (4, 16)


def test_a_weight_that_a_dense_module_does_not_use_is_refused(checkpoint, tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense

    folder = tmp_path / "dense"
    SentenceTransformer(modules=[*SentenceTransformer(str(checkpoint), device="cpu"), Dense(16, 8)]).save(str(folder))
    assert load_on_cpu(folder).encode_batch(TEXTS, "query").shape == (4, 8)
    add_weights(folder / "2_Dense" / "model.safetensors", "second.weight")
    with pytest.raises(EncoderError, match=r'cannot be loaded: .* Dense: Unexpected key.*"second\.weight"'):
        load_on_cpu(folder)


def test_a_weight_that_a_static_embedding_does_not_use_is_refused(plain, tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    folder = tmp_path / "static"
    embedding = StaticEmbedding(Tokenizer.from_file(str(plain / "tokenizer.json")), embedding_dim=8)
    SentenceTransformer(modules=[embedding], device="cpu").save(str(folder))
    assert load_on_cpu(folder).encode_batch(TEXTS, "query").shape == (4, 8)
    [file] = folder.rglob("model.safetensors")
    add_weights(file, "second.weight")
    with pytest.raises(EncoderError, match=r"hold 1 weight that .* does not use \(second\.weight\)"):
        load_on_cpu(folder)


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
    change = load_on_cpu(folder).encode_batch(TEXTS, "query") - load_on_cpu(base, pooling="mean").encode_batch(
        TEXTS, "query"
    )
    assert np.abs(change).max() > 1e-5


def test_missing_weights_of_an_adapters_base_are_refused(adapter):
    folder, base = adapter
    assert drop_weights(base, "layer.1.") == 16
    with pytest.raises(EncoderError, match=r"lacks 16 weights of the model, .*\(encoder\.layer\.1\."):
        load_on_cpu(folder)


def test_missing_weights_of_an_adapter_are_refused(adapter):
    folder, _ = adapter
    assert drop_weights(folder, "layer.0.", "adapter_model.safetensors") == 2
    with pytest.raises(EncoderError, match=r"lacks 2 weights of the model, .*layer\.0\..*lora_A"):
        load_on_cpu(folder)


def test_unused_weights_of_an_adapter_are_refused(adapter):
    folder, base = adapter
    file = folder / "adapter_model.safetensors"
    shutil.copyfile(file, folder / "whole")
    extra = next(iter(load_file(file))).replace("layer.0", "layer.7").replace("layer.1", "layer.7")
    add_weights(file, extra)
    with pytest.raises(EncoderError, match=r"hold 1 weight that the model .*layer\.7"):
        load_on_cpu(folder)
    (folder / "whole").replace(file)
    add_weights(base / "model.safetensors", "encoder.layer.7.output.dense.bias")
    with pytest.raises(EncoderError, match=r"hold 1 weight that the model .*\(encoder\.layer\.7\.output"):
        load_on_cpu(folder)


def test_tied_weights_are_stored_once_and_not_missing(plain, tmp_path):
    from transformers import T5Config, T5EncoderModel

    folder = shutil.copytree(plain, tmp_path / "t5")
    config = T5Config(vocab_size=91, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    T5EncoderModel(config).save_pretrained(folder)
    assert "encoder.embed_tokens.weight" not in load_file(folder / "model.safetensors")
    assert load_on_cpu(folder, pooling="mean").encode_batch(TEXTS, "query").shape == (4, 16)


def test_looking_for_missing_weights_leaves_transformers_as_it_was(copy):
    from transformers import PreTrainedModel
    from transformers.utils import logging

    before = PreTrainedModel.__dict__["from_pretrained"], logging.get_verbosity()
    drop_weights(copy, "layer.0.")
    with pytest.raises(EncoderError):
        load_on_cpu(copy)
    assert (PreTrainedModel.__dict__["from_pretrained"], logging.get_verbosity()) == before


def test_a_truncated_weight_file_is_refused(copy):
    file = copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(EncoderError, match="cannot be loaded"):
        load_on_cpu(copy)
