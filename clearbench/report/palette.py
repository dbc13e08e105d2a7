"""Colour ramps of the report and its figures: even steps of lightness in OKLab, in a light and a dark form.

A sequential ramp runs from near the background (0) to a strong colour (100); the diverging one is neutral in the
middle, blue where the difference is positive and orange where it is negative (told apart with any common colour
vision). Steps are numbered, so that a page, a canvas and a printed figure take their colours from one table.

Source: Ottosson (2020), "A perceptual color space for image processing": the OKLab matrices.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

Theme = Literal["light", "dark"]
Rgb = tuple[float, float, float]

STEPS = 101
"""Steps of a ramp: 0 to 100 of a figure x 100, or -100 to +100 % of the range of differences."""

# (lightness, chroma, hue in degrees) at even distances along the ramp; lightness is linear in all of them.
_SEQUENTIAL: dict[Theme, tuple[tuple[float, float, float], ...]] = {
    "light": ((0.975, 0.010, 215.0), (0.665, 0.105, 235.0), (0.355, 0.110, 268.0)),
    "dark": ((0.245, 0.020, 268.0), (0.560, 0.110, 240.0), (0.875, 0.085, 200.0)),
}
_DIVERGING: dict[Theme, tuple[tuple[float, float, float], ...]] = {
    "light": ((0.560, 0.140, 47.0), (0.970, 0.004, 90.0), (0.560, 0.130, 250.0)),
    "dark": ((0.720, 0.135, 55.0), (0.260, 0.006, 90.0), (0.720, 0.120, 245.0)),
}
# Series of charts, in order of use; equal lightness within a theme, hues that stay apart.
_SERIES_HUES = (250.0, 50.0, 160.0, 340.0, 95.0, 300.0, 200.0, 20.0)
_SERIES: dict[Theme, tuple[float, float]] = {"light": (0.55, 0.135), "dark": (0.75, 0.120)}

DARK_TEXT, LIGHT_TEXT = "#14171a", "#ffffff"


@dataclass(frozen=True)
class Ramp:
    """Colours of the steps 0 to 100, and the colour of text on each, as #rrggbb."""

    background: tuple[str, ...]
    text: tuple[str, ...]


@cache
def sequential(theme: Theme) -> Ramp:
    """Ramp for figures from 0 to 100."""
    return _ramp(_SEQUENTIAL[theme])


@cache
def diverging(theme: Theme) -> Ramp:
    """Ramp for differences: step 0 is the most negative, 50 no difference, 100 the most positive."""
    return _ramp(_DIVERGING[theme])


@cache
def series(theme: Theme) -> tuple[str, ...]:
    """Colours of lines and points, one per model; more models than colours begin again."""
    lightness, chroma = _SERIES[theme]
    return tuple(to_hex(oklch(lightness, chroma, hue)) for hue in _SERIES_HUES)


def oklch(lightness: float, chroma: float, hue: float) -> Rgb:
    """Linear-light sRGB of an OKLCh colour, cut to [0, 1]."""
    from math import cos, radians, sin

    return _from_oklab(lightness, chroma * cos(radians(hue)), chroma * sin(radians(hue)))


def to_hex(linear: Rgb) -> str:
    """#rrggbb of a linear-light colour."""
    return "#" + "".join(f"{round(255 * _encode(value)):02x}" for value in linear)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two #rrggbb colours, 1 to 21.

    Source: WCAG 2.2, definitions of relative luminance and contrast ratio.
    """
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _ramp(stops: tuple[tuple[float, float, float], ...]) -> Ramp:
    background = tuple(to_hex(_along(stops, step / (STEPS - 1))) for step in range(STEPS))
    text = tuple(max((DARK_TEXT, LIGHT_TEXT), key=lambda colour: contrast(colour, back)) for back in background)
    return Ramp(background, text)


def _along(stops: tuple[tuple[float, float, float], ...], share: float) -> Rgb:
    """Interpolate in OKLab, on straight lines between stops: a path through the middle never changes hue abruptly."""
    from math import cos, radians, sin

    place = share * (len(stops) - 1)
    first = min(int(place), len(stops) - 2)
    weight = place - first
    points = [(L, C * cos(radians(h)), C * sin(radians(h))) for L, C, h in stops[first : first + 2]]
    lightness, a, b = (x + weight * (y - x) for x, y in zip(*points, strict=True))
    return _from_oklab(lightness, a, b)


def _from_oklab(lightness: float, a: float, b: float) -> Rgb:
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    rgb = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    red, green, blue = (min(max(value, 0.0), 1.0) for value in rgb)
    return red, green, blue


def _encode(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def _decode(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _luminance(colour: str) -> float:
    red, green, blue = (_decode(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
