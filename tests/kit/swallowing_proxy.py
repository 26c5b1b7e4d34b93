"""A TCP proxy before PostgreSQL that can lose answers to appends: the server hears everything, the
client hears nothing more and then finds the line cut.
"""

import asyncio
import re
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

_NAMED = re.compile(rb"(__asyncpg_\w+__)\0select \* from log\.append\(")


class SwallowingProxy:
    """Passes everything on, but loses the next `answers` answers to `log.append`.

    Each lost answer is read from the server whole, so what it acknowledges is durable, and then
    its connection is cut.
    """

    def __init__(self, url: str) -> None:
        """Stand before the server of `url`."""
        self._parts = urlsplit(url)
        self.answers = 0
        self.swallowed = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where to connect to go through the proxy."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        user = f"{self._parts.username}:{self._parts.password}"
        return urlunsplit(self._parts._replace(netloc=f"{user}@127.0.0.1:{port}"))

    async def __aenter__(self) -> "SwallowingProxy":
        """Start listening."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cut everything."""
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # aborted transports close in the next turn of the loop

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        ends = [writer]
        try:
            there = await asyncio.open_connection(self._parts.hostname, self._parts.port)
            ends.append(there[1])
            line = _Line()
            sending = asyncio.ensure_future(line.ask(reader, there[1]))
            try:
                await self._answer(line, there[0], writer)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            return
        finally:
            for each in ends:
                each.transport.abort()
            self._tasks.discard(task)

    async def _answer(
        self, line: "_Line", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            # Only a whole answer ends with "ready for query, idle": then it is committed.
            if line.appending and data.endswith(b"Z\x00\x00\x00\x05I"):
                if self.answers > 0:
                    self.answers -= 1
                    self.swallowed += 1
                    return
                line.appending = False
            writer.write(data)
            await writer.drain()


class _Line:
    """What one client is asking just now."""

    def __init__(self) -> None:
        self.appending = False
        self._append: bytes | None = None

    async def ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 20):
                if named := _NAMED.search(data):
                    self._append = b"\0" + named[1] + b"\0"
                elif self._append is not None and self._append in data:
                    self.appending = True
                writer.write(data)
                await writer.drain()
