"""MKQA's rule against the published one, written out naively here as an oracle."""

import functools
import random
import re
import unicodedata
from collections.abc import Callable

import pytest
import regex
from builders.answers import DATA, Case, Score, english_passages, failures, read_jsonl
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common.errors import ScoringError
from clearbench.scoring.answers.mkqa import MkqaCache, match_key, score_mkqa
from clearbench.scoring.answers.rule import AnswerScores

Tokens = Callable[[str], list[str]]


@functools.cache
def mkqa_tokens(text: str) -> list[str]:
    flags = regex.IGNORECASE + regex.UNICODE + regex.MULTILINE
    pattern = r"([\p{L}\p{N}\p{M}]+)|([^\p{Z}\p{C}])"
    return [found.group().lower() for found in regex.finditer(pattern, unicodedata.normalize("NFD", text), flags)]


def mkqa_rule(tokens: Tokens, empty_hits: bool = False) -> Score:
    def rule(texts: list[str], answers: list[str], k: int) -> float:
        for text in texts[:k]:
            words = tokens(text)
            for answer in map(tokens, answers):
                starts = range(len(words) - len(answer) + 1)
                if (answer or empty_hits) and any(words[start : start + len(answer)] == answer for start in starts):
                    return 1.0
        return 0.0

    return rule


def ours_mkqa(texts: list[str], answers: list[str], k: int) -> float:
    passages = {str(number): text for number, text in enumerate(texts)}
    result = score_mkqa({"q": list(passages)}, passages, {"q": answers}, cutoffs=(k,))
    assert result.skipped == ()
    return result.scores["q"][0]


MKQA_CASES: dict[str, Case] = {
    "case is folded": (["in ROME"], ["Rome"], 20, 1.0),
    "not inside a word": (["a Romeo"], ["Rome"], 20, 0.0),
    "not inside a number": (["in 19901"], ["1990"], 20, 0.0),
    "contiguous": (["New and old York"], ["New York"], 20, 0.0),
    "in order": (["York New"], ["New York"], 20, 0.0),
    "not across passages": (["it was New", "York then"], ["New York"], 20, 0.0),
    "composed text, decomposed answer": (["a caf\u00e9 x"], ["cafe\u0301"], 20, 1.0),
    "decomposed text, composed answer": (["a cafe\u0301 x"], ["caf\u00e9"], 20, 1.0),
    "accents count": (["a cafe x"], ["caf\u00e9"], 20, 0.0),
    "compatibility forms differ": (["size \uff11 x"], ["1"], 20, 0.0),
    "a hyphen is a token": (["Jean-Paul"], ["Jean Paul"], 20, 0.0),
    "white space around a hyphen does not matter": (["Jean - Paul"], ["Jean-Paul"], 20, 1.0),
    "an apostrophe is a token": (["O'Hara went"], ["O'Hara"], 20, 1.0),
    "a curly apostrophe is another": (["O\u2019Hara went"], ["O'Hara"], 20, 0.0),
    "a part before an apostrophe is a token": (["Rome's walls"], ["Rome"], 20, 1.0),
    "full stops are tokens": (["the U.S. army"], ["US"], 20, 0.0),
    "stray blanks in the answer": (["the Stress Relief episode"], [" Stress  Relief\n"], 20, 1.0),
    "no-break space separates": (["New\u00a0York"], ["New York"], 20, 1.0),
    "zero-width space separates": (["a \u178c\u200b\u179c\u17c1 x"], ["\u178c \u179c\u17c1"], 20, 1.0),
    "zero-width space does not join": (["\u178c\u200b\u179c\u17c1"], ["\u178c\u179c\u17c1"], 20, 0.0),
    "Khmer vowel signs stay in the word": (["\u179c\u17c1 x"], ["\u179c"], 20, 0.0),
    "empty answer": (["in Rome"], [""], 20, 0.0),
    "answer of blanks and format characters": (["in Rome"], [" \u200b\n"], 20, 0.0),
    "empty answer and a real one": (["in Rome"], ["", "Rome"], 20, 1.0),
    "no answers": (["in Rome"], [], 20, 0.0),
    "empty passage": (["", "Rome"], ["Rome"], 20, 1.0),
    "yes is an answer like any other": (["yes it is"], ["yes"], 20, 1.0),
    "final sigma by token": (["ΟΔΟΣ'Α"], ["οδος"], 20, 1.0),
    "repeated answers": (["Rome"], ["Rome", "Rome"], 20, 1.0),
    "within k": (["x"] * 19 + ["Rome"], ["Rome"], 20, 1.0),
    "beyond k": (["x"] * 20 + ["Rome"], ["Rome"], 20, 0.0),
    "empty ranking": ([], ["Rome"], 20, 0.0),
}


def test_mkqa_rule_on_hand_written_cases() -> None:
    assert failures(MKQA_CASES, mkqa_rule(mkqa_tokens)) == set(), "the oracle itself"
    assert failures(MKQA_CASES, ours_mkqa) == set()


def substring_mkqa(texts: list[str], answers: list[str], k: int) -> float:
    return float(any(match_key(a).strip() in match_key(t) for t in texts[:k] for a in answers if a.strip()))


WRONG_MKQA: dict[str, tuple[Score, str]] = {
    "empty answers hit": (mkqa_rule(mkqa_tokens, empty_hits=True), "empty answer"),
    "no NFD": (
        mkqa_rule(lambda text: [m.lower() for m in regex.findall(r"[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]", text)]),
        "composed text, decomposed answer",
    ),
    "NFKD": (
        mkqa_rule(lambda text: mkqa_tokens(unicodedata.normalize("NFKD", text))),
        "compatibility forms differ",
    ),
    "accents stripped": (
        mkqa_rule(lambda text: [regex.sub(r"\p{M}", "", token) for token in mkqa_tokens(text)]),
        "accents count",
    ),
    "case kept": (mkqa_rule(str.split), "case is folded"),
    "substring": (substring_mkqa, "not inside a number"),
    "punctuation dropped": (mkqa_rule(lambda text: re.findall(r"\w+", text.lower())), "a hyphen is a token"),
    "bag of words": (
        lambda texts, answers, k: float(
            any(set(mkqa_tokens(a)) <= set(mkqa_tokens(t)) for t in texts[:k] for a in answers if mkqa_tokens(a))
        ),
        "contiguous",
    ),
    "passages concatenated": (
        lambda texts, answers, k: mkqa_rule(mkqa_tokens)([" ".join(texts[:k])], answers, k),
        "not across passages",
    ),
    "lower-cased before tokenising": (mkqa_rule(lambda text: mkqa_tokens(text.lower())), "final sigma by token"),
    "one passage more": (lambda texts, answers, k: mkqa_rule(mkqa_tokens)(texts, answers, k + 1), "beyond k"),
    "one passage less": (lambda texts, answers, k: mkqa_rule(mkqa_tokens)(texts, answers, k - 1), "within k"),
}


@pytest.mark.parametrize("kind", WRONG_MKQA)
def test_mkqa_cases_catch_wrong_implementations(kind: str) -> None:
    score, caught_by = WRONG_MKQA[kind]
    assert caught_by in failures(MKQA_CASES, score)


mkqa_text = st.text("aAbé\u0301 -'.1\u200b\u00a0\nΣσςİ\u178c\u17c1", max_size=12)


@given(texts=st.lists(mkqa_text, max_size=5), answers=st.lists(mkqa_text, max_size=3), k=st.integers(1, 6))
def test_mkqa_equals_the_literal_rule(texts: list[str], answers: list[str], k: int) -> None:
    assert ours_mkqa(texts, answers, k) == mkqa_rule(mkqa_tokens)(texts, answers, k)


@given(st.text(max_size=20))
def test_match_key_holds_the_tokens_of_any_text(text: str) -> None:
    assert match_key(text).split(" ")[1:-1] == mkqa_tokens(text)


def test_mkqa_counts_unranked_questions_as_zero_and_keeps_cutoffs_apart() -> None:
    passages = {**{f"x{n}": "nothing" for n in range(100)}, "p": "Title in Rome"}
    fillers = [f"x{n}" for n in range(100)]
    ranked = {
        "1": ["p"],
        "20": [*fillers[:19], "p"],
        "21": [*fillers[:20], "p"],
        "101": [*fillers, "p"],
        "other": ["p"],
    }
    answers = {query: ["Rome"] for query in ("1", "20", "21", "101", "absent")}
    result = score_mkqa(ranked, passages, answers)
    assert result == AnswerScores(
        ("answer_recall@20", "answer_recall@100"),
        {"1": (1, 1), "20": (1, 1), "21": (0, 1), "101": (0, 0), "absent": (0, 0)},
        (),
    )


def test_mkqa_cache_serves_several_pools() -> None:
    cache: MkqaCache = {}
    for text, want in [("in Rome", 1.0), ("in Oslo", 0.0)]:
        result = score_mkqa({"q": ["p"]}, {"p": text}, {"q": ["Rome"]}, cutoffs=(5,), cache=cache)
        assert result.scores["q"] == (want,)
    assert cache == {"Rome": " rome ", "in Rome": " in rome ", "in Oslo": " in oslo "}


def test_mkqa_errors_say_what_is_wrong() -> None:
    with pytest.raises(ScoringError, match="Query 'q' ranks passage 'x', which the passage pool does not hold"):
        score_mkqa({"q": ["x"]}, {"p": "t"}, {"q": ["Rome"]})
    with pytest.raises(ScoringError, match="Cut-offs"):
        score_mkqa({}, {}, {}, cutoffs=())


@pytest.mark.parametrize("language", ["en", "km", "zh_cn"])
def test_mkqa_equals_the_literal_rule_on_real_questions_and_passages(language: str) -> None:
    rows, passages = read_jsonl(DATA / "mkqa" / "mkqa_dev" / f"mkqa-{language}.jsonl")[::5], english_passages()
    rng = random.Random(0)
    answers = {row["id"]: row["answers"] for row in rows}
    for query in sorted(answers)[::10]:  # otherwise nothing but numbers would hit for Khmer
        passages[query] = f"Title ({answers[query][0]}) text"
    ranked = {query: rng.sample(sorted(passages), 30) + [query] * (query in passages) for query in answers}
    result = score_mkqa(ranked, passages, answers, cutoffs=(20, 31))
    rule = mkqa_rule(mkqa_tokens)
    for query in answers:
        texts = [passages[passage] for passage in ranked[query]]
        assert result.scores[query] == (rule(texts, answers[query], 20), rule(texts, answers[query], 31))
    assert 0 < sum(row[0] for row in result.scores.values()) < sum(row[1] for row in result.scores.values())
