"""Languages: one identity, one printed form, and the table of known varieties.

A language is an ISO 639-3 code with an ISO 15924 script. Traditional Chinese may also have a region, because one data
set has it twice. Data sets spell languages in many ways (`de`, `deu`, `deu_Latn`, `zh_cn`, `iw`); all of them are read
here, and everywhere else a language is a `Language` that prints in one way only.

The table is `languages.csv`, one row per variety: variant, short, name, tier. The tier follows the classes of
Joshi et al. (2020), "The State and Fate of Linguistic Diversity and Inclusion in the NLP World", section 2:
classes 5 and 4 are "high", 3 is "mid", 2 to 0 are "low". The assignment is our own in these cases:

- The paper lists languages by name. Where the name is that of a macrolanguage, its class goes to the one member that
  stands for it here: Persian's to pes, Malay's to zsm, Uzbek's to uzn, Norwegian's to nob, and Arabic's to Modern
  Standard Arabic (arb).
- Other Arabic languages have a class only if the paper names them: Egyptian is "mid"; acm, apc, ars and ary are "low".
- Simplified and Traditional Chinese both have the class of Chinese.
- Romanised varieties of languages usually written in another script are "low", whatever the language's class.
- A language the paper does not list is "low".
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, cast

from clearbench.common.errors import UsageError, suggest

Tier = Literal["high", "mid", "low"]

UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}ー"
"""Characters of scripts written without blanks between words, for a set of a `regex` pattern."""

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
        """How much data there is for the language: "high", "mid" or "low", as the top of this file says."""
        return _row(self).tier


ENGLISH = Language("eng", "Latn")
MULTIPLE = Language("mul", "Zyyy")
"""Several languages at once, as the passages of a mixed pool: prints as `mul`. No variety of the table, and no tier."""


def english_first(languages: Iterable[Language]) -> list[Language]:
    """Return languages without repetition in the order of tables: English first, the others by their printed form."""
    return sorted(set(languages), key=lambda language: (language != ENGLISH, str(language)))


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
    language = find_language(text)
    if language is None:
        raise unknown_language(text)
    return language


def find_language(text: str) -> Language | None:
    """Return the language that a text spells, see `parse_language`, or None where the table has no such variety."""
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


def unknown_language(text: str) -> UsageError:
    """Return the error that says a text spells no language of the table, with near names."""
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
