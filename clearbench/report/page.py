"""The page of a report: templates, style and script put together into one file without any reference to another."""

import base64
import hashlib
from functools import cache
from pathlib import Path

from markupsafe import Markup

from clearbench.report import palette as colours
from clearbench.report.bias import SPLIT
from clearbench.report.build import Report
from clearbench.verdicts.leaderboard.model import MEASURED

TEMPLATES = Path(__file__).with_name("templates")
SCRIPTS = ("maps.js", "page.js")


def render(report: Report) -> str:
    """Return the page: one file without any reference to another."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    script = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment.filters["minus"] = lambda text: str(text).replace("-", "\u2212")
    return environment.get_template("report.html").render(
        report=report,
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8") + colour_style()),
        script=Markup(script),
        script_hash=digest,
        palettes=palettes(),
        series_count=len(colours.series("light")),
        split_labels=[label for _, label in SPLIT],
        measured=MEASURED,
    )


@cache
def colour_style() -> str:
    """Style rules of every colour step, for both themes."""
    rules = []
    for letter, ramp in (("s", colours.sequential), ("d", colours.diverging)):
        light, dark = ramp("light"), ramp("dark")
        rules += [
            f".{letter}{step}{{background:light-dark({light.background[step]},{dark.background[step]});"
            f"color:light-dark({light.text[step]},{dark.text[step]})}}"
            for step in range(colours.STEPS)
        ]
    for name, ramp in (("sequential", colours.sequential), ("diverging", colours.diverging)):
        ends = zip(ramp("light").background[::5], ramp("dark").background[::5], strict=True)
        stops = ",".join(f"light-dark({one},{two})" for one, two in ends)
        rules.append(f".{name}{{background:linear-gradient(to right,{stops})}}")
    for number, (one, two) in enumerate(zip(colours.series("light"), colours.series("dark"), strict=True)):
        rules.append(f".c{number}{{--c:light-dark({one},{two})}}")
    return "\n".join(rules)


@cache
def palettes() -> dict[str, dict[str, tuple[str, ...]]]:
    """Colour steps for what the page draws itself."""
    ramps = {"sequential": colours.sequential, "diverging": colours.diverging}
    return {name: {"light": ramp("light").background, "dark": ramp("dark").background} for name, ramp in ramps.items()}
