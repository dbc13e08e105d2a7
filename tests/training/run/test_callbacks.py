"""Evaluation and interruption while training."""

import os
import signal

import pytest
from builders.training import equal_weights, make_settings, read_weights, unchanged

from clearbench.common.errors import UsageError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.transformer import load_transformer
from clearbench.training.run.train import TrainingInterrupted, train


def test_a_second_interrupt_ends_at_once(place, hooked):
    def interrupt(step, loss, model):
        if step == 3:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        return loss

    hooked(interrupt)
    with pytest.raises(TrainingInterrupted, match=r"last good checkpoint is .*checkpoint-2"):
        train(make_settings(place))
    hooked(unchanged)
    assert train(make_settings(place), resume=True).status == "complete"


def test_evaluation_happens_before_during_and_after_and_changes_no_weight(place):
    train(make_settings(place, out=place / "without"))
    seen = []

    def evaluate(encoder):
        vectors = encoder.encode_batch(["topic 1"], "query")
        seen.append((encoder.fingerprint, vectors.tobytes()))
        return {"tiny:en-en": 0.5, "tiny:de-en": 0.1 * len(seen)}

    manifest = train(make_settings(place, eval_tasks="tiny", eval_every=4), evaluate)
    assert [entry["step"] for entry in manifest.evaluations] == [0, 4, 6]
    assert manifest.evaluations[-1]["tiny:de-en"] == pytest.approx(0.3)
    assert len(set(seen)) == 3 == len({vectors for _, vectors in seen})
    assert equal_weights(read_weights(place / "out"), read_weights(place / "without"))
    base = load_transformer(str(place / "base"), EncoderOptions(device="cpu"))
    last = load_transformer(str(place / "out"), EncoderOptions(device="cpu"))
    assert seen[0][1] == base.encode_batch(["topic 1"], "query").tobytes()
    assert seen[-1][1] == last.encode_batch(["topic 1"], "query").tobytes()
    assert "| tiny:de-en | nDCG@10 | 0.1000 | 0.3000 |" in (place / "out" / "README.md").read_text()


def test_training_stops_when_english_suffers(place):
    values = iter([0.9, 0.895, 0.85])
    settings = make_settings(place, eval_tasks="tiny", eval_every=1, stop_english=2.0)
    manifest = train(settings, lambda encoder: {"tiny:en-en": next(values)})
    assert (manifest.status, manifest.step) == ("stopped", 2)
    assert "fell by 5.0 points" in manifest.notes[0]
    load_transformer(str(place / "out"), EncoderOptions(device="cpu"))
    assert not list((place / "out").glob("checkpoint-*")), "a killed run would go on from where it was to stop"
    with pytest.raises(UsageError, match="needs an English pair"):
        train(settings.model_copy(update={"out": place / "x"}), lambda encoder: {"tiny:de-en": 0.5})
