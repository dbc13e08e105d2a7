"""A tiny file of the layout of `e5-small-q4.bin`, written number by number, and its weights computed one by one."""

import math
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SIZES = (32, 2, 2, 64, 40, 16, 2)
"""Hidden, layers, heads, feed-forward, vocabulary, positions, token types; multiples of a block where it matters."""
WORDS = ("▁river", "▁the", "▁flows", "▁", "s", "r", "i", "v", "e", "ọ", "▁ප්", "e\u0301")
PIECES = (
    ("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0),
    *((word, -1.5 - number / 8) for number, word in enumerate(WORDS)),
    ("<mask>", 0.0),
)  # fmt: skip
REPLACED = {"\t": " ", "\u200d": " ", "Ｒ": "R", "ﬁ": "fi", "\u200b": ""}


def tensor_shapes() -> dict[str, tuple[tuple[int, ...], bool]]:
    """Name -> shape, and whether it is stored in 4 bits."""
    hidden, layers, _, wide, vocabulary, positions, types = SIZES
    shapes: dict[str, tuple[tuple[int, ...], bool]] = {
        "emb.word": ((vocabulary, hidden), True),
        "emb.pos": ((positions, hidden), False),
        "emb.type": ((types, hidden), False),
        "emb.ln.w": ((hidden,), False),
        "emb.ln.b": ((hidden,), False),
    }
    for layer in range(layers):
        for name in ("q", "k", "v", "ao", "fi", "fo"):
            outputs, inputs = {"fi": (wide, hidden), "fo": (hidden, wide)}.get(name, (hidden, hidden))
            shapes[f"l{layer}.{name}.w"] = ((outputs, inputs), True)
            shapes[f"l{layer}.{name}.b"] = ((outputs,), False)
        for name in ("aln", "oln"):
            shapes[f"l{layer}.{name}.w"] = shapes[f"l{layer}.{name}.b"] = ((hidden,), False)
    return shapes


@dataclass
class TinyFile:
    """What to write; a test changes a field to get a file that is wrong in one way.

    Attributes:
        magic: The first four bytes.
        version: Of the layout.
        block: Weights of a block.
        pieces: Piece and score.
        special: Ids of the pieces that begin, end, fill and replace.
        replaced: Character -> what it is normalised to.
        left_out: Name of a tensor that is missing.
        seed: Of the weights.
    """

    magic: bytes = b"E5S1"
    version: int = 1
    block: int = 32
    pieces: tuple[tuple[str, float], ...] = PIECES
    special: tuple[int, int, int, int] = (0, 2, 1, 3)
    replaced: dict[str, str] = field(default_factory=lambda: dict(REPLACED))
    left_out: str = ""
    seed: int = 0

    def write(self, path: Path) -> dict[str, np.ndarray]:
        """Write the file; return the weights that it stands for, float32."""
        path.parent.mkdir(parents=True, exist_ok=True)
        head = self.magic + struct.pack("<I7ifi", self.version, *SIZES, 1e-12, self.block) + self._tokenizer()
        stored = {name: self._tensor(name) for name in tensor_shapes() if name != self.left_out}
        names = {name: name.encode() for name in stored}
        table = 4 + sum(2 + len(name) + 21 for name in names.values())
        place = 64 * math.ceil((len(head) + table) / 64)
        entries, body = [struct.pack("<i", len(stored))], bytearray(place - len(head) - table)
        for name, (data, _) in stored.items():
            shape, packed = tensor_shapes()[name]
            entries.append(struct.pack("<H", len(names[name])) + names[name])
            entries.append(struct.pack("<BIQQ", packed, math.prod(shape), place, len(data)))
            body += data
            place += len(data)
        path.write_bytes(head + b"".join(entries) + bytes(body))
        return {name: weights for name, (_, weights) in stored.items()}

    def _tokenizer(self) -> bytes:
        texts = [piece.encode() for piece, _ in self.pieces]
        ends = np.cumsum([0, *map(len, texts)])
        entries = b"".join(
            struct.pack(f"<IB{len(text)}I", ord(character), len(text), *map(ord, text))
            for character, text in self.replaced.items()
        )
        return b"".join(
            [
                struct.pack("<5iQ", len(texts), *self.special, ends[-1]),
                struct.pack(f"<{len(ends)}I", *ends),
                struct.pack(f"<{len(texts)}f", *(score for _, score in self.pieces)),
                *texts,
                struct.pack("<iI", len(self.replaced), len(entries)),
                entries,
            ]
        )

    def _tensor(self, name: str) -> tuple[bytes, np.ndarray]:
        """Bytes of a tensor, and the weights that they stand for."""
        shape, packed = tensor_shapes()[name]
        rng = np.random.default_rng([self.seed, *name.encode()])
        if not packed:
            weights = rng.normal(1.0 if name.endswith("ln.w") else 0.0, 0.05, shape).astype(np.float32)
            return struct.pack(f"<{weights.size}f", *weights.ravel()), weights
        data, numbers = bytearray(), list[float]()
        for _ in range(math.prod(shape) // 32):
            scale = struct.pack("<e", rng.uniform(0.005, 0.05))
            fours = rng.integers(0, 16, 32).tolist()
            data += scale + bytes(fours[place] | fours[place + 16] << 4 for place in range(16))
            numbers += [(four - 8) * struct.unpack("<e", scale)[0] for four in fours]
        return bytes(data), np.array(numbers, dtype=np.float32).reshape(shape)


def install(site: Path, package: str, version: str = "0.3.0") -> None:
    """Make a folder look as if a package was installed into it, whose code must not be run."""
    module = package.replace("-", "_")
    (site / module).mkdir(parents=True, exist_ok=True)
    (site / module / "__init__.py").write_text("raise RuntimeError('this package must not be imported')\n")
    described = site / f"{module}-{version}.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
