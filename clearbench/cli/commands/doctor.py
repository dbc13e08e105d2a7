"""`clearbench doctor`: what this installation can do."""

from typing import Annotated

from clearbench.cli.options import Without
from clearbench.tasks.options import DataLocation

STYLES = {"ok": "green", "note": "yellow", "problem": "bold red"}


def doctor(location: Annotated[DataLocation, Without("corpus")]) -> int:
    """Show versions, devices, cache, data found, and whether the network can be reached.

    Exit code 1 if something stands in the way, 0 otherwise.
    """
    from rich.table import Table

    from clearbench.common.console import SafeConsole
    from clearbench.doctor import examine

    findings = list(examine(location))
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        state = f"[{STYLES[finding.state]}]{finding.state}[/]"
        table.add_row(finding.topic, state, finding.text.replace("[", "\\["))
    SafeConsole().print(table)
    return int(any(finding.state == "problem" for finding in findings))
