"""The entry point of the program `clearbench`: prepares the process before anything else is imported.

Imports take seconds. Ctrl-C during an import would print a traceback of another package, or the package would swallow
it. This module therefore imports only modules that Python itself has already loaded.
"""

import _signal as signal  # type: ignore[import-not-found]  # without the enumerations of `signal`, slow to import
import os
import sys

from clearbench.cli.interruption import exit_at_once, interrupt


def main() -> None:
    """Run the command line of this process, and exit with its code."""
    open_closed_streams()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # keep it if a shell ignores SIGINT
        signal.signal(signal.SIGINT, interrupt)
    try:
        from clearbench.cli.app import run_process

        code = run_process()
        if signal.getsignal(signal.SIGINT) is interrupt:
            signal.signal(signal.SIGINT, exit_at_once)
    except KeyboardInterrupt:
        exit_at_once()
    sys.exit(code)


def open_closed_streams() -> None:
    """Open the null device for each standard stream that the caller closed (`clearbench gate >&-`).

    Python sets such a stream to None, and the next opened file would get its number.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115
