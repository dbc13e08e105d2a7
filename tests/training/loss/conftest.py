"""What the tests of losses share: a tiny checkpoint, in double precision and in mini-batches of few tokens."""

import pytest
from builders.encoders import tiny_checkpoint
from builders.loss import PLAIN_TOKENS

from clearbench.training.loss import base


@pytest.fixture(scope="package")
def checkpoint(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def model(checkpoint):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(checkpoint), device="cpu").double().eval()


@pytest.fixture(autouse=True)
def small_mini_batches(monkeypatch):
    monkeypatch.setitem(base.BATCH_TOKENS, "cpu", PLAIN_TOKENS)
