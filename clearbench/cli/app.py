"""The command line application with all its commands. Heavy packages are imported only when a command needs them."""

import io
import sys
from collections.abc import Sequence

import typer

from clearbench.cli.commands.cache import cache_app
from clearbench.cli.commands.compare import compare
from clearbench.cli.commands.demo import demo
from clearbench.cli.commands.doctor import doctor
from clearbench.cli.commands.export import export
from clearbench.cli.commands.export_model import export_model
from clearbench.cli.commands.gate import gate
from clearbench.cli.commands.leaderboard import leaderboard
from clearbench.cli.commands.report import report
from clearbench.cli.commands.reproduce import reproduce
from clearbench.cli.commands.rows import rows_app
from clearbench.cli.commands.run import run
from clearbench.cli.commands.tasks import tasks_app
from clearbench.cli.commands.train import train
from clearbench.cli.commands.verify import verify
from clearbench.cli.execute import execute_command
from clearbench.cli.options import command

app = typer.Typer(
    name="clearbench",
    help="How well a multilingual embedding model retrieves, per language pair.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
command(app, "demo")(demo)
command(app, "run")(run)
command(app, "compare")(compare)
command(app, "gate")(gate)
command(app, "leaderboard")(leaderboard)
command(app, "report")(report)
command(app, "verify")(verify)
command(app, "export")(export)
command(app, "export-model")(export_model)
command(app, "train")(train)
command(app, "reproduce")(reproduce)
command(app, "doctor")(doctor)
app.add_typer(rows_app, name="rows")
app.add_typer(tasks_app, name="tasks")
app.add_typer(cache_app, name="cache")


def run_process() -> int:
    """Run the command line of this process and return its exit code; a known error becomes one message on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode shows ? instead of failing
    return execute()


def execute(arguments: Sequence[str] | None = None) -> int:
    """Run a command with arguments (default: those of the process) and return its exit code."""
    return execute_command(app, arguments)
