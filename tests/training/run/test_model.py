"""The base checkpoint as it is trained: prompts that it keeps, tokens that it reads."""

import pytest
from builders.encoders import offset_checkpoint
from builders.training import equal_weights, make_settings, read_weights

from clearbench.common.errors import EncoderError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.transformer import load_transformer
from clearbench.training.run.config import TrainConfig
from clearbench.training.run.model import choose_length, load_base
from clearbench.training.run.train import train


def test_a_checkpoint_keeps_the_prompts_it_was_trained_with(place):
    train(make_settings(place, steps=1, query_prompt="ask: "))
    encoder = load_transformer(str(place / "out"), EncoderOptions(device="cpu"))
    assert encoder.prompts == {"query": "ask: ", "passage": ""}
    assert encoder.settings["prompt_source"] == "checkpoint"


def test_training_cuts_texts_without_cutting_those_of_evaluation(place):
    assert "reduced to 64" in train(make_settings(place, max_length=500)).notes[0]
    manifest = train(make_settings(place, out=place / "short", max_length=8))
    assert manifest.notes == [] and manifest.base.max_length == 64
    assert load_transformer(str(place / "short"), EncoderOptions()).settings["max_length"] == 64
    assert not equal_weights(read_weights(place / "short"), read_weights(place / "out"))


def test_a_checkpoint_that_reads_more_than_it_has_positions_for_is_cut_to_them(tmp_path):
    config = TrainConfig(model=str(offset_checkpoint(tmp_path / "base")), pooling="mean", data=tmp_path, out=tmp_path)
    encoder = load_base(config, "cpu")
    length, notes = choose_length(encoder, config)
    assert length == 64 and "max_length 66 was reduced to 64" in notes[0]
    assert choose_length(encoder, config.model_copy(update={"max_length": 8})) == (8, ())


def test_static_embeddings_are_evaluated_and_not_trained(tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(offset_checkpoint(tmp_path / "source") / "tokenizer.json"))
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=8)], device="cpu").save(
        str(tmp_path / "base")
    )
    encoder = load_transformer(str(tmp_path / "base"), EncoderOptions(device="cpu"))
    assert encoder.encode_batch(["a b c"], "query").shape == (1, 8) and encoder.settings["max_length"] is None
    config = TrainConfig(model=str(tmp_path / "base"), data=tmp_path, out=tmp_path)
    with pytest.raises(EncoderError, match=r"no transformer \(StaticEmbedding\), so it can be evaluated but"):
        load_base(config, "cpu")
