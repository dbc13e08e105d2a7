"""The tables behind `languages`: varieties, further languages, scripts, regions, and the script that each implies.

`languages.csv` has the varieties of the data sets, one row each: variant, short, name, tier. `more_languages.csv` has
further languages, one row each: code, short, script, name, tier. `subtags.csv` has the codes of scripts and regions.
The latter two are made from Unicode's CLDR (English names, likely subtags), as Babel 2.18 has it; the languages of
NTREX and Tatoeba that it does not name were added by hand: ber, cbk, fuc, kmr, kzj, max, mey, mhr, orv, prs, swg, tzl.
A language that both tables lack can be used with its script. `families.csv` has the families that reports group
languages by: code, family. They follow Glottolog 5, cut where groups are of a readable size: branches of Indo-European,
Atlantic-Congo and Afro-Asiatic; creoles and constructed languages are groups of their own.
"""

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, cast

Tier = Literal["high", "mid", "low"]

ALIASES: Mapping[str, str] = {
    "ara": "arb",
    "aze": "azj",
    "cmn": "zho",
    "fas": "pes",
    "fil": "tgl",
    "in": "ind",
    "iw": "heb",
    "ji": "yid",
    "jw": "jav",
    "lav": "lvs",
    "mlg": "plt",
    "mo": "ron",
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
"""Codes that data sets use for a language whose row has another: macrolanguages, older and alternative codes."""

CHINESE_REGIONS: Mapping[str, str] = {
    "CN": "Hans",
    "HK": "Hant",
    "MO": "Hant",
    "MY": "Hans",
    "SG": "Hans",
    "TW": "Hant",
}
"""Regions of Chinese that can be named without a script, with the script each implies."""
REGION_SCRIPTS: Mapping[tuple[str, str], str] = {
    ("azj", "IQ"): "Arab",
    ("azj", "IR"): "Arab",
    ("kaz", "CN"): "Arab",
    ("khk", "CN"): "Mong",
    ("kir", "CN"): "Arab",
    ("kur", "IQ"): "Arab",
    ("kur", "IR"): "Arab",
    ("pan", "PK"): "Arab",
    ("snd", "IN"): "Deva",
    ("srp", "ME"): "Latn",
    ("tgk", "PK"): "Arab",
    ("uzn", "AF"): "Arab",
    ("yue", "CN"): "Hans",
    **{("zho", region): script for region, script in CHINESE_REGIONS.items()},
}
"""(language, region) -> the script that is meant where none is named and that is not the language's usual one."""
REGION_NAMES: Mapping[str, str] = {"HK": "Hong Kong", "TW": "Taiwan"}
"""Names of regions that the data sets have; others are named by their code."""


class LanguageRow(NamedTuple):
    """One variety: ISO 639-3 code, ISO 15924 script, two-letter code if this is its usual variety, name, tier."""

    code: str
    script: str
    short: str
    name: str
    tier: Tier


@cache
def data_set_rows() -> Mapping[tuple[str, str], LanguageRow]:
    """Return the varieties of the data sets by code and script, read on first use."""
    rows = [
        LanguageRow(
            record["variant"][:3], record["variant"][4:], record["short"], record["name"], cast(Tier, record["tier"])
        )
        for record in _records("languages.csv")
    ]
    return {(row.code, row.script): row for row in rows}


@cache
def all_rows() -> Mapping[tuple[str, str], LanguageRow]:
    """Return the varieties of both tables by code and script."""
    more = [
        LanguageRow(record["code"], record["script"], record["short"], record["name"], cast(Tier, record["tier"]))
        for record in _records("more_languages.csv")
    ]
    return {**data_set_rows(), **{(row.code, row.script): row for row in more}}


@cache
def shorts() -> Mapping[str, str]:
    """Return two-letter code by ISO 639-3 code, for languages that have one."""
    return {row.code: row.short for row in all_rows().values() if row.short}


@cache
def default_scripts() -> Mapping[str, str]:
    """Return the script meant where none is named: that of the row with the short code, else of the only row."""
    first = {row.code: row.script for row in all_rows().values()}
    return first | {row.code: row.script for row in all_rows().values() if row.short}


@cache
def families() -> Mapping[str, str]:
    """Return the family of a language by ISO 639-3 code, for the languages of the data sets and some others."""
    return {record["code"]: record["family"] for record in _records("families.csv")}


@cache
def codes() -> Mapping[str, str]:
    """Return ISO 639-3 code by every code that is read: itself, the short code, the aliases."""
    return {**{code: code for code, _ in all_rows()}, **{short: code for code, short in shorts().items()}, **ALIASES}


@cache
def scripts() -> frozenset[str]:
    """Return the ISO 15924 codes of scripts."""
    return frozenset(record["code"] for record in _records("subtags.csv") if record["kind"] == "script")


@cache
def regions() -> frozenset[str]:
    """Return the ISO 3166-1 codes of regions; regions of UN M49 are three digits, such as 419, Latin America."""
    return frozenset(record["code"] for record in _records("subtags.csv") if record["kind"] == "region")


def _records(name: str) -> Iterator[dict[str, str]]:
    with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
