"""Languages: the table, the one printed form, every spelling of the data sets."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common import language_table
from clearbench.common.errors import UsageError
from clearbench.common.languages import ENGLISH, MULTIPLE, Language, english_first, languages, parse_language
from clearbench.common.pairs import parse_pair

BELEBELE_TEXT = """
acm_Arab afr_Latn als_Latn amh_Ethi apc_Arab arb_Arab arb_Latn ars_Arab ary_Arab arz_Arab asm_Beng azj_Latn bam_Latn
ben_Beng ben_Latn bod_Tibt bul_Cyrl cat_Latn ceb_Latn ces_Latn ckb_Arab dan_Latn deu_Latn ell_Grek eng_Latn est_Latn
eus_Latn fin_Latn fra_Latn fuv_Latn gaz_Latn grn_Latn guj_Gujr hat_Latn hau_Latn heb_Hebr hin_Deva hin_Latn hrv_Latn
hun_Latn hye_Armn ibo_Latn ilo_Latn ind_Latn isl_Latn ita_Latn jav_Latn jpn_Jpan kac_Latn kan_Knda kat_Geor kaz_Cyrl
kea_Latn khk_Cyrl khm_Khmr kin_Latn kir_Cyrl kor_Hang lao_Laoo lin_Latn lit_Latn lug_Latn luo_Latn lvs_Latn mal_Mlym
mar_Deva mkd_Cyrl mlt_Latn mri_Latn mya_Mymr nld_Latn nob_Latn npi_Deva npi_Latn nso_Latn nya_Latn ory_Orya pan_Guru
pbt_Arab pes_Arab plt_Latn pol_Latn por_Latn ron_Latn rus_Cyrl shn_Mymr sin_Latn sin_Sinh slk_Latn slv_Latn sna_Latn
snd_Arab som_Latn sot_Latn spa_Latn srp_Cyrl ssw_Latn sun_Latn swe_Latn swh_Latn tam_Taml tel_Telu tgk_Cyrl tgl_Latn
tha_Thai tir_Ethi tsn_Latn tso_Latn tur_Latn ukr_Cyrl urd_Arab urd_Latn uzn_Latn vie_Latn war_Latn wol_Latn xho_Latn
yor_Latn zho_Hans zho_Hant zsm_Latn zul_Latn
"""
BELEBELE = BELEBELE_TEXT.split()

NTREX = """
eng afr amh arb aze-Latn bak bel bem ben bod bos bul cat ces ckb-Arab cym dan deu div dzo ell eng-GB eng-IN eng-US est
eus ewe fao fas fij fil fin fra fra-CA fuc gle glg guj hau heb hin hmn hrv hun hye ibo ind isl ita jpn kan kat kaz khm
kin kir kmr kor lao lav lit ltz mal mar mey mkd mlg mlt mon mri msa mya nde nep nld nno nob nso nya orm pan pol por
por-BR prs pus ron rus shi sin slk slv smo sna-Latn snd-Arab som spa spa-MX sqi srp-Cyrl srp-Latn ssw swa swe tah tam
tat tel tgk-Cyrl tha tir ton tsn tuk tur uig ukr urd uzb ven vie wol xho yor yue zho-CN zho-TW zul
"""
TATOEBA = """
eng afr amh ang ara arq arz ast awa aze bel ben ber bos bre bul cat cbk ceb ces cha cmn cor csb cym dan deu dsb dtp
ell epo est eus fao fin fra fry gla gle glg gsw heb hin hrv hsb hun hye ido ile ina ind isl ita jav jpn kab kat kaz
khm kor kur kzj lat lfn lit lvs mal mar max mhr mkd mon nds nld nno nob nov oci orv pam pes pms pol por ron rus slk
slv spa sqi srp swe swg swh tam tat tel tgl tha tuk tur tzl uig ukr urd uzb vie war wuu xho yid yue zsm
"""

# The codes as the data sets spell them.
SPELLINGS = {
    "mkqa": "ar da de en es fi fr he hu it ja km ko ms nl no pl pt ru sv th tr vi zh_cn zh_hk zh_tw",
    "xor-tydi": "ar bn fi ja ko ru te",
    "xquad": "ar de el en es hi ro ru th tr vi zh",
    "mlqa": "ar de en es hi vi zh",
    "afriqa": "bem fon hau ibo kin swa twi wol yor zul",
    "ntrex": NTREX,
    "tatoeba": TATOEBA,
    "tydi": "ar bn en fi id ja ko ru sw te th",
}

TABLE = languages()
REGIONAL = (Language("zho", "Hant", "HK"), Language("zho", "Hant", "TW"))
known_languages = st.sampled_from(TABLE + REGIONAL)
any_language = st.builds(
    Language,
    st.sampled_from(sorted({code for code, _ in language_table.all_rows()})),
    st.sampled_from(sorted(language_table.scripts())),
    st.sampled_from(["", "419", *sorted(language_table.regions())]),
).filter(lambda language: language != Language("zho", "Hans", "CN"))  # which is zho_Hans


def test_table_holds_the_122_belebele_variants_and_three_more() -> None:
    variants = {language.variant for language in TABLE}
    assert len(set(BELEBELE)) == 122
    assert variants - set(BELEBELE) == {"bem_Latn", "fon_Latn", "twi_Latn"}
    assert set(BELEBELE) <= variants


def test_table_is_sorted_and_well_formed() -> None:
    assert list(TABLE) == sorted(TABLE)
    for language in TABLE:
        assert len(language.code) == 3 and language.code.islower()
        assert len(language.script) == 4 and language.script.istitle()
        assert language.name and language.tier in ("high", "mid", "low")
    assert len({language.name for language in TABLE}) == len(TABLE)


def test_a_code_with_several_scripts_has_one_default() -> None:
    scripts = Counter(language.code for language in TABLE)
    several = {code for code, count in scripts.items() if count > 1}
    assert several == {"arb", "ben", "hin", "npi", "sin", "urd", "zho"}
    for code in several:
        assert sum(len(str(language)) == 2 for language in TABLE if language.code == code) == 1


def test_printed_forms_are_unique() -> None:
    assert max(Counter(map(str, TABLE + REGIONAL)).values()) == 1


@given(known_languages | any_language, st.sampled_from([str.lower, str.upper, str.title, str]), st.sampled_from("_-"))
def test_a_language_is_read_back_from_its_printed_form(
    language: Language, change: Callable[[str], str], joint: str
) -> None:
    assert parse_language(str(language)) == language
    assert parse_language(f" {change(str(language)).replace('_', joint)}\n") == language


@pytest.mark.parametrize("variant", BELEBELE)
def test_a_variant_is_read_with_either_joint(variant: str) -> None:
    assert parse_language(variant).variant == variant
    assert parse_language(variant.replace("_", "-")).variant == variant


@pytest.mark.parametrize("data_set", SPELLINGS)
def test_languages_of_a_data_set_stay_distinct(data_set: str) -> None:
    codes = SPELLINGS[data_set].split()
    assert len({parse_language(code) for code in codes}) == len(codes)


@pytest.mark.parametrize(
    ("spellings", "variant", "printed"),
    [
        ("de deu deu_Latn DEU-latn de_Latn", "deu_Latn", "de"),
        ("ar ara arb arb_Arab ar-Arab", "arb_Arab", "ar"),
        ("ar_Latn arb_Latn ara-Latn", "arb_Latn", "ar_Latn"),
        ("arz arz_Arab", "arz_Arab", "arz"),
        ("hi_Latn hin_Latn", "hin_Latn", "hi_Latn"),
        ("si sin sin_Sinh", "sin_Sinh", "si"),
        ("no nb nor nob", "nob_Latn", "no"),
        ("iw he heb", "heb_Hebr", "he"),
        ("sw swa swh swa_Latn", "swh_Latn", "sw"),
        ("fa fas pes", "pes_Arab", "fa"),
        ("ms msa zsm", "zsm_Latn", "ms"),
        ("zh zho cmn zh_cn zh-CN zh_Hans zh_Hans_CN", "zho_Hans", "zh"),
        ("zh_Hant zho_Hant cmn-Hant", "zho_Hant", "zh_Hant"),
        ("zh_tw zh-TW zh_Hant_TW zho_Hant_TW", "zho_Hant", "zh_Hant_TW"),
        ("zh_hk zh_Hant_HK zho-hant-hk", "zho_Hant", "zh_Hant_HK"),
        ("bo bod bod_Tibt", "bod_Tibt", "bo"),
        ("ilo ilo_Latn", "ilo_Latn", "ilo"),
        ("tl tgl fil", "tgl_Latn", "tl"),
        ("twi tw", "twi_Latn", "tw"),
    ],
)
def test_all_spellings_of_a_language_print_alike(spellings: str, variant: str, printed: str) -> None:
    for spelling in spellings.split():
        language = parse_language(spelling)
        assert (language.variant, str(language)) == (variant, printed), spelling


def test_english_is_the_constant() -> None:
    assert parse_language("en") == ENGLISH
    assert str(ENGLISH) == "en"


@pytest.mark.parametrize(
    ("text", "name", "tier"),
    [
        ("en", "English", "high"),
        ("zh_hk", "Chinese (Traditional), Hong Kong", "high"),
        ("arz", "Egyptian Arabic", "mid"),
        ("ary", "Moroccan Arabic", "low"),
        ("bn", "Bengali", "mid"),
        ("hi", "Hindi", "high"),
        ("hi_Latn", "Hindi (Romanised)", "low"),
        ("sw", "Swahili", "low"),
        ("te", "Telugu", "low"),
        ("no", "Norwegian Bokmål", "low"),
    ],
)
def test_name_and_tier_come_from_the_table(text: str, name: str, tier: str) -> None:
    assert (parse_language(text).name, parse_language(text).tier) == (name, tier)


def test_every_language_of_the_data_sets_has_a_family() -> None:
    assert {language.variant for language in TABLE if not language.family} == set()
    assert parse_language("xyz_Latn").family == ""


def test_tiers_have_the_sizes_of_the_published_classes() -> None:
    # Classes 5 and 4 count 25 languages, all in the table, Chinese twice. Class 3 counts 28; Belarusian, Bosnian,
    # Galician and Latin are in none of the data sets.
    tiers = Counter(language.tier for language in TABLE)
    assert (tiers["high"], tiers["mid"]) == (25 + 1, 28 - 4)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "xx",
        "xyz",
        "de_Lant",
        "de_ZZ",
        "zh_US",
        "de_",
        "*",
        "de_Latn_x",
        "de_DE_1996",
        "German",
        "x_Latn",
        "mul_DE",
    ],
)
def test_unknown_language_is_a_usage_error_that_quotes_it(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_language(text)
    assert repr(text) in str(error.value)


def test_unknown_language_comes_with_near_names() -> None:
    with pytest.raises(UsageError, match=r"Did you mean .*\bdeu_Latn\b"):
        parse_language("deu-Lat")


@pytest.mark.parametrize(
    ("spellings", "printed", "name", "tier"),
    [
        ("pt-BR pt_br por-Latn-BR", "pt_BR", "Portuguese, BR", "high"),
        ("en-US eng_US", "en_US", "English, US", "high"),
        ("es-419", "es_419", "Spanish, 419", "high"),
        ("yue yue-Hant", "yue", "Cantonese", "low"),
        ("yue-Hans yue_Hans", "yue_Hans", "Cantonese (Hans)", "low"),
        ("yi yid ji yi-Hebr", "yi", "Yiddish", "low"),
        ("nn nno nn-Latn", "nn", "Norwegian Nynorsk", "low"),
        ("bs bos bs-Latn", "bs", "Bosnian", "mid"),
        ("bs-Cyrl", "bs_Cyrl", "Bosnian (Cyrillic)", "mid"),
        ("sr-Latn srp_Latn", "sr_Latn", "Serbian (Latin)", "high"),
        ("sr-ME sr_Latn_ME", "sr_Latn_ME", "Serbian (Latin), ME", "high"),
        ("pa-PK pa-Arab-PK", "pa_Arab_PK", "Eastern Panjabi (Arab), PK", "low"),
        ("zh-Hans-HK", "zh_Hans_HK", "Chinese (Simplified), Hong Kong", "high"),
        ("xyz_Latn XYZ-latn", "xyz_Latn", "xyz (Latn)", "low"),
        ("qaa-Grek-GR", "qaa_Grek_GR", "qaa (Grek), GR", "low"),
    ],
)
def test_languages_scripts_and_regions_that_no_data_set_has_can_be_used(
    spellings: str, printed: str, name: str, tier: str
) -> None:
    for spelling in spellings.split():
        language = parse_language(spelling)
        assert (str(language), language.name, language.tier) == (printed, name, tier), spelling


def test_the_two_tables_name_no_language_twice() -> None:
    rows = list(language_table.all_rows().values())
    assert max(Counter(row.short for row in rows if row.short).values()) == 1
    assert max(Counter(row.name for row in rows).values()) == 1
    more = {row.code for row in rows} - {language.code for language in TABLE}
    assert len(rows) > 600 and not more & language_table.ALIASES.keys()


def test_english_of_any_region_is_english() -> None:
    assert parse_language("en-GB").is_english and ENGLISH.is_english
    assert not parse_language("enm").is_english and parse_language("en-GB") != ENGLISH


def test_import_needs_no_third_party_package_and_reads_no_table() -> None:
    code = (
        "import sys, clearbench.common.languages as m; "
        "heavy = {'numpy', 'pandas', 'torch', 'pydantic', 'typer'} & set(sys.modules); "
        "sys.exit(bool(heavy) or m.all_rows.cache_info().currsize + m.data_set_rows.cache_info().currsize != 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_mul_is_several_languages_and_no_variety_of_the_table() -> None:
    assert str(MULTIPLE) == "mul" and parse_language("mul") == parse_language("MUL") == MULTIPLE
    assert str(parse_pair("de-mul")) == "de-mul" and not parse_pair("de-mul").monolingual
    assert MULTIPLE not in TABLE and MULTIPLE.name == "several languages"
    with pytest.raises(UsageError, match="Unknown language 'mul_Latn'"):
        parse_language("mul_Latn")
    with pytest.raises(UsageError, match="mul_Zyyy is several languages, which have no tier"):
        _ = MULTIPLE.tier


@given(st.lists(known_languages))
def test_tables_list_english_first_and_each_language_once(given_languages: list[Language]) -> None:
    ordered = english_first(given_languages)
    assert set(ordered) == set(given_languages) and len(ordered) == len(set(ordered))
    others = [str(language) for language in ordered if language != ENGLISH]
    assert others == sorted(others) and ENGLISH not in ordered[1:]
