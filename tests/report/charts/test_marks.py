"""Marks as SVG: each says what it is, and a text stays text."""

import re
from xml.etree import ElementTree

from builders.report import EVIL

from clearbench.report.charts.marks import Box, Dot, Drawing, Hint, Line, Text, Tiles, to_svg


def test_every_mark_has_its_svg():
    marks = (
        Line(((0, 0), (9, 5)), "ink", 2, (1, 2), 0.5),
        Box(1, 2, 3, 4, "soft"),
        Dot(5, 5, 2, "series0"),
        Text(1, 1, f"{EVIL}&", 10, bold=True, turned=True, anchor="end"),
        Hint(0, 0, 9, 9, f"hint {EVIL}"),
        Tiles(0, 0, 2, 3, (("#000000", None), ("#ffffff", "#000000"))),
    )
    text = to_svg(Drawing(f'about "{EVIL}"', 20, 10, marks), lambda name: f"<{name}>".strip("<>"), 'class="x"')
    root = ElementTree.fromstring(text)
    tags = [element.tag for element in root.iter()]
    assert tags == ["svg", "path", "rect", "circle", "text", "rect", "title", "path", "path"]
    assert root.get("aria-label") == f'about "{EVIL}"' and root.get("viewBox") == "0 0 20 10"
    assert root[3].text == f"{EVIL}&" and root[3].get("transform") and root[3].get("text-anchor") == "end"
    assert root[0].get("stroke-dasharray") == "1 2"
    # One path a colour; the empty place has none.
    assert [len(re.findall("M", path.attrib["d"])) for path in root[5:]] == [2, 1]
