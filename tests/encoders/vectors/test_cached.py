"""The embedding cache by encoder: what is listed, what is pruned."""

import os
import time

import numpy as np

from clearbench.encoders.vectors.cached import list_cached, prune
from clearbench.encoders.vectors.store import EMBEDDINGS, EmbeddingStore

KEYS = np.arange(32, dtype=np.uint8).reshape(2, 16)
VECTORS = np.eye(2, dtype=np.float32)


def test_listing_and_pruning(tmp_path):
    for name in ("aaa", "bbb"):
        EmbeddingStore(tmp_path / EMBEDDINGS / name).add(KEYS, VECTORS)
    old = time.time() - 10 * 86400
    os.utime(tmp_path / EMBEDDINGS / "aaa" / "encoder.json", (old, old))
    assert [entry.folder.name for entry in list_cached(tmp_path)] == ["bbb", "aaa"]
    assert [entry.num_parts for entry in list_cached(tmp_path)] == [1, 1]
    assert [entry.folder.name for entry in prune(tmp_path, idle_days=5)] == ["aaa"]
    assert [entry.folder.name for entry in list_cached(tmp_path)] == ["bbb"]
    assert list_cached(tmp_path / "nowhere") == []
