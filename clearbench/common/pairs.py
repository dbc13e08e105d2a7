"""Language pairs and the patterns that choose among them; the queries' language comes first."""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple, TypeVar

from clearbench.common.errors import UsageError, suggest
from clearbench.common.languages import Language, find_language, unknown_language
from clearbench.common.text import listed, split_list

# Pairs named in an error message before it is cut short.
PAIRS_SHOWN = 12

ENGLISH_PAIR = "en-en"
"""English queries against English passages, as patterns and records spell it: what a model must not lose."""

_Side = TypeVar("_Side")


class Pair(NamedTuple):
    """The languages of the queries and of the passages; prints as "de-en", the queries' language first."""

    query: Language
    passage: Language

    def __str__(self) -> str:
        return f"{self.query}-{self.passage}"

    @property
    def monolingual(self) -> bool:
        """Whether queries and passages are in the same variety."""
        return self.query == self.passage


def parse_pair(text: str) -> Pair:
    """Read a pair such as `de-en`, `deu-Latn-eng-Latn` or `zh_Hant_HK-en`, the queries' language first.

    Raises:
        UsageError: The text is not two languages, or the table lacks one of them.
    """
    return Pair(*_parse_sides(text, find_language))


def select_pairs(patterns: str, available: Iterable[Pair]) -> tuple[Pair, ...]:
    """Return the available pairs that any of the patterns matches, in the order of `available`, without repeats.

    Args:
        patterns: Pairs separated by commas; `*` on a side stands for every language, such as `*-en` or `de-en,en-*`.
        available: Pairs to choose from.
    Raises:
        UsageError: No pattern is given, or one cannot be read, or one matches no pair: that is most often a slip,
            and the run would silently lack a pair.
    """
    pairs = tuple(dict.fromkeys(available))
    texts = split_list(patterns)
    if not texts:
        raise UsageError(f"No language pair given: expected patterns such as de-en or *-en. {_describe(pairs)}")
    chosen: set[Pair] = set()
    for text in texts:
        query, passage = _parse_sides(text, _find_pattern)
        matches = [pair for pair in pairs if query in ("*", pair.query) and passage in ("*", pair.passage)]
        if not matches:
            hint = suggest(text, map(str, pairs))
            raise UsageError(f"No language pair matches {text!r}. {_describe(pairs)}{hint}")
        chosen.update(matches)
    return tuple(pair for pair in pairs if pair in chosen)


def _describe(pairs: tuple[Pair, ...]) -> str:
    return f"There are: {listed(pairs, PAIRS_SHOWN)}."


def _parse_sides(text: str, find: Callable[[str], _Side | None]) -> tuple[_Side, _Side]:
    """Split at the one hyphen that leaves a language on both sides, as `find` reads them.

    A hyphen may also join a code to its script, so every hyphen is tried. No text has two readings: the right side has
    to begin with a language code, and no script is one. (`zh-tw` is Chinese to Twi; `zh_tw-en` has Taiwan's Chinese.)
    """
    tokens = [token.strip() for token in text.split("-")]
    for cut in range(1, len(tokens)):
        query, passage = find("-".join(tokens[:cut])), find("-".join(tokens[cut:]))
        if query is not None and passage is not None:
            return query, passage
    if len(tokens) == 2 and all(tokens):
        for token in tokens:
            if find(token) is None:
                raise unknown_language(token)
    raise UsageError(f"{text!r} is no language pair: expected QUERY-PASSAGE, such as de-en or zh_Hant-en.")


def _find_pattern(text: str) -> Language | Literal["*"] | None:
    return "*" if text == "*" else find_language(text)
