"""Figures of a report as files."""

from xml.etree import ElementTree

import numpy as np
from builders.report import compared
from builders.values import require

from clearbench.cli.app import execute
from clearbench.common.languages import languages
from clearbench.common.measures import find_measure
from clearbench.report.build import make_report
from clearbench.report.charts.draw_matrix import draw_matrix
from clearbench.report.charts.marks import Text, Tiles
from clearbench.report.content.matrix import difference_matrices
from clearbench.report.figures import write_figures


def test_the_command_writes_page_and_figures(results, tmp_path, capsys):
    out = tmp_path / "new" / "page.html"
    options = ["--out", str(out), "--baseline", "one", "--figures", str(tmp_path / "f")]
    assert execute(["report", str(results), *options]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    files = sorted((tmp_path / "f").iterdir())
    assert len(files) == 2 * (3 + 2 + 1)
    names = [file.name for file in files]
    assert "toy-two-nDCG10.svg" in names and "toy-two-minus-one.png" in names and "toy-groups.svg" in names
    for file in files:
        if file.suffix == ".svg":
            texts = [e.text for e in ElementTree.parse(file).getroot().iter() if e.tag.endswith("}text")]
            assert "query language" in texts or "nDCG@10 × 100" in texts
        else:
            assert file.read_bytes().startswith(b"\x89PNG")


def test_figures_are_the_same_bytes_every_time(entries, tmp_path):
    report = make_report(entries[:1])
    one, two = (write_figures(report, tmp_path / name) for name in "ab")
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in two]


def test_a_png_shows_what_the_svg_says(entries, tmp_path):
    import matplotlib.image

    report = make_report(entries[:1])
    [matrix] = report.tasks[0].values
    write_figures(report, tmp_path)
    pixels = matplotlib.image.imread(next(tmp_path.glob("*nDCG10.png")))
    height = ElementTree.parse(next(tmp_path.glob("*nDCG10.svg"))).getroot().attrib["height"]
    scale = len(pixels) / float(height)
    tiles = next(mark for mark in draw_matrix(matrix, matrix.title).marks if isinstance(mark, Tiles))
    # Near a corner of each cell, where no figure stands.
    for row, colours in enumerate(tiles.colours):
        for column, colour in enumerate(map(require, colours)):
            x, y = tiles.x + (column + 0.05) * tiles.width, tiles.y + (row + 0.1) * tiles.height
            seen = pixels[int(y * scale), int(x * scale), :3] * 255
            assert np.abs(seen - np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])).max() < 2


def test_a_large_matrix_is_drawn_without_figures():
    codes = [str(language) for language in languages()[:32]]
    rows = [compared(f"{query}-{passage}", 0.015) for query in codes for passage in codes[:31]]
    [matrix] = difference_matrices({"other": rows}, find_measure("nDCG@10"))
    drawing = draw_matrix(matrix, "other minus base")
    texts = [mark.text for mark in drawing.marks if isinstance(mark, Text)]
    assert texts.count("+1.5") == 0 and set(codes) <= set(texts)
    assert len([mark for mark in drawing.marks if isinstance(mark, Tiles)]) == 2
