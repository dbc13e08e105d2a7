"""`clearbench gate`: decide whether a candidate may replace the baseline."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from clearbench.cli.options import Panel, ResultsFolder
from clearbench.common.errors import UsageError
from clearbench.common.options import Option
from clearbench.common.output import write_output
from clearbench.common.terminal import discard_stdout
from clearbench.verdicts.gate.options import GateOptions

if TYPE_CHECKING:
    from clearbench.records.select import Entry
    from clearbench.verdicts.gate.result import GateResult, Outcome

EXIT_CODES: "dict[Outcome, int]" = {"pass": 0, "fail": 3, "undecided": 4}
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""Environment variable with the path of the step summary in GitHub Actions."""


@dataclass(frozen=True)
class GateOutput:
    """The outputs of the gate."""

    junit: Annotated[Path | None, Option("Write JUnit XML.")] = None
    summary: Annotated[
        Path | None, Option(f"Write a Markdown summary (default: append it to ${STEP_SUMMARY} if that is set).")
    ] = None
    badge: Annotated[bool, Option("Print one line for a badge instead of tables.")] = False
    format: Annotated[Literal["table", "json"], Option("Format of the output on stdout.")] = "table"
    save_baseline: Annotated[
        Path | None,
        Option("Write the baseline's scores of the gated pairs to one file that can be committed; needs no candidate."),
    ] = None

    def __post_init__(self) -> None:
        if self.badge and self.format == "json":
            raise UsageError("--badge and --format json exclude each other: both decide the output on stdout.")


def gate(
    *,
    baseline: Annotated[
        str, Option("Model name in the results folder, folder of records, or baseline file.", show_default=False)
    ],
    candidate: Annotated[str | None, Option("The model to test: name or folder.", show_default=False)] = None,
    results: ResultsFolder = Path("results"),
    options: Annotated[GateOptions, Panel("What is gated")],
    output: Annotated[GateOutput, Panel("Output")],
) -> int:
    """Test that a candidate's English is not worse than the baseline's by a margin, and test rules on other pairs.

    Exit code 0: pass, 3: fail, 4: undecided (too few queries).

    Example: clearbench gate --baseline base --candidate tuned --margin 1.0
    """
    from clearbench.verdicts.gate.compute import gate as decide

    if candidate is not None and output.save_baseline is None:
        result = decide(_read_model(baseline, results), _read_model(candidate, results), options)
        _write_result(result, output)
        return EXIT_CODES[result.outcome]
    if candidate is None and output.save_baseline is not None:
        _save_baseline(_read_model(baseline, results), output.save_baseline, options)
        return 0
    raise UsageError("Expected one of --candidate (to gate it) and --save-baseline (to write the baseline's file).")


def _read_model(text: str, results: Path) -> "list[Entry]":
    """Return the records of a model that is given as a baseline file, a folder or a name."""
    from clearbench.records.select import select_model
    from clearbench.verdicts.gate.baseline import read_baseline

    if Path(text).is_file():
        return read_baseline(Path(text))
    return select_model(results, text)


def _save_baseline(entries: "list[Entry]", file: Path, options: GateOptions) -> None:
    """Write the scores of the gated pairs to a baseline file, and print what it contains."""
    from clearbench.common.progress import say
    from clearbench.records.select import select_tasks
    from clearbench.verdicts.gate.baseline import save_baseline
    from clearbench.verdicts.gate.claims import DEFAULT_PAIRS

    chosen = select_tasks(entries, options.tasks)
    pairs = DEFAULT_PAIRS if options.pairs is None else options.pairs
    for line in save_baseline(chosen, file, pairs, options.measure):
        say(line)
    print(f"{file}: {entries[0].key}, {file.stat().st_size:,} bytes")


def _write_result(result: "GateResult", output: GateOutput) -> None:
    """Write the requested files, print the result, and explain on stderr what did not pass."""
    from clearbench.common.progress import say
    from clearbench.verdicts.gate.machine import to_junit
    from clearbench.verdicts.gate.sentences import explain_all
    from clearbench.verdicts.gate.tables import to_markdown

    if output.junit:
        write_output(output.junit, to_junit(result), "--junit")
    _write_summary(to_markdown(result), output.summary)
    try:
        _print_result(result, output)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):  # the reader of stdout is gone, but the exit code still states the verdict
        discard_stdout()
    for sentence in explain_all(result):
        say(sentence)


def _print_result(result: "GateResult", output: GateOutput) -> None:
    from clearbench.cli.tables import full_width
    from clearbench.common.console import SafeConsole
    from clearbench.verdicts.gate.machine import to_json
    from clearbench.verdicts.gate.sentences import badge, headline, legend
    from clearbench.verdicts.gate.tables import to_tables

    if output.badge:
        print(badge(result))
        return
    if output.format == "json":
        print(to_json(result))
        return
    for title, table, rest in to_tables(result):
        wide = SafeConsole(highlight=False, width=max(SafeConsole().width, full_width([table])))
        wide.print(f"\n{title}", style="bold", markup=False)
        wide.print(table)
        if rest:
            wide.print(rest, style="dim")
    print(legend(result))
    print(headline(result))


def _write_summary(text: str, file: Path | None) -> None:
    """Write the summary to the user's file, or append it to the CI's step summary if there is one."""
    from clearbench.common.progress import say

    step_file = os.environ.get(STEP_SUMMARY)
    if step_file and file in (None, Path(step_file)):
        try:
            with Path(step_file).open("a", encoding="utf-8") as stream:
                stream.write(text + "\n")
        except OSError as error:
            say(f"The summary could not be appended to ${STEP_SUMMARY} ({step_file}): {error.strerror}.")
    elif file:
        write_output(file, text.encode(), "--summary")
