"""Language pairs and the patterns that choose among them; the queries' language comes first."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, TypeVar

from clearbench.common.errors import UsageError, suggest
from clearbench.common.languages import Language, find_language, unknown_language
from clearbench.common.text import join_names, split_list

PAIRS_SHOWN = 12
"""Pairs named in an error message before it is cut short."""

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
    """Read a pair such as `de-en`, `deu-Latn-eng-Latn` or `pt_BR-en`, the queries' language first.

    Raises:
        UsageError: The text is not two languages, or has two readings.
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
        raise UsageError(f"No language pair given: expected patterns such as de-en or *-en. {_list_pairs(pairs)}")
    chosen: set[Pair] = set()
    for text in texts:
        query, passage = _parse_sides(text, _find_pattern)
        matches = [pair for pair in pairs if query in ("*", pair.query) and passage in ("*", pair.passage)]
        if not matches:
            hint = suggest(text, map(str, pairs))
            raise UsageError(f"No language pair matches {text!r}. {_list_pairs(pairs)}{hint}")
        chosen.update(matches)
    return tuple(pair for pair in pairs if pair in chosen)


def _list_pairs(pairs: tuple[Pair, ...]) -> str:
    return f"There are: {join_names(pairs, PAIRS_SHOWN)}."


def _parse_sides(text: str, find: Callable[[str], _Side | None]) -> tuple[_Side, _Side]:
    """Split at the one hyphen that leaves a language on both sides, as `find` reads them.

    A hyphen may also join a code to its script or region (`zh-Hant-en`, `pt-BR-en`), so every hyphen is tried. No code
    is a script; but `br` is Breton and `BR` Brazil, so after a hyphen a region is written in capitals (`de-en-fr` is
    not a pair). A text that still has two readings, such as `pt-BR-FR`, is an error. (`zh-tw` is Chinese to Twi.)
    """
    tokens = [token.strip() for token in text.split("-")]
    readings = []
    for cut in range(1, len(tokens)):
        sides = tokens[:cut], tokens[cut:]
        query, passage = (find("-".join(side)) if _joinable(side) else None for side in sides)
        if query is not None and passage is not None:
            readings.append((query, passage))
    if len(readings) == 1:
        return readings[0]
    if readings:
        either = " or ".join(f"{query}-{passage}" for query, passage in readings)
        raise UsageError(f"{text!r} can be read as {either}: join a language's own parts by underscores.")
    if len(tokens) == 2 and all(tokens):
        for token in tokens:
            if find(token) is None:
                raise unknown_language(token)
    raise UsageError(f"{text!r} is not a language pair: expected QUERY-PASSAGE, such as de-en, zh_Hant-en or pt_BR-en.")


def _joinable(side: Sequence[str]) -> bool:
    """Return whether hyphens may join the parts of a side.

    Two small letters are a language; only after Chinese can they be a region.
    """
    return side[0].lower() in ("zh", "zho", "cmn") or not any(len(part) == 2 and part.islower() for part in side[1:])


def _find_pattern(text: str) -> Language | Literal["*"] | None:
    return "*" if text == "*" else find_language(text)
