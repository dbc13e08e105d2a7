"""Each kind of encoder has its engine, and vectors are kept on disk only for encoders that are known by content."""

from pathlib import Path

import pytest
from builders.adjust import adjusted
from builders.datasets import parallel_set
from builders.encoders import HashEncoder

from clearbench.encoders.bm25 import BM25
from clearbench.encoders.vectors.store import EMBEDDINGS
from clearbench.search.dense import DenseEngine
from clearbench.search.engines import open_engine
from clearbench.search.lexical import LexicalEngine


def test_each_kind_of_encoder_has_its_engine() -> None:
    data = parallel_set(("en", "de"))
    assert isinstance(open_engine(BM25, [data]), LexicalEngine)
    assert isinstance(open_engine(HashEncoder(), [data]), DenseEngine)
    assert isinstance(open_engine(adjusted("center"), [data]), DenseEngine)


def test_vectors_are_kept_by_fingerprint_and_an_adjusted_encoder_shares_its_bases(tmp_path: Path) -> None:
    data, encoder = parallel_set(("en", "de")), HashEncoder()
    engine = open_engine(encoder, [data], tmp_path)
    engine.prepare(engine.plan([data]))
    assert [path.name for path in (tmp_path / EMBEDDINGS).iterdir()] == [encoder.fingerprint]
    work = open_engine(adjusted("center", encoder), [data], tmp_path).plan([data])
    assert 0 < work.num_missing < len(work.plan.texts)


@pytest.mark.parametrize("cached", [True, False])
def test_vectors_of_an_encoder_that_is_not_known_by_content_stay_in_memory(tmp_path: Path, cached: bool) -> None:
    data, encoder = parallel_set(), HashEncoder(complete_fingerprint=False)
    engine = open_engine(encoder, [data], tmp_path if cached else None)
    engine.prepare(engine.plan([data]))
    assert list(tmp_path.iterdir()) == []
