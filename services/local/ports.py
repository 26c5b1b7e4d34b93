"""Loopback ports that are free now, the one used last time first.

Below the range from which the kernel takes ports for outgoing connections: a client that retries a
server which is just being restarted could otherwise take the server's port, or connect to itself.
No port is drawn twice in a process: servers that start at the same time have not taken theirs yet.
"""

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOOPBACK = "127.0.0.1"
FIRST, COUNT = 20_000, 12_000
TRIES = 200
_drawn: set[int] = set()


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


@contextmanager
def held(port: int) -> Iterator[None]:
    """Keep the loopback port from others until the end of the block, when its server is started.

    Where it cannot be held, because connections of the server before linger, it is not.
    """
    with socket.socket() as holder:
        # Without SO_REUSEADDR: nobody else may bind what we have bound, nor probe it as free.
        with suppress(OSError):
            holder.bind((LOOPBACK, port))
        yield


def choose_port(remembered: Path, first: int = 0) -> int:
    """The port the file names if it is free, else `first`, else any; remembered in the file."""
    candidates = [first] if first else []
    with suppress(FileNotFoundError, ValueError):
        candidates.insert(0, int(remembered.read_text()))
    draws = [FIRST + secrets.randbelow(COUNT) for _ in range(TRIES)]
    candidates += [port for port in draws if port not in _drawn]
    for port in candidates:
        if 1024 <= port < 65536 and is_free(port):
            break
    else:
        raise OSError(f"no free port found near {FIRST}")
    _drawn.add(port)
    remembered.parent.mkdir(parents=True, exist_ok=True)
    remembered.write_text(f"{port}\n")
    return port
