"""A drawing as marks with positions in pixels (x to the right, y downwards), and its conversion to SVG.

`draw` makes drawings. The page embeds their SVG, and `figures` writes the same drawings to files. A colour is #rrggbb
or a name in `palette.NAMED`, which has a colour for each theme.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from markupsafe import escape

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """Straight lines from point to point; `dash` has the lengths of a stroke and of the gap after it."""

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
    """An invisible rectangle with a text that appears on hover."""

    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True)
class Tiles:
    """Rectangles of one size without gaps, row by row; None leaves a tile empty.

    One mark represents all of them, because a matrix of 122 x 122 pairs has 14,884 tiles.
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
        about: Description of the drawing, for screen readers.
        width: Width in pixels.
        height: Height in pixels.
        marks: The marks, in the order of painting.
    """

    about: str
    width: float
    height: float
    marks: tuple[Mark, ...]


def text_width(text: str, size: float) -> float:
    """Return an estimate of a text's width, without measuring a font; it is a little more than in most fonts."""
    return size * sum(1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.56 for letter in text)


def to_svg(drawing: Drawing, find_colour: Callable[[str], str], attributes: str = "") -> str:
    """Return a drawing as an SVG element.

    Args:
        drawing: The drawing.
        find_colour: Returns the SVG value of a colour: #rrggbb, or a variable of the style sheet.
        attributes: Further attributes of the element, in SVG syntax.
    """
    size = f'width="{drawing.width:g}" height="{drawing.height:g}" viewBox="0 0 {drawing.width:g} {drawing.height:g}"'
    inside = "".join(_mark_to_svg(mark, find_colour) for mark in drawing.marks)
    return f'<svg {attributes} {size} role="img" aria-label="{escape(drawing.about)}">{inside}</svg>'


def _mark_to_svg(mark: Mark, find_colour: Callable[[str], str]) -> str:
    match mark:
        case Line():
            path = "M" + "L".join(f"{_short_number(x)} {_short_number(y)}" for x, y in mark.points)
            dash = f' stroke-dasharray="{" ".join(f"{length:g}" for length in mark.dash)}"' if mark.dash else ""
            faint = f' opacity="{mark.opacity:g}"' if mark.opacity < 1 else ""
            colour = find_colour(mark.colour)
            return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{mark.width:g}"{dash}{faint}/>'
        case Box():
            return f'<rect {_rectangle_attributes(mark)} fill="{find_colour(mark.colour)}"/>'
        case Dot():
            centre = f'cx="{_short_number(mark.x)}" cy="{_short_number(mark.y)}"'
            return f'<circle {centre} r="{mark.radius:g}" fill="{find_colour(mark.colour)}"/>'
        case Text():
            return _text_to_svg(mark, find_colour(mark.colour))
        case Hint():
            title = f"<title>{escape(mark.text)}</title>"
            return f'<rect {_rectangle_attributes(mark)} fill="none" pointer-events="all">{title}</rect>'
        case Tiles():
            return _tiles_to_svg(mark, find_colour)


def _rectangle_attributes(mark: Box | Hint) -> str:
    x, y, width, height = (_short_number(value) for value in (mark.x, mark.y, mark.width, mark.height))
    return f'x="{x}" y="{y}" width="{width}" height="{height}"'


def _text_to_svg(mark: Text, colour: str) -> str:
    x, y = _short_number(mark.x), _short_number(mark.y)
    anchor = f' text-anchor="{mark.anchor}"' if mark.anchor != "start" else ""
    bold = ' font-weight="bold"' if mark.bold else ""
    turned = f' transform="rotate(-90 {x} {y})"' if mark.turned else ""
    # In most fonts the base line of figures and capitals is a third of an em below their centre.
    place = f'x="{x}" y="{y}" dy=".35em" font-size="{mark.size:g}"'
    return f'<text {place} fill="{colour}"{anchor}{bold}{turned}>{escape(mark.text)}</text>'


def _tiles_to_svg(mark: Tiles, find_colour: Callable[[str], str]) -> str:
    """Return one path per colour; a separate rectangle for each of 14,884 tiles would take a megabyte."""
    paths: dict[str, list[str]] = {}
    size = f"h{mark.width:g}v{mark.height:g}h{-mark.width:g}z"
    for row, colours in enumerate(mark.colours):
        for column, colour in enumerate(colours):
            if colour is not None:
                corner = f"M{_short_number(mark.x + column * mark.width)} {_short_number(mark.y + row * mark.height)}"
                paths.setdefault(colour, []).append(corner + size)
    return "".join(f'<path d="{"".join(parts)}" fill="{find_colour(colour)}"/>' for colour, parts in paths.items())


def _short_number(value: float) -> str:
    return f"{round(value, 2):g}"
