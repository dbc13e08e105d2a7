"""Print the language bias of a mixed pool: measures per query language, ranks per passage language, and sentences."""

from collections.abc import Iterator

from clearbench.cli.tables import make_grid
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
from clearbench.stats.summaries import PREFERENCE_PHRASES, BiasSummary

# Columns of the table per query language: heading, name of the measure.
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


def print_bias(record: Record, console: SafeConsole) -> None:
    """Print the tables of a record of mixed pools, and sentences that explain them."""
    by_query = {str(parse_pair(pair.pair).query): pair for pair in record.pairs}
    rows = [str(language) for language in english_first(map(parse_language, by_query))]
    main = record.main_measure
    shown = COLUMNS if main == MAIN_MEASURE else ((main, main), *COLUMNS)
    console.print(
        f"queries in one language, passages in {len(record.bias.languages) if record.bias else 0} languages; "
        f"shares x 100, {MAX_RANK} as a rank; the four x/y columns: content/language of the first passage",
        style="dim",
    )
    values = {
        (row, heading): f"{find_measure(name).points * by_query[row].measures[name].mean:.1f}"
        for row in rows
        for heading, name in shown
        if name in by_query[row].measures
    }
    for table in make_grid(rows, [heading for heading, _ in shown], values, console.width, "query"):
        console.print(table)
    console.print("mean rank of the relevant passage, by its language (equal scores share a mean rank)", style="dim")
    biases = {row: by_query[row].bias for row in rows} | ({"all": record.bias} if len(rows) > 1 else {})
    ranks = {
        (row, language): f"{ranked.mean_rank:,.1f}"
        for row, bias in biases.items()
        if bias
        for language, ranked in bias.languages.items()
    }
    columns = [str(language) for language in english_first(parse_language(code) for _, code in ranks)]
    for table in make_grid(list(biases), columns, ranks, console.width, "query"):
        console.print(table)
    if record.bias:
        for sentence in bias_sentences(record.bias, sum(pair.num_queries for pair in record.pairs)):
            console.print(sentence)


def bias_sentences(bias: BiasSummary, num_queries: int) -> Iterator[str]:
    """Yield sentences that say whether the query's language is preferred, and which languages are ranked first."""
    if bias.own_first and bias.chance is not None:
        share = _percent_text(bias.own_first.mean)
        yield (
            f"The passage in the query's own language comes before its translations for {share} "
            f"of {num_queries - bias.left_out.get(OWN_FIRST, 0):,} queries{_interval_text(bias)}. A ranking that "
            f"ignores language would give {_percent_text(bias.chance)}. Result: {PREFERENCE_PHRASES[bias.preference]}."
        )
    gaps = {language: ranked.gap for language, ranked in bias.languages.items() if ranked.gap is not None}
    if len(gaps) > 1:
        first, last = min(gaps, key=lambda name: gaps[name]), max(gaps, key=lambda name: gaps[name])
        test = bias.friedman
        difference = (
            f" Friedman's test over {test.num_blocks:,} independent blocks: p {p_value(test.p)}."
            if test
            else " Friedman's test needs two independent questions with a relevant passage in every language."
        )
        yield (
            f"Over all queries, {_language_name(first)} is ranked highest ({gaps[first]:+.2f} places from the mean) "
            f"and {_language_name(last)} lowest ({gaps[last]:+.2f}).{difference}"
        )


def _interval_text(bias: BiasSummary) -> str:
    own = bias.own_first
    if own is None or own.lower is None or own.upper is None:
        return ""
    return f" (95% interval {100 * own.lower:.1f} to {100 * own.upper:.1f}%)"


def _percent_text(value: float) -> str:
    return f"{100 * value:.1f}%"


def _language_name(language: str) -> str:
    return parse_language(language).name
