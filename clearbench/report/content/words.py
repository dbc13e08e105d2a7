"""What a report says in sentences: only what its records show, each figure with what it was measured on.

Sentences are Markup: names of models and tasks are escaped where they are put in, emphasis is not.
"""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from clearbench.common.languages import MULTIPLE
from clearbench.common.measures import find_measure
from clearbench.common.pairs import parse_pair
from clearbench.common.text import count, join_words, p_value
from clearbench.records.schema import Record
from clearbench.report.content.bias import BiasPanel
from clearbench.report.content.matrix import SIGNIFICANT, with_factor
from clearbench.stats.summaries import Preference
from clearbench.verdicts.compare.result import Comparison
from clearbench.verdicts.gate.result import GateResult
from clearbench.verdicts.leaderboard.result import MEASURED, Leaderboard, TaskColumns

ONE_BY_ONE = 3
"""Up to so many other models have a sentence each."""

GATE_MEANINGS = {
    "pass": "English is not worse than {} by {} or more",
    "undecided": "the queries do not decide whether English is worse than {} by {}",
    "fail": "English is worse than {} by more than {}",
}


def describe_task(records: Sequence[Record], columns: TaskColumns) -> str:
    """Return how large a task is: pairs, languages, queries and passages of a pair."""
    pairs = {pair.pair: pair for record in records for pair in record.pairs}
    parsed = [parse_pair(pair) for pair in pairs]
    queries, passages = {pair.query for pair in parsed}, {pair.passage for pair in parsed}
    mixed = passages == {MULTIPLE}
    against = "passages of all languages in one pool" if mixed else count(len(passages), "passage language")
    numbers = [pair.num_queries for pair in pairs.values()]
    pools = [pair.num_passages for pair in pairs.values()]
    return (
        f"{count(len(pairs), 'language pair')} ({count(len(queries), 'query language')}, {against}), "
        f"{_span(numbers, 'query')} and {_span(pools, 'passage')} each. "
        f"Measure: {with_factor(find_measure(columns.measure))}."
    )


def summary_sentences(
    board: Leaderboard, comparisons: Sequence[Comparison], gates: Sequence[GateResult], names: Mapping[str, str]
) -> list[Markup]:
    """Return the summary, one sentence or two each.

    Args:
        board: The leaderboard.
        comparisons: Every model against the reference.
        gates: English gates of every candidate, if there is a baseline.
        names: Model key -> name shown.
    """
    sentences = [_scope(board), *_ranking(board), *(_hardest(board, column) for column in board.tasks)]
    sentences += _compared(comparisons, names)
    sentences += _gated(gates, names)
    return [sentence for sentence in sentences if sentence]


PREFERENCE: Mapping[Preference, str] = {
    "own": "it prefers the query's language",
    "others": "it puts the query's language behind others",
    "neither": "no preference for the query's language is shown",
    "unknown": "there are too few independent questions to tell",
}


def bias_sentence(panel: BiasPanel) -> Markup:
    """Return how often the query's own language comes first, and what chance would give; "" where that is unknown."""
    own_first, chance = panel.summary.own_first, panel.summary.chance
    if own_first is None or chance is None:
        return Markup("")
    return Markup(
        "In the mixed pool of {}, <b>{}</b> ranks a passage in the query's language before its translations for "
        "<b>{:.1f} %</b> of queries; a ranking blind to language would do so for {:.1f} %: {}."
    ).format(panel.task, panel.model, 100 * own_first.mean, 100 * chance, PREFERENCE[panel.summary.preference])


def unbroken(text: str) -> str:
    """Return a text that no line breaks: "p = 0.012"."""
    return text.replace(" ", "\u00a0").replace("-", "\u2011")


def _scope(board: Leaderboard) -> Markup:
    """How many models stand in the report, on which tasks."""
    measured = [row for row in board.rows if row.source == MEASURED]
    tasks = [f"{column.label} ({count(len(column.pairs), 'pair')})" for column in board.tasks]
    return Markup("{} on {}: {}.").format(
        count(len(measured), "model"), count(len(board.tasks), "task"), join_words(tasks)
    )


def _ranking(board: Leaderboard) -> list[Markup]:
    """Which model has the best mean, and which cannot be told apart from it."""
    measure = find_measure(board.tasks[0].measure)
    ranked = [(row, measure.points * row.mean) for row in board.rows if row.rank is not None and row.mean is not None]
    if not ranked:
        return []
    (first, best), rest = ranked[0], ranked[1:]
    over = f"over {count(board.num_shared, 'pair')} of {count(len(board.shared), 'task')}"
    if not rest:
        return [Markup("<b>{}</b> has a mean of <b>{:.1f}</b> {}.").format(first.model, best, over)]
    second, mean = rest[0]
    verdict = ""
    if second.p_best is not None:
        significant = "significant" if second.p_best < board.options.alpha else "not significant"
        verdict = f"; the difference is {significant} ({unbroken(f'p {p_value(second.p_best)}')})"
    sentences = [
        Markup("<b>{}</b> has the {} mean {}, <b>{:.2f}</b>; {} follows with {:.2f}{}.").format(
            first.model, "lowest" if measure.better == "lower" else "highest", over, best, second.model, mean, verdict
        )
    ]
    level = [row.model for row, _ in rest if row.p_best is not None and not row.p_best < board.options.alpha]
    if len(level) > 1:
        sentences.append(Markup("Not separable from {} on these queries: {}.").format(first.model, join_words(level)))
    return sentences


def _hardest(board: Leaderboard, column: TaskColumns) -> Markup:
    """On which pair of a task the highest-ranked models do worst."""
    points = find_measure(column.measure).points
    measured = [
        (row.model, row.tasks[column.label])
        for row in board.rows
        if row.source == MEASURED and column.label in row.tasks
    ]
    worst = [(model, figures.worst_pair, figures.worst) for model, figures in measured if figures.worst is not None]
    if not worst or len(column.pairs) < 2:
        return Markup("")
    shown = [Markup("{} for {} ({:.1f})").format(pair, model, points * figure) for model, pair, figure in worst[:3]]
    return Markup("Hardest pair of {}: {}.").format(column.label, Markup(", ").join(shown))


def _compared(comparisons: Sequence[Comparison], names: Mapping[str, str]) -> list[Markup]:
    """On how many pairs models are better and worse: one sentence a model, or one for all where there are many."""
    sentences, short = [], []
    for comparison in comparisons:
        gains = [
            find_measure(row.measure).sign * row.difference for row in comparison.pairs if row.p_corrected < SIGNIFICANT
        ]
        better, worse, pairs = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains), len(comparison.pairs)
        base, other = _name(comparison.base, names), _name(comparison.other, names)
        sentences.append(
            Markup("Against {}, <b>{}</b> is significantly better on {} of {} and worse on {} ({}).").format(
                base, other, _or_none(better), count(pairs, "pair"), _or_none(worse), _test(comparison)
            )
        )
        short.append(Markup("<b>{}</b> {}").format(other, unbroken(f"{better:,} / {worse:,} of {pairs:,}")))
    if len(sentences) <= ONE_BY_ONE:
        return sentences
    first = comparisons[0]
    return [
        Markup("Pairs on which a model is significantly better / worse than {} ({}): {}.").format(
            _name(first.base, names), _test(first), Markup(", ").join(short)
        )
    ]


def _gated(gates: Sequence[GateResult], names: Mapping[str, str]) -> list[Markup]:
    """What the English gate says: one sentence a model, or one a verdict where there are many models."""
    sentences = []
    for outcome, meaning in GATE_MEANINGS.items():
        of_outcome = [gate for gate in gates if gate.outcome == outcome]
        together = [of_outcome] if len(gates) > ONE_BY_ONE and of_outcome else [[gate] for gate in of_outcome]
        for alike in together:
            models = Markup(", ").join(Markup("<b>{}</b>").format(_name(gate.candidate, names)) for gate in alike)
            why = Markup(meaning).format(_name(alike[0].baseline, names), alike[0].allowed)
            sentences.append(Markup('English gate <b class="{}">{}</b>: {}; {}.').format(outcome, outcome, models, why))
    return sentences


def _test(comparison: Comparison) -> str:
    correction = unbroken(comparison.options.correction)
    return f"sign-flip test, {unbroken(f'p < {SIGNIFICANT:g}')} after {correction} correction"


def _name(key: str, names: Mapping[str, str]) -> str:
    return names.get(key, key)


def _or_none(number: int) -> str:
    return f"{number:,}" if number else "none"


def _span(numbers: Sequence[int], noun: str) -> str:
    low, high = min(numbers), max(numbers)
    return count(low, noun) if low == high else f"{low:,} to {count(high, noun)}"
