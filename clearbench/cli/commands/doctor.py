"""`clearbench doctor`: show what this installation can do."""

from typing import Annotated

from clearbench.cli.options import Omit
from clearbench.tasks.options import DataLocation

STYLES = {"ok": "green", "note": "yellow", "problem": "bold red"}


def doctor(location: Annotated[DataLocation, Omit("corpus")]) -> int:
    """Show versions, devices, cache and available data, and check the network.

    The exit code is 1 if there is a problem, otherwise 0.
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
