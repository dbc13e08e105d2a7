"""The gate's result in words: figures in the measure's unit, sentences, and one line for a badge."""

import math
from collections.abc import Sequence

from clearbench.common.measures import Measure
from clearbench.common.text import capitalise, count, signed_figure
from clearbench.verdicts.gate.result import GateResult, Verdict

VERDICTS_PER_RULE = 12
"""Verdicts of one rule that tables and sentences show; JSON and JUnit have all."""


def headline(result: GateResult) -> str:
    """Return one sentence with the outcome."""
    return f"gate: {result.outcome}, {result.candidate} against {result.baseline}"


def legend(result: GateResult) -> str:
    """Return one line on what the columns mean; it names measures that are in ranks or better when lower."""
    measures = dict.fromkeys(verdict.measure for verdict in result.verdicts)
    lower = [measure for measure in measures if measure.better == "lower"]
    clauses = ["points = 100 x the measure"] if any(measure.unit == "share" for measure in measures) else []
    for measure in measures:
        traits = ["ranks"] * (measure.unit == "rank") + ["lower is better"] * (measure.better == "lower")
        clauses += [f"{measure}: {', '.join(traits)}"] if traits else []
    side = "lower" if not lower else "lower, or upper where lower is better"
    clauses.append(f"lower, upper: one-sided {100 * result.confidence:g}% limits, clustered")
    clauses.append(f"guarded: {side}, with few and large losses in mind")
    return "; ".join(clauses)


def explain_all(result: GateResult) -> list[str]:
    """Return a sentence on each shown verdict that did not pass, with what to do about it, and then the notes."""
    shown = [verdict for _, verdicts in verdicts_by_rule(result) for verdict in tightest_verdicts(verdicts)]
    return [*(explain(verdict) for verdict in shown if verdict.outcome != "pass"), *result.notes]


def explain(verdict: Verdict) -> str:
    """Return one or two sentences on why a verdict is what it is."""
    interval, start = verdict.interval, f"{verdict.task} {verdict.where}, {verdict.measure}: {verdict.outcome}."
    queries, clusters = count(interval.num_queries, "query"), count(interval.num_clusters, "cluster")
    bound, (good, bad) = show_figure(verdict, verdict.bound), _sides(verdict.measure)
    if interval.num_clusters < verdict.least_clusters:
        least = f"a decision needs {verdict.least_clusters:,} clusters at this confidence"
        return f"{start} {queries} in {clusters} are too few: {least}; {_advice(verdict, bound)}."
    subject = "the difference" if verdict.about == "difference" else "the candidate's mean"
    observed = capitalise(f"{subject} is {_mean_and_limits(verdict, with_unit=True)}")
    if verdict.outcome != "undecided":
        return f"{start} {observed}: {good if verdict.outcome == 'pass' else bad} {bound}."
    limit = interval.lower if verdict.measure.sign > 0 else interval.upper
    if verdict.measure.sign * (limit - verdict.bound) > 0:
        guarded = f"the guarded limit is {show_figure(verdict, interval.guarded)}, not {good} {bound}"
        observed += f", which would pass, but {_reason_for_guard(verdict)}: {guarded}"
    else:
        observed += f", on both sides of {bound}"
    text = f"{start} {observed}; {_advice(verdict, bound)}."
    if verdict.about == "difference" and verdict.detectable is not None:
        text += f" If nothing changed, {queries} decide a margin of {show_plain(verdict.detectable, verdict.measure)}."
    return text


def badge(result: GateResult) -> str:
    """Return one line: the outcome, and the verdict with the least room."""
    nearest = min(result.verdicts, key=lambda verdict: verdict.room)
    text = (
        f"English gate: {result.outcome} · {nearest.task} {nearest.where} {_mean_and_limits(nearest)} "
        f"· bound {show_figure(nearest, nearest.bound)} {nearest.measure.shown_in}"
    )
    return " ".join(text.split())


def verdicts_by_rule(result: GateResult) -> list[tuple[str, list[Verdict]]]:
    """Return each rule's title with its verdicts, in the order of the result."""
    groups: dict[str, list[Verdict]] = {}
    for verdict in result.verdicts:
        groups.setdefault(verdict.rule, []).append(verdict)
    return list(groups.items())


def tightest_verdicts(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts, or the VERDICTS_PER_RULE with the least room if there are more."""
    if len(verdicts) <= VERDICTS_PER_RULE:
        return list(verdicts)
    return sorted(verdicts, key=lambda verdict: verdict.room)[:VERDICTS_PER_RULE]


def show_figure(verdict: Verdict, value: float) -> str:
    """Return a figure of what the verdict is about: a difference has a sign, a mean has none."""
    return (show_signed if verdict.about == "difference" else show_plain)(value, verdict.measure)


def show_plain(value: float, measure: Measure) -> str:
    """Return a figure in points or ranks, with two decimals: a margin is often one point or less."""
    return "-" if math.isnan(value) else f"{measure.points * value:.2f}"


def show_signed(value: float, measure: Measure) -> str:
    """Return a figure in points or ranks with its sign; zero has none."""
    return "-" if math.isnan(value) else signed_figure(measure.points * value, 2)


def _mean_and_limits(verdict: Verdict, with_unit: bool = False) -> str:
    mean, lower, upper = (
        show_figure(verdict, value) for value in (verdict.interval.mean, verdict.interval.lower, verdict.interval.upper)
    )
    return f"{mean}{f' {verdict.measure.shown_in}' if with_unit else ''} [{lower}, {upper}]"


def _sides(measure: Measure) -> tuple[str, str]:
    """Return on which side of the bound the interval has to be for a pass, and for a fail."""
    return ("below", "above") if measure.better == "lower" else ("above", "below")


def _advice(verdict: Verdict, bound: str) -> str:
    if verdict.needed_queries is None or verdict.needed_clusters is None:
        return f"it is so near to {bound} that no number of queries decides"
    queries, clusters = count(verdict.needed_queries, "query"), count(verdict.needed_clusters, "cluster")
    return f"about {queries} ({clusters}) would decide with a chance of 80% if it stays the same"


def _reason_for_guard(verdict: Verdict) -> str:
    """Return the reason why the guarded limit is farther from the mean than the other."""
    interval, measure = verdict.interval, verdict.measure
    if interval.unseen < abs(interval.mean - interval.guarded):
        return "a few clusters make up much of it"
    if interval.num_varying:
        varying = f"only {interval.num_varying} of {count(interval.num_clusters, 'cluster')} vary"
    else:
        varying = "no query varies"
    return f"{varying}, and a loss of {show_plain(interval.unseen, measure)} can be missed"
