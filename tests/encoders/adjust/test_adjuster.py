"""Training-free rivals: literal formulas, what they must leave alone, identity, and text that must not be used."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common.errors import EncoderError, UsageError
from clearbench.common.languages import ENGLISH, parse_language
from clearbench.encoders.adjust.adjuster import Adjuster
from clearbench.encoders.adjust.check import check_text
from clearbench.encoders.adjust.encoder import adjust_encoder
from clearbench.encoders.adjust.method import Method, parse_method
from clearbench.encoders.adjust.text import collect_text, load_text
from clearbench.encoders.bm25 import BM25
from clearbench.encoders.vectors.embed import encode_missing, plan_encoding
from clearbench.encoders.vectors.store import EmbeddingStore
from clearbench.evaluation.options import EvaluationOptions
from clearbench.records.parts import read_scores
from clearbench.scoring.compute import MEASURE_NAMES, score_run
from clearbench.search.dense import DenseEngine
from clearbench.tasks.dataset import Texts
from clearbench.tasks.mixed import mix

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
    return collect_text(retold(parallel_set(languages, size=size), **changes))


def adjusted(method, encoder=None, text=None):
    return adjust_encoder(encoder or HashEncoder(), parse_method(method), text or text_of())


def fit(encoder, sets):
    store = EmbeddingStore(None)
    encode_missing(encoder.base, store, plan_encoding(encoder.base, sets, encoder.parts(sets)))
    return encoder.fit(store, sets)


def unit(vectors):
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
    assert DenseEngine(encoder.base, store).open(same).pool.num_distinct == 1
    engine = DenseEngine(encoder.base, store, encoder)
    engine.prepare(sets, engine.plan(sets))
    opened = engine.open(same)
    assert opened.pool.distinct.tolist() == [0, 0, 1]
    for language, vector in zip((ENGLISH, GERMAN), opened.vectors, strict=True):
        alone = replace(same, language=language, languages=())
        assert (engine.open(alone).vectors == vector).all()
    assert np.abs(opened.vectors[0] - opened.vectors[1]).max() > 1e-3


# Vectors of small whole numbers, and 4 texts for the statistics: means and products are exact in float32.
@dataclass
class TableEncoder(HashEncoder):
    """Vectors from a table: topic vector + language vector (+ role vector)."""

    table: dict = field(default_factory=dict)

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
    raw = {role: {} for role in ("query", "passage")}
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


def run(tmp_path, encoder, retrieval, **options):
    [result] = evaluate_sets(
        encoder, [retrieval], EvaluationOptions(out=tmp_path / "out", cache=tmp_path / "cache", **options)
    )
    return result


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


def test_the_base_vectors_are_shared_and_nothing_is_encoded_twice(tmp_path):
    retrieval, text = parallel_set(LANGUAGES), text_of()
    base = run(tmp_path, HashEncoder(), retrieval)
    encoder = HashEncoder()
    result = run(tmp_path, adjusted("shift", encoder, text), retrieval)
    passages = {one for (role, _), part in text.parts.items() if role == "passage" for one in part.texts}
    assert {one for one, _ in encoder.encoded} == passages  # of the text, and only the role that shift needs
    assert len(encoder.encoded) == len(passages)
    again = HashEncoder()
    run(tmp_path, adjusted("center", again, text), retrieval)
    assert {role for _, role in again.encoded} == {"query"}
    scores = [read_scores(one.folder, ["de-en", "en-en"]).drop(columns="cluster") for one in (base, result)]
    assert scores[0].equals(scores[1])  # only passages that are not English move
    de_de = [one.record.averages["all"] for one in (base, result)]
    assert de_de[0] != de_de[1]


def test_the_record_names_method_text_and_hash(tmp_path):
    text = text_of()
    base = HashEncoder(settings={"kind": "hash", "dtype": "fp32"})
    result = run(tmp_path, adjusted("shift:0.25", base, text), parallel_set(LANGUAGES))
    assert result.record.model == {
        "name": "hash +shift:0.25 (other)", "kind": "hash", "dtype": "fp32", "adjust": "shift", "adjust_alpha": 0.25,
        "adjust_text": "other", "adjust_text_version": 1, "adjust_text_hash": text.fingerprint,
    }  # fmt: skip
    assert result.folder.parent.name.startswith("hash_+shift_0.25_other-")
    assert run(tmp_path, adjusted("lir:2", base, text), parallel_set(LANGUAGES)).record.model["adjust_k"] == 2


def test_the_name_leaves_the_usual_text_out():
    assert adjusted("lir:2", text=text_of(task="demo")).name == "hash +lir:2"


def test_identity_follows_base_method_parameter_and_text():
    text = text_of()
    part = text.parts["passage", GERMAN]
    changed = replace(part, texts=(part.texts[0] + ".", *part.texts[1:]))
    other = replace(text, parts={**text.parts, ("passage", GERMAN): changed})
    encoders = [
        HashEncoder(), adjusted("center"), adjusted("center", HashEncoder(salt="x")), adjusted("lir"),
        adjusted("lir:2"), adjusted("shift"), adjusted("shift:0.5"), adjusted("offset"), adjusted("center", text=other),
    ]  # fmt: skip
    assert len({encoder.fingerprint for encoder in encoders}) == len(encoders)
    assert adjusted("shift").fingerprint == adjusted("shift:1.0").fingerprint


def test_more_pairs_later_belong_to_the_same_record(tmp_path):
    whole, text = parallel_set(LANGUAGES), text_of()
    first = run(tmp_path, adjusted("center", text=text), replace(whole, pairs=whole.pairs[:2]))
    encoder = HashEncoder()
    second = run(tmp_path, adjusted("center", encoder, text), whole)
    assert first.folder == second.folder and len(second.record.pairs) == 9
    idle = HashEncoder()
    run(tmp_path, adjusted("center", idle, text), whole)
    assert not idle.encoded
    alone = run(tmp_path / "alone", adjusted("center", text=text), whole)
    assert alone.record.pairs == second.record.pairs


def test_no_shift_gives_the_base_figures(tmp_path):
    retrieval = parallel_set(LANGUAGES, size=20)
    records = [run(tmp_path, one, retrieval).record for one in (HashEncoder(), adjusted("shift:0"))]
    assert records[0].pairs == records[1].pairs


@pytest.mark.parametrize("text", METHODS)
def test_methods_print_as_they_are_written(text):
    assert str(parse_method(f" {text} ")) == text
    assert parse_method("lir:1") == Method("lir") and parse_method("shift:1") == Method("shift")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("centre", r"expected center, shift\[:alpha\].* Did you mean center\?"),
        ("", "expected center"),
        ("center:2", "center takes no number"),
        ("shift:", "a number from 0"),
        ("shift:nan", "a number from 0"),
        ("shift:-1", "a number from 0"),
        ("lir:0", "a whole number from 1"),
        ("lir:1.5", "a whole number from 1"),
    ],
)
def test_slips_in_the_method_are_explained(text, message):
    with pytest.raises(UsageError, match=message):
        parse_method(text)


def test_a_language_without_statistics_is_an_error_that_lists_them():
    with pytest.raises(UsageError, match=r"other has no questions in sw; it has them in en, de\. Name another"):
        check_text(Method("center"), text_of(("en", "de")), [parallel_set(LANGUAGES)])
    with pytest.raises(UsageError, match="has no passages in en; it has them in de, sw"):
        check_text(Method("shift"), text_of(("de", "sw")), [parallel_set(("de", "sw"))])
    adjuster = fit(adjusted("center"), [parallel_set(("en", "de"))])
    with pytest.raises(EncoderError, match="no statistics for passages in sw"):
        adjuster(np.ones((1, 16), dtype=np.float32), [SWAHILI], "passage")


def test_statistics_towards_english_need_translations():
    text = text_of()
    part = text.parts["passage", GERMAN]
    foreign = replace(part, ids=tuple(f"de-{key}" for key in part.ids))
    text = replace(text, parts={**text.parts, ("passage", GERMAN): foreign})
    with pytest.raises(UsageError, match="passages of other in de share no id with the English ones"):
        check_text(Method("shift"), text, [parallel_set(LANGUAGES)])
    check_text(Method("center"), text, [parallel_set(LANGUAGES)])


def test_only_ids_that_both_languages_have_count():
    text, encoder = text_of(), HashEncoder()
    part = text.parts["passage", GERMAN]
    more = Texts(GERMAN, ("only", *part.ids[::-1]), ("allein", *part.texts[::-1]))
    text = replace(text, parts={**text.parts, ("passage", GERMAN): more})
    vectors = encoder.encode_batch(["one"], "passage")
    found = fit(adjusted("shift", encoder, text), [parallel_set(LANGUAGES)])(vectors, [GERMAN], "passage")
    assert np.abs(found - literal(Method("shift"), vectors, GERMAN, "passage", text, encoder)).max() < 2e-6


def test_the_evaluated_text_gives_no_statistics(tmp_path):
    retrieval = parallel_set(LANGUAGES)
    with pytest.raises(UsageError, match="toy: this task is evaluated"):
        check_text(Method("center"), text_of(task="toy"), [retrieval])
    text = text_of()
    part = text.parts["query", GERMAN]
    stolen = replace(part, texts=(*part.texts[:-1], f" {retrieval.queries['en'].texts[3]}\n"))
    leaking = replace(text, parts={**text.parts, ("query", GERMAN): stolen})
    check_text(Method("center"), text, [retrieval])
    with pytest.raises(UsageError, match=r"its query 'p8#2' \(de\) is also the query 'p1#2' of toy \(en\)"):
        run(tmp_path, adjusted("center", text=leaking), retrieval)
    assert not (tmp_path / "out").exists()  # refused before anything is done
    blank = replace(retrieval.pools["de"], texts=(f"{text.parts['passage', GERMAN].texts[5]} ", *["x"] * 5))
    with pytest.raises(UsageError, match=r"its passage 'p5' \(de\) is also the passage 'p0' of toy \(de\)"):
        check_text(Method("center"), text, [replace(retrieval, pools={**retrieval.pools, "de": blank})])


def test_more_directions_than_the_text_spans_are_refused():
    with pytest.raises(UsageError, match=r"9 passages of other in de have 16 dimensions; fewer than 9"):
        fit(adjusted("lir:9"), [replace(parallel_set(("de",)), task="toy")])


def test_bm25_has_no_vectors():
    with pytest.raises(UsageError, match="bm25 has no vectors"):
        adjust_encoder(BM25, Method("center"), text_of())


def test_a_vector_that_vanishes_is_an_error_and_not_nan():
    class Constant(HashEncoder):
        def encode_batch(self, texts, role):
            return np.full((len(texts), 4), 0.5, dtype=np.float32)

    adjuster = fit(adjusted("center", Constant()), [parallel_set(LANGUAGES)])
    with pytest.raises(EncoderError, match="leaves nothing of 2 of 2 passages in de"):
        adjuster(Constant().encode_batch(["a", "b"], "passage"), [GERMAN] * 2, "passage")


def test_a_method_that_changes_nothing_says_so(tmp_path, capsys):
    run(tmp_path, adjusted("shift"), replace(parallel_set(("en",)), task="english"))
    assert "--adjust shift changes nothing here: it moves passages to English" in capsys.readouterr().err


def test_the_demo_gives_statistics_for_its_twelve_languages():
    text = load_text("demo")
    assert len(text.languages("query")) == len(text.languages("passage")) == 12
    assert len(text.shared_ids("passage", SWAHILI, ENGLISH)) == 64
