"""Which claims a gate has to decide: each rule on each task that has its pairs.

    rules + records of both sides -> Claim (one rule, one task, its pairs and measure) and notes on what is not gated

What the baseline has and the candidate lacks is an error: a gate must not become weaker unnoticed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from clearbench.common.errors import RecordError, UsageError
from clearbench.common.languages import ENGLISH
from clearbench.common.measures import Measure, find_measure
from clearbench.common.pairs import Pair, parse_pair
from clearbench.common.text import join_names
from clearbench.common.toml import describe_problems
from clearbench.records.schema import Record
from clearbench.records.select import Entry, select_tasks
from clearbench.verdicts.gate.options import GateOptions
from clearbench.verdicts.gate.rules import MAIN, Rule

DEFAULT_PAIRS = str(Pair(ENGLISH, ENGLISH))

# Software that turns a text into a vector: a difference of versions is worth a note.
_DECISIVE_SOFTWARE = ("torch", "transformers", "sentence-transformers")


class Claim(NamedTuple):
    """One rule on one task.

    Attributes:
        rule: The rule.
        base: The baseline's record of the task.
        other: The candidate's record of the task.
        measure: The measure that the rule is about.
        pairs: Names of the rule's pairs, in the order of the baseline's record.
    """

    rule: Rule
    base: Entry
    other: Entry
    measure: Measure
    pairs: tuple[str, ...]


def make_claims(
    baseline: Sequence[Entry], candidate: Sequence[Entry], options: GateOptions
) -> tuple[list[Claim], list[str]]:
    """Return the claims that have to be decided, and one sentence for each task or pair that is not gated.

    Args:
        baseline: Records of one model.
        candidate: Records of another.
        options: See GateOptions.
    Raises:
        UsageError: An option makes no sense, or names a task, pair or measure that the baseline lacks.
        RecordError: No task has en-en; the candidate lacks what the baseline has; or the records are of another
            precision, or of an approximate search.
    """
    ours, theirs = select_tasks(baseline, options.tasks), {entry.label: entry for entry in candidate}
    margin = make_margin_rule(options)
    rules = _distinct([margin, *(rule.about(options.measure) for rule in options.rules)])
    claims: list[Claim] = []
    notes = [] if options.tasks is not None else _ungated_tasks(ours, theirs)
    for rule in rules:
        try:
            rule_claims, rule_notes = _claims_of(rule, ours, theirs)
        except UsageError as error:
            raise error if rule is rules[0] else UsageError(f"Rule “{rule.title}”: {error}") from None
        claims += rule_claims
        notes += rule_notes
    for base, other in {claim.base.label: (claim.base, claim.other) for claim in claims}.values():
        notes += _remarks(base.record, other.record)
    return claims, list(dict.fromkeys(notes))


def make_margin_rule(options: GateOptions) -> Rule:
    """Return the rule that English, or what `pairs` names, may not lose the margin in any pair.

    Raises:
        UsageError: The measure is neither better nor worse.
    """
    measure = MAIN if options.measure is None else find_measure(options.measure)
    try:
        return Rule(
            name=f"margin {measure.amount(options.margin)}",
            pairs=DEFAULT_PAIRS if options.pairs is None else options.pairs,
            measure=options.measure,
            worst_drop=options.margin,
        )
    except ValidationError as error:
        raise UsageError(describe_problems(error)) from None


def _distinct(rules: Iterable[Rule]) -> list[Rule]:
    """Number the rules that have the same title, so that outputs keep them apart."""
    seen: Counter[str] = Counter()
    named = []
    for rule in rules:
        seen[rule.title] += 1
        again = seen[rule.title]
        named.append(rule.model_copy(update={"name": f"{rule.title} ({again})"}) if again > 1 else rule)
    return named


def _ungated_tasks(ours: Sequence[Entry], theirs: Iterable[str]) -> list[str]:
    known = {entry.label for entry in ours}
    return [f"{label}: not gated, the baseline has no record of it." for label in theirs if label not in known]


def _claims_of(rule: Rule, ours: Sequence[Entry], theirs: Mapping[str, Entry]) -> tuple[list[Claim], list[str]]:
    """A rule task by task, and a sentence for each task and pair on which it is not held."""
    entries = select_tasks(ours, rule.tasks or None)
    pairs = [_pairs(entry) for entry in entries]
    available = list(dict.fromkeys(pair for known in pairs for pair in known.values()))
    _require_english(rule, entries, available)
    chosen = rule.select(available)
    claims, notes = [], []
    for entry, known in zip(entries, pairs, strict=True):
        wanted = tuple(name for name, pair in known.items() if pair in chosen)
        if not wanted:
            notes.append(f"{entry.label}: has no pair {rule.where}, so it is not part of “{rule.title}”.")
            continue
        other = _require(theirs, entry, wanted)
        claims.append(Claim(rule, entry, other, _measure(rule, entry), wanted))
        beyond = {name: pair for name, pair in _pairs(other).items() if name not in known}
        also = rule.select([*available, *beyond.values()])
        if left_out := [name for name, pair in beyond.items() if pair in also]:
            notes.append(f"{entry.label}: the baseline lacks {join_names(left_out)}; “{rule.title}” is not held there.")
    return claims, notes


def _pairs(entry: Entry) -> dict[str, Pair]:
    return {pair.pair: parse_pair(pair.pair) for pair in entry.record.pairs}


def _require_english(rule: Rule, entries: Sequence[Entry], available: Sequence[Pair]) -> None:
    if rule.pairs != DEFAULT_PAIRS or parse_pair(DEFAULT_PAIRS) in available:
        return
    known = "; ".join(f"{entry.label}: {join_names(_pairs(entry))}" for entry in entries)
    raise RecordError(
        f"{entries[0].key} has no scores of {DEFAULT_PAIRS}, so there is no English to gate ({known}). Evaluate with "
        f"--pairs {DEFAULT_PAIRS}, or say with --pairs what the margin holds for."
    )


def _measure(rule: Rule, entry: Entry) -> Measure:
    """The rule's measure, or the task's main one, which has to be what figures without a measure mean: points."""
    if rule.measure is not None:
        return rule.held
    measure = find_measure(entry.record.main_measure)
    if (measure.better, measure.unit) != (MAIN.better, MAIN.unit):
        raise UsageError(
            f"{entry.label}: its main measure, {measure}, is not a share where higher is better: name it with "
            "--measure, or as the rule's measure, if it is what should be gated."
        )
    return measure


def _require(theirs: Mapping[str, Entry], base: Entry, wanted: Sequence[str]) -> Entry:
    """The candidate's record of a task; refused if it lacks what is gated, or was measured in another way."""
    candidate = next(iter(theirs.values())).key
    other = theirs.get(base.label)
    if other is None:
        raise RecordError(
            f"{candidate} has no record of {base.label}, which {base.key} has. Evaluate it on this task too, or say "
            "with --tasks which tasks are gated."
        )
    scored = {pair.pair for pair in other.record.pairs}
    if lost := [pair for pair in wanted if pair not in scored]:
        raise RecordError(
            f"{base.label}: {candidate} has no scores of {join_names(lost)}, which {base.key} has and the gate is "
            "about. Evaluate it on these pairs too, or gate others."
        )
    for entry in (base, other):
        _refuse_approximate(entry)
    ours, others = _precision(base.record), _precision(other.record)
    if ours != others and None not in (ours, others):
        raise RecordError(
            f"{base.label}: {base.key} was measured in {ours}, {candidate} in {others}. A gate compares one precision: "
            "evaluate both with the same --dtype."
        )
    return other


def _refuse_approximate(entry: Entry) -> None:
    search = entry.record.identity.scoring.get("search")
    if search != "exact":
        raise RecordError(
            f"{entry.place}: search was {search or 'of an unknown kind'}; a gate compares exact search only, as "
            "an approximate index can be off by more than the margin. Evaluate with exact search."
        )


def _precision(record: Record) -> str | None:
    """What vectors were computed in; None for a model that has no vectors."""
    if record.is_lexical:
        return None
    return str(record.model.get("dtype") or "a precision that its record does not state")


def _remarks(base: Record, other: Record) -> list[str]:
    remarks = []
    if base.identity.encoder == other.identity.encoder:
        remarks.append("baseline and candidate are the same encoder: same weights, same settings.")
    for package in _DECISIVE_SOFTWARE:
        ours, theirs = base.environment.get(package), other.environment.get(package)
        if ours != theirs:
            remarks.append(f"measured with other software: {package} {ours} (baseline) and {theirs} (candidate).")
    return remarks
