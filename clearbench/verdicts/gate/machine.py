"""The gate's result for other programs: JSON and JUnit XML."""

import json
import math
import re
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree

from clearbench.common.text import escape_controls
from clearbench.verdicts.gate.result import GateResult, Verdict
from clearbench.verdicts.gate.sentences import explain

# XML 1.0 has no way to write these, escaped or not.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_json(result: GateResult) -> str:
    """Return the result as JSON, with shares in [0, 1]; only `margin` is in points. Unknown figures are null."""
    verdicts = [_fields(verdict) for verdict in result.verdicts]
    data = {"outcome": result.outcome, **asdict(result), "verdicts": verdicts}
    return json.dumps(_replace_nan(data), indent=1, ensure_ascii=False, allow_nan=False)


def to_junit(result: GateResult) -> bytes:
    """Return JUnit XML, a test case for each verdict: fail is a <failure>, undecided an <error>; neither is green."""
    outcomes = [verdict.outcome for verdict in result.verdicts]
    totals = {"tests": len(outcomes), "failures": outcomes.count("fail"), "errors": outcomes.count("undecided")}
    attributes = {"name": "clearbench gate", **{key: str(value) for key, value in totals.items()}}
    root = ElementTree.Element("testsuites", attributes)
    suite = ElementTree.SubElement(root, "testsuite", {**attributes, "skipped": "0"})
    properties = ElementTree.SubElement(suite, "properties")
    for name in ("baseline", "candidate", "margin", "confidence"):
        ElementTree.SubElement(
            properties, "property", {"name": name, "value": _clean_for_xml(str(getattr(result, name)))}
        )
    for verdict in result.verdicts:
        _add_case(suite, verdict)
    if result.notes:
        ElementTree.SubElement(suite, "system-out").text = _clean_for_xml("\n".join(result.notes))
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _add_case(suite: ElementTree.Element, verdict: Verdict) -> None:
    name = f"{verdict.where} {verdict.measure}: {verdict.rule}"
    case = ElementTree.SubElement(
        suite, "testcase", {"classname": _clean_for_xml(verdict.task), "name": _clean_for_xml(name)}
    )
    message = _clean_for_xml(explain(verdict))
    if verdict.outcome == "pass":
        ElementTree.SubElement(case, "system-out").text = message
    else:
        tag = "failure" if verdict.outcome == "fail" else "error"
        ElementTree.SubElement(case, tag, {"type": verdict.outcome, "message": message}).text = message


def _clean_for_xml(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", escape_controls(text))


def _fields(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict's fields; its measure by name, with the unit of its figures and the direction of a gain."""
    measure = verdict.measure
    return {**asdict(verdict), "measure": measure.name, "unit": measure.unit, "better": measure.better}


def _replace_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _replace_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_replace_nan(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
