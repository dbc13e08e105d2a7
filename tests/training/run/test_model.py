"""The base checkpoint as it is trained: prompts that it keeps, tokens that it reads."""

from builders.training import equal_weights, make_settings, read_weights

from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.transformer import load_transformer
from clearbench.training.run.train import train


def test_a_checkpoint_keeps_the_prompts_it_was_trained_with(place):
    train(make_settings(place, steps=1, query_prompt="ask: "))
    encoder = load_transformer(str(place / "out"), EncoderOptions(device="cpu"))
    assert encoder.prompts == {"query": "ask: ", "passage": ""}
    assert encoder.settings["prompt_source"] == "checkpoint"


def test_training_cuts_texts_without_cutting_those_of_evaluation(place):
    assert "cut to 64" in train(make_settings(place, max_length=500)).notes[0]
    manifest = train(make_settings(place, out=place / "short", max_length=8))
    assert manifest.notes == [] and manifest.base.max_length == 64
    assert load_transformer(str(place / "short"), EncoderOptions()).settings["max_length"] == 64
    assert not equal_weights(read_weights(place / "short"), read_weights(place / "out"))
