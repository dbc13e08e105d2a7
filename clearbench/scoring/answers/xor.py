"""XOR-Retrieve's rule: is an answer in the first 2,000 or 5,000 tokens of the ranking?"""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from clearbench.common.errors import ScoringError, UsageError
from clearbench.scoring.answers.rule import AnswerScores, Passages, RankedIds, check_cutoffs, look_up

XorCache = dict[tuple[str, str], tuple[int, str]]
"""(tokeniser name, passage text) -> its number of tokens and the tokens joined by single spaces.

Keyed by text, so that one cache is safe for any number of calls, pools and tokenisers. It holds up to
1.5 kB for each distinct 100-word passage that was read.
"""

PUNKT = "tokenizers/punkt_tab/english/"
YES_NO = ("yes", "no")


@dataclass(frozen=True)
class Tokeniser:
    """How a passage is cut into the tokens that XOR-Retrieve counts; its name belongs in the record.

    Attributes:
        name: The label that results carry.
        tokenise: Text -> tokens, none of which holds a blank.
    """

    name: str
    tokenise: Callable[[str], Sequence[str]]


def official_tokeniser(*, offline: bool = False) -> Tokeniser:
    """Return `nltk.word_tokenize`: English punkt sentences, then NLTK's Treebank-like word rules.

    The punkt_tab data is looked for on `nltk.data.path`, which starts with the folders in NLTK_DATA as they
    were when nltk was imported; if it is not there, it is downloaded.

    Args:
        offline: Do not try to download it.
    Raises:
        ScoringError: The data is not found, and was not or could not be downloaded.
    """
    import nltk  # two seconds, and only this task needs it

    problem = _punkt_problem()
    attempt = "offline, no download tried"
    if problem and not offline:
        output = io.StringIO()
        try:
            done = nltk.download("punkt_tab", quiet=True, print_error_to=output)
            attempt = "downloaded" if done else f"the download failed: {' '.join(output.getvalue().split())}"
        except (OSError, ValueError) as error:
            attempt = f"the download failed: {error}"
        problem = _punkt_problem()
    if problem:
        raise ScoringError(
            f"The official XOR-Retrieve tokeniser, nltk.word_tokenize, needs NLTK's punkt_tab data: {problem}. "
            f"Looked for {PUNKT} in {', '.join(map(str, nltk.data.path)) or 'no folder at all'} ({attempt}). "
            "Run `python -m nltk.downloader punkt_tab`, or set NLTK_DATA to a folder that holds "
            "tokenizers/punkt_tab. Without the data only unofficial scores are possible (fallback_tokeniser)."
        )
    return Tokeniser("nltk.word_tokenize", nltk.word_tokenize)


def _punkt_problem() -> str:
    """Return why the official tokeniser would not work now, or an empty string."""
    import nltk

    try:
        nltk.data.find(PUNKT)
    except LookupError:
        return "not found"
    try:
        nltk.word_tokenize("Found. Complete?")
    except (LookupError, OSError, ValueError) as error:
        return f"found, but it cannot be loaded ({' '.join(str(error).split())[:200]})"
    return ""


def fallback_tokeniser() -> Tokeniser:
    """Return NLTK's word rules applied to the whole text at once; it needs no data and is not official.

    Without sentence splitting a full stop inside a passage stays attached to its word (`York.`), so passages have
    fewer tokens and more of them fit below the limit: scores are not comparable with published ones.
    """
    from nltk.tokenize import NLTKWordTokenizer

    return Tokeniser("nltk-treebank-unsplit", NLTKWordTokenizer().tokenize)


def find_tokeniser(name: str, offline: bool = False) -> Tokeniser:
    """Return the tokeniser that a task or `--tokeniser` names.

    Args:
        name: `official`, or `unsplit`, which needs no data.
        offline: Download no data.
    Raises:
        UsageError: There is no tokeniser of that name.
        ScoringError: The official tokeniser lacks its data.
    """
    if name not in ("official", "unsplit"):
        raise UsageError(f"Tokeniser {name!r}: expected official or unsplit.")
    return official_tokeniser(offline=offline) if name == "official" else fallback_tokeniser()


def score_xor(
    ranked: RankedIds,
    passages: Passages,
    answers: Mapping[str, Sequence[str]],
    tokeniser: Tokeniser,
    *,
    limits: Sequence[int] = (2000, 5000),
    cache: XorCache | None = None,
) -> AnswerScores:
    """Score rankings by the rule of XOR-Retrieve: is an answer in the first `limit` tokens of the ranking?

    Answers equal to `yes` or `no` are dropped, and a question that has no other answer is skipped. The
    tokens of the passages, in rank order, are concatenated, cut to exactly `limit` and joined with single
    spaces. An answer is a hit if it is a substring of that, case included. So `1990` hits inside `19901`, and an
    answer may span two passages; an answer that holds `"` never hits, because tokenisation rewrites it, and neither
    does one with a bracket or comma next to a word, because they are set apart. Passages are looked up
    and tokenised only until that is decided.

    Args:
        ranked: The rankings of one language pair. Queries without answers are ignored, an empty ranking scores 0.
        passages: Passage texts without titles.
        answers: query id -> accepted English answers, repeats allowed.
        tokeniser: `official_tokeniser()`, unless you want unofficial scores.
        limits: Token limits; 2000 is named `R@2kt`, 1500 would be `R@1500t`.
        cache: Kept by the caller between calls, so that passages shared by languages are tokenised once.
    Returns:
        A row for every question that is not skipped and has a ranking. The official script does not count questions
        without one, which flatters an incomplete run; an evaluation ranks passages for every question.
    Raises:
        ScoringError: A passage is unknown, a limit is below 1, an answer is blank, or a token holds a blank.
    Source: Asai et al. (2021), XOR QA (arXiv 2010.11856), and its evaluation script. Deviation: a blank answer
        is an error (the script counts it as a hit for every ranking).
    """
    check_cutoffs(limits)
    cache = {} if cache is None else cache
    scores: dict[str, tuple[float, ...]] = {}
    skipped = []
    for query, accepted in answers.items():
        spans = tuple(dict.fromkeys(answer for answer in accepted if answer not in YES_NO))
        if not all(span.strip() for span in spans):
            raise ScoringError(
                f"Query {query!r} has a blank answer, which would be a hit for every ranking. Remove it."
            )
        if not spans:
            skipped.append(query)
            continue
        if query not in ranked:
            continue
        texts = (look_up(passages, passage, query) for passage in ranked[query])
        needed = _tokens_until_hit((_count_tokens(text, tokeniser, cache) for text in texts), spans, max(limits))
        scores[query] = tuple(float(needed is not None and needed <= limit) for limit in limits)
    measures = tuple(f"R@{limit}t" if limit % 1000 else f"R@{limit // 1000}kt" for limit in limits)
    return AnswerScores(measures, scores, tuple(skipped))


def _count_tokens(text: str, tokeniser: Tokeniser, cache: XorCache) -> tuple[int, str]:
    """Return the number of tokens of a text and the tokens joined by single spaces."""
    key = (tokeniser.name, text)
    counted = cache.get(key)
    if counted is None:
        tokens = tokeniser.tokenise(text)
        joined = " ".join(tokens)
        if joined.count(" ") != max(0, len(tokens) - 1):
            raise ScoringError(f"Tokeniser {tokeniser.name}: a token holds a blank, so that tokens cannot be counted.")
        counted = cache[key] = (len(tokens), joined)
    return counted


def _tokens_until_hit(tokenised: Iterable[tuple[int, str]], spans: Sequence[str], limit: int) -> int | None:
    """Return how many leading tokens must be read until one of the answers is in them, or None.

    The text cut to n tokens is a prefix of the text cut to more, and an answer first found to end at a
    position needs the token there (for an answer that ends in a blank, the token after it). That is one token
    more than there are blanks before that end.

    Args:
        tokenised: Number of tokens and joined tokens per passage, in rank order; read only as far as needed.
        spans: Non-empty answers.
        limit: Largest number of interest; a larger result may come back as None.
    """
    longest = max(map(len, spans))
    text, num_tokens = "", 0
    for added, joined in tokenised:
        if not added:
            continue
        start = max(0, len(text) - longest)  # everything before was searched with the passages before
        text = f"{text} {joined}" if num_tokens else joined
        num_tokens += added
        ends = [found + len(span) for span in spans if (found := text.find(span, start)) >= 0]
        if ends:
            return text.count(" ", 0, min(ends)) + 1
        if num_tokens >= limit:
            return None
    return None
