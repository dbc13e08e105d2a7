"""`clearbench doctor`: what this installation can do."""

from pathlib import Path
from typing import Annotated

import typer

STYLES = {"ok": "green", "note": "yellow", "problem": "bold red"}


def doctor(
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder with the official files.", envvar="CLEARBENCH_DATA")
    ] = None,
    cache_dir: Annotated[
        Path | None, typer.Option(help="Cache folder (default: CLEARBENCH_CACHE or the user's cache).")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not try the network.")] = False,
) -> int:
    """Show versions, devices, cache, data found, and whether the network can be reached.

    Exit code 1 if something stands in the way, 0 otherwise.
    """
    from rich.console import Console
    from rich.table import Table

    from clearbench.doctor import examine

    findings = list(examine(data_dir, cache_dir, network=not offline))
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        verdict = f"[{STYLES[finding.verdict]}]{finding.verdict}[/]"
        table.add_row(finding.topic, verdict, finding.text.replace("[", "\\["))
    Console().print(table)
    return int(any(finding.verdict == "problem" for finding in findings))
