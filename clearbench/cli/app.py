"""The command line: every command, one file each. Nothing heavy is imported before a command needs it."""

import errno
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import typer

from clearbench.cli.cache import cache_app
from clearbench.cli.compare import compare
from clearbench.cli.demo import demo
from clearbench.cli.doctor import doctor
from clearbench.cli.export import export
from clearbench.cli.gate import gate
from clearbench.cli.leaderboard import leaderboard
from clearbench.cli.report import report
from clearbench.cli.reproduce import reproduce
from clearbench.cli.rows import rows_app
from clearbench.cli.run import run
from clearbench.cli.tasks import tasks_app
from clearbench.cli.train import train
from clearbench.common.errors import ClearbenchError

app = typer.Typer(
    name="clearbench",
    help="How well a multilingual embedding model retrieves, per language pair.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo)
app.command("run")(run)
app.command("compare")(compare)
app.command("gate")(gate)
app.command("leaderboard")(leaderboard)
app.command("report")(report)
app.command("export")(export)
app.command("train")(train)
app.command("reproduce")(reproduce)
app.command("doctor")(doctor)
app.add_typer(rows_app, name="rows")
app.add_typer(tasks_app, name="tasks")
app.add_typer(cache_app, name="cache")

INTERRUPTED = 130
# What the operating system refuses: said in its words, without a traceback.
SYSTEM_SAYS_NO = (
    errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EMFILE, errno.ENAMETOOLONG
)  # fmt: skip
# Typer brings its own copy of click or uses the installed one, by version; its public BadParameter leads to either.
ClickException: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def main() -> None:
    """Run a command; turn known failures into one message on stderr and their exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode shows ? instead of failing
    sys.exit(execute())


def execute(arguments: Sequence[str] | None = None) -> int:
    """Run a command from its arguments (default: the process's); return the exit code."""
    try:
        result = app(None if arguments is None else list(arguments), standalone_mode=False)
    except ClearbenchError as error:
        return _fail(str(error), error.exit_code)
    except ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f" Try `{context.command_path} --help`." if context else ""
        return _fail(error.format_message() + hint, error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        result = INTERRUPTED
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  so that the interpreter's last flush cannot fail
        return 0
    except OSError as error:
        if error.errno not in SYSTEM_SAYS_NO:
            raise
        where = f" ({error.filename})" if error.filename else ""
        return _fail(f"{error.strerror}{where}. What was finished before is kept.", 1)
    if result == INTERRUPTED:
        return _fail("Interrupted. What was finished is kept; the same command goes on from there.", INTERRUPTED)
    return result if isinstance(result, int) else 0


def _fail(message: str, code: int) -> int:
    if os.environ.get("CLEARBENCH_TRACEBACK"):
        import traceback

        traceback.print_exc()
    print(f"Error: {message}", file=sys.stderr)
    return code
