"""Taking a port to listen on; one that is taken is refused in a sentence that says by whom, and
which setting names another.
"""

import errno
import os
import socket
from contextlib import suppress
from pathlib import Path

from services.kit.outside import SettingsError

BACKLOG = 4096
COMMAND_MAX = 60
LISTENS = "0A"
"""The state of a listening socket in /proc/net/tcp."""


def listen(host: str, port: int, setting: str) -> socket.socket:
    """Return a socket that listens on `host:port`, any free port for 0.

    Raises SettingsError; `setting` is what the port comes from.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            holder = holder_of(port)
            by = f" by {holder}" if holder else ""
            why = f"port {port} is taken{by}; stop that, or set {setting} to another port"
        else:
            why = f"{setting}: cannot listen on {host} port {port}: {os.strerror(error.errno or 0)}"
        raise SettingsError(f"leads: {why}") from None


def holder_of(port: int) -> str:
    """Return who listens on a port of this machine, as `process 4711 (command)`; "" where that
    cannot be seen.
    """
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    for folder in Path("/proc").glob("[0-9]*") if sockets else ():
        with suppress(OSError):
            for descriptor in (folder / "fd").iterdir():
                if str(descriptor.readlink()) in sockets:
                    return f"process {folder.name} ({_command(folder)})"
    return ""


def _inodes(port: int) -> list[str]:
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                    found.append(fields[9])
    return found


def _command(folder: Path) -> str:
    """Return the first words of a process's command line."""
    words = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    said = " ".join(" ".join([words[0].rpartition("/")[2], *words[1:3]]).split())
    return said if len(said) <= COMMAND_MAX else f"{said[:COMMAND_MAX]}…"
