"""The LaTeX table: its cells, and that it compiles with any name."""

import shutil
import subprocess

import pytest
from builders.compare import both, model, sample
from builders.records import write_record

from clearbench.verdicts.compare.compute import compare
from clearbench.verdicts.compare.latex import escape_latex, to_latex

SIGNS = 'a_b%c&d#e$f{g}h~i^j\\k<l>m|n"o'


def test_latex_has_a_cell_for_each_column_and_marks_on_differences(out):
    found = both(out, tasks=("toy",))
    text = to_latex(found)
    rows = [line for line in text.splitlines() if line.endswith("\\\\") and "multicolumn" not in line]
    assert {line.replace("\\&", "").count("&") for line in rows} == {8}
    row = found[0].pairs[1]
    assert f"${100 * row.difference:+.2f}^{{{'{*}' * len(row.marks)}}}$" in text and row.marks
    assert any(line.startswith("de-de & 40 &") for line in rows)
    sw = next(line for line in rows if line.startswith("sw-en"))
    assert sw.endswith(" &  &  &  \\\\")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles_with_any_name(out, tmp_path):
    write_record(out, SIGNS, sample(1, 0.1))
    found = [*both(out), compare(model(out, "base"), model(out, SIGNS))]
    body = to_latex(found)
    document = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n" + body + "\\end{document}\n"
    (tmp_path / "table.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "table.pdf").stat().st_size > 1000


def test_latex_keeps_the_asterisk_of_a_group_after_the_end_of_a_row(out):
    assert "\n{*}-en (mean) &" in to_latex(both(out)) and "\n*" not in to_latex(both(out))


def test_latex_escapes_every_special_sign():
    assert escape_latex("a_b%\n\x00") == "a\\_b\\%  "
    assert escape_latex(SIGNS).count("\\") >= 13
