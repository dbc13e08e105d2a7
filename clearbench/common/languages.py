"""Languages: one identity, one printed form, and the table of known varieties.

A language is an ISO 639-3 code with an ISO 15924 script, and a region if it is spelled with one (`pt_BR`). Data sets
spell languages in many ways (`de`, `deu`, `deu_Latn`, `pt-BR`, `zh_cn`, `iw`); all of them are read here, and
everywhere else a language is a `Language` that prints in one way only.

The tables of `language_table` hold what is known of each. The tier follows the classes of
Joshi et al. (2020), "The State and Fate of Linguistic Diversity and Inclusion in the NLP World", section 2:
classes 5 and 4 are "high", 3 is "mid", 2 to 0 are "low". The assignment is our own in these cases:

- The paper lists languages by name. Where the name is that of a macrolanguage, its class goes to the one member that
  stands for it here: Persian's to pes, Malay's to zsm, Uzbek's to uzn, Norwegian's to nob, and Arabic's to Modern
  Standard Arabic (arb).
- Other Arabic languages have a class only if the paper names them: Egyptian is "mid"; acm, apc, ars and ary are "low".
- Simplified and Traditional Chinese both have the class of Chinese.
- Serbian, Bosnian and Uzbek have their class in both of their scripts. Other varieties in a script other than the
  language's usual one are "low", whatever the language's class; a region makes no difference.
- A language the paper does not list is "low".
"""

from collections.abc import Iterable
from dataclasses import dataclass

from clearbench.common.errors import UsageError, suggest
from clearbench.common.language_table import (
    CHINESE_REGIONS,
    REGION_NAMES,
    REGION_SCRIPTS,
    LanguageRow,
    Tier,
    all_rows,
    codes,
    data_set_rows,
    default_scripts,
    families,
    regions,
    scripts,
    shorts,
)

UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}ー"
"""Characters of scripts written without blanks between words, for a set of a `regex` pattern."""


@dataclass(frozen=True, order=True)
class Language:
    """A written variety of a language; prints as the one short form that `parse_language` reads back.

    Make one with `parse_language`: it alone knows the aliases and checks the codes.

    Attributes:
        code: ISO 639-3, such as "deu".
        script: ISO 15924, such as "Latn".
        region: ISO 3166-1 or UN M49, where one was named: "BR" of `pt_BR`; else empty.
    """

    code: str
    script: str
    region: str = ""

    def __str__(self) -> str:
        if self == MULTIPLE:
            return self.code
        usual = self.script == default_scripts().get(self.code)
        implied = REGION_SCRIPTS.get((self.code, self.region), self.script) == self.script
        base = shorts().get(self.code, self.code)
        return "_".join(filter(None, (base, "" if usual and implied else self.script, self.region)))

    @property
    def variant(self) -> str:
        """Name in the manner of FLORES, "deu_Latn": the key of the table. It leaves the region out."""
        return f"{self.code}_{self.script}"

    @property
    def name(self) -> str:
        """English name, with the script where it is not the only one, and the region."""
        if self == MULTIPLE:
            return "several languages"
        name = _row(self).name
        return f"{name}, {REGION_NAMES.get(self.region, self.region)}" if self.region else name

    @property
    def is_english(self) -> bool:
        """Whether it is English, of whatever region."""
        return self.code == ENGLISH.code

    @property
    def tier(self) -> Tier:
        """How much data there is for the language: "high", "mid" or "low", as the top of this file says."""
        return _row(self).tier

    @property
    def family(self) -> str:
        """Family, or branch of a large one: "Slavic"; "" where the table does not have the language."""
        return families().get(self.code, "")


ENGLISH = Language("eng", "Latn")
MULTIPLE = Language("mul", "Zyyy")
"""Several languages at once, as the passages of a mixed pool: prints as `mul`. No variety of the table, and no tier."""


def english_first(languages: Iterable[Language]) -> list[Language]:
    """Return languages without repetition in the order of tables: English first, the others by their printed form."""
    return sorted(set(languages), key=lambda language: (language != ENGLISH, str(language)))


def languages() -> tuple[Language, ...]:
    """Return every variety of the data sets, in the order of their table."""
    return tuple(Language(row.code, row.script) for row in data_set_rows().values())


def parse_language(text: str) -> Language:
    """Read any spelling of a language: `de`, `deu`, `deu-Latn`, `deu_Latn`, `pt-BR`, `zh_tw`.

    Args:
        text: Language code (ISO 639-1 or 639-3), then a script and a region if any; letter case is ignored.
    Returns:
        The language; without a script, the variety that its short code or its region stands for.
    Raises:
        UsageError: There is no such language, script or region.
    """
    language = find_language(text)
    if language is None:
        raise unknown_language(text)
    return language


def find_language(text: str) -> Language | None:
    """Return the language that a text spells, see `parse_language`, or None where there is none."""
    first, *rest = text.strip().replace("-", "_").split("_")
    if first.lower() == MULTIPLE.code:
        return None if rest else MULTIPLE
    script = rest.pop(0).title() if rest and rest[0].title() in scripts() else ""
    region = rest.pop(0).upper() if rest and _is_region(rest[0]) else ""
    code = codes().get(first.lower()) or (first.lower() if script and _is_code(first) else None)
    if code is None or rest:
        return None
    if code == "zho" and region and not script and region not in CHINESE_REGIONS:
        return None
    script = script or REGION_SCRIPTS.get((code, region)) or default_scripts()[code]
    if (code, script, region) == ("zho", "Hans", "CN"):
        region = ""  # the region that zho_Hans stands for
    return Language(code, script, region)


def _is_region(text: str) -> bool:
    return text.upper() in regions() or (len(text) == 3 and text.isascii() and text.isdigit())


def _is_code(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isalpha()


def unknown_language(text: str) -> UsageError:
    """Return the error that says a text spells no language, with near names."""
    known = [form for language in languages() for form in (str(language), language.variant)]
    return UsageError(
        f"Unknown language {text!r}: expected an ISO 639 code, with a script and a region if need be, "
        f"such as de, deu_Latn, zh_Hant or pt_BR.{suggest(text.strip().replace('-', '_'), known)}"
    )


def _row(language: Language) -> LanguageRow:
    """Return a variety's row, or one made of its codes where the tables lack it."""
    if language == MULTIPLE:
        raise UsageError(f"Language {language.variant} is several languages, which have no tier together.")
    row = all_rows().get((language.code, language.script))
    if row is not None:
        return row
    usual = all_rows().get((language.code, default_scripts().get(language.code, "")))
    return LanguageRow(
        language.code, language.script, "", f"{usual.name if usual else language.code} ({language.script})", "low"
    )
