"""Which claims a gate has to decide: each rule on each task that has its pairs.

    rules + records of both sides -> Claim (one rule, one task, its pairs and measure) and notes on what is not gated

A task or pair that the baseline has and the candidate lacks is an error: a gate must not become weaker unnoticed.
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
        RecordError: No task has en-en, the candidate lacks what the baseline has, the records differ in precision, or
            a search was approximate.
    """
    base_entries = select_tasks(baseline, options.tasks)
    other_entries = {entry.label: entry for entry in candidate}
    margin = make_margin_rule(options)
    rules = _number_equal_titles([margin, *(rule.with_measure(options.measure) for rule in options.rules)])
    claims: list[Claim] = []
    notes = [] if options.tasks is not None else _ungated_tasks(base_entries, other_entries)
    for rule in rules:
        try:
            rule_claims, rule_notes = _apply_rule(rule, base_entries, other_entries)
        except UsageError as error:
            raise error if rule is rules[0] else UsageError(f"Rule “{rule.title}”: {error}") from None
        claims += rule_claims
        notes += rule_notes
    for base, other in {claim.base.label: (claim.base, claim.other) for claim in claims}.values():
        notes += _remarks(base.record, other.record)
    return claims, list(dict.fromkeys(notes))


def make_margin_rule(options: GateOptions) -> Rule:
    """Return the rule that no pair, of English or of what `pairs` names, may lose the margin.

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


def _number_equal_titles(rules: Iterable[Rule]) -> list[Rule]:
    """Return the rules with a number added to repeated titles, so that outputs can tell them apart."""
    counts: Counter[str] = Counter()
    numbered = []
    for rule in rules:
        counts[rule.title] += 1
        number = counts[rule.title]
        numbered.append(rule.model_copy(update={"name": f"{rule.title} ({number})"}) if number > 1 else rule)
    return numbered


def _ungated_tasks(base_entries: Sequence[Entry], candidate_labels: Iterable[str]) -> list[str]:
    """Return a sentence for each task that only the candidate has."""
    known = {entry.label for entry in base_entries}
    return [
        f"{label}: not gated, the baseline has no record of it." for label in candidate_labels if label not in known
    ]


def _apply_rule(
    rule: Rule, base_entries: Sequence[Entry], other_entries: Mapping[str, Entry]
) -> tuple[list[Claim], list[str]]:
    """Return a rule's claim on each task, and a sentence for each task and pair that the rule does not cover.

    Args:
        rule: The rule.
        base_entries: The baseline's records of the gated tasks.
        other_entries: Label -> the candidate's record.
    Raises:
        UsageError: The rule names a task or pair that the baseline lacks.
        RecordError: The candidate lacks what the rule is about, or was measured in another way.
    """
    entries = select_tasks(base_entries, rule.tasks or None)
    pairs = [_pairs_by_name(entry) for entry in entries]
    available = list(dict.fromkeys(pair for known in pairs for pair in known.values()))
    _require_english(rule, entries, available)
    chosen = rule.select(available)
    claims, notes = [], []
    for entry, known in zip(entries, pairs, strict=True):
        wanted = tuple(name for name, pair in known.items() if pair in chosen)
        if not wanted:
            notes.append(f"{entry.label}: has no pair {rule.where}, so it is not part of “{rule.title}”.")
            continue
        other = _require_record(other_entries, entry, wanted)
        claims.append(Claim(rule, entry, other, _measure(rule, entry), wanted))
        only_candidate = {name: pair for name, pair in _pairs_by_name(other).items() if name not in known}
        covered = rule.select([*available, *only_candidate.values()])
        if left_out := [name for name, pair in only_candidate.items() if pair in covered]:
            notes.append(
                f"{entry.label}: the baseline lacks {join_names(left_out)}, so “{rule.title}” does not cover them."
            )
    return claims, notes


def _pairs_by_name(entry: Entry) -> dict[str, Pair]:
    return {pair.pair: parse_pair(pair.pair) for pair in entry.record.pairs}


def _require_english(rule: Rule, entries: Sequence[Entry], available: Sequence[Pair]) -> None:
    if rule.pairs != DEFAULT_PAIRS or parse_pair(DEFAULT_PAIRS) in available:
        return
    known = "; ".join(f"{entry.label}: {join_names(_pairs_by_name(entry))}" for entry in entries)
    raise RecordError(
        f"{entries[0].key} has no scores of {DEFAULT_PAIRS}, so there is no English to gate ({known}). Evaluate with "
        f"--pairs {DEFAULT_PAIRS}, or say with --pairs what the margin holds for."
    )


def _measure(rule: Rule, entry: Entry) -> Measure:
    """Return the rule's measure, or the task's main one, which must be a share where higher is better.

    A rule without a measure states its figures in points, and a main measure of another kind has none.
    """
    if rule.measure is not None:
        return rule.effective_measure
    measure = find_measure(entry.record.main_measure)
    if (measure.better, measure.unit) != (MAIN.better, MAIN.unit):
        raise UsageError(
            f"{entry.label}: its main measure, {measure}, is not a share where higher is better: name it with "
            "--measure, or as the rule's measure, if it is what should be gated."
        )
    return measure


def _require_record(other_entries: Mapping[str, Entry], base: Entry, wanted: Sequence[str]) -> Entry:
    """Return the candidate's record of a task; raise if it lacks a gated pair or was measured in another way."""
    candidate = next(iter(other_entries.values())).key
    other = other_entries.get(base.label)
    if other is None:
        raise RecordError(
            f"{candidate} has no record of {base.label}, which {base.key} has. Evaluate it on this task too, or say "
            "with --tasks which tasks are gated."
        )
    scored = {pair.pair for pair in other.record.pairs}
    if missing := [pair for pair in wanted if pair not in scored]:
        raise RecordError(
            f"{base.label}: {candidate} has no scores of {join_names(missing)}, which {base.key} has and the gate is "
            "about. Evaluate it on these pairs too, or gate others."
        )
    for entry in (base, other):
        _refuse_approximate(entry)
    base_precision, other_precision = _precision(base.record), _precision(other.record)
    if base_precision != other_precision and None not in (base_precision, other_precision):
        raise RecordError(
            f"{base.label}: {base.key} was measured in {base_precision}, {candidate} in {other_precision}. A gate "
            "compares models in one precision: evaluate both with the same --dtype."
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
    """Return the precision that vectors were computed in; None for a model that has no vectors."""
    if record.is_lexical:
        return None
    return str(record.model.get("dtype") or "a precision that its record does not state")


def _remarks(base: Record, other: Record) -> list[str]:
    """Return sentences on what a reader should know of two records that are compared."""
    remarks = []
    if base.identity.encoder == other.identity.encoder:
        remarks.append("baseline and candidate are the same encoder: same weights, same settings.")
    for package in _DECISIVE_SOFTWARE:
        base_version, other_version = base.environment.get(package), other.environment.get(package)
        if base_version != other_version:
            remarks.append(
                f"measured with different software: {package} {base_version} (baseline), {other_version} (candidate)."
            )
    return remarks
