"""`clearbench report`: write one HTML file from records."""

from pathlib import Path
from typing import Annotated

import typer

from clearbench.cli.comparable import load_comparable
from clearbench.cli.options import Strict
from clearbench.common.options import Option
from clearbench.common.output import write_output
from clearbench.records.published_sources import PublishedSources
from clearbench.report.options import ReportOptions


def report(
    results: Annotated[Path, typer.Argument(help="Results folder.")] = Path("results"),
    *,
    out: Annotated[Path, Option("The HTML file to write.")] = Path("report.html"),
    options: ReportOptions,
    figures: Annotated[Path | None, Option("Also write every figure to this folder, as PNG and SVG.")] = None,
    sources: PublishedSources,
    strict: Strict = False,
) -> None:
    """Write a report on all records: one HTML file that opens in any browser, without a network.

    Example: clearbench report results --baseline minilm --out report.html
    """
    from clearbench.common.progress import say
    from clearbench.report.build import make_report
    from clearbench.report.page import render

    entries, published, left_out = load_comparable(results, options.tasks, sources, strict)
    for message in left_out:
        say(f"Left out: {message}")
    content = make_report(entries, options, published, left_out=left_out)
    write_output(out, render(content).encode(), "--out")
    if figures is not None:
        from clearbench.report.figures import write_figures

        written = write_figures(content, figures)
        say(f"{len(written)} figures in {figures}")
    print(out)
