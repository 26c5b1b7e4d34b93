"""A cheap HTTP/1.1 client for load: keep-alive sockets, requests as bytes, no library between."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast


class Connection(asyncio.Protocol):
    """One keep-alive connection: a request at a time."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer = self._buffer + data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        at = buffer.lower().find(b"content-length:", 0, end)
        length = int(buffer[at + 15 : buffer.index(b"\r\n", at)]) if at >= 0 else 0
        if len(buffer) < end + 4 + length:
            return
        self._buffer = buffer[end + 4 + length :]
        assert self._answer is not None, "an answer nobody asked for"
        if not self._answer.done():
            self._answer.set_result((int(buffer[9:12]), buffer[end + 4 : end + 4 + length]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("closed by the server"))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a whole request, return status and body of the answer."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


@dataclass
class Load:
    """What a load found: answers by status, seconds each took, and all in all."""

    statuses: Counter[int] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers per second."""
        return sum(self.statuses.values()) / self.seconds


def post(path: str, body: bytes, headers: str = "") -> bytes:
    """Return the bytes of a POST."""
    head = f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n{headers}"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


async def connect(port: int, count: int) -> list[Connection]:
    """Open connections to a loopback port."""
    loop = asyncio.get_running_loop()
    made = [loop.create_connection(Connection, "127.0.0.1", port) for _ in range(count)]
    return [connection for _, connection in await asyncio.gather(*made)]


async def drive(
    connections: Sequence[Connection], requests: int, make: Callable[[int, int], bytes]
) -> Load:
    """Send so many requests, one after another on each connection; `make` gets client, number."""
    load = Load()

    async def client(place: int, connection: Connection) -> None:
        for number in range(requests // len(connections)):
            began = time.perf_counter()
            status, _ = await connection.ask(make(place, number))
            load.took.append(time.perf_counter() - began)
            load.statuses[status] += 1

    began = time.perf_counter()
    await asyncio.gather(*(client(place, one) for place, one in enumerate(connections)))
    load.seconds = time.perf_counter() - began
    return load


async def evenly(
    connections: Sequence[Connection],
    per_second: int,
    numbers: Iterable[int],
    make: Callable[[int], bytes],
    heard: Callable[[int, float, int, bytes], None],
) -> int:
    """Send a request for each number at an even pace, whatever the answers do; return how many had
    to wait for a connection. One that is late is not made up for. `heard` is told the number, when
    it was sent, and the answer's status and body.
    """
    free = asyncio.Queue[Connection]()
    for one in connections:
        free.put_nowait(one)
    late = 0

    async def ask(connection: Connection, number: int) -> None:
        sent = time.perf_counter()
        status, answer = await connection.ask(make(number))
        free.put_nowait(connection)
        heard(number, sent, status, answer)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as asking:
        for number in numbers:
            wait = began + number / per_second - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            late += free.empty()
            asking.create_task(ask(await free.get(), number))
    return late
