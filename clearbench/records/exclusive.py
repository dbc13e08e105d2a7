"""One writer at a time in a record's folder, and new folders that replace a record's when they are finished.

The folder that holds a record's folder `toy` may also hold:

    .toy.lock            locked by the run that writes to `toy`; a killed run's lock is free
    .toy.<token>.new     what `--replace` measures, until it takes the place of `toy`
    .toy.<token>.new.lock    locked as long as the run that measures it lives
    .toy.old             the replaced folder, until the exchange is complete
"""

import glob
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from clearbench.common.progress import say


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a record's folder during the block, after waiting for a run that holds it.

    Args:
        folder: The folder, which need not exist; its parent does.
    Raises:
        OSError: The lock cannot be made.
    """
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"{folder}: another run is writing scores there; this one waits until it is done.")
        lock.acquire()
    try:
        _restore(folder)
        yield
    finally:
        lock.release()


@contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder that replaces a record's folder when the block ends, and is deleted if the block fails.

    Until then the record stays unchanged. Several runs may measure replacements at once: the last to end is kept.

    Args:
        folder: The record's folder, which need not exist; its parent does.
    Raises:
        OSError: A folder cannot be made or moved.
    """
    fresh = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.new")
    owner = _owner_lock(fresh)
    with lock_folder(folder):
        _sweep(folder)
        fresh.mkdir()
        owner.acquire(timeout=0)
    try:
        yield fresh
        with lock_folder(folder):
            old = _old_folder(folder)
            if folder.exists():
                folder.rename(old)
            fresh.rename(folder)
            shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        owner.release()
        Path(owner.lock_file).unlink(missing_ok=True)


def restore_all(parent: Path) -> None:
    """Put back every folder whose exchange was interrupted by a kill, where this process may write.

    Args:
        parent: A model's folder, which holds a folder for each task.
    """
    for old in parent.glob(".*.old"):
        folder = old.with_name(old.name.removeprefix(".").removesuffix(".old"))
        try:
            with lock_folder(folder):
                pass
        except OSError:
            continue


def _restore(folder: Path) -> None:
    """Finish an exchange of folders that a kill interrupted; the folder's lock is held."""
    old = _old_folder(folder)
    if old.is_dir():
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(folder)


def _sweep(folder: Path) -> None:
    """Delete replacements whose runs were killed; the folder's lock is held."""
    for fresh in folder.parent.glob(f".{glob.escape(folder.name)}.????????.new"):
        owner = _owner_lock(fresh)
        try:
            owner.acquire(timeout=0)
        except Timeout:
            continue  # a living run's
        shutil.rmtree(fresh, ignore_errors=True)
        owner.release()
        Path(owner.lock_file).unlink(missing_ok=True)


def _owner_lock(fresh: Path) -> FileLock:
    return FileLock(fresh.with_name(f"{fresh.name}.lock"))


def _old_folder(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")
