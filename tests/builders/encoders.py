"""Encoders for tests: one that hashes words, and a tiny checkpoint."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from clearbench.common.arrays import FloatArray, IntArray
from clearbench.common.hashing import content_hash
from clearbench.encoders.base import Role, Setting


@dataclass
class HashEncoder:
    """Deterministic unit vectors from a text's words; counts what it encodes."""

    name: str = "hash"
    salt: str = ""
    dimension: int = 16
    batch_tokens: int = 64
    complete_fingerprint: bool = True
    settings: Mapping[str, Setting] = field(default_factory=dict)
    encoded: list[tuple[str, Role]] = field(default_factory=list)
    broken: frozenset[str] = frozenset()
    interrupt_after: int | None = None

    @property
    def fingerprint(self) -> str:
        return content_hash("hash", self.salt, str(self.dimension))

    def tag_and_prompt(self, role: Role) -> tuple[str, str]:
        return ("", "")

    def count_tokens(self, texts: Sequence[str], role: Role) -> IntArray:
        return np.array([len(text.split()) + 2 for text in texts], dtype=np.int64)

    def encode_batch(self, texts: Sequence[str], role: Role) -> FloatArray:
        if self.interrupt_after is not None and len(self.encoded) >= self.interrupt_after:
            raise KeyboardInterrupt
        self.encoded += [(text, role) for text in texts]
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> FloatArray:
        if text in self.broken:
            return np.full(self.dimension, np.nan, dtype=np.float32)
        vector = np.zeros(self.dimension)
        for word in text.lower().split():
            seed = int(content_hash(self.salt, word), 16) % 2**32
            vector += np.random.default_rng(seed).standard_normal(self.dimension)
        return (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype(np.float32)


def tiny_checkpoint(
    folder: Path,
    seed: int = 0,
    hidden: int = 16,
    modules: bool = True,
    words: Sequence[str] = (),
    sd: float = 0.02,
    length: int = 64,
) -> Path:
    """A two-layer BERT with random weights, as sentence-transformers saves it; knows letters and the given words."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    plain = folder if not modules else folder / "_plain"
    plain.mkdir(parents=True)
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)] + [str(d) for d in range(10)] + list("äöüß?.,#")
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    known += [word for word in words if word not in letters]
    (plain / "vocab.txt").write_text("\n".join(known), encoding="utf-8")
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(known), hidden_size=hidden, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=2 * hidden, max_position_embeddings=length, initializer_range=sd,
    )  # fmt: skip
    BertModel(config).save_pretrained(plain)
    BertTokenizer(vocab={word: number for number, word in enumerate(known)}).save_pretrained(plain)
    if modules:
        import shutil

        transformer = Transformer(str(plain))
        SentenceTransformer(modules=[transformer, Pooling(hidden, "mean")], device="cpu").save(str(folder))
        shutil.rmtree(plain)
    return folder


def offset_checkpoint(folder: Path) -> Path:
    """A plain checkpoint of XLM-R's kind, whose 66 positions hold 64 tokens, and whose tokenizer names no length."""
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaModel

    tiny_checkpoint(folder, modules=False)
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=91, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=66, pad_token_id=1,
    )  # fmt: skip
    XLMRobertaModel(config).save_pretrained(folder)
    return without_length(folder)


def without_length(folder: Path) -> Path:
    """Take the length out of a checkpoint's tokenizer; return its folder."""
    file = folder / "tokenizer_config.json"
    kept = {key: value for key, value in json.loads(file.read_text()).items() if key != "model_max_length"}
    file.write_text(json.dumps(kept))
    return folder


def write_json(file: Path, **values: object) -> None:
    """Set values in a JSON file that holds an object."""
    content = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    file.write_text(json.dumps({**content, **values}), encoding="utf-8")


def store_prompts(folder: Path, prompts: object, default: str | None = None) -> Path:
    """Give a checkpoint these prompts; return its folder."""
    write_json(folder / "config_sentence_transformers.json", prompts=prompts, default_prompt_name=default)
    return folder
