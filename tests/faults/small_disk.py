"""A disk that is full when a test says so, for the folder of one server.

Where file systems may be mounted (as root, or by sudo without a password) it is a small tmpfs and a
file that takes what is left. Elsewhere the kernel refuses every byte that the server's processes
would add to a file (RLIMIT_FSIZE), until they are started again: the same fault but for its number.
"""

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.processes import descendants

BALLAST = "ballast"


@dataclass
class SmallDisk:
    """The disk of `folder`. `server` tells which process writes to it."""

    folder: Path
    mounted: bool
    server: Callable[[], int] = os.getpid

    def fill(self) -> None:
        """Leave no room for one more byte."""
        if not self.mounted:
            self._limit(0)
            return
        with (self.folder / BALLAST).open("wb", buffering=0) as ballast, suppress(OSError):
            while ballast.write(bytes(1 << 20)):
                pass

    def free(self) -> None:
        """Let there be room again."""
        if self.mounted:
            (self.folder / BALLAST).unlink()
        else:
            self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        for pid in descendants(self.server()):
            try:
                _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, most))
            except ProcessLookupError:
                continue


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[SmallDisk]:
    """A disk of this size at `folder`, which must not be there yet."""
    folder.mkdir()
    before = _before()
    options = f"size={mebibytes}m,mode=755,uid={os.getuid()},gid={os.getgid()}"
    mounted = before is not None and _done(
        [*before, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    )
    try:
        yield SmallDisk(folder, mounted)
    finally:
        if mounted:
            assert before is not None
            assert _done([*before, "umount", str(folder)]), f"{folder} is still mounted"


def _before() -> list[str] | None:
    """What has to stand before a command for root; None where nothing helps."""
    if os.geteuid() == 0:
        return []
    return ["sudo", "-n"] if shutil.which("sudo") else None


def _done(command: list[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, check=False, capture_output=True, timeout=20).returncode == 0
