"""Text that encoders are adjusted by, adjusted encoders, and the formulas one text at a time."""

from dataclasses import replace

import numpy as np

from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets
from clearbench.common.languages import ENGLISH, parse_language
from clearbench.encoders.adjust.encoder import adjust_encoder
from clearbench.encoders.adjust.method import parse_method
from clearbench.encoders.adjust.text import collect_text
from clearbench.encoders.vectors.embed import encode_missing, plan_encoding
from clearbench.encoders.vectors.store import EmbeddingStore
from clearbench.evaluation.options import EvaluationOptions

LANGUAGES = ("en", "de", "sw")
GERMAN, SWAHILI = parse_language("de"), parse_language("sw")
METHODS = ("center", "shift", "shift:0.5", "lir", "lir:2", "offset")


def retold(retrieval, task="other"):
    """The same shape of task with other words, hence other texts and vectors."""

    def change(texts):
        words = (("passage", "story"), ("question", "riddle"), ("topic", "subject"))
        told = list(texts.texts)
        for old, new in words:
            told = [text.replace(old, new) for text in told]
        return replace(texts, texts=tuple(told))

    pools = {key: change(pool) for key, pool in retrieval.pools.items()}
    queries = {key: change(texts) for key, texts in retrieval.queries.items()}
    return replace(retrieval, task=task, pools=pools, queries=queries)


def text_of(languages=LANGUAGES, size=9, **changes):
    """Return text to adjust by: another task of parallel passages and questions."""
    return collect_text(retold(parallel_set(languages, size=size), **changes))


def adjusted(method, encoder=None, text=None):
    """Return an adjusted encoder, by default of hashed words."""
    return adjust_encoder(encoder or HashEncoder(), parse_method(method), text or text_of())


def fit(encoder, sets):
    """Encode what the statistics need and take them."""
    store = EmbeddingStore(None)
    encode_missing(encoder.base, store, plan_encoding(encoder.base, sets, encoder.parts(sets)))
    return encoder.fit(store, sets)


def unit(vectors):
    """Scale vectors to unit norm, one at a time."""
    return np.stack([vector / np.sqrt(sum(x * x for x in vector)) for vector in vectors])


def literal(method, vectors, language, role, text, encoder):
    """The module's formulas, one text at a time, in double precision."""

    def of(wanted_role, wanted):
        part = text.parts[wanted_role, wanted]
        return dict(zip(part.ids, encoder.encode_batch(part.texts, wanted_role).astype(np.float64), strict=True))

    vectors = np.array(vectors, dtype=np.float64)
    own = of(role, language)
    if method.kind == "center":
        mean = sum(own.values()) / len(own)
        return unit([vector - mean for vector in vectors])
    if method.kind == "lir":
        _, _, right = np.linalg.svd(np.stack(list(own.values())), full_matrices=False)
        return unit([vector - sum(vector @ r * r for r in right[: method.k]) for vector in vectors])
    changed_role = "passage" if method.kind == "shift" else "query"
    if role != changed_role or language == ENGLISH:
        return vectors
    english = of(role, ENGLISH)
    difference = sum(own[key] - english[key] for key in english) / len(english)
    return unit([vector - method.alpha * difference for vector in vectors])


def run(tmp_path, encoder, retrieval, **options):
    """Evaluate an encoder on one data set."""
    [result] = evaluate_sets(
        encoder, [retrieval], EvaluationOptions(out=tmp_path / "out", cache=tmp_path / "cache", **options)
    )
    return result
