"""Loopback ports that are free now, the one used last time first."""

import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose_port(remembered: Path) -> int:
    """The port written in the file if it is free, else another, which is then remembered there."""
    try:
        port = int(remembered.read_text())
        if 1024 <= port < 65536 and is_free(port):
            return port
    except (FileNotFoundError, ValueError):
        pass
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = int(probe.getsockname()[1])
    remembered.parent.mkdir(parents=True, exist_ok=True)
    remembered.write_text(f"{port}\n")
    return port
