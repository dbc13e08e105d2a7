"""Printing the language bias of a mixed pool: measures per query language, ranks per passage language, sentences."""

from collections.abc import Iterator, Mapping

from clearbench.cli.tables import grid
from clearbench.common.console import SafeConsole
from clearbench.common.languages import english_first, parse_language
from clearbench.common.measures import (
    MAIN_MEASURE,
    MAX_RANK,
    ONE_TARGET_OTHER,
    ONE_TARGET_SAME,
    OWN_FIRST,
    PAIRWISE_FIRST,
    RIGHT_OTHER,
    RIGHT_SAME,
    TLR,
    WRONG_OTHER,
    WRONG_SAME,
    find_measure,
)
from clearbench.common.pairs import parse_pair
from clearbench.common.text import p_value
from clearbench.records.schema import Record
from clearbench.stats.summaries import BiasSummary, Preference

# Measures shown per query language: heading, name.
COLUMNS = (
    (MAIN_MEASURE, MAIN_MEASURE),
    *((name, name) for name in TLR),
    (OWN_FIRST, OWN_FIRST),
    ("lpr_pair", PAIRWISE_FIRST),
    ("right/same", RIGHT_SAME),
    ("right/other", RIGHT_OTHER),
    ("wrong/same", WRONG_SAME),
    ("wrong/other", WRONG_OTHER),
    (MAX_RANK, MAX_RANK),
    ("one/same", ONE_TARGET_SAME),
    ("one/other", ONE_TARGET_OTHER),
)


PREFERENCE: Mapping[Preference, str] = {
    "own": "this model prefers the query's language",
    "others": "this model prefers other languages to the query's",
    "neither": "no preference is seen",
    "unknown": "too few independent questions to tell",
}


def print_bias(record: Record, console: SafeConsole) -> None:
    """Print the tables of a record of mixed pools, and what they say in words."""
    by_query = {str(parse_pair(pair.pair).query): pair for pair in record.pairs}
    rows = [str(language) for language in english_first(map(parse_language, by_query))]
    main = record.main_measure
    shown = COLUMNS if main == MAIN_MEASURE else ((main, main), *COLUMNS)
    console.print(
        f"queries of one language among the passages of {len(record.bias.languages) if record.bias else 0} languages; "
        f"shares x 100, {MAX_RANK} a rank; the four x/y columns: content/language of the first passage",
        style="dim",
    )
    values = {
        (row, heading): f"{find_measure(name).points * by_query[row].measures[name].mean:.1f}"
        for row in rows
        for heading, name in shown
        if name in by_query[row].measures
    }
    for table in grid(rows, [heading for heading, _ in shown], values, console.width, "query"):
        console.print(table)
    console.print("mean rank of the relevant passage, by its language (equal scores share their ranks)", style="dim")
    biases = {row: by_query[row].bias for row in rows} | ({"all": record.bias} if len(rows) > 1 else {})
    ranks = {
        (row, language): f"{ranked.mean_rank:,.1f}"
        for row, bias in biases.items()
        if bias
        for language, ranked in bias.languages.items()
    }
    columns = [str(language) for language in english_first(parse_language(code) for _, code in ranks)]
    for table in grid(list(biases), columns, ranks, console.width, "query"):
        console.print(table)
    if record.bias:
        for sentence in sentences(record.bias, sum(pair.num_queries for pair in record.pairs)):
            console.print(sentence)


def sentences(bias: BiasSummary, num_queries: int) -> Iterator[str]:
    """Say in words, with the numbers, whether the query's own language is preferred, and which languages are ahead."""
    if bias.own_first and bias.chance is not None:
        share = _percent(bias.own_first.mean)
        yield (
            f"The passage in the query's own language comes before its translations for {share} "
            f"of {num_queries - bias.left_out.get(OWN_FIRST, 0):,} queries{_interval(bias)}; blind to language it "
            f"would be {_percent(bias.chance)}: {PREFERENCE[bias.preference]}."
        )
    gaps = {language: ranked.gap for language, ranked in bias.languages.items() if ranked.gap is not None}
    if len(gaps) > 1:
        first, last = min(gaps, key=lambda name: gaps[name]), max(gaps, key=lambda name: gaps[name])
        test = bias.friedman
        difference = (
            f" Friedman's test over {test.num_blocks:,} independent blocks: p {p_value(test.p)}."
            if test
            else " No Friedman test: it needs two independent questions with a relevant passage in every language."
        )
        yield (
            f"Over all queries, {_name(first)} is ranked before the other languages most "
            f"({gaps[first]:+.2f} places from the mean), {_name(last)} behind them ({gaps[last]:+.2f}).{difference}"
        )


def _interval(bias: BiasSummary) -> str:
    own = bias.own_first
    if own is None or own.lower is None or own.upper is None:
        return ""
    return f" (95% interval {100 * own.lower:.1f} to {100 * own.upper:.1f}%)"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}%"


def _name(language: str) -> str:
    return parse_language(language).name
