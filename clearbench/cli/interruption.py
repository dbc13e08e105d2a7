"""What Ctrl-C does. Like `start`, this imports nothing but what Python itself has loaded already."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C ended."""
INTERRUPTION = "Interrupted. What was finished is kept; the same command goes on from there."


def interrupt(number: int, frame: "FrameType | None") -> None:
    """Raise KeyboardInterrupt, as Python does; but while a module is being imported, exit at once.

    Nothing is half done during an import, and modules turn an exception in their middle into errors of their own.
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
