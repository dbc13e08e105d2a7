"""`clearbench compare`: compare other models with a base model, per language pair."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from clearbench.cli.formats import find_format
from clearbench.cli.options import Panel, ResultsFolder
from clearbench.common.errors import UsageError
from clearbench.common.options import Option, Range
from clearbench.common.output import write_output
from clearbench.verdicts.compare.options import CompareOptions
from clearbench.verdicts.options import WHAT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clearbench.verdicts.compare.examples import Examples
    from clearbench.verdicts.compare.result import Comparison


CompareFormat = Literal["table", "csv", "json", "latex", "markdown"]


@dataclass(frozen=True)
class CompareOutput:
    """The format and the file of the output, and the number of queries to list."""

    format: Annotated[
        CompareFormat | None, Option("Default: by the suffix of --out (.csv, .json, .tex, .md), otherwise table.")
    ] = None
    out: Annotated[Path | None, Option("Write to this file instead of stdout.")] = None
    queries: Annotated[
        int | None,
        Option(
            "Also list the N queries that gained most and that lost most, with their texts if runs were saved.",
            metavar="N",
            range=Range(minimum=1),
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.queries and self.style in ("csv", "latex"):
            raise UsageError(f"--queries cannot be combined with --format {self.style}: use table, markdown or json.")

    @property
    def style(self) -> CompareFormat:
        """The requested format, or the one that belongs to the file's suffix."""
        return self.format or (find_format(self.out, get_args(CompareFormat), "table") if self.out else "table")


def compare(
    base: Annotated[
        str, typer.Argument(help="Model name, NAME-HASH8, a folder records/MODEL, or a results folder with one model.")
    ],
    others: Annotated[list[str], typer.Argument(metavar="OTHER...", help="Models to compare with the base.")],
    *,
    results: Annotated[ResultsFolder, Panel(WHAT)] = Path("results"),
    options: CompareOptions,
    output: Annotated[CompareOutput, Panel("Output")],
) -> None:
    """Compare models with a base, per task and language pair: is the difference real?

    Example: clearbench compare infonce clear --pairs '*-en'
    """
    from clearbench.records.select import select_model
    from clearbench.verdicts.compare.compute import compare_models
    from clearbench.verdicts.compare.examples import find_examples

    entries = select_model(results, base)
    candidates = [select_model(results, other) for other in others]
    keys = [candidate[0].key for candidate in candidates]
    if entries[0].key in keys or len(set(keys)) < len(keys):
        raise UsageError(f"A model is named twice: {', '.join([entries[0].key, *keys])}.")
    comparisons = compare_models(entries, candidates, options)
    examples = []
    if output.queries:
        for candidate in candidates:
            examples += find_examples(entries, candidate, options, output.queries)
    _write(comparisons, examples, output)


def _write(comparisons: "Sequence[Comparison]", examples: "Sequence[Examples]", output: CompareOutput) -> None:
    """Write the comparisons to stdout or a file; remarks that CSV and LaTeX cannot hold go to stderr."""
    from clearbench.common.progress import say
    from clearbench.verdicts.compare.tables import remarks

    text = _render(comparisons, examples, output.style, wide=output.out is not None)
    if output.out is None:
        print(text, end="")
    else:
        write_output(output.out, text.encode(), "--out")
        say(f"{output.out}: {sum(len(comparison.pairs) for comparison in comparisons):,} pairs compared")
    if output.style in ("csv", "latex"):
        for sentence in dict.fromkeys(sentence for comparison in comparisons for sentence in remarks(comparison)):
            say(sentence)


def _render(
    comparisons: "Sequence[Comparison]", examples: "Sequence[Examples]", style: CompareFormat, wide: bool
) -> str:
    from clearbench.verdicts.compare.example_lines import to_markdown_lines
    from clearbench.verdicts.compare.latex import to_latex
    from clearbench.verdicts.compare.machine import to_csv, to_json
    from clearbench.verdicts.compare.tables import to_markdown

    if style == "csv":
        return to_csv(comparisons)
    if style == "json":
        return to_json(comparisons, examples)
    if style == "latex":
        return to_latex(comparisons)
    if style == "markdown":
        return to_markdown(comparisons) + (to_markdown_lines(examples) if examples else "")
    return _render_tables(comparisons, examples, wide)


def _render_tables(comparisons: "Sequence[Comparison]", examples: "Sequence[Examples]", wide: bool) -> str:
    """Return the tables as text, wide enough to show every figure completely."""
    from io import StringIO

    from clearbench.cli.tables import full_width
    from clearbench.common.console import SafeConsole
    from clearbench.verdicts.compare.example_lines import to_lines
    from clearbench.verdicts.compare.tables import to_tables

    shown = list(to_tables(comparisons))
    terminal = SafeConsole()
    plain = wide or not terminal.is_terminal
    console = SafeConsole(
        file=StringIO(),
        width=max(terminal.width, full_width(part for part in shown if not isinstance(part, str))),
        force_terminal=not plain,
        color_system=None if plain else "auto",
        highlight=False,
        markup=False,
    )
    with console.capture() as capture:
        for part in shown:
            console.print(part, soft_wrap=isinstance(part, str))
        for line in to_lines(examples):
            console.print(line, soft_wrap=True)
    return capture.get()
