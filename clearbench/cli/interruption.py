"""Handle Ctrl-C. Like `start`, this module imports only modules that Python itself has already loaded."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C ended."""
INTERRUPTION = "Interrupted. Finished work is kept; run the same command again to continue."


def interrupt(number: int, frame: "FrameType | None") -> None:
    """Raise KeyboardInterrupt, as Python does; but during an import, end the process at once.

    An import does no work that could be left half done, but many modules turn an exception during their import into
    another error.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            exit_at_once()
        frame = frame.f_back
    raise KeyboardInterrupt


def exit_at_once(*_: object) -> None:
    """End the process without a traceback, with the exit code of an interruption."""
    os.write(2, f"Error: {INTERRUPTION}\n".encode())
    os._exit(INTERRUPTED)
