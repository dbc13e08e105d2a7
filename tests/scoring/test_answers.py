"""Answer-string scoring against the published rules, written out naively here as oracles.

Needs no data for the rules. The tests that need NLTK's punkt_tab or the real question files look in the folder named
by CLEARBENCH_DATA (default: `../shared/data` beside the repository) and say what is absent when they skip.
"""

import functools
import json
import os
import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import nltk
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common.errors import ScoringError
from clearbench.scoring.answers.mkqa import MkqaCache, match_key, score_mkqa
from clearbench.scoring.answers.rule import AnswerScores
from clearbench.scoring.answers.xor import Tokeniser, XorCache, fallback_tokeniser, official_tokeniser, score_xor

DATA = Path(os.environ.get("CLEARBENCH_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
XOR_DEV = DATA / "xor_tydi" / "xor_dev_retrieve_eng_span_v1_1.jsonl"
WORDS = Tokeniser("white space", False, str.split)


@pytest.fixture(scope="module")
def official() -> Iterator[Tokeniser]:
    before = list(nltk.data.path)
    nltk.data.path.append(str(DATA / "nltk_data"))
    try:
        yield official_tokeniser(offline=True)
    except ScoringError:
        pytest.skip("no punkt_tab: set NLTK_DATA or CLEARBENCH_DATA")
    finally:
        nltk.data.path[:] = before


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        pytest.skip(f"no {path.name}: set CLEARBENCH_DATA")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def english_passages() -> dict[str, str]:
    path = DATA / "xquad" / "xquad.en.json"
    if not path.exists():
        pytest.skip(f"no {path.name}: set CLEARBENCH_DATA")
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    texts = [paragraph["context"] for article in articles for paragraph in article["paragraphs"]]
    return {f"p{number}": text for number, text in enumerate(texts)}


# ---------------------------------------------------------------- XOR-Retrieve: the rule, written out

Score = Callable[[list[str], list[str], int], float | None]
"""(texts of the ranked passages, answers, limit or k) -> hit, or None for a skipped question."""


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

XOR_CASES: dict[str, tuple[list[str], list[str], int, float | None]] = {
    "only yes": (["yes it is"], ["yes"], 2000, None),
    "only yes and no, repeated": (["yes no"], ["yes", "no", "yes"], 2000, None),
    "no answers at all": (["x"], [], 2000, None),
    "a yes in the text does not help a span": (["yes it is"], ["yes", "Rome"], 2000, 0.0),
    "a span beside yes counts": (["yes in Rome"], ["yes", "Rome"], 2000, 1.0),
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


def failures(cases: dict[str, tuple[list[str], list[str], int, float | None]], score: Score) -> set[str]:
    return {name for name, (texts, answers, cut, want) in cases.items() if score(texts, answers, cut) != want}


def test_xor_rule_on_hand_written_cases() -> None:
    fallback = fallback_tokeniser()
    assert failures(XOR_CASES, xor_rule(fallback.tokenise)) == set(), "the oracle itself"
    assert failures(XOR_CASES, ours_xor(fallback)) == set()


def test_xor_rule_on_hand_written_cases_with_the_official_tokeniser(official: Tokeniser) -> None:
    assert failures(XOR_CASES, xor_rule(official.tokenise)) == set(), "the oracle itself"
    assert failures(XOR_CASES, ours_xor(official)) == set()


def wrong_xor(kind: str) -> Score:
    """Return a plausible implementation with one mistake."""
    tokenise = fallback_tokeniser().tokenise
    right = xor_rule(tokenise)

    def score(texts: list[str], answers: list[str], limit: int) -> float | None:
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
        ("yes/no drops the question", "a span beside yes counts"),
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


# ---------------------------------------------------------------- XOR-Retrieve: questions, caches, errors

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

    counting = Tokeniser("counting", False, tokenise)
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
    letters = Tokeniser("letters", False, lambda text: list(text.replace(" ", "")))
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
        score_xor({"q": ["p"]}, {"p": "a b"}, {"q": ["a"]}, Tokeniser("whole", False, lambda text: [text]))


# ---------------------------------------------------------------- tokenisers


def test_tokenisers_are_told_apart_by_name(official: Tokeniser) -> None:
    fallback = fallback_tokeniser()
    assert (official.name, official.official) == ("nltk.word_tokenize", True)
    assert (fallback.name, fallback.official) == ("nltk-treebank-unsplit", False)
    text = 'It left York. Then "it" (the train) stopped.'
    assert " ".join(official.tokenise(text)) == "It left York . Then `` it '' ( the train ) stopped ."
    assert " ".join(fallback.tokenise(text)) == "It left York. Then `` it '' ( the train ) stopped ."
    result = score_xor({"q": ["p"]}, {"p": text}, {"q": ["York ."]}, fallback)
    assert result.scores["q"] == (0.0, 0.0)
    assert score_xor({"q": ["p"]}, {"p": text}, {"q": ["York ."]}, official).scores["q"] == (1.0, 1.0)


def test_without_punkt_the_official_tokeniser_is_an_error_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[str] = []

    def download(name: str, **options: Any) -> bool:
        calls.append(name)
        assert options["quiet"]
        options["print_error_to"].write("[nltk_data] no\n[nltk_data] network")
        return False

    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    monkeypatch.setattr(nltk, "download", download)
    with pytest.raises(ScoringError, match=r"offline, no download tried") as failure:
        official_tokeniser(offline=True)
    assert calls == []
    for part in ("nltk.word_tokenize", str(tmp_path), "python -m nltk.downloader punkt_tab", "NLTK_DATA"):
        assert part in str(failure.value)
    with pytest.raises(ScoringError, match=r"the download failed: \[nltk_data\] no \[nltk_data\] network"):
        official_tokeniser()
    assert calls == ["punkt_tab"]

    def unreachable(name: str, **options: Any) -> bool:
        raise OSError("unreachable")

    monkeypatch.setattr(nltk, "download", unreachable)
    with pytest.raises(ScoringError, match="the download failed: unreachable"):
        official_tokeniser()


def test_a_broken_punkt_folder_is_not_taken_for_the_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tokenizers" / "punkt_tab" / "english").mkdir(parents=True)

    def incomplete(text: str) -> list[str]:
        raise FileNotFoundError("collocations.tab")

    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    monkeypatch.setattr(nltk, "word_tokenize", incomplete)
    with pytest.raises(ScoringError, match=r"found, but it cannot be loaded \(collocations.tab\)"):
        official_tokeniser(offline=True)


def test_a_download_makes_the_official_tokeniser_usable(
    official: Tokeniser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folders = list(nltk.data.path)

    def download(name: str, **options: Any) -> bool:
        nltk.data.path[:] = folders
        return True

    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    monkeypatch.setattr(nltk, "download", download)
    assert official_tokeniser() == official


# ---------------------------------------------------------------- MKQA: the rule, written out

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


MKQA_CASES: dict[str, tuple[list[str], list[str], int, float | None]] = {
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
    "empty answer beside a real one": (["in Rome"], ["", "Rome"], 20, 1.0),
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


# ---------------------------------------------------------------- real questions


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
