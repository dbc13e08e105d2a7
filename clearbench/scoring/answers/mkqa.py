"""MKQA's rule: is an answer, as a run of whole tokens, in one of the first 20 or 100 passages?"""

import unicodedata
from collections.abc import Mapping, Sequence

import regex

from clearbench.scoring.answers.rule import AnswerScores, Passages, RankedIds, check_cutoffs, look_up

MkqaCache = dict[str, str]
"""Passage or answer text -> its `match_key`. Safe to share like the cache of `score_xor`."""

_TOKEN = regex.compile(r"[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]", regex.IGNORECASE | regex.UNICODE | regex.MULTILINE)


def score_mkqa(
    ranked: RankedIds,
    passages: Passages,
    answers: Mapping[str, Sequence[str]],
    *,
    cutoffs: Sequence[int] = (20, 100),
    cache: MkqaCache | None = None,
) -> AnswerScores:
    """Score rankings by the rule of MKQA: is an answer in one of the first k passages?

    An answer is in a passage if its tokens are a contiguous sub-sequence of the passage's, see `match_key`.

    Args:
        ranked: The rankings of one language pair. Queries without answers are ignored.
        passages: Passage texts as the rule wants them: title, blank, text.
        answers: query id -> accepted answers and aliases, the English ones whatever the query's language.
        cutoffs: Values of k.
        cache: Kept by the caller between calls: the languages share questions' answers and most passages.
    Returns:
        A row for every question; one without a ranking scores 0. Nothing is skipped.
    Raises:
        ScoringError: A passage is unknown, or a cut-off is below 1.
    Source: Contriever (Izacard et al., 2022) and BGE-M3 (Chen et al., 2024), with DPR's tokenizer and answer test.
        Deviation: an answer without tokens never matches (there it always does).
    """
    check_cutoffs(cutoffs)
    cache = {} if cache is None else cache
    scores: dict[str, tuple[float, ...]] = {}
    for query, accepted in answers.items():
        keys = tuple(dict.fromkeys(key for answer in accepted if (key := _cached_key(answer, cache))))
        rank = None
        for position, passage in enumerate(ranked.get(query, ())[: max(cutoffs)] if keys else (), start=1):
            text = _cached_key(look_up(passages, passage, query), cache)
            if any(key in text for key in keys):
                rank = position
                break
        scores[query] = tuple(float(rank is not None and rank <= k) for k in cutoffs)
    return AnswerScores(tuple(f"answer_recall@{k}" for k in cutoffs), scores, ())


def match_key(text: str) -> str:
    """Return the lower-cased tokens of the NFD form, each between single spaces, or an empty string.

    A token is a run of letters, digits and marks, or any other single character that is neither a separator
    nor a control or format character. As no token holds a space, "tokens of a are a contiguous sub-sequence
    of those of b" is the same as "key of a is in key of b". Zero-width spaces separate; hyphens and
    apostrophes are tokens; accents count.
    """
    tokens = [token.lower() for token in _TOKEN.findall(unicodedata.normalize("NFD", text))]
    return f" {' '.join(tokens)} " if tokens else ""


def _cached_key(text: str, cache: MkqaCache) -> str:
    key = cache.get(text)
    if key is None:
        key = cache[text] = match_key(text)
    return key
