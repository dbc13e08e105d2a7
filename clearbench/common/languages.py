"""Languages and language pairs: one identity, one printed form, and the table of known varieties.

A language is an ISO 639-3 code with an ISO 15924 script, and for Traditional Chinese a region where a
data set keeps two apart. Data sets spell languages in many ways (`de`, `deu`, `deu_Latn`, `zh_cn`, `iw`);
all of them are read here, and everywhere else a language is a `Language` that prints in one way only.

The table is `languages.csv`, one row per variety: variant, short, name, tier. The tier follows the classes of
Joshi et al. (2020), "The State and Fate of Linguistic Diversity and Inclusion in the NLP World", section 2:
classes 5 and 4 are "high", 3 is "mid", 2 to 0 are "low". The assignment is our own in these cases:

- The paper lists names of languages; a macrolanguage's class is taken for the one member that stands for it here
  (Persian for pes, Malay for zsm, Uzbek for uzn, Norwegian for nob), for Arabic Modern Standard Arabic (arb).
- Other Arabic languages have a class only by their own name: Egyptian is "mid"; acm, apc, ars and ary are "low".
- Simplified and Traditional Chinese both have the class of Chinese.
- Romanised varieties of languages usually written in another script are "low", whatever the language's class.
- A language the paper does not list is "low".
"""

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar, cast

from clearbench.common.errors import UsageError, suggest

Tier = Literal["high", "mid", "low"]
_Side = TypeVar("_Side")

# Codes that data sets use for a language whose row has another code: macrolanguages, older and alternative codes.
_ALIASES = {
    "ara": "arb",
    "aze": "azj",
    "cmn": "zho",
    "fas": "pes",
    "fil": "tgl",
    "iw": "heb",
    "lav": "lvs",
    "mlg": "plt",
    "mon": "khk",
    "msa": "zsm",
    "nb": "nob",
    "nep": "npi",
    "nor": "nob",
    "ori": "ory",
    "orm": "gaz",
    "pus": "pbt",
    "sqi": "als",
    "swa": "swh",
    "uzb": "uzn",
}

# Regions that can be named, with the script each implies. CN is what zho_Hans stands for already, so it is dropped.
_CHINESE_REGIONS = {"CN": "Hans", "HK": "Hant", "TW": "Hant"}
_REGION_NAMES = {"HK": "Hong Kong", "TW": "Taiwan"}

# Pairs named in an error message before it is cut short.
_PAIRS_SHOWN = 12


class _Row(NamedTuple):
    code: str
    script: str
    short: str
    name: str
    tier: Tier


@dataclass(frozen=True, order=True)
class Language:
    """A written variety of a language; prints as the one short form that `parse_language` reads back.

    Make one with `parse_language`: it alone knows the aliases and checks that the table has the variety.

    Attributes:
        code: ISO 639-3, such as "deu".
        script: ISO 15924, such as "Latn".
        region: ISO 3166-1, only to keep MKQA's Traditional Chinese of Hong Kong and Taiwan apart; else empty.
    """

    code: str
    script: str
    region: str = ""

    def __str__(self) -> str:
        if self == MULTIPLE:
            return self.code
        row = _table().get((self.code, self.script))
        if row is None:
            return "_".join(filter(None, (self.code, self.script, self.region)))
        default = _shorts().get(self.code)
        base = row.short or (f"{default}_{self.script}" if default else self.code)
        return f"{base}_{self.region}" if self.region else base

    @property
    def variant(self) -> str:
        """Name in the manner of FLORES, "deu_Latn": the key of the table. It leaves the region out."""
        return f"{self.code}_{self.script}"

    @property
    def name(self) -> str:
        """English name, with the script where the language has several in the table."""
        if self == MULTIPLE:
            return "several languages"
        name = _row(self).name
        return f"{name}, {_REGION_NAMES[self.region]}" if self.region else name

    @property
    def tier(self) -> Tier:
        """Amount of data there is for the language: "high", "mid" or "low"; see the table's source above."""
        return _row(self).tier


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


ENGLISH = Language("eng", "Latn")
MULTIPLE = Language("mul", "Zyyy")
"""Several languages at once, as the passages of a mixed pool: prints as `mul`. No variety of the table, and no tier."""


def languages() -> tuple[Language, ...]:
    """Return every variety of the table, in its order."""
    return tuple(Language(row.code, row.script) for row in _table().values())


def parse_language(text: str) -> Language:
    """Read any spelling of a language that the data sets use: `de`, `deu`, `deu-Latn`, `deu_Latn`, `zh_tw`.

    Args:
        text: Language code (ISO 639-1 or 639-3), then a script and a region if any; letter case is ignored.
    Returns:
        The language; without a script, the variety that its short code stands for.
    Raises:
        UsageError: The table has no such variety.
    """
    language = _find_language(text)
    if language is None:
        raise _unknown(text)
    return language


def parse_pair(text: str) -> Pair:
    """Read a pair such as `de-en`, `deu-Latn-eng-Latn` or `zh_Hant_HK-en`, the queries' language first.

    Raises:
        UsageError: The text is not two languages, or the table lacks one of them.
    """
    return Pair(*_parse_sides(text, _find_language))


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
    texts = [text.strip() for text in patterns.split(",") if text.strip()]
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
    shown = ", ".join(map(str, pairs[:_PAIRS_SHOWN])) or "none"
    rest = len(pairs) - _PAIRS_SHOWN
    return f"There are: {shown}{f' and {rest:,} more' if rest > 0 else ''}."


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
                raise _unknown(token)
    raise UsageError(f"{text!r} is no language pair: expected QUERY-PASSAGE, such as de-en or zh_Hant-en.")


def _find_pattern(text: str) -> Language | Literal["*"] | None:
    return "*" if text == "*" else _find_language(text)


def _find_language(text: str) -> Language | None:
    """Return the language that `text` spells, or None."""
    first, *rest = text.strip().replace("-", "_").split("_")
    if first.lower() == MULTIPLE.code and not rest:
        return MULTIPLE
    code = _codes().get(first.lower())
    if code is None:
        return None
    script = rest.pop(0).title() if rest and len(rest[0]) == 4 else ""
    region = rest.pop(0).upper() if rest and code == "zho" else ""
    implied = _CHINESE_REGIONS.get(region, "") if region else script
    if rest or (region and not implied) or (script and script != implied):
        return None
    script = implied or _default_scripts()[code]
    if (code, script) not in _table():
        return None
    return Language(code, script, region if region in _REGION_NAMES else "")


def _unknown(text: str) -> UsageError:
    known = [form for language in languages() for form in (str(language), language.variant)]
    return UsageError(
        f"Unknown language {text!r}: expected an ISO 639 code of the table, with a script if need be, "
        f"such as de, deu_Latn or zh_Hant.{suggest(text.strip().replace('-', '_'), known)}"
    )


def _row(language: Language) -> _Row:
    row = _table().get((language.code, language.script))
    if row is None:
        raise UsageError(f"Language {language.variant} is not in the table; read languages with parse_language.")
    return row


@cache
def _table() -> dict[tuple[str, str], _Row]:
    """Rows of `languages.csv` by code and script, read on first use."""
    with Path(__file__).with_name("languages.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            _Row(
                record["variant"][:3],
                record["variant"][4:],
                record["short"],
                record["name"],
                cast(Tier, record["tier"]),
            )
            for record in csv.DictReader(file)
        ]
    return {(row.code, row.script): row for row in rows}


@cache
def _shorts() -> dict[str, str]:
    """Short code by ISO 639-3 code, for languages that have one."""
    return {row.code: row.short for row in _table().values() if row.short}


@cache
def _default_scripts() -> dict[str, str]:
    """Script meant where none is named: that of the row with the short code, else of the only row."""
    first = {row.code: row.script for row in _table().values()}
    return first | {row.code: row.script for row in _table().values() if row.short}


@cache
def _codes() -> dict[str, str]:
    """ISO 639-3 code of the table by every code that is read: itself, the short code, the aliases."""
    codes = {code: code for code, _ in _table()}
    return codes | {short: code for code, short in _shorts().items()} | _ALIASES
