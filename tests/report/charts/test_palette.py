"""The table of colours is what OKLab and WCAG contrast give; here both are computed again, independently."""

import math

import pytest

from clearbench.report.charts.palette import DARK_TEXT, DIVERGING, LIGHT_TEXT, NAMED, NUM_SERIES, SEQUENTIAL, STEPS

# (lightness, chroma, hue in degrees) at even distances along each ramp.
STOPS = {
    ("sequential", "light"): ((0.975, 0.010, 215.0), (0.665, 0.105, 235.0), (0.355, 0.110, 268.0)),
    ("sequential", "dark"): ((0.245, 0.020, 268.0), (0.560, 0.110, 240.0), (0.875, 0.085, 200.0)),
    ("diverging", "light"): ((0.560, 0.140, 47.0), (0.970, 0.004, 90.0), (0.560, 0.130, 250.0)),
    ("diverging", "dark"): ((0.720, 0.135, 55.0), (0.260, 0.006, 90.0), (0.720, 0.120, 245.0)),
}
RAMPS = {"sequential": SEQUENTIAL, "diverging": DIVERGING}
SERIES = {"light": (0.55, 0.135), "dark": (0.75, 0.120)}
HUES = (250.0, 50.0, 160.0, 340.0, 95.0, 300.0, 200.0, 20.0)


def hex_of(lightness, a, b):
    """#rrggbb of a colour in OKLab.

    Source: Ottosson (2020), "A perceptual color space for image processing".
    """
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    cut = [min(max(value, 0.0), 1.0) for value in linear]
    encoded = [12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055 for value in cut]
    return "#" + "".join(f"{round(255 * value):02x}" for value in encoded)


def polar(lightness, chroma, hue):
    return lightness, chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))


def luminance(colour):
    """Relative luminance (WCAG 2.2)."""
    values = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """Contrast ratio, 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_oracle_gives_known_colours():
    # Ottosson's page and CSS Color 4 give sRGB red and blue these coordinates.
    assert hex_of(*polar(0.627955, 0.257683, 29.2339)) == "#ff0000"
    assert hex_of(*polar(0.452014, 0.313214, 264.052)) == "#0000ff"
    assert hex_of(*polar(1.0, 0.0, 0.0)) == "#ffffff"
    assert contrast("#ffffff", "#000000") == pytest.approx(21)


@pytest.mark.parametrize(("ramp", "theme"), STOPS)
def test_ramps_are_straight_lines_in_oklab(ramp, theme):
    stops = [polar(*stop) for stop in STOPS[ramp, theme]]
    colours = []
    for step in range(STEPS):
        place = 2 * step / (STEPS - 1)
        first = min(int(place), 1)
        weight = place - first
        colours.append(hex_of(*(x + weight * (y - x) for x, y in zip(stops[first], stops[first + 1], strict=True))))
    assert RAMPS[ramp][theme].background == tuple(colours)


@pytest.mark.parametrize("theme", SERIES)
def test_series_are_equally_light(theme):
    colours = [hex_of(*polar(*SERIES[theme], hue)) for hue in HUES]
    assert [NAMED[f"series{number}"][theme] for number in range(NUM_SERIES)] == colours


@pytest.mark.parametrize(("ramp", "theme"), STOPS)
def test_text_on_every_colour_can_be_read(ramp, theme):
    steps = RAMPS[ramp][theme]
    assert len(steps.background) == len(steps.text) == STEPS
    assert min(contrast(back, text) for back, text in zip(steps.background, steps.text, strict=True)) > 4.2
    better = [max((DARK_TEXT, LIGHT_TEXT), key=lambda text: contrast(text, back)) for back in steps.background]
    assert list(steps.text) == better


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_series_stand_out_from_the_paper(theme):
    paper = NAMED["paper"][theme]
    assert min(contrast(NAMED[name][theme], paper) for name in ("ink", "soft")) > 4.5
    assert min(contrast(NAMED[f"series{number}"][theme], paper) for number in range(NUM_SERIES)) > 3


def test_sequential_colours_get_steadily_darker_or_lighter():
    light = [luminance(colour) for colour in SEQUENTIAL["light"].background]
    dark = [luminance(colour) for colour in SEQUENTIAL["dark"].background]
    assert light == sorted(light, reverse=True) and dark == sorted(dark)


def test_diverging_colours_are_neutral_in_the_middle():
    for theme in ("light", "dark"):
        steps = DIVERGING[theme].background
        middle = [int(steps[50][at : at + 2], 16) for at in (1, 3, 5)]
        assert max(middle) - min(middle) < 8
        assert luminance(steps[0]) == pytest.approx(luminance(steps[100]), rel=0.12)
