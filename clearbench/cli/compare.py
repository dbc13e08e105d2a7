"""`clearbench compare`: other models against a base, per language pair."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clearbench.verdicts.compare.examples import Examples
    from clearbench.verdicts.compare.model import Comparison


class Format(StrEnum):
    """How a comparison is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    LATEX = "latex"
    MARKDOWN = "markdown"


class Correction(StrEnum):
    """How p-values are corrected for many tests."""

    MAX_T = "max-t"
    HOLM = "holm"
    BH = "bh"
    NONE = "none"


SUFFIXES = {".csv": Format.CSV, ".json": Format.JSON, ".tex": Format.LATEX, ".md": Format.MARKDOWN}
WHAT, STATISTICS, OUTPUT = "What is compared", "Statistics", "Output"


def compare(
    base: Annotated[
        str, typer.Argument(help="Model name, NAME-HASH8, a folder records/MODEL, or a results folder with one model.")
    ],
    others: Annotated[list[str], typer.Argument(metavar="OTHER...", help="Models to compare with it, named likewise.")],
    results: Annotated[
        Path, typer.Option(help="Results folder that model names are looked up in.", rich_help_panel=WHAT)
    ] = Path("results"),
    tasks: Annotated[
        str | None, typer.Option(help="Only these tasks, separated by commas.", rich_help_panel=WHAT)
    ] = None,
    pairs: Annotated[
        str | None, typer.Option(help="Only these pairs, query language first: '*-en,de-de'.", rich_help_panel=WHAT)
    ] = None,
    measure: Annotated[
        str | None, typer.Option(help="Default: each task's main measure.", rich_help_panel=WHAT)
    ] = None,
    correction: Annotated[
        Correction,
        typer.Option(
            help="max-t and holm bound the chance of any false mark, bh the share of false marks.",
            rich_help_panel=STATISTICS,
        ),
    ] = Correction.MAX_T,
    confidence: Annotated[float, typer.Option(help="Of the intervals.", rich_help_panel=STATISTICS)] = 0.95,
    flips: Annotated[int, typer.Option(min=1, help="Random sign flips.", rich_help_panel=STATISTICS)] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the flips.", rich_help_panel=STATISTICS)] = 0,
    format: Annotated[
        Format | None,
        typer.Option(
            help="Default: by the ending of --out (.csv, .json, .tex, .md), else table.", rich_help_panel=OUTPUT
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file, not to stdout.", rich_help_panel=OUTPUT)] = None,
    queries: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Also list the N queries that gained and that lost most, with texts where runs were saved.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
) -> None:
    """Compare models with a base, per task and language pair: is the difference real?

    Example: clearbench compare infonce clear --pairs '*-en'
    """
    from clearbench.common.errors import UsageError
    from clearbench.common.options import read_names
    from clearbench.common.progress import say
    from clearbench.records.select import select_model
    from clearbench.verdicts.compare.compute import CompareOptions, compare_models
    from clearbench.verdicts.compare.examples import find_examples
    from clearbench.verdicts.compare.table import remarks

    style = format or (SUFFIXES.get(out.suffix, Format.TABLE) if out else Format.TABLE)
    if queries and style in (Format.CSV, Format.LATEX):
        raise UsageError(f"--queries does not go with --format {style.value}: choose table, markdown or json.")
    if not 0 < confidence < 1:
        raise UsageError(f"--confidence {confidence:g}: expected a value between 0 and 1, such as 0.95.")
    options = CompareOptions(
        tasks=tuple(read_names(tasks, "--tasks")) if tasks is not None else None,
        pairs=pairs,
        measure=measure,
        correction=correction.value,
        confidence=confidence,
        flips=flips,
        seed=seed,
    )
    entries = select_model(results, base)
    rivals = [select_model(results, other) for other in others]
    keys = [rival[0].key for rival in rivals]
    if entries[0].key in keys or len(set(keys)) < len(keys):
        raise UsageError(f"A model is named twice: {', '.join([entries[0].key, *keys])}.")
    comparisons = compare_models(entries, rivals, options)
    examples = [part for rival in rivals for part in find_examples(entries, rival, options, queries)] if queries else []
    text = _render(comparisons, examples, style, wide=out is not None)
    if out is None:
        print(text, end="")
    else:
        _save(out, text)
        say(f"{out}: {sum(len(one.pairs) for one in comparisons):,} pairs compared")
    if style in (Format.CSV, Format.LATEX):
        for sentence in dict.fromkeys(sentence for one in comparisons for sentence in remarks(one)):
            say(sentence)


def _render(comparisons: "Sequence[Comparison]", examples: "Sequence[Examples]", style: Format, wide: bool) -> str:
    from clearbench.verdicts.compare.examples import as_markdown_lines
    from clearbench.verdicts.compare.latex import as_latex
    from clearbench.verdicts.compare.table import as_csv, as_json, as_markdown

    if style is Format.CSV:
        return as_csv(comparisons)
    if style is Format.JSON:
        return as_json(comparisons, examples)
    if style is Format.LATEX:
        return as_latex(comparisons)
    if style is Format.MARKDOWN:
        return as_markdown(comparisons) + (as_markdown_lines(examples) if examples else "")
    return _tables(comparisons, examples, wide)


def _tables(comparisons: "Sequence[Comparison]", examples: "Sequence[Examples]", wide: bool) -> str:
    """Tables as text, as wide as they need to be: a figure is never shortened."""
    from io import StringIO

    from rich.console import Console

    from clearbench.verdicts.compare.examples import as_lines
    from clearbench.verdicts.compare.table import as_tables

    shown = list(as_tables(comparisons))
    terminal, unlimited = Console(), Console(width=10_000)
    needed = max((unlimited.measure(table).maximum for table in shown if not isinstance(table, str)), default=0)
    plain = wide or not terminal.is_terminal
    console = Console(
        file=StringIO(),
        width=max(terminal.width, needed),
        force_terminal=not plain,
        color_system=None if plain else "auto",
        highlight=False,
        markup=False,
    )
    with console.capture() as capture:
        for part in shown:
            console.print(part, soft_wrap=isinstance(part, str))
        for line in as_lines(examples):
            console.print(line, soft_wrap=True)
    return capture.get()


def _save(out: Path, text: str) -> None:
    from clearbench.common.output import write_output

    write_output(out, text.encode(), "--out")
