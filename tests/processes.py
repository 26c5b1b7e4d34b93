"""Looking at processes from outside."""

from pathlib import Path


def alive(pid: int) -> bool:
    """Whether a process runs under this number; one that ended and was not reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid: int) -> dict[str, int]:
    """Direct children of a process: number by the last part of their command line that names them.

    A module run with `-m` is named by the module, another program by its file.
    """
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            command = (entry / "cmdline").read_bytes().decode().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == pid and command[0]:
            name = command[2] if command[1:2] == ["-m"] else Path(command[0]).name
            found[name] = int(entry.name)
    return found


def descendants(pid: int) -> list[int]:
    """A process and all that it and its children have started, first the eldest."""
    found = [pid]
    for one in found:
        found += children_of(one)
    return found


def children_of(pid: int) -> list[int]:
    """The numbers of a process's direct children."""
    tasks = Path(f"/proc/{pid}/task")
    try:
        listed = [(task / "children").read_text().split() for task in tasks.iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(child) for some in listed for child in some]
