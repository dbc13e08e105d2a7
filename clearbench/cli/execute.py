"""Run a command and return its exit code; a known error becomes one message on stderr."""

import errno
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from clearbench.cli.interruption import INTERRUPTED, INTERRUPTION
from clearbench.common.errors import ClearbenchError
from clearbench.common.terminal import discard_stdout, safe_streams
from clearbench.common.text import first_line, shorten

# Errors of the operating system that are reported in its own words, without a traceback.
REPORTED_ERRORS = (
    errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EMFILE, errno.ENAMETOOLONG
)  # fmt: skip
# Some versions of Typer contain a copy of click, others use the installed click. BadParameter finds the right one.
ClickException: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


@safe_streams()
def execute_command(command: Callable[..., Any], arguments: Sequence[str] | None) -> int:
    """Run a command line and return its exit code.

    Args:
        command: A Typer app, or the click command made from one.
        arguments: The words after `clearbench`; None means the arguments of the process.
    """
    try:
        result = command(None if arguments is None else list(arguments), standalone_mode=False)
        sys.stdout.flush()
    except ClearbenchError as error:
        return _fail(str(error), error.exit_code)
    except ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f" Try `{context.command_path} --help`." if context else ""
        return _fail(error.format_message() + hint, error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        result = INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return 0
    except ImportError as error:
        if (package := _find_importing_package(error)) == "clearbench":
            raise
        return _fail(
            f"The package {package} cannot be imported: {first_line(error)}. It is not compatible with the other "
            f"installed packages: pip install -U {package}.",
            1,
        )
    except OSError as error:
        if error.errno not in REPORTED_ERRORS:
            raise
        _discard_output()
        where = f" ({error.filename})" if error.filename else ""
        return _fail(f"{error.strerror}{where}. Finished work is kept.", 1)
    if result == INTERRUPTED:
        return _fail(INTERRUPTION, INTERRUPTED)
    return result if isinstance(result, int) else 0


def _find_importing_package(error: ImportError) -> str:
    """Return the package whose code failed to import something."""
    frame = error.__traceback__
    name = "clearbench"
    while frame is not None:
        name = frame.tb_frame.f_globals.get("__name__", name)
        frame = frame.tb_next
    return name.partition(".")[0]


def _discard_output() -> None:
    """Discard output that stdout cannot take, so that the interpreter's last flush does not fail."""
    try:
        sys.stdout.flush()
    except OSError:
        discard_stdout()


def _fail(message: str, code: int) -> int:
    if os.environ.get("CLEARBENCH_TRACEBACK"):
        import traceback

        traceback.print_exc()
    print(f"Error: {shorten(message)}", file=sys.stderr)
    return code
