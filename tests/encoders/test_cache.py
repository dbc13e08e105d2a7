"""The cache of encoders: what is listed, what is pruned."""

import os
import time

import numpy as np

from clearbench.encoders.cache import list_checkpoints, list_vectors, prune
from clearbench.encoders.packaged.cached_folder import MODELS
from clearbench.encoders.vectors.store import EMBEDDINGS, EmbeddingStore

KEYS = np.arange(32, dtype=np.uint8).reshape(2, 16)
VECTORS = np.eye(2, dtype=np.float32)
TEN_DAYS = 10 * 86400


def names(entries):
    return [entry.folder.name for entry in entries]


def test_vectors_are_listed_and_pruned(tmp_path):
    for name in ("aaa", "bbb"):
        EmbeddingStore(tmp_path / EMBEDDINGS / name).add(KEYS, VECTORS)
    os.utime(tmp_path / EMBEDDINGS / "aaa" / "encoder.json", (0, time.time() - TEN_DAYS))
    assert names(list_vectors(tmp_path)) == ["bbb", "aaa"]
    assert [entry.num_parts for entry in list_vectors(tmp_path)] == [1, 1]
    assert names(prune(list_vectors(tmp_path), idle_days=5)) == ["aaa"]
    assert names(list_vectors(tmp_path)) == ["bbb"]


def test_checkpoints_are_listed_and_pruned(tmp_path):
    for name in ("model-1", "model-2"):
        (tmp_path / MODELS / name / "1_Part").mkdir(parents=True)
        (tmp_path / MODELS / name / "weights").write_bytes(b"w" * 1000)
        (tmp_path / MODELS / name / "1_Part" / "config").write_bytes(b"{}")
    os.utime(tmp_path / MODELS / "model-1", (0, time.time() - TEN_DAYS))
    latest, oldest = list_checkpoints(tmp_path)
    assert names([latest, oldest]) == ["model-2", "model-1"]
    assert latest.num_bytes == 1002 and 9.9 < oldest.idle_days < 10.1
    assert names(prune([latest, oldest], idle_days=5)) == ["model-1"]
    assert names(list_checkpoints(tmp_path)) == ["model-2"]


def test_a_cache_that_does_not_exist_is_empty(tmp_path):
    assert list_vectors(tmp_path / "nowhere") == list_checkpoints(tmp_path / "nowhere") == []
