"""From an encoder to the engine that searches with it: the one place that knows which kinds of encoders there are."""

from collections.abc import Sequence
from pathlib import Path

from clearbench.encoders.adjust.encoder import AdjustedEncoder
from clearbench.encoders.base import DenseEncoder
from clearbench.encoders.bm25 import LexicalEncoder
from clearbench.encoders.vectors.store import EMBEDDINGS, EmbeddingStore
from clearbench.search.dense import DenseEngine
from clearbench.search.engine import Engine
from clearbench.search.lexical import LexicalEngine
from clearbench.tasks.dataset import Dataset

Encoder = DenseEncoder | AdjustedEncoder | LexicalEncoder
"""Everything that can be evaluated: each has a name, a fingerprint and settings."""


def open_engine(
    encoder: Encoder, datasets: Sequence[Dataset], cache: Path | None = None, name: str | None = None
) -> Engine:
    """Return the engine that searches with an encoder.

    Args:
        encoder: Any kind.
        datasets: What will be evaluated; a correction must not be estimated from these texts.
        cache: Root of all caches; None keeps vectors in memory. So does an encoder whose fingerprint is not complete.
        name: What the cache calls the encoder; None means its own name.
    Raises:
        UsageError: A correction cannot be estimated for these datasets.
        StoreError: The cache cannot be read or written.
    """
    match encoder:
        case LexicalEncoder():
            return LexicalEngine(encoder)
        case AdjustedEncoder():
            encoder.check(datasets)
            return DenseEngine(encoder.base, open_store(encoder.base, cache), encoder)
        case _:
            return DenseEngine(encoder, open_store(encoder, cache, name))


def open_store(encoder: DenseEncoder, cache: Path | None, name: str | None = None) -> EmbeddingStore:
    """Open the vectors of an encoder.

    Args:
        encoder: Whose vectors.
        cache: Root of all caches; None keeps vectors in memory.
        name: What the cache calls the encoder; None means its own name.
    Raises:
        StoreError: The cache cannot be read or written.
    """
    on_disk = cache is not None and encoder.complete_fingerprint
    folder = cache / EMBEDDINGS / encoder.fingerprint if cache is not None and on_disk else None
    return EmbeddingStore(folder, {"name": name or encoder.name, **encoder.settings}, encoder.fingerprint)
