"""The sentences of a report. They state only what the records show, each figure with the data it was measured on.

Sentences are Markup: the names of models and tasks in them are escaped, their emphasis is not.
"""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from clearbench.common.languages import MULTIPLE
from clearbench.common.measures import find_measure
from clearbench.common.pairs import parse_pair
from clearbench.common.text import count, join_words, p_value
from clearbench.records.schema import Record
from clearbench.report.content.bias import BiasPanel
from clearbench.report.content.matrix import SIGNIFICANT, name_with_factor
from clearbench.stats.summaries import PREFERENCE_PHRASES
from clearbench.verdicts.compare.result import Comparison
from clearbench.verdicts.gate.result import GateResult
from clearbench.verdicts.leaderboard.result import MEASURED, Leaderboard, TaskColumns

ONE_BY_ONE = 3
"""Largest number of models that get one sentence each."""

GATE_MEANINGS = {
    "pass": "English is not worse than {} by {} or more",
    "undecided": "the queries do not decide whether English is worse than {} by {}",
    "fail": "English is worse than {} by more than {}",
}


def describe_task(records: Sequence[Record], columns: TaskColumns) -> str:
    """Return a sentence on the size of a task: pairs, languages, and queries and passages per pair."""
    pairs = {pair.pair: pair for record in records for pair in record.pairs}
    parsed = [parse_pair(pair) for pair in pairs]
    queries, passages = {pair.query for pair in parsed}, {pair.passage for pair in parsed}
    mixed = passages == {MULTIPLE}
    against = "passages of all languages in one pool" if mixed else count(len(passages), "passage language")
    numbers = [pair.num_queries for pair in pairs.values()]
    pools = [pair.num_passages for pair in pairs.values()]
    return (
        f"{count(len(pairs), 'language pair')} ({count(len(queries), 'query language')}, {against}), "
        f"{_show_range(numbers, 'query')} and {_show_range(pools, 'passage')} each. "
        f"Measure: {name_with_factor(find_measure(columns.measure))}."
    )


def summary_sentences(
    board: Leaderboard, comparisons: Sequence[Comparison], gates: Sequence[GateResult], names: Mapping[str, str]
) -> list[Markup]:
    """Return the sentences of the summary.

    Args:
        board: The leaderboard.
        comparisons: Every model against the reference.
        gates: English gates of every candidate, if there is a baseline.
        names: Model key -> name shown.
    """
    sentences = [_scope_sentence(board), *_ranking_sentences(board)]
    sentences += [_hardest_pair_sentence(board, column) for column in board.tasks]
    sentences += _comparison_sentences(comparisons, names)
    sentences += _gate_sentences(gates, names)
    return [sentence for sentence in sentences if sentence]


def bias_sentence(panel: BiasPanel) -> Markup:
    """Return a sentence on how often the query's language comes first, compared with chance; "" if it is unknown."""
    own_first, chance = panel.summary.own_first, panel.summary.chance
    if own_first is None or chance is None:
        return Markup("")
    return Markup(
        "In the mixed pool of {}, <b>{}</b> ranks a passage in the query's language before its translations for "
        "<b>{:.1f} %</b> of queries. A ranking that ignores language would do so for {:.1f} %. Result: {}."
    ).format(panel.task, panel.model, 100 * own_first.mean, 100 * chance, PREFERENCE_PHRASES[panel.summary.preference])


def keep_together(text: str) -> str:
    """Return a text with non-breaking blanks and hyphens, such as "p = 0.012", which stays on one line."""
    return text.replace(" ", "\u00a0").replace("-", "\u2011")


def _scope_sentence(board: Leaderboard) -> Markup:
    """Return a sentence on the numbers of models and tasks."""
    measured = [row for row in board.rows if row.source == MEASURED]
    tasks = [f"{column.label} ({count(len(column.pairs), 'pair')})" for column in board.tasks]
    return Markup("{} on {}: {}.").format(
        count(len(measured), "model"), count(len(board.tasks), "task"), join_words(tasks)
    )


def _ranking_sentences(board: Leaderboard) -> list[Markup]:
    """Return sentences on the model with the best mean, and on those that do not differ significantly from it."""
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
        verdict = f"; the difference is {significant} ({keep_together(f'p {p_value(second.p_best)}')})"
    sentences = [
        Markup("<b>{}</b> has the {} mean {}, <b>{:.2f}</b>; {} follows with {:.2f}{}.").format(
            first.model, "lowest" if measure.better == "lower" else "highest", over, best, second.model, mean, verdict
        )
    ]
    equal_models = [row.model for row, _ in rest if row.p_best is not None and not row.p_best < board.options.alpha]
    if len(equal_models) > 1:
        names = join_words(equal_models)
        sentences.append(Markup("Not significantly different from {} on these queries: {}.").format(first.model, names))
    return sentences


def _hardest_pair_sentence(board: Leaderboard, column: TaskColumns) -> Markup:
    """Return a sentence on the pair of a task with the worst figure, for the three highest-ranked models."""
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


def _comparison_sentences(comparisons: Sequence[Comparison], names: Mapping[str, str]) -> list[Markup]:
    """Return one sentence per model, or one for all models, on the numbers of pairs that are better and worse."""
    sentences, short = [], []
    for comparison in comparisons:
        gains = [
            find_measure(row.measure).sign * row.difference for row in comparison.pairs if row.p_corrected < SIGNIFICANT
        ]
        better, worse, pairs = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains), len(comparison.pairs)
        base, other = _model_name(comparison.base, names), _model_name(comparison.other, names)
        sentences.append(
            Markup("Against {}, <b>{}</b> is significantly better on {} of {} and worse on {} ({}).").format(
                base, other, _show_number(better), count(pairs, "pair"), _show_number(worse), _test_text(comparison)
            )
        )
        short.append(Markup("<b>{}</b> {}").format(other, keep_together(f"{better:,} / {worse:,} of {pairs:,}")))
    if len(sentences) <= ONE_BY_ONE:
        return sentences
    first = comparisons[0]
    return [
        Markup("Pairs on which a model is significantly better / worse than {} ({}): {}.").format(
            _model_name(first.base, names), _test_text(first), Markup(", ").join(short)
        )
    ]


def _gate_sentences(gates: Sequence[GateResult], names: Mapping[str, str]) -> list[Markup]:
    """Return one sentence per model, or one per outcome if there are many models, on the English gate."""
    sentences = []
    for outcome, meaning in GATE_MEANINGS.items():
        of_outcome = [gate for gate in gates if gate.outcome == outcome]
        groups = [of_outcome] if len(gates) > ONE_BY_ONE and of_outcome else [[gate] for gate in of_outcome]
        for group in groups:
            models = Markup(", ").join(Markup("<b>{}</b>").format(_model_name(gate.candidate, names)) for gate in group)
            why = Markup(meaning).format(_model_name(group[0].baseline, names), group[0].allowed)
            sentences.append(Markup('English gate <b class="{}">{}</b>: {}; {}.').format(outcome, outcome, models, why))
    return sentences


def _test_text(comparison: Comparison) -> str:
    correction = keep_together(comparison.options.correction)
    return f"sign-flip test, {keep_together(f'p < {SIGNIFICANT:g}')} after {correction} correction"


def _model_name(key: str, names: Mapping[str, str]) -> str:
    return names.get(key, key)


def _show_number(number: int) -> str:
    return f"{number:,}" if number else "none"


def _show_range(numbers: Sequence[int], noun: str) -> str:
    low, high = min(numbers), max(numbers)
    return count(low, noun) if low == high else f"{low:,} to {count(high, noun)}"
