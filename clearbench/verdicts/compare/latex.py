"""Comparisons as one LaTeX tabular for a paper; needs the package booktabs."""

from collections.abc import Sequence

from clearbench.common.text import count
from clearbench.verdicts.compare.result import LEVELS, ComparedRow, Comparison
from clearbench.verdicts.compare.tables import CORRECTED

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    # At the start of a row LaTeX would take these as arguments of the row end before it.
    "*": "{*}",
    "[": "{[}",
}


def to_latex(comparisons: Sequence[Comparison]) -> str:
    """Return comparisons as a table whose rows are the pairs, then the groups, of each task.

    Columns are the base's mean, and for each other model its mean, the difference and its interval. A difference
    carries the marks of its corrected p, which the line below the table explains. A pair that a model lacks is left
    blank.
    """
    first = comparisons[0]
    width = 3 + 3 * len(comparisons)
    heads = [rf"\multicolumn{{3}}{{c}}{{{escape_latex(comparison.other_name)}}}" for comparison in comparisons]
    rules = [rf"\cmidrule(lr){{{4 + 3 * i}-{6 + 3 * i}}}" for i in range(len(comparisons))]
    level = f"{100 * first.options.confidence:g}\\%"
    columns = rf"mean & $\Delta$ & {level} interval"
    lines = [
        r"% Needs \usepackage{booktabs}.",
        rf"\begin{{tabular}}{{lrr{'rrr' * len(comparisons)}}}",
        r"\toprule",
        f" & & {escape_latex(first.base_name)} & {' & '.join(heads)} \\\\",
        "".join(rules),
        rf"Pair & $n$ & mean & {' & '.join([columns] * len(comparisons))} \\",
    ]
    for task in dict.fromkeys(row.task for comparison in comparisons for row in comparison.pairs):
        for number, kind in enumerate(("pairs", "groups")):
            tables = [
                {row.name: row for row in getattr(comparison, kind) if row.task == task} for comparison in comparisons
            ]
            lines.append(r"\midrule" if number == 0 else r"\addlinespace")
            if number == 0:
                measure = next(row.measure for table in tables for row in table.values())
                heading = f"{escape_latex(task)}, {escape_latex(measure)}"
                lines.append(rf"\multicolumn{{{width}}}{{l}}{{\emph{{{heading}}}}} \\")
            names = dict.fromkeys(name for table in tables for name in table)
            lines += [_line(name, [table.get(name) for table in tables]) for name in names]
    lines += [
        r"\bottomrule",
        rf"\multicolumn{{{width}}}{{p{{.95\linewidth}}}}{{\footnotesize {_legend(first)}}}",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def escape_latex(text: str) -> str:
    """Escape what LaTeX would read as a command; control characters and line breaks become blanks."""
    return "".join(_SPECIAL.get(sign, sign if sign.isprintable() else " ") for sign in text)


def _line(name: str, rows: Sequence[ComparedRow | None]) -> str:
    first = next(row for row in rows if row is not None)
    size = _thousands(first.num_queries) if first.kind == "pair" else _thousands(first.num_pairs, "pair")
    cells = [escape_latex(name if first.kind == "pair" else f"{name} (mean)"), size, f"{first.points * first.base:.1f}"]
    if len({(row.num_pairs, row.base) for row in rows if row is not None}) > 1:
        # Models that lack pairs have groups of other pairs, with another mean of the base.
        cells[1:] = ["", ""]
    for row in rows:
        cells += ["", "", ""] if row is None else [f"{row.points * row.other:.1f}", _difference(row), _interval(row)]
    return " & ".join(cells) + r" \\"


def _difference(row: ComparedRow) -> str:
    marks = row.marks.replace("*", "{*}")
    return f"${row.points * row.difference:+.2f}{f'^{{{marks}}}' if marks else ''}$"


def _interval(row: ComparedRow) -> str:
    if row.lower is None or row.upper is None:
        return "--"
    return f"$[{row.points * row.lower:+.2f}, {row.points * row.upper:+.2f}]$"


def _thousands(number: int, noun: str = "") -> str:
    return (count(number, noun) if noun else f"{number:,}").replace(",", "{,}")


def _legend(comparison: Comparison) -> str:
    options = comparison.options
    corrected = CORRECTED[options.correction].replace("p", "$p$", 1).replace("q", "$q$", 1)
    marks = ", ".join(
        f"$^{{{mark.replace('*', '{*}')}}}$ {corrected} $<$ {level:g}" for level, mark in reversed(LEVELS)
    )
    scale = "" if comparison.pairs[0].points == 1.0 else r"Scores $\times$ 100. "
    return (
        f"{scale}{marks}; {_thousands(options.flips)} sign flips of clusters of questions, seed "
        f"{options.seed}, {_thousands(comparison.num_tests, 'test')}. "
        "Intervals are cluster-robust and for one row each."
    )
