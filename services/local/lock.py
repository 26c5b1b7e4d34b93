"""One starter per data folder: the lock is the kernel's, so a killed holder leaves none behind."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(Exception):
    """Another process holds the data folder. The text names it."""


class FolderUnusable(Exception):
    """The data folder cannot be made or written to. The text says why."""


@contextmanager
def data_lock(folder: Path) -> Iterator[None]:
    """Holds `folder` for this process while the block runs.

    Raises AlreadyRunning, FolderUnusable.
    """
    try:
        # Others may pass through (the database server may be another user) but not look around.
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        # Append mode: opening must not wipe the holder's process id.
        opened = (folder / "lock").open("a+")
    except OSError as error:
        raise FolderUnusable(f"{folder} cannot be used for data: {error.strerror}") from error
    with opened as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise AlreadyRunning(f"{folder} is in use by process {holder}") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
