"""XOR-Retrieve's rule against the published one, written out naively here as an oracle."""

import functools
import random
import unicodedata
from collections.abc import Callable, Sequence

import pytest
from builders.answers import WORDS, XOR_DEV, Case, Score, english_passages, failures, read_jsonl
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common.errors import ScoringError
from clearbench.scoring.answers.rule import AnswerScores
from clearbench.scoring.answers.xor import Tokeniser, XorCache, fallback_tokeniser, score_xor


def xor_rule(tokenise: Callable[[str], Sequence[str]]) -> Score:
    def rule(texts: list[str], answers: list[str], limit: int) -> float | None:
        spans = [answer for answer in answers if answer != "yes" and answer != "no"]
        if not spans:
            return None
        tokens: list[str] = []
        for text in texts:
            tokens.extend(tokenise(text))
        window = " ".join(tokens[:limit])
        return 1.0 if any(span in window for span in spans) else 0.0

    return rule


def ours_xor(tokeniser: Tokeniser) -> Score:
    def score(texts: list[str], answers: list[str], limit: int) -> float | None:
        passages = {str(number): text for number, text in enumerate(texts)}
        result = score_xor({"q": list(passages)}, passages, {"q": answers}, tokeniser, limits=(limit,))
        assert result.skipped == (() if result.scores else ("q",))
        return result.scores["q"][0] if result.scores else None

    return score


FILLER = " ".join(["w"] * 100)

XOR_CASES: dict[str, Case] = {
    "only yes": (["yes it is"], ["yes"], 2000, None),
    "only yes and no, repeated": (["yes no"], ["yes", "no", "yes"], 2000, None),
    "no answers at all": (["x"], [], 2000, None),
    "a yes in the text does not help a span": (["yes it is"], ["yes", "Rome"], 2000, 0.0),
    "a span counts although yes does not": (["yes in Rome"], ["yes", "Rome"], 2000, 1.0),
    "capitalised Yes is a span": (["Yes it is"], ["Yes"], 2000, 1.0),
    "a blank after yes makes it a span": (["yes it is"], ["yes "], 2000, 1.0),
    "case counts": (["in rome"], ["Rome"], 2000, 0.0),
    "inside a longer number": (["in 19901 there"], ["1990"], 2000, 1.0),
    "inside a longer word": (["a Romeo fled"], ["Rome"], 2000, 1.0),
    "double quotes are rewritten": (['he said "stop" twice'], ['"stop"'], 2000, 0.0),
    "the text between the quotes stays": (['he said "stop" twice'], ["stop"], 2000, 1.0),
    "brackets are set apart": (["a list (long) of it"], ["list (long) of"], 2000, 0.0),
    "a possessive is split": (["the dog's bone"], ["dog's bone"], 2000, 0.0),
    "a comma is set apart": (["Paris, France"], ["Paris, France"], 2000, 0.0),
    "white space in the text is one blank": (["New \n\t York"], ["New York"], 2000, 1.0),
    "two blanks in the answer never match": (["New  York"], ["New  York"], 2000, 0.0),
    "spans two passages": (["it was New", "York then"], ["New York"], 2000, 1.0),
    "not glued without a blank": (["it was New", "York then"], ["NewYork"], 2000, 0.0),
    "spans a passage without tokens": (["it was New", " ", "York then"], ["New York"], 2000, 1.0),
    "last token within the limit": ([FILLER] * 19 + [" ".join(["w"] * 99) + " Rome"], ["Rome"], 2000, 1.0),
    "first token beyond the limit": ([FILLER] * 20 + ["Rome"], ["Rome"], 2000, 0.0),
    "two tokens, the second one beyond": (
        [FILLER] * 19 + [" ".join(["w"] * 99) + " New York"],
        ["New York"],
        2000,
        0.0,
    ),
    "the last passage gives a single token": (["a b", "Rome"], ["Rome"], 3, 1.0),
    "the passage that crosses the limit is cut": ([FILLER + " Rome"], ["Rome"], 100, 0.0),
    "a blank at the answer's end needs a next token": (["in Rome"], ["Rome "], 2000, 0.0),
    "a blank at the answer's end, next token beyond": (["in Rome now"], ["Rome "], 2, 0.0),
    "a blank at the answer's end, next token within": (["in Rome now"], ["Rome "], 3, 1.0),
    "shorter than the limit": (["in Rome"], ["Rome"], 5000, 1.0),
    "the second answer comes first": (["b then a"], ["a", "b"], 1, 1.0),
    "repeated answers": (["in Rome"], ["Rome", "Rome"], 2000, 1.0),
    "empty ranking": ([], ["Rome"], 2000, 0.0),
    "accents are not normalised": (["cafe\u0301 x"], ["caf\u00e9"], 2000, 0.0),
}


def test_xor_rule_on_hand_written_cases() -> None:
    fallback = fallback_tokeniser()
    assert failures(XOR_CASES, xor_rule(fallback.tokenise)) == set(), "the oracle itself"
    assert failures(XOR_CASES, ours_xor(fallback)) == set()


def test_xor_rule_on_hand_written_cases_with_the_official_tokeniser(official: Tokeniser) -> None:
    assert failures(XOR_CASES, xor_rule(official.tokenise)) == set(), "the oracle itself"
    assert failures(XOR_CASES, ours_xor(official)) == set()


def wrong_xor(kind: str) -> Score:  # noqa: C901, one branch a mistake
    """Return a plausible implementation with one mistake."""
    tokenise = fallback_tokeniser().tokenise
    right = xor_rule(tokenise)

    def score(texts: list[str], answers: list[str], limit: int) -> float | None:  # noqa: C901
        spans = [answer for answer in answers if answer not in ("yes", "no")]
        tokens = [token for text in texts for token in tokenise(text)][:limit]
        match kind:
            case "lower-case":
                return right([text.lower() for text in texts], [answer.lower() for answer in answers], limit)
            case "yes/no kept":
                return float(any(answer in " ".join(tokens) for answer in answers))
            case "yes/no dropped in any case":
                return right(texts, [a for a in answers if a.strip().lower() not in ("yes", "no")], limit)
            case "yes/no drops the question":
                return right(texts, answers if spans == answers else ["yes"], limit)
            case "one more token":
                return right(texts, answers, limit + 1)
            case "one token less":
                return right(texts, answers, limit - 1)
            case "last passage not cut":
                kept = next((n for n in range(len(texts)) if len(tokenise(" ".join(texts[: n + 1]))) >= limit), 10**6)
                return right(texts[: kept + 1], answers, 10**6)
            case "raw text":
                return xor_rule(str.split)(texts, answers, limit)
            case "passage by passage":
                return max([right([text], answers, limit) or 0.0 for text in texts], default=0.0) if spans else None
            case "glued":
                return float(any(span in "".join(tokens) for span in spans)) if spans else None
            case "whole tokens":
                padded = f" {' '.join(tokens)} "
                return float(any(f" {span} " in padded for span in spans)) if spans else None
            case "answer tokenised":
                return right(texts, [" ".join(tokenise(a)) for a in answers], limit)
            case "NFC":
                return right([unicodedata.normalize("NFC", text) for text in texts], answers, limit)
        raise ValueError(kind)

    return score


@pytest.mark.parametrize(
    ("kind", "caught_by"),
    [
        ("lower-case", "case counts"),
        ("yes/no kept", "a yes in the text does not help a span"),
        ("yes/no dropped in any case", "capitalised Yes is a span"),
        ("yes/no drops the question", "a span counts although yes does not"),
        ("one more token", "first token beyond the limit"),
        ("one token less", "last token within the limit"),
        ("last passage not cut", "the passage that crosses the limit is cut"),
        ("raw text", "double quotes are rewritten"),
        ("passage by passage", "spans two passages"),
        ("glued", "not glued without a blank"),
        ("whole tokens", "inside a longer number"),
        ("answer tokenised", "brackets are set apart"),
        ("NFC", "accents are not normalised"),
    ],
)
def test_xor_cases_catch_wrong_implementations(kind: str, caught_by: str) -> None:
    assert caught_by in failures(XOR_CASES, wrong_xor(kind))


xor_text = st.text("aAb19 (\"'.", max_size=14)

xor_answer = st.text("aAb19 (", min_size=1, max_size=4).filter(lambda text: bool(text.strip()))


@given(
    texts=st.lists(xor_text, max_size=6),
    answers=st.lists(xor_answer | st.sampled_from(["yes", "no"]), max_size=3),
    limit=st.integers(1, 12),
    split=st.booleans(),
)
def test_xor_equals_the_literal_rule(texts: list[str], answers: list[str], limit: int, split: bool) -> None:
    tokeniser = WORDS if split else fallback_tokeniser()
    assert ours_xor(tokeniser)(texts, answers, limit) == xor_rule(tokeniser.tokenise)(texts, answers, limit)


@given(texts=st.lists(xor_text, max_size=6), answers=st.lists(xor_answer, min_size=1, max_size=3))
def test_xor_limits_are_independent_columns(texts: list[str], answers: list[str]) -> None:
    passages = {str(number): text for number, text in enumerate(texts)}
    limits = (7, 1, 3)
    row = score_xor({"q": list(passages)}, passages, {"q": answers}, WORDS, limits=limits).scores["q"]
    assert row == tuple(xor_rule(str.split)(texts, answers, limit) for limit in limits)
    assert row[1] <= row[2] <= row[0]


@pytest.mark.parametrize(
    ("position", "want"), [(1, (1, 1)), (2000, (1, 1)), (2001, (0, 1)), (5000, (0, 1)), (5001, (0, 0))]
)
def test_xor_limits_are_2000_and_5000_tokens_exactly(position: int, want: tuple[int, int]) -> None:
    tokens = ["w"] * (position - 1) + ["Rome"] + ["w"] * 10
    passages = {str(start): " ".join(tokens[start : start + 93]) for start in range(0, len(tokens), 93)}
    result = score_xor({"q": list(passages)}, passages, {"q": ["Rome"]}, WORDS)
    assert result == AnswerScores(("R@2kt", "R@5kt"), {"q": want}, ())


ANSWERS = {"hit": ["Rome"], "miss": ["Oslo"], "empty": ["Rome"], "absent": ["Rome"], "polar": ["yes"], "polar2": ["no"]}

RANKED = {"hit": ["p"], "miss": ["p"], "empty": [], "polar": ["p"], "unknown question": ["p"]}


def test_xor_leaves_unranked_questions_out_and_gives_empty_rankings_zero() -> None:
    scores = {"hit": (1.0, 1.0), "miss": (0.0, 0.0), "empty": (0.0, 0.0)}
    result = score_xor(RANKED, {"p": "in Rome"}, ANSWERS, WORDS)
    assert (result.scores, result.skipped) == (scores, ("polar", "polar2"))


def test_xor_tokenises_a_passage_once_and_reads_no_more_than_needed() -> None:
    seen: list[str] = []

    def tokenise(text: str) -> list[str]:
        seen.append(text)
        return text.split()

    counting = Tokeniser("counting", tokenise)
    passages = {"a": "x y", "b": "in Rome", "c": "never read"}
    ranked = {"q1": ["a", "b", "c"], "q2": ["b", "a", "c"], "q3": ["a", "a", "c"]}
    cache: XorCache = {}
    for _ in range(2):
        answers = {query: ["Rome"] for query in ranked}
        result = score_xor(ranked, passages, answers, counting, limits=(4,), cache=cache)
        assert result.scores == {"q1": (1.0,), "q2": (1.0,), "q3": (0.0,)}
    assert seen == ["x y", "in Rome"]


def test_one_xor_cache_serves_several_pools_and_tokenisers() -> None:
    cache: XorCache = {}
    letters = Tokeniser("letters", lambda text: list(text.replace(" ", "")))
    for tokeniser, text, want in [(WORDS, "Rome", 1.0), (letters, "Rome", 0.0), (WORDS, "Oslo", 0.0)]:
        result = score_xor({"q": ["p"]}, {"p": text}, {"q": ["Rome"]}, tokeniser, cache=cache)
        assert result.scores["q"] == (want, want)


def test_xor_measure_names() -> None:
    assert score_xor({}, {}, {}, WORDS, limits=(1000, 1500)).measures == ("R@1kt", "R@1500t")


def test_xor_errors_say_what_is_wrong() -> None:
    with pytest.raises(ScoringError, match="Query 'q' ranks passage 'x', which the passage pool does not hold"):
        score_xor({"q": ["x"]}, {"p": "t"}, {"q": ["Rome"]}, WORDS)
    for blank in ("", " "):
        with pytest.raises(ScoringError, match="blank answer"):
            score_xor({"q": ["p"]}, {"p": "t"}, {"q": ["Rome", blank]}, WORDS)
    with pytest.raises(ScoringError, match="Cut-offs"):
        score_xor({}, {}, {}, WORDS, limits=(0, 5000))
    with pytest.raises(ScoringError, match="a token holds a blank"):
        score_xor({"q": ["p"]}, {"p": "a b"}, {"q": ["a"]}, Tokeniser("whole", lambda text: [text]))


def test_xor_dev_has_2110_questions_of_which_182_are_skipped() -> None:
    rows = read_jsonl(XOR_DEV)
    answers = {row["id"]: row["answers"] for row in rows}
    polar = {query for query, accepted in answers.items() if {"yes", "no"} & set(accepted)}
    result = score_xor({query: [] for query in answers}, {}, answers, WORDS)
    assert (len(rows), len(answers), len(polar)) == (2110, 2110, 210)
    assert (len(result.skipped), len(result.scores)) == (182, 1928)
    assert len(polar - set(result.skipped)) == 28
    assert score_xor({}, {}, answers, WORDS).scores == {}


def test_xor_equals_the_literal_rule_on_real_questions_and_passages(official: Tokeniser) -> None:
    rows, passages = read_jsonl(XOR_DEV)[::7], english_passages()
    rng = random.Random(0)
    answers = {row["id"]: row["answers"] for row in rows}
    ranked = {query: rng.sample(sorted(passages), 45) for query in answers}
    result = score_xor(ranked, passages, answers, official)
    rule = xor_rule(functools.cache(official.tokenise))
    hits = [0.0, 0.0]
    for query in answers:
        texts = [passages[passage] for passage in ranked[query]]
        want = [rule(texts, answers[query], limit) for limit in (2000, 5000)]
        assert want == list(result.scores.get(query, (None, None)))
        hits = [total + (value or 0) for total, value in zip(hits, want, strict=True)]
    assert 0 < hits[0] < hits[1] < len(result.scores)
