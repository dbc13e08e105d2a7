"""Encoding: each distinct text once over tasks and pairs; interruptions and bad vectors lose nothing."""

from collections.abc import Sequence

import numpy as np
import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder

from clearbench.common.errors import EncoderError
from clearbench.encoders.vectors import embed as encode
from clearbench.encoders.vectors.embed import encode_missing, plan_encoding
from clearbench.encoders.vectors.store import EmbeddingStore


def test_each_distinct_text_is_encoded_once_across_tasks_and_pairs():
    encoder, store = HashEncoder(), EmbeddingStore(None)
    sets = [parallel_set(("en", "de", "sw")), parallel_set(("en", "de"), size=8, task="larger")]
    plan = plan_encoding(encoder, sets)
    assert len(set(plan.texts)) == len(plan.texts) == 3 * 18 + 2 * 6
    report = encode_missing(encoder, store, plan)
    assert report.num_encoded == len(plan.texts) and len(encoder.encoded) == len(plan.texts)
    assert encode_missing(encoder, store, plan).num_encoded == 0


def test_an_interrupted_run_continues_with_the_same_batches(tmp_path):
    plan = plan_encoding(HashEncoder(), [parallel_set(("en", "de", "sw"), size=20)])
    whole = HashEncoder()
    encode_missing(whole, EmbeddingStore(None), plan)
    stopped = HashEncoder(interrupt_after=70)
    with pytest.raises(KeyboardInterrupt):
        encode_missing(stopped, EmbeddingStore(tmp_path), plan)
    resumed = HashEncoder()
    store = EmbeddingStore(tmp_path)
    encode_missing(resumed, store, plan)
    assert stopped.encoded + resumed.encoded == whole.encoded  # same order, so the same batches; no text twice
    assert np.array_equal(store.get(plan.keys), whole.encode_batch(plan.texts, "query"))


def test_windows_change_nothing(monkeypatch):
    plan = plan_encoding(HashEncoder(), [parallel_set(("en", "de"), size=20)])
    whole, parts = EmbeddingStore(None), EmbeddingStore(None)
    encode_missing(HashEncoder(), whole, plan)
    monkeypatch.setattr(encode, "WINDOW", 7)
    encode_missing(HashEncoder(), parts, plan)
    assert np.array_equal(whole.get(plan.keys), parts.get(plan.keys))


def test_a_vector_that_is_not_finite_is_refused_with_the_texts_id(tmp_path):
    bad = "passage 3 about topic3 in de"
    encoder = HashEncoder(broken=frozenset([bad]))
    store = EmbeddingStore(tmp_path)
    plan = plan_encoding(encoder, [parallel_set()])
    with pytest.raises(EncoderError, match=r"passage 'p3' of toy \(de\)"):
        encode_missing(encoder, store, plan)
    assert not store.contains(plan.keys[[plan.texts.index(bad)]]).any()


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"kind": "function"}, "The function must return finite numbers."),
        ({"dtype": "fp32"}, "The checkpoint is broken."),
        ({"dtype": "bf16"}, "Try --dtype fp32; if it stays, the checkpoint is broken."),
    ],
)
def test_the_advice_on_bad_vectors_fits_the_kind_of_model(settings, advice):
    encoder = HashEncoder(broken=frozenset(["passage 3 about topic3 in de"]), settings=settings)
    with pytest.raises(EncoderError) as error:
        encode_missing(encoder, EmbeddingStore(None), plan_encoding(encoder, [parallel_set()]))
    assert str(error.value).endswith(f"of toy (de). {advice}")


def test_batches_of_different_dimensions_are_one_error(monkeypatch):
    encoder = HashEncoder()
    encode_batch = encoder.encode_batch
    batches: list[Sequence[str]] = []

    def widening(texts, role):
        batches.append(texts)
        return np.pad(encode_batch(texts, role), ((0, 0), (0, len(batches))))

    monkeypatch.setattr(encoder, "encode_batch", widening)
    plan = plan_encoding(encoder, [parallel_set(("en", "de"), size=20)])
    with pytest.raises(EncoderError, match="dimensions for one batch"):
        encode_missing(encoder, EmbeddingStore(None), plan)
