"""Looking at processes from outside."""

from pathlib import Path


def alive(pid: int) -> bool:
    """Whether a process runs under this number; one that ended and was not reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
