"""A drawing as marks at places in pixels, x to the right and y downwards, and its text as SVG.

`draw` makes drawings; the page embeds their SVG, and `figures` writes the same drawings to files. Colours are names of
`palette.NAMED`, which the page looks up for its theme, or #rrggbb.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from markupsafe import escape

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """Straight lines from point to point; `dash` is the lengths of a stroke and of the gap after it."""

    points: tuple[Point, ...]
    colour: str
    width: float = 1.0
    dash: tuple[float, ...] = ()
    opacity: float = 1.0


@dataclass(frozen=True)
class Box:
    """A filled rectangle from its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True)
class Dot:
    """A filled circle around its centre."""

    x: float
    y: float
    radius: float
    colour: str


@dataclass(frozen=True)
class Text:
    """One line of text, centred on y; `turned` reads upwards."""

    x: float
    y: float
    text: str
    size: float
    colour: str = "ink"
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False
    turned: bool = False


@dataclass(frozen=True)
class Hint:
    """What a pointer over a rectangle shows; nothing is painted."""

    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True)
class Tiles:
    """Rectangles of one size without gaps, row by row; None leaves a place empty.

    One mark for all of them, since a matrix of 122 x 122 pairs has 14,884.
    """

    x: float
    y: float
    width: float
    height: float
    colours: tuple[tuple[str | None, ...], ...]


Mark = Line | Box | Dot | Text | Hint | Tiles


@dataclass(frozen=True)
class Drawing:
    """Marks on an area, the first below the others.

    Attributes:
        about: What it shows, for those who cannot see it.
        width: Width in pixels.
        height: Height in pixels.
        marks: See Mark.
    """

    about: str
    width: float
    height: float
    marks: tuple[Mark, ...]


def text_width(text: str, size: float) -> float:
    """Return about how wide a text is: no font is measured, so that it is a little wider than most fonts set it."""
    return size * sum(1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.56 for letter in text)


def to_svg(drawing: Drawing, find_colour: Callable[[str], str], attributes: str = "") -> str:
    """Return a drawing as an SVG element.

    Args:
        drawing: What to write.
        find_colour: Returns what stands for a colour's name in the SVG: #rrggbb, or a style sheet's variable.
        attributes: More attributes of the element, in SVG's syntax.
    """
    size = f'width="{drawing.width:g}" height="{drawing.height:g}" viewBox="0 0 {drawing.width:g} {drawing.height:g}"'
    inside = "".join(_to_svg(mark, find_colour) for mark in drawing.marks)
    return f'<svg {attributes} {size} role="img" aria-label="{escape(drawing.about)}">{inside}</svg>'


def _to_svg(mark: Mark, find_colour: Callable[[str], str]) -> str:
    match mark:
        case Line():
            path = "M" + "L".join(f"{_short(x)} {_short(y)}" for x, y in mark.points)
            dash = f' stroke-dasharray="{" ".join(f"{length:g}" for length in mark.dash)}"' if mark.dash else ""
            faint = f' opacity="{mark.opacity:g}"' if mark.opacity < 1 else ""
            colour = find_colour(mark.colour)
            return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{mark.width:g}"{dash}{faint}/>'
        case Box():
            return f'<rect {_rectangle(mark)} fill="{find_colour(mark.colour)}"/>'
        case Dot():
            centre = f'cx="{_short(mark.x)}" cy="{_short(mark.y)}"'
            return f'<circle {centre} r="{mark.radius:g}" fill="{find_colour(mark.colour)}"/>'
        case Text():
            return _text(mark, find_colour(mark.colour))
        case Hint():
            title = f"<title>{escape(mark.text)}</title>"
            return f'<rect {_rectangle(mark)} fill="none" pointer-events="all">{title}</rect>'
        case Tiles():
            return _tiles(mark, find_colour)


def _rectangle(mark: Box | Hint) -> str:
    x, y, width, height = (_short(value) for value in (mark.x, mark.y, mark.width, mark.height))
    return f'x="{x}" y="{y}" width="{width}" height="{height}"'


def _text(mark: Text, colour: str) -> str:
    x, y = _short(mark.x), _short(mark.y)
    anchor = f' text-anchor="{mark.anchor}"' if mark.anchor != "start" else ""
    bold = ' font-weight="bold"' if mark.bold else ""
    turned = f' transform="rotate(-90 {x} {y})"' if mark.turned else ""
    # A third of an em below the centre is the base line of most fonts' figures and capitals.
    place = f'x="{x}" y="{y}" dy=".35em" font-size="{mark.size:g}"'
    return f'<text {place} fill="{colour}"{anchor}{bold}{turned}>{escape(mark.text)}</text>'


def _tiles(mark: Tiles, find_colour: Callable[[str], str]) -> str:
    """One path a colour: a rectangle of its own for each of 14,884 tiles would make a megabyte."""
    paths: dict[str, list[str]] = {}
    size = f"h{mark.width:g}v{mark.height:g}h{-mark.width:g}z"
    for row, colours in enumerate(mark.colours):
        for column, colour in enumerate(colours):
            if colour is not None:
                corner = f"M{_short(mark.x + column * mark.width)} {_short(mark.y + row * mark.height)}"
                paths.setdefault(colour, []).append(corner + size)
    return "".join(f'<path d="{"".join(parts)}" fill="{find_colour(colour)}"/>' for colour, parts in paths.items())


def _short(value: float) -> str:
    return f"{round(value, 2):g}"
