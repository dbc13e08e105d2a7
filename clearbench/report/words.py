"""What a report says in sentences: only what its records show, each figure with what it was measured on.

Sentences are Markup: names of models and tasks are escaped where they are put in, emphasis is not.
"""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from clearbench.common.languages import MULTIPLE, parse_pair
from clearbench.records.select import Entry
from clearbench.stats.summaries import BiasSummary
from clearbench.verdicts.compare.model import Comparison
from clearbench.verdicts.gate.verdict import GateResult
from clearbench.verdicts.leaderboard.model import MEASURED, BoardRow, Leaderboard, TaskColumns

LEVEL = 0.05

ONE_BY_ONE = 3
"""Up to so many other models have a sentence each."""


def count(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: 1 pair, 1,190 queries."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def enumerate_words(words: Sequence[str], shown: int = 6) -> str:
    """Return "a, b and c"; long lists end in "and 12 more"."""
    words = list(words)
    if len(words) > shown:
        words = [*words[: shown - 1], f"{len(words) - shown + 1} more"]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""


def capitalise(sentence: str) -> str:
    """Return a sentence with a capital first letter, the rest as it is."""
    return sentence[:1].upper() + sentence[1:]


def describe_task(entries: Sequence[Entry], columns: TaskColumns) -> str:
    """Say how large a task is: pairs, languages, queries and passages of a pair."""
    pairs = {pair.pair: pair for entry in entries for pair in entry.record.pairs}
    parsed = [parse_pair(pair) for pair in pairs]
    queries, passages = {pair.query for pair in parsed}, {pair.passage for pair in parsed}
    mixed = passages == {MULTIPLE}
    against = "passages of all languages in one pool" if mixed else count(len(passages), "passage language")
    numbers = [pair.num_queries for pair in pairs.values()]
    pools = [pair.num_passages for pair in pairs.values()]
    return (
        f"{count(len(pairs), 'language pair')} ({count(len(queries), 'query language')}, {against}), "
        f"{_span(numbers, 'query', 'queries')} and {_span(pools, 'passage')} each. Measure: {columns.measure} × 100."
    )


def facts(
    board: Leaderboard,
    comparisons: Sequence[Comparison],
    gates: Sequence[GateResult],
    names: Mapping[str, str],
) -> list[Markup]:
    """Return the summary, one sentence or two each.

    Args:
        board: The leaderboard.
        comparisons: Every model against the reference.
        gates: English gates of every candidate, if there is a baseline.
        names: Model key -> name shown.
    """
    told = [_scope(board), *_ranking(board), *(_hardest(board, column) for column in board.tasks)]
    told += _compared(comparisons, names)
    told += _gated(gates, names)
    return [sentence for sentence in told if sentence]


def bias_fact(model: str, task: str, bias: BiasSummary) -> Markup:
    """Say how often the query's own language comes first, and what chance would give."""
    own = bias.own_first
    if own is None or bias.chance is None:
        return Markup("")
    if own.lower is None or own.upper is None or own.lower <= bias.chance <= own.upper:
        verdict = "no preference for the query's language is shown"
    elif own.mean > bias.chance:
        verdict = "it prefers the query's language"
    else:
        verdict = "it puts the query's language behind others"
    return Markup(
        "In the mixed pool of {}, <b>{}</b> ranks a passage in the query's language before its translations for "
        "<b>{:.1f} %</b> of queries; a ranking blind to language would do so for {:.1f} %: {}."
    ).format(task, model, 100 * own.mean, 100 * bias.chance, verdict)


def _scope(board: Leaderboard) -> Markup:
    measured = [row for row in board.rows if row.source == MEASURED]
    tasks = [f"{column.label} ({count(len(column.pairs), 'pair')})" for column in board.tasks]
    return Markup("{} on {}: {}.").format(
        count(len(measured), "model"), count(len(board.tasks), "task"), enumerate_words(tasks)
    )


def _ranking(board: Leaderboard) -> list[Markup]:
    ranked = [row for row in board.rows if row.rank is not None and row.mean is not None]
    if not ranked:
        return []
    first, rest = ranked[0], ranked[1:]
    over = f"over {count(board.num_shared, 'pair')} of {count(len(board.shared), 'task')}"
    if not rest:
        return [Markup("<b>{}</b> has a mean of <b>{:.1f}</b> {}.").format(first.model, 100 * _mean(first), over)]
    second = rest[0]
    if second.p_best is None:
        verdict = ""
    elif second.p_best < board.options.alpha:
        verdict = f"; the difference is significant ({_p(second.p_best)})"
    else:
        verdict = f"; the difference is not significant ({_p(second.p_best)})"
    told = [
        Markup("<b>{}</b> has the highest mean {}, <b>{:.2f}</b>; {} follows with {:.2f}{}.").format(
            first.model, over, 100 * _mean(first), second.model, 100 * _mean(second), verdict
        )
    ]
    level = [row.model for row in rest if row.p_best is not None and not row.p_best < board.options.alpha]
    if len(level) > 1:
        told.append(Markup("Not separable from {} on these queries: {}.").format(first.model, enumerate_words(level)))
    return told


def _hardest(board: Leaderboard, column: TaskColumns) -> Markup:
    """On which pair of a task the highest-ranked models do worst."""
    rows = [row for row in board.rows if row.source == MEASURED and column.label in row.tasks]
    worst = [(f.worst_pair, row.model, f.worst) for row in rows if (f := row.tasks[column.label]).worst is not None]
    if not worst or len(column.pairs) < 2:
        return Markup("")
    shown = [Markup("{} for {} ({:.1f})").format(pair, model, 100 * (value or 0.0)) for pair, model, value in worst[:3]]
    return Markup("Hardest pair of {}: {}.").format(column.label, Markup(", ").join(shown))


def _compared(comparisons: Sequence[Comparison], names: Mapping[str, str]) -> list[Markup]:
    """One sentence a model, or one for all where there are many."""
    told, short = [], []
    for comparison in comparisons:
        sure = [row for row in comparison.pairs if row.p_corrected < LEVEL]
        better, worse = (sum(sign * row.difference > 0 for row in sure) for sign in (1, -1))
        other, base = names.get(comparison.other, comparison.other), names.get(comparison.base, comparison.base)
        told.append(
            Markup("Against {}, <b>{}</b> is significantly better on {} of {} and worse on {} ({}).").format(
                base, other, _or_none(better), count(len(comparison.pairs), "pair"), _or_none(worse), _test(comparison)
            )
        )
        short.append(
            Markup("<b>{}</b> {:,}\u00a0/\u00a0{:,} of\u00a0{:,}").format(other, better, worse, len(comparison.pairs))
        )
    if len(told) <= ONE_BY_ONE:
        return told
    first = comparisons[0]
    return [
        Markup("Pairs on which a model is significantly better / worse than {} ({}): {}.").format(
            names.get(first.base, first.base), _test(first), Markup(", ").join(short)
        )
    ]


def _gated(gates: Sequence[GateResult], names: Mapping[str, str]) -> list[Markup]:
    """One sentence a model, or one a verdict where there are many models."""
    meanings = {
        "pass": "English is not worse than {} by {} or more",
        "undecided": "the queries do not decide whether English is worse than {} by {}",
        "fail": "English is worse than {} by more than {}",
    }
    told = []
    for outcome, meaning in meanings.items():
        found = [gate for gate in gates if gate.outcome == outcome]
        groups = [found] if len(gates) > ONE_BY_ONE and found else [[gate] for gate in found]
        for group in groups:
            models = Markup(", ").join(Markup("<b>{}</b>").format(names.get(g.candidate, g.candidate)) for g in group)
            why = Markup(meaning).format(names.get(group[0].baseline, group[0].baseline), group[0].allowed)
            told.append(Markup('English gate <b class="{}">{}</b>: {}; {}.').format(outcome, outcome, models, why))
    return told


def _test(comparison: Comparison) -> Markup:
    correction = Markup("sign-flip test, p\u00a0&lt;\u00a0{:g} after {} correction")
    return correction.format(LEVEL, comparison.options.correction.replace("-", "\u2011"))


def _or_none(number: int) -> str:
    return f"{number:,}" if number else "none"


def _mean(row: BoardRow) -> float:
    return row.mean if row.mean is not None else float("nan")


def _p(value: float) -> str:
    return "p\u00a0<\u00a00.001" if value < 0.001 else f"p\u00a0=\u00a0{value:.3f}"


def _span(numbers: Sequence[int], one: str, many: str | None = None) -> str:
    low, high = min(numbers), max(numbers)
    return count(low, one, many) if low == high else f"{low:,} to {count(high, one, many)}"
