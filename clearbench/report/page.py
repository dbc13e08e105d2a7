"""Render a report as one HTML page that contains its style and script and refers to no other file."""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from markupsafe import Markup

from clearbench.common.arrays import Scores
from clearbench.common.measures import Measure, find_measure
from clearbench.common.text import count, escape_controls, p_value
from clearbench.report.build import Report
from clearbench.report.charts.draw import NARROW, WIDE, draw
from clearbench.report.charts.kinds import CurveChart, EstimateChart, ShareChart
from clearbench.report.charts.marks import to_svg
from clearbench.report.charts.palette import DIVERGING, NAMED, SEQUENTIAL, STEPS
from clearbench.report.content.bias import first_kinds_chart, own_language_chart
from clearbench.report.content.matrix import SIGNIFICANT, Matrix
from clearbench.report.content.words import keep_together
from clearbench.verdicts.leaderboard.result import MEASURED

TEMPLATES = Path(__file__).with_name("templates")
SCRIPTS = ("matrix.js", "page.js")

SHARE = Measure("share")
RAMPS = {"sequential": SEQUENTIAL, "diverging": DIVERGING}


def render(report: Report) -> str:
    """Return the HTML of the page, which refers to no other file."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=_escape,
    )  # fmt: skip
    environment.filters |= {
        "count": count,
        "figure": show_figure,
        "first_kinds_chart": first_kinds_chart,
        "measure": find_measure,
        "own_language_chart": own_language_chart,
        "p_value": lambda p: keep_together(f"p {p_value(p)}"),
        "payload": matrix_payload,
        "settings": describe_settings,
        "svg": draw_svg,
    }
    script = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("report.html").render(
        report=report,
        style=Markup(colour_style() + (TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=digest,
        palettes={name: {theme: ramp[theme].background for theme in ramp} for name, ramp in RAMPS.items()},
        measured=MEASURED,
        significant=SIGNIFICANT,
    )


def draw_svg(chart: EstimateChart | CurveChart | ShareChart, width: float = WIDE) -> Markup:
    """Return the SVG of a chart for a screen, and a second SVG for a phone if the first is too wide for it.

    The style sheet shows the one that fits.

    Args:
        chart: The chart.
        width: Width on a screen, in pixels.
    """
    widths = {"wide": width, "narrow": NARROW} if width > NARROW else {"small": width}
    drawings = {name: draw(chart, pixels) for name, pixels in widths.items()}
    elements = [to_svg(drawing, _style_variable, f'class="drawing {name}"') for name, drawing in drawings.items()]
    return Markup("".join(elements))


def show_figure(value: float | None, measure: Measure = SHARE, digits: int = 1, signed: bool = False) -> str:
    """Return a figure as tables show it, or "" for None.

    Args:
        value: The figure as in records.
        measure: Its measure; shares, the default, are shown times 100.
        digits: Number of decimals.
        signed: Whether positive figures get a sign.
    """
    if value is None:
        return ""
    points = measure.points * value
    return (f"{points:+.{digits}f}" if signed else f"{points:.{digits}f}").replace("-", "\u2212")


def matrix_payload(matrix: Matrix) -> dict[str, object]:
    """Return the data of a matrix for the page's script, ready to be written as JSON."""
    counts = [str(text) for text in matrix.counts.ravel()]
    distinct = {text for text in counts if text}
    return {
        "title": matrix.title,
        "quantity": matrix.quantity,
        "rows": [vars(row) for row in matrix.rows],
        "columns": [vars(column) for column in matrix.columns],
        "counts": list(distinct) if len(distinct) == 1 else counts,
        "models": matrix.models,
        "signed": matrix.scale.signed,
        "low": matrix.scale.low,
        "high": matrix.scale.high,
        # p is packed in per cent, which keeps four decimals.
        **{name: pack(100 * field if name == "p" else field) for name, field in matrix.fields.items()},
    }


def pack(figures: Scores) -> str:
    """Return figures x 100 as base64 of little-endian integers, with the least integer for NaN.

    The integers have 16 bits, or 32 bits if the figures are too large. With 16 bits a field of 122 x 122 pairs has 40
    kB.
    """
    scaled = np.round(100 * figures)
    kind = np.int16 if np.nanmax(np.abs(scaled), initial=0.0) < 2**15 else np.int32
    packed = np.where(np.isnan(scaled), np.iinfo(kind).min, scaled).astype(np.dtype(kind).newbyteorder("<"))
    return base64.b64encode(packed.tobytes()).decode()


def describe_settings(model: Mapping[str, object]) -> str:
    """Return the settings of a model in words, without empty settings."""
    shown = {key: value for key, value in model.items() if key != "name" and value not in (None, "")}
    return ", ".join(f"{key} {value:,}" if isinstance(value, int) else f"{key} {value}" for key, value in shown.items())


@cache
def colour_style() -> str:
    """Return the style rules of every colour, for both themes."""
    named = ";".join(f"--{name}:{_light_dark(colour['light'], colour['dark'])}" for name, colour in NAMED.items())
    rules = [f":root{{{named}}}"]
    for name, ramp in RAMPS.items():
        light, dark = ramp["light"], ramp["dark"]
        for step in range(STEPS):
            background = _light_dark(light.background[step], dark.background[step])
            text = _light_dark(light.text[step], dark.text[step])
            rules.append(f".{name[0]}{step}{{background:{background};color:{text}}}")
        stops = ",".join(map(_light_dark, light.background[::5], dark.background[::5]))
        rules.append(f".{name}{{background:linear-gradient(to right,{stops})}}")
    return "\n".join(rules) + "\n"


def _escape(value: object) -> object:
    """Return a text with control characters and directional marks written as escapes; Markup stays Markup."""
    return type(value)(escape_controls(value)) if isinstance(value, str) else value


def _light_dark(light: str, dark: str) -> str:
    return f"light-dark({light},{dark})"


def _style_variable(colour: str) -> str:
    return f"var(--{colour})"
