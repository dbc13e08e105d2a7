"""BM25 as a baseline that needs no model and no training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import regex

from clearbench.common.arrays import FloatArray
from clearbench.common.hashing import content_hash
from clearbench.common.languages import UNSPACED
from clearbench.common.text import fold
from clearbench.encoders.base import Setting

TOKEN = regex.compile(rf"([{UNSPACED}][{UNSPACED}\p{{M}}]*)|((?:(?![{UNSPACED}])[\p{{L}}\p{{N}}\p{{M}}])+)")
"""A run of an unspaced script, or a word."""

TOKENS = "unicode words, bigrams (v2: NFKC, case folded)"
"""What tokens are, for the record. It belongs to the fingerprint, so it changes with every change of `tokenise`."""


@dataclass(frozen=True)
class LexicalEncoder:
    """BM25 (Lucene's variant, Robertson's k1 and b) over Unicode words, folded, without stop words or stemming.

    The same tokens for every language: no analyser exists for all of them, and a baseline should not favour some.

    Attributes:
        name: What tables print.
        k1: How slowly a repeated word stops counting.
        b: How strongly long passages are held back, in [0, 1].
    """

    name: str = "bm25"
    k1: float = 0.9
    b: float = 0.4

    @property
    def settings(self) -> Mapping[str, Setting]:
        """The variant, its parameters and its tokens, for the record."""
        return {
            "kind": "lexical", "method": "lucene", "k1": self.k1, "b": self.b, "tokens": TOKENS
        }  # fmt: skip

    @property
    def fingerprint(self) -> str:
        """Hash of everything that changes a score."""
        return content_hash("lexical", *(f"{key}={value}" for key, value in sorted(self.settings.items())))

    def index(self, passages: Sequence[str]) -> "LexicalIndex":
        """Return an index of a passage pool."""
        import bm25s

        engine = bm25s.BM25(method="lucene", k1=self.k1, b=self.b)
        engine.index([tokenise(text) for text in passages], show_progress=False)
        return LexicalIndex(engine, len(passages))


@dataclass(frozen=True)
class LexicalIndex:
    """An indexed passage pool."""

    engine: Any
    num_passages: int

    def scores(self, queries: Sequence[str]) -> FloatArray:
        """Return BM25 scores, float32 [Q, P]; 0 for a passage that shares no token with the query."""
        score_QP = np.zeros((len(queries), self.num_passages), dtype=np.float32)
        vocabulary = self.engine.vocab_dict
        for row, query in enumerate(queries):
            tokens = [token for token in tokenise(query) if token in vocabulary]
            if tokens:
                score_QP[row] = self.engine.get_scores(tokens)
        return score_QP


def tokenise(text: str) -> list[str]:
    """Split into folded words; a run of an unspaced script into overlapping character pairs."""
    tokens: list[str] = []
    for match in TOKEN.finditer(fold(text)):
        unspaced, word = match.groups()
        if word:
            tokens.append(word)
        elif len(unspaced) == 1:
            tokens.append(unspaced)
        else:
            tokens += [unspaced[i : i + 2] for i in range(len(unspaced) - 1)]
    return tokens


BM25 = LexicalEncoder()
