"""Training-free corrections: vectors and scores equal the literal formulas, and what has to stay as it is stays."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from builders.adjust import GERMAN, LANGUAGES, METHODS, SWAHILI, adjusted, fit, literal, retold, run, text_of
from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common.arrays import FloatArray
from clearbench.common.errors import EncoderError
from clearbench.common.languages import ENGLISH, Language
from clearbench.encoders.adjust.adjuster import Adjuster
from clearbench.encoders.adjust.encoder import adjust_encoder
from clearbench.encoders.adjust.method import Method, parse_method
from clearbench.encoders.adjust.text import collect_text
from clearbench.encoders.vectors.embed import encode_missing, plan_encoding
from clearbench.encoders.vectors.store import EmbeddingStore
from clearbench.records.parts import read_scores
from clearbench.scoring.compute import MEASURE_NAMES, score_run
from clearbench.search.dense import DenseEngine
from clearbench.tasks.dataset import Texts
from clearbench.tasks.mixed import mix


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("role", ["query", "passage"])
def test_vectors_equal_the_literal_formula(method, role):
    sets, text, encoder = [parallel_set(LANGUAGES)], text_of(), HashEncoder()
    adjuster = fit(adjusted(method, encoder, text), sets)
    assert adjuster.unit
    for language in (ENGLISH, GERMAN, SWAHILI):
        vectors = encoder.encode_batch([f"an unseen text number {i} {language}" for i in range(7)], role)
        found = adjuster(vectors, [language] * 7, role)
        expected = literal(parse_method(method), vectors, language, role, text, encoder)
        assert found.dtype == np.float32 and np.abs(found - expected).max() < 2e-6
        other = literal(parse_method(method), vectors, GERMAN if language != GERMAN else SWAHILI, role, text, encoder)
        if parse_method(method).changes((role, language)):  # another language's statistics would be seen
            assert np.abs(found - other).max() > 1e-3


def test_questions_and_passages_have_statistics_of_their_own():
    adjuster = fit(adjusted("center"), [parallel_set(LANGUAGES)])
    vectors = HashEncoder().encode_batch(["one text", "another"], "query")
    query, passage = (adjuster(vectors, [GERMAN] * 2, role) for role in ("query", "passage"))
    assert np.abs(query - passage).max() > 1e-3


@pytest.mark.parametrize(("method", "role"), [("shift", "query"), ("offset", "passage")])
def test_the_other_role_and_english_stay_bit_for_bit(method, role):
    adjuster = fit(adjusted(method), [parallel_set(LANGUAGES)])
    vectors = HashEncoder().encode_batch([f"text {i}" for i in range(5)], "query")
    assert (adjuster(vectors, [GERMAN] * 5, role) == vectors).all()
    for own in ("query", "passage"):
        assert (adjuster(vectors, [ENGLISH] * 5, own) == vectors).all()
    changed = {"query": "passage", "passage": "query"}[role]
    before = vectors.copy()
    assert np.abs(adjuster(vectors, [GERMAN] * 5, changed) - vectors).max() > 1e-3
    assert (vectors == before).all()  # the store's vectors are not written over


def test_a_pool_of_several_languages_is_changed_text_by_text():
    adjuster = fit(adjusted("center"), [parallel_set(LANGUAGES)])
    vectors = HashEncoder().encode_batch([f"text {i}" for i in range(6)], "passage")
    languages = [GERMAN, ENGLISH, SWAHILI, GERMAN, ENGLISH, GERMAN]
    together = adjuster(vectors, languages, "passage")
    alone = [adjuster(vectors[i : i + 1], [lang], "passage")[0] for i, lang in enumerate(languages)]
    assert np.abs(together - np.stack(alone)).max() < 1e-7


def test_equal_texts_in_two_languages_of_a_pool_are_two_vectors():
    encoder = adjusted("center")
    sets = [parallel_set(LANGUAGES)]
    same = Texts(ENGLISH, ("en/1", "en/2", "de/1"), ("Berlin",) * 3, (ENGLISH, ENGLISH, GERMAN))
    store = EmbeddingStore(None)
    plan = plan_encoding(encoder.base, sets, [*encoder.parts(sets), ("mixed", same, "passage")])
    encode_missing(encoder.base, store, plan)
    assert DenseEngine(encoder.base, store).open(same).passages.num_distinct == 1
    engine = DenseEngine(encoder.base, store, encoder)
    engine.prepare(engine.plan(sets))
    opened = engine.open(same)
    assert opened.passages.distinct.tolist() == [0, 0, 1]
    for language, vector in zip((ENGLISH, GERMAN), opened.vectors.values, strict=True):
        alone = replace(same, language=language, languages=())
        assert (engine.open(alone).vectors.values == vector).all()
    assert np.abs(opened.vectors.values[0] - opened.vectors.values[1]).max() > 1e-3


# Vectors of small whole numbers, and 4 texts for the statistics: means and products are exact in float32.
@dataclass
class TableEncoder(HashEncoder):
    """Vectors from a table: topic vector + language vector (+ role vector)."""

    table: dict[tuple[str, str], FloatArray] = field(default_factory=dict)

    def encode_batch(self, texts, role):
        return np.array([self.table[role, text] for text in texts], dtype=np.float32)


whole = st.integers(-20, 20)

vector = st.lists(whole, min_size=3, max_size=3).map(np.array)


@given(st.lists(vector, min_size=10, max_size=10), st.lists(vector, min_size=4, max_size=4))
def test_languages_that_differ_by_an_offset_rank_as_one_language(topics, offsets):
    evaluated, told = parallel_set(("en", "de"), size=6), retold(parallel_set(("en", "de"), size=4))
    shift = dict(zip([(r, lang) for r in ("query", "passage") for lang in ("en", "de")], offsets, strict=True))
    table = {}
    for number, data in ((0, evaluated), (6, told)):
        for pair in data.pairs:
            for role, part in (("query", data.queries_of(pair)), ("passage", data.passages_of(pair))):
                for key, text in zip(part.ids, part.texts, strict=True):
                    table[role, text] = topics[number + int(key[1])] + shift[role, str(part.language)]
    encoder, text = TableEncoder(table=table), collect_text(told)
    raw: dict[str, dict[Language, FloatArray]] = {"query": {}, "passage": {}}
    for pair in evaluated.pairs:
        for role, part in (("query", evaluated.queries_of(pair)), ("passage", evaluated.passages_of(pair))):
            raw[role][part.language] = encoder.encode_batch(part.texts, role)

    def scores(method, query, passage):
        adjuster = fit(adjust_encoder(encoder, Method(method), text), [evaluated])
        own = Adjuster(adjuster.method, adjuster.statistics, unit=False)  # lengths are whole numbers, at times all 1
        left, right = raw["query"][query], raw["passage"][passage]
        return own(left, [query] * len(left), "query") @ own(right, [passage] * len(right), "passage").T

    centred = scores("center", ENGLISH, ENGLISH)
    for query, passage in ((GERMAN, ENGLISH), (ENGLISH, GERMAN), (GERMAN, GERMAN)):
        assert (scores("center", query, passage) == centred).all()
    base = raw["query"][ENGLISH] @ raw["passage"][ENGLISH].T
    assert (scores("shift", ENGLISH, GERMAN) == base).all()
    assert (scores("offset", GERMAN, ENGLISH) == base).all()


def test_vectors_without_unit_norm_keep_their_lengths():
    class Long(HashEncoder):
        def encode_batch(self, texts, role):
            return 3 * super().encode_batch(texts, role)

    encoder, text = Long(), text_of()
    adjuster = fit(adjusted("center", encoder, text), [parallel_set(LANGUAGES)])
    part = text.parts["query", GERMAN]
    mean = encoder.encode_batch(part.texts, "query").mean(axis=0)
    vectors = encoder.encode_batch(["one", "two"], "query")
    assert not adjuster.unit
    assert np.abs(adjuster(vectors, [GERMAN] * 2, "query") - (vectors - mean)).max() < 1e-5


def literal_sides(method, retrieval, pair, text, encoder):
    """Changed vectors of a pair's queries and of its pool, each passage by its own language."""
    pool, queries = retrieval.passages_of(pair), retrieval.queries_of(pair)
    query_QD = literal(method, encoder.encode_batch(queries.texts, "query"), pair.query, "query", text, encoder)
    passage_PD = encoder.encode_batch(pool.texts, "passage").astype(np.float64)
    for language in set(pool.each_language):
        own = [one == language for one in pool.each_language]
        passage_PD[own] = literal(method, passage_PD[own], language, "passage", text, encoder)
    return query_QD, passage_PD


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("name", METHODS)
def test_scores_equal_the_straightforward_computation(tmp_path, name, mixed):
    retrieval, text, encoder = parallel_set(LANGUAGES, size=20), text_of(), HashEncoder()
    retrieval = mix(retrieval) if mixed else retrieval
    table = read_scores(run(tmp_path, adjusted(name, encoder, text), retrieval).folder)
    assert len(retrieval.pairs) == (3 if mixed else 9)
    for pair in retrieval.pairs:
        query_QD, passage_PD = literal_sides(parse_method(name), retrieval, pair, text, encoder)
        ids, asked = retrieval.passages_of(pair).ids, retrieval.queries_of(pair).ids
        rankings = {
            query: dict(zip(ids, map(float, row), strict=True))
            for query, row in zip(asked, np.round(query_QD @ passage_PD.T, 12), strict=True)
        }
        rows = table[table["pair"] == str(pair)].set_index("query").loc[list(asked)]
        expected = score_run(rankings, retrieval.qrels_of(pair), asked)
        assert np.abs(rows[list(MEASURE_NAMES)].to_numpy() - expected).max() < 1e-9, pair


def test_a_vector_that_vanishes_is_an_error_and_not_nan():
    class Constant(HashEncoder):
        def encode_batch(self, texts, role):
            return np.full((len(texts), 4), 0.5, dtype=np.float32)

    adjuster = fit(adjusted("center", Constant()), [parallel_set(LANGUAGES)])
    with pytest.raises(EncoderError, match="leaves nothing of 2 of 2 passages in de"):
        adjuster(Constant().encode_batch(["a", "b"], "passage"), [GERMAN] * 2, "passage")
