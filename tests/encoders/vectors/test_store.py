"""The store: what goes in comes out, parts survive kills, encoders never mix."""

import os

import numpy as np
import pytest
from builders.encoders import HashEncoder

from clearbench.common.errors import StoreError
from clearbench.encoders.vectors.store import EmbeddingStore, text_keys

TEXTS = [f"text {n}" for n in range(50)]


def filled(folder, encoder, parts=3):
    store = EmbeddingStore(folder)
    for texts in np.array_split(np.array(TEXTS), parts):
        store.add(text_keys(encoder, texts.tolist(), "query"), encoder.encode_batch(texts.tolist(), "query"))
    return store


@pytest.mark.parametrize("on_disk", [True, False])
def test_vectors_come_back_in_any_order(tmp_path, on_disk):
    encoder = HashEncoder()
    store = filled(tmp_path if on_disk else None, encoder)
    wanted = [TEXTS[n] for n in np.random.default_rng(0).permutation(50)] + [TEXTS[3]]
    keys = text_keys(encoder, wanted, "query")
    assert store.contains(keys).all()
    assert np.array_equal(store.get(keys), encoder.encode_batch(wanted, "query"))
    if on_disk:
        assert np.array_equal(EmbeddingStore(tmp_path).get(keys), store.get(keys))


def test_absent_texts_are_known_to_be_absent(tmp_path):
    encoder = HashEncoder()
    keys = text_keys(encoder, ["text 1", "never seen"], "query")
    assert EmbeddingStore(tmp_path / "empty").contains(keys).tolist() == [False, False]
    store = filled(tmp_path / "full", encoder)
    assert store.contains(keys).tolist() == [True, False]
    with pytest.raises(StoreError, match="1 of 2 texts"):
        store.get(keys)


def test_keys_separate_roles_only_where_the_encoder_does(monkeypatch):
    encoder = HashEncoder()
    same = text_keys(encoder, TEXTS, "query")
    assert np.array_equal(same, text_keys(encoder, TEXTS, "passage"))
    monkeypatch.setattr(encoder, "tag_and_prompt", lambda role: ("", f"{role}: "))
    assert not np.array_equal(text_keys(encoder, TEXTS, "query"), text_keys(encoder, TEXTS, "passage"))
    # The prompt and the text are hashed apart: moving a character between them gives another key.
    monkeypatch.setattr(encoder, "tag_and_prompt", lambda role: ("", "t"))
    assert not np.array_equal(text_keys(encoder, ["ext 1"], "query"), same[1:2])


def test_a_half_written_part_is_never_seen(tmp_path, monkeypatch):
    encoder = HashEncoder()
    filled(tmp_path, encoder)
    store = EmbeddingStore(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StoreError, match="No space left"):
        store.add(text_keys(encoder, ["new"], "query"), encoder.encode_batch(["new"], "query"))
    monkeypatch.undo()
    assert not list(tmp_path.glob("*.tmp")) and not list(tmp_path.glob(".*.tmp"))
    again = EmbeddingStore(tmp_path)
    assert again.contains(text_keys(encoder, TEXTS, "query")).all()
    assert not again.contains(text_keys(encoder, ["new"], "query")).any()


def test_parts_of_an_encoder_that_changed_under_its_fingerprint_are_an_error(tmp_path):
    filled(tmp_path, HashEncoder())
    other = HashEncoder(dimension=8)
    keys = text_keys(other, ["new"], "query")
    store = EmbeddingStore(tmp_path)
    assert store.contains(text_keys(other, TEXTS, "query")).all()
    with pytest.raises(StoreError, match=r"of 8 and of 16 dimensions.*delete the folder"):
        store.add(keys, other.encode_batch(["new"], "query"))
    EmbeddingStore(tmp_path).add(keys, other.encode_batch(["new"], "query"))
    with pytest.raises(StoreError, match="of 8 and of 16 dimensions"):
        EmbeddingStore(tmp_path).get(text_keys(other, ["new", *TEXTS], "query"))


def test_two_writers_do_not_disturb_each_other(tmp_path):
    encoder = HashEncoder()
    first, second = EmbeddingStore(tmp_path), EmbeddingStore(tmp_path)
    for store in (first, second):
        store.add(text_keys(encoder, TEXTS, "query"), encoder.encode_batch(TEXTS, "query"))
    merged = EmbeddingStore(tmp_path)
    assert np.array_equal(merged.get(text_keys(encoder, TEXTS, "query")), encoder.encode_batch(TEXTS, "query"))
