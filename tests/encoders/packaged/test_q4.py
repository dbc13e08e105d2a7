"""The 4-bit file: its numbers equal those computed one by one, and whatever is wrong with a file is one clear error."""

import struct

import numpy as np
import pytest
from builders.q4 import PIECES, REPLACED, SIZES, TinyFile, tensor_shapes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clearbench.common.errors import EncoderError
from clearbench.encoders.packaged import q4
from clearbench.encoders.packaged.q4 import dequantise, read_q4


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """The bytes of a whole file."""
    path = tmp_path_factory.mktemp("q4") / "tiny.bin"
    TinyFile().write(path)
    return path.read_bytes()


def test_a_block_is_a_scale_and_two_weights_a_byte():
    data = struct.pack("<e", 0.5) + bytes(range(0x10, 0x20))  # low halves 0 to 15, high halves 1
    expected = [(low - 8) * 0.5 for low in range(16)] + [(1 - 8) * 0.5] * 16
    assert dequantise(memoryview(data)).tolist() == expected


def test_all_tensors_equal_the_weights_computed_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(q4, "CHUNK", 3)  # several chunks a tensor, the last one shorter
    weights = TinyFile().write(tmp_path / "tiny.bin")
    file = read_q4(tmp_path / "tiny.bin")
    assert set(file.tensors) == set(weights) == set(tensor_shapes())
    for name, expected in weights.items():
        found = np.concatenate(list(file.tensors[name].chunks()))
        assert found.dtype == np.float32 and np.array_equal(found, expected.ravel())
        assert file.sizes.shapes[name] == expected.shape


def test_sizes_and_vocabulary(tmp_path):
    TinyFile().write(tmp_path / "tiny.bin")
    file = read_q4(tmp_path / "tiny.bin")
    sizes = file.sizes
    found = (sizes.hidden, sizes.layers, sizes.heads, sizes.feed_forward, sizes.vocabulary)
    assert (*found, sizes.positions, sizes.token_types) == SIZES and sizes.epsilon == np.float32(1e-12)
    vocabulary = file.vocabulary
    assert vocabulary.pieces == PIECES and vocabulary.replaced == REPLACED
    assert (vocabulary.bos, vocabulary.eos, vocabulary.pad, vocabulary.unk) == (0, 2, 1, 3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"magic": b"GGUF"}, "begins with b'GGUF', expected b'E5S1'"),
        ({"version": 2}, "version 2 and blocks of 32"),
        ({"block": 64}, "version 1 and blocks of 64"),
        ({"left_out": "l1.q.w"}, "has 36 tensors, which does not fit 2 layers"),
        ({"pieces": PIECES[:-1]}, "lacks <mask>"),
        ({"special": (0, 2, 1, 99)}, "lacks <mask>, or the pieces"),
    ],
)
def test_a_file_of_another_layout_is_named(tmp_path, wrong, message):
    TinyFile(**wrong).write(tmp_path / "tiny.bin")
    with pytest.raises(EncoderError, match="tiny.bin.*" + message.replace("'", ".")):
        read_q4(tmp_path / "tiny.bin")


def test_a_tensor_under_another_name_is_named(tmp_path, content):
    (tmp_path / "tiny.bin").write_bytes(content.replace(b"l1.q.w", b"l9.q.w"))
    with pytest.raises(EncoderError, match=r"the tensor 'l9\.q\.w' has kind 1"):
        read_q4(tmp_path / "tiny.bin")
    (tmp_path / "tiny.bin").write_bytes(content.replace(b"l1.q.b", b"l1.k.b"))
    with pytest.raises(EncoderError, match=r"lacks tensors of its model: l1\.q\.b"):
        read_q4(tmp_path / "tiny.bin")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_that_is_cut_short_anywhere_is_an_error(tmp_path, content, data):
    length = data.draw(st.integers(0, len(content) - 1))
    (tmp_path / "tiny.bin").write_bytes(content[:length])
    with pytest.raises(EncoderError, match=r"tiny\.bin"):
        read_q4(tmp_path / "tiny.bin")


def test_a_flipped_bit_is_an_error_or_another_number_never_a_crash(tmp_path, content):
    head = content.index(b"l1.oln.b") + 29
    for place in range(head):
        damaged = bytearray(content)
        damaged[place] ^= 0x80
        (tmp_path / "tiny.bin").write_bytes(damaged)
        try:
            read_q4(tmp_path / "tiny.bin")
        except EncoderError as error:
            assert "tiny.bin" in str(error)
