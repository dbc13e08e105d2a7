"""What the gate says: a table, sentences, Markdown, JSON, JUnit XML and one line for a badge. Figures are points."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from clearbench.verdicts.gate.verdict import GateResult, Outcome, Verdict

if TYPE_CHECKING:
    from rich.table import Table

MARKS: dict[Outcome, str] = {"pass": "✅", "fail": "❌", "undecided": "⚠️"}
COLOURS: dict[Outcome, str] = {"pass": "green", "fail": "red", "undecided": "yellow"}

SHOWN = 12
"""Verdicts of one rule that tables show; JSON and JUnit have all."""

HEADINGS = (
    *("task", "pairs", "measure", "baseline", "candidate", "difference"),
    *("lower", "guarded", "upper", "bound", "queries", ""),
)
_LEFT = ("task", "pairs", "measure", "")

# XML 1.0 has no way to write these, escaped or not.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def tables(result: GateResult) -> "list[tuple[str, Table, str]]":
    """Per rule: its title, a table for a terminal, and a line on what is not shown (or nothing)."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    found = []
    for title, verdicts in _by_rule(result):
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for heading in HEADINGS:
            table.add_column(heading, justify="left" if heading in _LEFT else "right", no_wrap=True)
        shown = _shown(verdicts)
        for verdict in shown:
            *cells, outcome = map(escape, _cells(verdict))
            table.add_row(*cells, f"[bold {COLOURS[verdict.outcome]}]{outcome}[/]")
        found.append((title, table, _rest(verdicts, shown)))
    return found


def headline(result: GateResult) -> str:
    """One sentence with the outcome."""
    return f"gate: {result.outcome}, {result.candidate} against {result.baseline}"


def limits(result: GateResult) -> str:
    """One line on what the columns mean."""
    return (
        f"points = 100 x the measure; lower, upper: one-sided {100 * result.confidence:g}% limits, clustered; "
        "guarded: lower, with few and large losses in mind"
    )


def explain_all(result: GateResult) -> list[str]:
    """What did not pass and what to do about it, as many as tables show, then the notes; one sentence or two each."""
    shown = [verdict for _, verdicts in _by_rule(result) for verdict in _shown(verdicts)]
    return [*(explain(verdict) for verdict in shown if verdict.outcome != "pass"), *result.notes]


def explain(verdict: Verdict) -> str:
    """Say in one or two sentences why a verdict is what it is."""
    interval, what = verdict.interval, f"{verdict.task} {verdict.where}, {verdict.measure}"
    figure = _signed if verdict.about == "difference" else _plain
    subject = "the difference" if verdict.about == "difference" else "the candidate's mean"
    if math.isnan(interval.lower):
        return (
            f"{what}: undecided. {_count(interval.num_queries, 'query')} in "
            f"{_count(interval.num_clusters, 'cluster')} give no interval; a decision needs two clusters at the least."
        )
    seen = f"{subject} is {figure(interval.mean)} [{figure(interval.lower)}, {figure(interval.upper)}]"
    bound = figure(verdict.bound)
    if verdict.outcome == "pass":
        return f"{what}: pass. {_capital(seen)}: above {bound}."
    if verdict.outcome == "fail":
        return f"{what}: fail. {_capital(seen)}: below {bound}."
    if verdict.needed_queries is None:
        advice = f"it lies so near to {bound} that no number of queries decides"
    else:
        advice = (
            f"about {_count(verdict.needed_queries, 'query')} ({_count(verdict.needed_clusters or 0, 'cluster')}) "
            "would decide with a chance of 80% if it stays as seen"
        )
    if interval.lower > verdict.bound:
        text = (
            f"{what}: undecided. {_capital(seen)}, which would pass, but a few clusters make up so much of it that the "
            f"guarded limit is {figure(interval.guarded)}, not above {bound}; {advice}."
        )
    else:
        text = f"{what}: undecided. {_capital(seen)}, on both sides of {bound}; {advice}."
    if verdict.about == "difference" and verdict.detectable is not None:
        text += (
            f" If nothing changed, {_count(interval.num_queries, 'query')} decide a margin of "
            f"{_plain(verdict.detectable, 2)}."
        )
    return text


def to_markdown(result: GateResult) -> str:
    """A summary for a pull request or a GitHub step summary."""
    lines = [
        f"### {MARKS[result.outcome]} English gate: {result.outcome}",
        "",
        f"{_md(result.candidate)} against {_md(result.baseline)}; {limits(result)}.",
    ]
    for title, verdicts in _by_rule(result):
        shown = _shown(verdicts)
        lines += ["", f"**{_md(title)}**", ""]
        lines.append("| " + " | ".join(HEADINGS) + " |")
        lines.append("| " + " | ".join("---" if heading in _LEFT else "---:" for heading in HEADINGS) + " |")
        for verdict in shown:
            *cells, outcome = _cells(verdict)
            lines.append("| " + " | ".join([*map(_md, cells), f"{MARKS[verdict.outcome]} {outcome}"]) + " |")
        if rest := _rest(verdicts, shown):
            lines += ["", rest]
    if told := explain_all(result):
        lines += ["", *(f"- {_md(sentence)}" for sentence in told)]
    return "\n".join(lines) + "\n"


def to_json(result: GateResult) -> str:
    """Everything, with measures as fractions in [0, 1]; `margin` alone is in points. Unknown figures are null."""
    data = {"outcome": result.outcome, **asdict(result)}
    return json.dumps(_without_nan(data), indent=1, ensure_ascii=False, allow_nan=False)


def to_junit(result: GateResult) -> bytes:
    """JUnit XML: a test case per verdict; fail is a <failure>, undecided an <error>, so that neither is green."""
    counts = [verdict.outcome for verdict in result.verdicts]
    totals = {"tests": len(counts), "failures": counts.count("fail"), "errors": counts.count("undecided")}
    attributes = {"name": "clearbench gate", **{key: str(value) for key, value in totals.items()}}
    root = ElementTree.Element("testsuites", attributes)
    suite = ElementTree.SubElement(root, "testsuite", {**attributes, "skipped": "0"})
    properties = ElementTree.SubElement(suite, "properties")
    for name in ("baseline", "candidate", "margin", "confidence"):
        ElementTree.SubElement(properties, "property", {"name": name, "value": _xml(str(getattr(result, name)))})
    for verdict in result.verdicts:
        name = f"{verdict.where} {verdict.measure}: {verdict.rule}"
        case = ElementTree.SubElement(suite, "testcase", {"classname": _xml(verdict.task), "name": _xml(name)})
        message = _xml(explain(verdict))
        if verdict.outcome == "pass":
            ElementTree.SubElement(case, "system-out").text = message
        else:
            tag = "failure" if verdict.outcome == "fail" else "error"
            ElementTree.SubElement(case, tag, {"type": verdict.outcome, "message": message}).text = message
    if result.notes:
        ElementTree.SubElement(suite, "system-out").text = _xml("\n".join(result.notes))
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def badge(result: GateResult) -> str:
    """One line: outcome, and the verdict that is nearest to its bound or farthest below it."""
    tightest = min(result.verdicts, key=_room)
    figure = _signed if tightest.about == "difference" else _plain
    interval = tightest.interval
    text = (
        f"English gate: {result.outcome} · {tightest.task} {tightest.where} {figure(interval.mean)} "
        f"[{figure(interval.lower)}, {figure(interval.upper)}] · bound {figure(tightest.bound)}"
    )
    return " ".join(text.split())


def _room(verdict: Verdict) -> float:
    distance = verdict.interval.guarded - verdict.bound
    return -math.inf if math.isnan(distance) else distance


def _by_rule(result: GateResult) -> list[tuple[str, list[Verdict]]]:
    groups: dict[str, list[Verdict]] = {}
    for verdict in result.verdicts:
        groups.setdefault(verdict.rule, []).append(verdict)
    return list(groups.items())


def _shown(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """All of a few; of many, those with the least room."""
    return list(verdicts) if len(verdicts) <= SHOWN else sorted(verdicts, key=_room)[:SHOWN]


def _rest(verdicts: Sequence[Verdict], shown: Sequence[Verdict]) -> str:
    if len(shown) == len(verdicts):
        return ""
    outcomes = [verdict.outcome for verdict in verdicts]
    counts = ", ".join(f"{outcomes.count(o):,} {o}" for o in MARKS if o in outcomes)
    return f"the {len(shown)} of {len(verdicts):,} with the least room; all: {counts}"


def _cells(verdict: Verdict) -> list[str]:
    """A table's row, in the order of HEADINGS."""
    interval, relative = verdict.interval, verdict.about == "difference"
    figure = _signed if relative else _plain
    difference = interval.mean if relative else verdict.candidate - verdict.baseline
    return [
        verdict.task,
        verdict.where,
        verdict.measure,
        _plain(verdict.baseline),
        _plain(verdict.candidate),
        _signed(difference),
        figure(interval.lower),
        figure(interval.guarded),
        figure(interval.upper),
        figure(verdict.bound),
        f"{interval.num_queries:,} ({interval.num_clusters:,})",
        verdict.outcome,
    ]


def _plain(value: float, digits: int = 2) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.{digits}f}"


def _signed(value: float) -> str:
    """With a sign, and zero without one; two digits, so that a margin of one point leaves something to read."""
    return "-" if math.isnan(value) else f"{100 * value + 0.0:+.2f}".replace("-0.00", "0.00").replace("+0.00", "0.00")


def _count(number: int, noun: str) -> str:
    plural = {"query": "queries"}.get(noun, noun + "s")
    return f"{number:,} {noun if number == 1 else plural}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _md(text: str) -> str:
    """Text as Markdown shows it: no cell, line, link, emphasis, HTML tag or mention can be smuggled in by a name."""
    return re.sub(r"([\\`*_{}\[\]<>|#@~])", r"\\\1", " ".join(text.split()))


def _xml(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
