"""Hard negatives: from the window, below the margin, never an answer, each with its own question."""

from dataclasses import replace

import numpy as np
import pytest
from builders.encoders import HashEncoder

from clearbench.common.errors import TrainingError
from clearbench.encoders.function import FunctionEncoder
from clearbench.encoders.vectors.store import EmbeddingStore
from clearbench.training.rows.candidates import collect_candidates
from clearbench.training.rows.leaks import normalise
from clearbench.training.rows.mine import fit_window, mine
from clearbench.training.rows.options import MiningOptions, Window
from clearbench.training.rows.row import Rows, TrainingRow


def scored(scores):
    """An encoder by whose ranking every question finds the passage p<i> with score scores[i]."""

    def encode(texts, role):
        if role == "query":
            return np.tile(np.array([1.0, 0.0], dtype=np.float32), (len(texts), 1))
        angles = [scores[int(text.strip().lower().removeprefix("p"))] for text in texts]
        return np.array([[score, np.sqrt(1 - score**2)] for score in angles], dtype=np.float32)

    return FunctionEncoder("scored", encode, "f", False)


def row(number, passage=None, language="de", **changes):
    made = TrainingRow(f"q{number}?", passage or f"P{number}", f"Frage {number}?", language, f"q{number}", "c")
    return replace(made, **changes)


def run(rows, scores, pool=None, **options):
    options = {"num_negatives": 1, "window": (1, 4), "margin": 0.0, **options}
    pool = Rows(tuple(pool)) if pool else None
    return mine(Rows(tuple(rows)), scored(scores), EmbeddingStore(None), MiningOptions(**options), pool)


SCORES = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
SIX = [row(number) for number in range(6)]


def negatives(mined):
    return [one.passage_negatives for one in mined.rows]


def test_negatives_come_from_the_ranks_of_the_window_in_their_order():
    mined = run(SIX[:1], SCORES, SIX, num_negatives=3, window=(3, 5))
    assert negatives(mined) == [("P2", "P3", "P4")]
    assert mined.rows[0].target_query_negatives == ("Frage 2?", "Frage 3?", "Frage 4?")
    assert mined.report.window_used == (3, 5) and mined.report.rows_full == 1


def test_a_negative_is_below_the_positive_by_the_margin():
    mined = run(SIX[2:3], SCORES, SIX, num_negatives=6, window=(1, 6), margin=0.15)
    assert negatives(mined) == [("P4", "P5")]
    assert mined.report.candidates_rejected == {
        "within the margin of the positive": 3,
        "answer the question": 1,
    }


@pytest.mark.parametrize(
    "twin",
    [
        row(0, "P3"),
        row(9, "P3", query=" Q0?"),
        row(9, "P3", target_query="FRAGE  0?"),
        row(0, "P3", language="es"),
    ],
    ids=["same id", "equal English question", "equal target question", "same id in another language"],
)
def test_a_passage_that_answers_the_question_in_another_row_is_never_a_negative(twin):
    pool = [*SIX, twin]
    assert negatives(run(SIX[:1], SCORES, pool, num_negatives=3, window=(2, 5))) == [("P1", "P2", "P4")]
    assert "P3" in negatives(run(SIX[:1], SCORES, SIX, num_negatives=4, window=(2, 5)))[0], "not vacuous"


def test_equal_passages_are_one_and_the_positives_twin_is_no_negative():
    pool = [*SIX, row(7, " p0 "), row(8, "p1")]
    mined = run(SIX[:1], SCORES, pool, num_negatives=2, window=(1, 3), margin=-1.0)
    assert [normalise(text) for text in mined.rows[0].passage_negatives] == ["p1", "p2"]
    assert mined.report.passages_searched == 6


def test_each_negative_brings_a_question_of_its_own_in_the_rows_language():
    pool = [row(n, language=language, target_query=f"{language} {n}") for n in range(6) for language in ("de", "es")]
    pool = [one for one in pool if (one.language, one.passage) != ("es", "P2")]
    mined = run([pool[0], pool[1]], SCORES, pool, num_negatives=3, window=(2, 4))
    assert negatives(mined) == [("P1", "P2", "P3"), ("P1", "P3")]
    assert mined.rows[0].target_query_negatives == ("de 1", "de 2", "de 3")
    assert mined.rows[1].target_query_negatives == ("es 1", "es 3")
    assert mined.report.candidates_rejected == {"have no question in the row's language": 1}
    assert (mined.report.rows_full, mined.report.rows_with_fewer, mined.report.rows_with_none) == (1, 1, 0)


def test_the_choice_is_the_seeds_and_not_the_row_orders():
    pool = [*SIX, *(row(10 + n, f"P{n}", target_query=f"Andere {n}?") for n in range(6))]
    rows = [row(0, query_id=f"id{n}", query="Who?" * (n + 1), target_query=f"x{n}") for n in range(20)]

    def picked(seed, order=1):
        mined = run(rows[::order], SCORES, pool[::order], num_negatives=2, window=(2, 6), seed=seed)
        return {one.query_id: (one.passage_negatives, one.target_query_negatives) for one in mined.rows}

    assert picked(0) == picked(0) == picked(0, order=-1)
    assert picked(0) != picked(1)
    questions = {text for _, texts in picked(0).values() for text in texts}
    assert any(text.startswith("Andere") for text in questions) and any(text.startswith("Frage") for text in questions)


def test_parallel_rows_of_a_question_get_the_same_negatives():
    rows = [row(n, language=language) for n in range(6) for language in ("de", "es")]
    mined = run(rows, SCORES, num_negatives=2, window=(2, 6), margin=-1.0)
    assert negatives(mined)[0::2] == negatives(mined)[1::2]


@pytest.mark.parametrize(
    ("window", "size", "used"),
    [((50, 100), 200, (50, 100)), ((50, 100), 90, (40, 90)), ((50, 100), 20, (1, 20)), ((1, 4), 3, (1, 3))],
)
def test_a_small_pool_moves_the_window_up(window, size, used):
    assert fit_window(window, size) == used


def test_no_negative_at_all_is_an_error_that_says_why():
    with pytest.raises(TrainingError, match=r"No row gets a negative from the ranks 1-1 of 1 passages \(1 answer"):
        run(SIX[:1], SCORES)
    with pytest.raises(TrainingError, match="within the margin"):
        run(SIX, SCORES, margin=3.0)


def test_old_negatives_are_replaced_and_counted():
    old = replace(SIX[0], passage_negatives=("Old",), target_query_negatives=("Alt",))
    mined = run([old], SCORES, SIX, window=(2, 2))
    assert negatives(mined) == [("P1",)] and mined.report.rows_whose_negatives_were_replaced == 1


def test_mining_equals_a_literal_search():
    """Random vectors, three languages, shared passages and questions: every rule checked from the definition."""
    numbers = np.random.default_rng(0)
    passages = [f"passage text {numbers.integers(50)} w{question % 7}" for question in range(80)]
    rows = [
        TrainingRow(f"question {n % 75}", passage, f"{language} {n % 77}", language, f"q{n}", "c")
        for n, passage in enumerate(passages)
        for language in ("de", "es", "fi")
        if numbers.random() < 0.8
    ]
    encoder = HashEncoder(batch_tokens=10_000)
    options = MiningOptions(3, Window(30, 60), 0.1, 7)
    mined = mine(Rows(tuple(rows)), encoder, EmbeddingStore(None), options)
    candidates = collect_candidates(rows)
    vectors = {text: encoder._vector(text) for text in {one.passage for one in rows} | {one.query for one in rows}}
    for before, after in zip(rows, mined.rows, strict=True):
        score = {key: float(vectors[before.query] @ vectors[text]) for key, text in candidates.passages.items()}
        order = sorted(sorted(score, reverse=True), key=lambda key: -score[key])
        window = [candidates.passages[key] for key in order[29:60]]
        positive = float(vectors[before.query] @ vectors[before.passage])
        answers = {
            one.passage
            for one in rows
            if one.query_id == before.query_id
            or one.query == before.query
            or (one.language, one.target_query) == (before.language, before.target_query)
        }
        asked = {(one.passage, one.target_query) for one in rows if one.language == before.language}
        usable = [
            text
            for text in window
            if text not in answers
            and float(vectors[before.query] @ vectors[text]) <= positive - 0.1
            and any(passage == text for passage, _ in asked)
        ]
        assert set(after.passage_negatives) <= set(usable)
        assert len(after.passage_negatives) == min(3, len(usable))
        assert list(after.passage_negatives) == [text for text in usable if text in after.passage_negatives]
        assert set(zip(after.passage_negatives, after.target_query_negatives, strict=True)) <= asked
    assert mined.report.rows_full > len(rows) / 5
    assert len({text for text, role in encoder.encoded}) == len(encoder.encoded), "each text is encoded once"
