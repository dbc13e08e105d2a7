"""Running a command to its exit code: known failures become one message on stderr."""

import errno
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from clearbench.cli.interruption import INTERRUPTED, INTERRUPTION
from clearbench.common.errors import ClearbenchError
from clearbench.common.terminal import safe_streams
from clearbench.common.text import first_line, shorten

# Errors of the operating system, which are reported in its words, without a traceback.
SYSTEM_SAYS_NO = (
    errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EMFILE, errno.ENAMETOOLONG
)  # fmt: skip
# Typer brings its own copy of click or uses the installed one, by version; its public BadParameter leads to either.
ClickException: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


@safe_streams()
def execute_command(command: Callable[..., Any], arguments: Sequence[str] | None) -> int:
    """Run a command line and return its exit code.

    Args:
        command: A Typer app, or the click command made of one.
        arguments: What follows `clearbench`; None: the process's arguments.
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
        _drop_output()
        return 0
    except ImportError as error:
        if (package := _importing_package(error)) == "clearbench":
            raise
        return _fail(
            f"The package {package} cannot be imported: {first_line(error)}. It does not fit the others that are "
            f"installed: pip install -U {package}.",
            1,
        )
    except OSError as error:
        if error.errno not in SYSTEM_SAYS_NO:
            raise
        _drop_output()
        where = f" ({error.filename})" if error.filename else ""
        return _fail(f"{error.strerror}{where}. What was finished before is kept.", 1)
    if result == INTERRUPTED:
        return _fail(INTERRUPTION, INTERRUPTED)
    return result if isinstance(result, int) else 0


def _importing_package(error: ImportError) -> str:
    """Return the package whose code failed to import something."""
    frame = error.__traceback__
    name = "clearbench"
    while frame is not None:
        name = frame.tb_frame.f_globals.get("__name__", name)
        frame = frame.tb_next
    return name.partition(".")[0]


def _drop_output() -> None:
    """Forget what stdout does not take, so that the interpreter's last flush cannot fail."""
    try:
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115


def _fail(message: str, code: int) -> int:
    if os.environ.get("CLEARBENCH_TRACEBACK"):
        import traceback

        traceback.print_exc()
    print(f"Error: {shorten(message)}", file=sys.stderr)
    return code
