"""`clearbench report`: one HTML file from records."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    results: Annotated[Path, typer.Argument(help="Results folder.")] = Path("results"),
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("report.html"),
    title: Annotated[str, typer.Option(help="Its heading.")] = "Retrieval across languages",
    baseline: Annotated[
        str | None,
        typer.Option(help="Model that others are compared with and gated against (default: compared with the best)."),
    ] = None,
    gate_margin: Annotated[float, typer.Option(help="What English may lose to the baseline, in points.")] = 1.0,
    tasks: Annotated[str | None, typer.Option(help="Only these tasks, separated by commas.")] = None,
    measure: Annotated[str | None, typer.Option(help="Instead of each task's main measure.")] = None,
    training: Annotated[
        list[Path] | None,
        typer.Option(help="Checkpoint of `clearbench train`, or a folder of them, for loss curves (repeatable)."),
    ] = None,
    figures: Annotated[Path | None, typer.Option(help="Also write every figure there, as PNG and SVG.")] = None,
    with_published: Annotated[
        bool, typer.Option("--with-published", help="Also show published figures of the same pairs, marked †.")
    ] = False,
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help="Leave out unfinished and damaged records; the page names them.")
    ] = False,
) -> None:
    """Write a report on all records: one HTML file that opens anywhere, without a network.

    Example: clearbench report results --baseline minilm --out report.html
    """
    from clearbench.common.errors import UsageError
    from clearbench.common.options import read_names
    from clearbench.common.output import write_output
    from clearbench.common.progress import say
    from clearbench.records.published import load_published
    from clearbench.records.select import load_results, load_usable
    from clearbench.report.build import ReportOptions, make_report
    from clearbench.report.page import render

    if not 0 <= gate_margin <= 100:
        raise UsageError(f"--gate-margin {gate_margin:g}: expected points between 0 and 100, such as 1.0.")
    entries, messages = load_usable(results) if skip_broken else (load_results(results), [])
    for message in messages:
        say(f"left out: {message}")
    options = ReportOptions(
        title=title,
        baseline=baseline,
        margin=gate_margin,
        tasks=None if tasks is None else tuple(read_names(tasks, "--tasks")),
        measure=measure,
        training=tuple(training or ()),
        published=load_published() if with_published else (),
        messages=tuple(messages),
    )
    made = make_report(entries, options)
    page = render(made).encode()
    write_output(out, page, "--out")
    if figures is not None:
        from clearbench.report.figures import write_figures

        written = write_figures(made, figures)
        say(f"{len(written)} figures in {figures}")
    print(out)
