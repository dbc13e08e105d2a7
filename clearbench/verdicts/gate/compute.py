"""The gate: is a candidate's English (and whatever else the rules name) not worse than the baseline's by a margin?

    options, records -> claims (claims.py) -> matched scores (one read for each task and measure)
                     -> intervals (bounds.py) -> verdicts -> GateResult

A rule is decided task by task, on the pairs that the baseline's record has. The rule on English is one of them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from clearbench.common.text import count
from clearbench.records.select import Entry
from clearbench.stats.intervals import column_means
from clearbench.verdicts.gate.bounds import detectable_margin, macro_interval, needed_sizes, outcome_of, pair_intervals
from clearbench.verdicts.gate.claims import Claim, make_claims
from clearbench.verdicts.gate.evidence import least_clusters
from clearbench.verdicts.gate.options import GateOptions
from clearbench.verdicts.gate.result import GateResult, Interval, Verdict
from clearbench.verdicts.matching import Matched, match

# With more pairs than this, a record is read whole instead of pair by pair.
_NAMED_PAIRS = 200


def gate(baseline: Sequence[Entry], candidate: Sequence[Entry], options: GateOptions | None = None) -> GateResult:
    """Return a verdict on the candidate for every rule, task and pair.

    Args:
        baseline: Records of one model.
        candidate: Records of another.
        options: See GateOptions.
    Raises:
        UsageError: An option makes no sense, or names a task, pair or measure that the baseline lacks.
        RecordError: No task has en-en, the candidate lacks what the baseline has, the records differ in data, version
            or precision, or a search was approximate.
    """
    options = options or GateOptions()
    claims, notes = make_claims(baseline, candidate, options)
    matched = _match(claims)
    verdicts = [
        verdict
        for claim in claims
        for verdict in _decide_claim(claim, matched[claim.base.label, claim.measure.name], options.confidence)
    ]
    return GateResult(
        baseline=baseline[0].key,
        candidate=candidate[0].key,
        margin=options.margin,
        confidence=options.confidence,
        verdicts=tuple(verdicts),
        notes=tuple(notes),
    )


def _match(claims: Sequence[Claim]) -> dict[tuple[str, str], Matched]:
    """Read the scores of each task and measure once, for all rules together."""
    wanted: dict[tuple[str, str], dict[str, None]] = {}
    for claim in claims:
        wanted.setdefault((claim.base.label, claim.measure.name), {}).update(dict.fromkeys(claim.pairs))
    sides = {claim.base.label: (claim.base, claim.other) for claim in claims}
    return {
        (label, measure): match(*sides[label], measure, ",".join(pairs) if len(pairs) <= _NAMED_PAIRS else None)
        for (label, measure), pairs in wanted.items()
    }


class _Subject(NamedTuple):
    """What a verdict is about: one pair, or the mean of several; with the means of baseline and candidate."""

    where: str
    num_pairs: int
    baseline: float
    candidate: float


def _decide_claim(claim: Claim, matched: Matched, confidence: float) -> list[Verdict]:
    """Return one verdict per pair for a worst drop, and one for the mean for any other claim."""
    rule, place = claim.rule, {pair: column for column, pair in enumerate(matched.pairs)}
    columns = [place[pair] for pair in claim.pairs]
    base_P, other_P = column_means(matched.base[:, columns]), column_means(matched.other[:, columns])
    gain_QP = claim.measure.sign * matched.differences[:, columns]
    largest_loss = _largest_loss(claim)
    if rule.worst_drop is not None:
        subjects = map(_Subject, claim.pairs, [1] * len(columns), base_P.tolist(), other_P.tolist())
        intervals = pair_intervals(gain_QP, matched.clusters, confidence, largest_loss)
        return [
            _verdict(claim, subject, interval, confidence)
            for subject, interval in zip(subjects, intervals, strict=True)
        ]
    where = f"mean of {rule.where} ({count(len(columns), 'pair')})"
    mean = _Subject(where, len(columns), float(base_P.mean()), float(other_P.mean()))
    scores_QP = gain_QP if rule.mean_drop is not None else matched.other[:, columns]
    interval = macro_interval(scores_QP, matched.clusters, confidence, largest_loss)
    return [_verdict(claim, mean, interval, confidence)]


def _largest_loss(claim: Claim) -> float:
    """Return the largest loss that a query can have: 1 for a share, the ranks of the largest pool for a rank."""
    if claim.measure.unit == "share":
        return 1.0
    recorded = claim.base.record.by_pair
    return float(max(recorded[pair].num_passages for pair in claim.pairs) - 1)


def _verdict(claim: Claim, subject: _Subject, interval: Interval, confidence: float) -> Verdict:
    """Return the verdict on an interval in which higher is better; the verdict has the measure's own direction.

    Args:
        claim: The rule and its measure.
        subject: The pair or pairs, with both sides' means.
        interval: Interval of the candidate's gain (the negated difference where lower is better), or of its mean.
        confidence: One-sided, in (0.5, 1).
    """
    rule, measure = claim.rule, claim.measure
    relative = rule.mean_at_least is None
    bound = (-rule.figure if relative else rule.figure) / measure.points
    outcome = outcome_of(interval, bound, confidence)
    sizes = needed_sizes(interval, bound, confidence) if outcome == "undecided" else None
    return Verdict(
        rule=rule.title,
        task=claim.base.label,
        where=subject.where,
        num_pairs=subject.num_pairs,
        measure=measure,
        about="difference" if relative else "mean",
        baseline=subject.baseline,
        candidate=subject.candidate,
        interval=interval if measure.sign > 0 else interval.negate(),
        bound=measure.sign * bound,
        outcome=outcome,
        least_clusters=least_clusters(confidence),
        needed_queries=sizes[0] if sizes else None,
        needed_clusters=sizes[1] if sizes else None,
        detectable=detectable_margin(interval, confidence) if relative else None,
    )
