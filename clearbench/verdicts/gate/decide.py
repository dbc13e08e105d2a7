"""The gate: is a candidate's English (and whatever else the rules name) not worse than the baseline's by a margin?

A rule is held task by task, on the pairs that the baseline's record has; English is a rule like any other, on en-en.
What the baseline has and the candidate lacks is an error: a gate must not become weaker unnoticed.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from pydantic import ValidationError

from clearbench.common.errors import RecordError, UsageError
from clearbench.common.languages import ENGLISH, Pair, parse_pair
from clearbench.records.schema import Record
from clearbench.records.select import Entry, select_tasks
from clearbench.verdicts.gate.rules import Rule
from clearbench.verdicts.gate.verdict import (
    NO_INTERVAL,
    GateResult,
    Verdict,
    decide,
    detectable_margin,
    macro_interval,
    needed,
    pair_intervals,
)
from clearbench.verdicts.matching import Matched, match

DEFAULT_PAIRS = str(Pair(ENGLISH, ENGLISH))

# Software that turns a text into a vector: other versions are worth a note.
_DECISIVE_SOFTWARE = ("torch", "transformers", "sentence-transformers")

# More pairs than this are read whole instead of being named one by one.
_NAMED_PAIRS = 200


@dataclass(frozen=True)
class GateOptions:
    """What is gated.

    Attributes:
        margin: What English may lose, in points (100 times the measure).
        confidence: One-sided.
        pairs: Patterns of the pairs that the margin holds for; None means en-en.
        tasks: Only these tasks; None means all of the baseline's.
        measure: Instead of each task's main measure.
        rules: More rules, as gates.toml holds them.
    """

    margin: float = 1.0
    confidence: float = 0.95
    pairs: str | None = None
    tasks: tuple[str, ...] | None = None
    measure: str | None = None
    rules: tuple[Rule, ...] = ()


class _Claim(NamedTuple):
    """One rule on one task."""

    rule: Rule
    base: Entry
    other: Entry
    measure: str
    pairs: tuple[str, ...]


def gate(baseline: Sequence[Entry], candidate: Sequence[Entry], options: GateOptions | None = None) -> GateResult:
    """Decide for every rule, task and pair whether the candidate passes.

    Args:
        baseline: Records of one model.
        candidate: Records of another.
        options: See GateOptions.
    Raises:
        UsageError: An option makes no sense, or names a task, pair or measure that the baseline lacks.
        RecordError: No task has en-en; the candidate lacks what the baseline has; or the records are of other data,
            another version, another precision, or of an approximate search.
    """
    options = options or GateOptions()
    if not 0.5 < options.confidence < 1:
        raise UsageError(f"--confidence {options.confidence:g}: expected a one-sided confidence between 0.5 and 1.")
    ours = select_tasks(baseline, options.tasks)
    theirs = {entry.label: entry for entry in candidate}
    rules = _distinct((_english(options), *options.rules))
    notes: dict[str, None] = dict.fromkeys(_uncovered(ours, theirs.values(), options.tasks))
    claims = []
    for rule in rules:
        try:
            found, lacking = _claims(rule, ours, theirs, options)
        except UsageError as error:
            raise error if rule is rules[0] else UsageError(f"Rule “{rule.title}”: {error}") from None
        claims += found
        notes.update(dict.fromkeys(lacking))
    matched = _match(claims)
    for base, other in {claim.base.label: (claim.base, claim.other) for claim in claims}.values():
        notes.update(dict.fromkeys(_remarks(base.record, other.record)))
    return GateResult(
        baseline=baseline[0].key,
        candidate=candidate[0].key,
        margin=options.margin,
        confidence=options.confidence,
        verdicts=tuple(
            verdict
            for claim in claims
            for verdict in _verdicts(claim, matched[claim.base.label, claim.measure], options.confidence)
        ),
        notes=tuple(notes),
    )


def _english(options: GateOptions) -> Rule:
    try:
        return Rule(
            name=f"margin {options.margin:g} points",
            pairs=DEFAULT_PAIRS if options.pairs is None else options.pairs,
            worst_drop=options.margin,
        )
    except ValidationError:
        raise UsageError(f"--margin {options.margin:g}: expected points between 0 and 100, such as 1.0.") from None


def _distinct(rules: Iterable[Rule]) -> list[Rule]:
    """Give rules of one title numbers, so that outputs keep them apart."""
    seen: Counter[str] = Counter()
    named = []
    for rule in rules:
        seen[rule.title] += 1
        again = seen[rule.title]
        named.append(rule.model_copy(update={"name": f"{rule.title} ({again})"}) if again > 1 else rule)
    return named


def _uncovered(ours: Sequence[Entry], theirs: Iterable[Entry], tasks: tuple[str, ...] | None) -> list[str]:
    known = {entry.label for entry in ours}
    if tasks is not None:
        return []
    return [
        f"{entry.label}: not gated, the baseline has no record of it." for entry in theirs if entry.label not in known
    ]


def _claims(
    rule: Rule, ours: Sequence[Entry], theirs: dict[str, Entry], options: GateOptions
) -> tuple[list[_Claim], list[str]]:
    """A rule task by task, and a sentence for each task that has none of its pairs."""
    entries = select_tasks(ours, rule.tasks or None)
    pairs = {entry.label: {pair.pair: parse_pair(pair.pair) for pair in entry.record.pairs} for entry in entries}
    available = dict.fromkeys(pair for known in pairs.values() for pair in known.values())
    if rule.pairs == DEFAULT_PAIRS and parse_pair(DEFAULT_PAIRS) not in available:
        known = "; ".join(f"{entry.label}: {_some([pair.pair for pair in entry.record.pairs])}" for entry in entries)
        raise RecordError(
            f"{ours[0].key} has no scores of {DEFAULT_PAIRS}, so there is no English to gate ({known}). Evaluate with "
            f"--pairs {DEFAULT_PAIRS}, or say with --pairs what the margin holds for."
        )
    chosen = rule.select(available)
    claims, lacking = [], []
    for entry in entries:
        wanted = tuple(name for name, pair in pairs[entry.label].items() if pair in chosen)
        if not wanted:
            lacking.append(f"{entry.label}: has no pair {rule.where}, so it is not part of “{rule.title}”.")
            continue
        other = theirs.get(entry.label)
        _check_coverage(entry, other, wanted, next(iter(theirs.values())).key)
        assert other is not None
        asked = options.measure if rule.measure is None else rule.measure
        measure = entry.record.main_measure if asked is None else asked
        claims.append(_Claim(rule, entry, other, measure, wanted))
        beyond = [pair.pair for pair in other.record.pairs if pair.pair not in pairs[entry.label]]
        chosen_too = rule.select({*available, *map(parse_pair, beyond)})
        if left_out := [name for name in beyond if parse_pair(name) in chosen_too]:
            lacking.append(f"{entry.label}: the baseline lacks {_some(left_out)}; “{rule.title}” is not held there.")
    return claims, lacking


def _check_coverage(base: Entry, other: Entry | None, wanted: Sequence[str], candidate: str) -> None:
    """Refuse a candidate that was not evaluated on all that is gated, or not in a comparable way."""
    if other is None:
        raise RecordError(
            f"{candidate} has no record of {base.label}, which {base.key} has. Evaluate it on this task too, or say "
            "with --tasks which tasks are gated."
        )
    known = {pair.pair for pair in other.record.pairs}
    lost = [pair for pair in wanted if pair not in known]
    if lost:
        raise RecordError(
            f"{base.label}: {other.key} has no scores of {_some(lost)}, which {base.key} has and the gate is about. "
            "Evaluate it on these pairs too, or gate others."
        )
    for entry in (base, other):
        search = entry.record.identity.scoring.get("search")
        if search != "exact":
            raise RecordError(
                f"{entry.folder}: search was {search or 'of an unknown kind'}; a gate compares exact search only, as "
                "an approximate index can be off by more than the margin. Evaluate with exact search."
            )
    ours, theirs = _precision(base.record), _precision(other.record)
    if ours != theirs and None not in (ours, theirs):
        raise RecordError(
            f"{base.label}: {base.key} was measured in {ours}, {other.key} in {theirs}. A gate compares one precision: "
            "evaluate both with the same --dtype."
        )


def _precision(record: Record) -> str | None:
    """What vectors were computed in; None for a model that has no vectors."""
    if record.model.get("kind") == "lexical":
        return None
    return str(record.model.get("dtype") or "a precision that its record does not state")


def _match(claims: Sequence[_Claim]) -> dict[tuple[str, str], Matched]:
    """Read the scores of each task and measure once, for all rules together."""
    wanted: dict[tuple[str, str], dict[str, None]] = {}
    for claim in claims:
        wanted.setdefault((claim.base.label, claim.measure), {}).update(dict.fromkeys(claim.pairs))
    sides = {claim.base.label: (claim.base, claim.other) for claim in claims}
    return {
        (label, measure): match(*sides[label], measure, ",".join(pairs) if len(pairs) <= _NAMED_PAIRS else None)
        for (label, measure), pairs in wanted.items()
    }


def _remarks(base: Record, other: Record) -> list[str]:
    remarks = []
    if base.identity.encoder == other.identity.encoder:
        remarks.append("baseline and candidate are the same encoder: same weights, same settings.")
    for package in _DECISIVE_SOFTWARE:
        ours, theirs = base.environment.get(package), other.environment.get(package)
        if ours != theirs:
            remarks.append(f"measured with other software: {package} {ours} (baseline) and {theirs} (candidate).")
    return remarks


def _verdicts(claim: _Claim, matched: Matched, confidence: float) -> list[Verdict]:
    place = {pair: column for column, pair in enumerate(matched.pairs)}
    columns = [place[pair] for pair in claim.pairs]
    base_QP, other_QP = matched.base[:, columns], matched.other[:, columns]
    present_QP = ~np.isnan(base_QP)
    num_P = present_QP.sum(axis=0)
    base_P = np.where(present_QP, base_QP, 0.0).sum(axis=0) / num_P
    other_P = np.where(present_QP, other_QP, 0.0).sum(axis=0) / num_P
    rule, differences_QP = claim.rule, matched.differences[:, columns]
    blank = Verdict(
        rule=rule.title,
        task=claim.base.label,
        where=f"mean of {rule.where} ({len(columns):,} pair{'s' if len(columns) > 1 else ''})",
        num_pairs=len(columns),
        measure=claim.measure,
        about="difference",
        baseline=float(base_P.mean()),
        candidate=float(other_P.mean()),
        interval=NO_INTERVAL,
        bound=0.0,
        outcome="undecided",
    )
    if rule.worst_drop is not None:
        intervals = pair_intervals(differences_QP, matched.clusters, confidence)
        per_pair = zip(claim.pairs, base_P.tolist(), other_P.tolist(), intervals, strict=True)
        return [
            _decided(
                replace(blank, where=pair, num_pairs=1, baseline=before, candidate=after, interval=interval),
                -rule.worst_drop / 100,
                confidence,
            )
            for pair, before, after, interval in per_pair
        ]
    if rule.mean_drop is not None:
        interval = macro_interval(differences_QP, matched.clusters, confidence)
        return [_decided(replace(blank, interval=interval), -rule.mean_drop / 100, confidence)]
    assert rule.mean_at_least is not None
    interval = macro_interval(other_QP, matched.clusters, confidence)
    return [_decided(replace(blank, about="mean", interval=interval), rule.mean_at_least / 100, confidence)]


def _decided(verdict: Verdict, bound: float, confidence: float) -> Verdict:
    outcome = decide(verdict.interval, bound)
    enough = needed(verdict.interval, bound, confidence) if outcome == "undecided" else None
    return replace(
        verdict,
        bound=bound,
        outcome=outcome,
        needed_queries=enough[0] if enough else None,
        needed_clusters=enough[1] if enough else None,
        detectable=detectable_margin(verdict.interval, confidence) if verdict.about == "difference" else None,
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
