"""A Python callable as an encoder."""

import importlib
import sys

import numpy as np
import pytest

from clearbench.common.errors import EncoderError
from clearbench.encoders.load import load_encoder


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def write(source):
        (tmp_path / "my_encoder.py").write_text("import numpy as np\n" + source)
        sys.modules.pop("my_encoder", None)
        return load_encoder("my_encoder:encode")

    yield write
    sys.modules.pop("my_encoder", None)


def test_a_callable_gets_texts_and_role(module):
    encoder = module("def encode(texts, role):\n    return np.array([[len(t), role == 'query'] for t in texts])\n")
    assert encoder.encode_batch(["ab", "abc"], "query").tolist() == [[2, 1], [3, 1]]
    assert not encoder.complete_fingerprint


def test_its_identity_follows_its_source_or_what_it_declares(module):
    source = "def encode(texts, role):\n    return np.zeros((len(texts), {}))\n"
    assert module(source.format(2)).fingerprint != module(source.format(3)).fingerprint
    declared = "encode.fingerprint = 'v1'\n"
    first, second = module(source.format(2) + declared), module(source.format(3) + declared)
    assert first.fingerprint == second.fingerprint and first.complete_fingerprint


def test_other_weights_and_helpers_are_another_model(module, tmp_path):
    """A function without a fingerprint is known by what it gives, not by its module alone."""
    source = (
        "import helper\nW = np.load('weights.npy')\n"
        "def encode(texts, role):\n    return np.array([helper.count(t) @ W for t in texts])\n"
    )
    known = []
    for weights, helper in ((0, "ord(c)"), (1, "ord(c)"), (0, "ord(c) // 2"), (0, "ord(c)")):
        np.save(tmp_path / "weights.npy", np.random.default_rng(weights).standard_normal((7, 4)))
        lines = f"def count(text):\n    return np.bincount([({helper}) % 7 for c in text], minlength=7)\n"
        (tmp_path / "helper.py").write_text("import numpy as np\n" + lines)
        sys.modules.pop("helper", None)
        importlib.invalidate_caches()
        known.append(module(source).fingerprint)
    sys.modules.pop("helper", None)
    assert known[0] == known[3] and len(set(known)) == 3


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def encode(texts, role):\n    return np.zeros(3)\n", r"shape \(3,\); expected \(8, dimension\)"),
        ("def encode(texts, role):\n    return np.zeros((1, 3))\n", r"shape \(1, 3\)"),
        ("def encode(texts, role):\n    return np.ones((len(texts), 0))\n", r"\(8, 0\); .* dimension of at least 1"),
        ("def encode(texts, role):\n    return np.ones((len(texts), 3)) * 1j\n", "type complex128; expected .* real"),
        ("def encode(texts, role):\n    return np.ma.ones((len(texts), 3))\n", "masked array; expected .* Fill"),
        ("def encode(texts, role):\n    return [np.ma.ones(3) for text in texts]\n", "a masked array; expected"),
        ("def encode(texts, role):\n    return [['1', '2']] * len(texts)\n", "type <U1; expected .* real numbers"),
        ("def encode(texts, role):\n    return [[1.0, None]] * len(texts)\n", "type object; expected"),
        ("def encode(texts, role):\n    return (1.0 for text in texts)\n", "type generator; expected"),
        ("def encode(texts, role):\n    return None\n", "type NoneType; expected"),
        ("def encode(texts, role):\n    return [[1.0]] + [[1.0, 2.0]] * 7\n", "failed on 8 texts: ValueError"),
        ("def encode(texts, role):\n    raise KeyError('x')\n", "failed on 8 texts: KeyError"),
        ("def encode(texts, role):\n    raise SystemExit(0)\n", "failed on 8 texts: SystemExit"),
        ("def encode(texts, role):\n    return np.ones((8, 3 + (role == 'query')))\n", "4 dimensions .* 3 "),
    ],
)
def test_unusable_results_are_explained(module, source, message):
    with pytest.raises(EncoderError, match=message):
        module(source).encode_batch(["a", "b"], "query")


@pytest.mark.parametrize(
    ("source", "message"), [("encode = 3\n", "is a int"), ("", "cannot import"), ("1/0\n", "ZeroDivision")]
)
def test_unusable_modules_are_explained(module, source, message):
    with pytest.raises(EncoderError, match=message):
        module(source)


@pytest.mark.parametrize("values", ["[[1, 2]]", "[[True, False]]", "[np.ones(2)]", "[np.ones(2, np.float16)]"])
def test_vectors_are_float32(module, values):
    encoder = module(f"def encode(texts, role):\n    return {values} * len(texts)\n")
    assert encoder.encode_batch(["a"], "passage").dtype == np.float32
