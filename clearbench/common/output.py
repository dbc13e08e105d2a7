"""Writing what a user asked for to the place that they named, and to no other."""

from pathlib import Path

from clearbench.common.errors import RecordError, UsageError
from clearbench.common.files import RECORD_FILE, sweep_killed, write_atomically


def write_output(path: Path, data: bytes, option: str) -> None:
    """Write a file, making its folder; a device or pipe such as /dev/stdout is written to, never replaced.

    Args:
        path: Where to write; a link is followed.
        data: What to write.
        option: The option that named the path, for messages: `--out`.
    Raises:
        UsageError: The path is empty, or is in a record's folder.
        RecordError: It cannot be written.
    """
    if not path.name:
        raise UsageError(f"{option} {str(path)!r} names no file: expected a path such as results/NAME.")
    try:
        target = path.resolve()
        if any((folder / RECORD_FILE).exists() for folder in (target.parent, target.parent.parent)):
            raise UsageError(f"{option} {path} lies in the folder of a record, which only `clearbench run` writes to.")
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(data)
        else:
            sweep_killed(target)
            write_atomically(target, data)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        reason = getattr(error, "strerror", None) or str(error)
        raise RecordError(f"Cannot write {path}: {reason}. Choose another {option}.") from error
