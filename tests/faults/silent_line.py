"""A line to a server that can fall silent: nothing is refused or cut, nothing arrives.

As when a cable is pulled or a firewall drops packets, to the server, from it, or both ways.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit


class SilentLine:
    """Passes everything on, except while `there` or `back` is set to False."""

    def __init__(self, url: str) -> None:
        """Stand before the server of `url`."""
        self._parts = urlsplit(url)
        self.there = self.back = True
        self._lost: set[asyncio.StreamWriter] = set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._port = 0

    @property
    def url(self) -> str:
        """Where to connect to go through."""
        user = f"{self._parts.username}:{self._parts.password}"
        return urlunsplit(self._parts._replace(netloc=f"{user}@127.0.0.1:{self._port}"))

    def heal(self) -> None:
        """Let everything through again; lines on which something was lost are cut."""
        self.there = self.back = True
        for end in self._lost:
            end.transport.abort()
        self._lost.clear()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["SilentLine"]:
        """Take connections until the end of the block, then cut all."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for end in list(self._ends):
                end.transport.abort()
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        other: asyncio.StreamWriter | None = None
        with suppress(OSError, asyncio.CancelledError):
            from_server, other = await asyncio.open_connection(
                self._parts.hostname, self._parts.port
            )
            self._ends.add(other)
            ways = [
                asyncio.ensure_future(self._pass(reader, other, writer, to_server=True)),
                asyncio.ensure_future(self._pass(from_server, writer, writer, to_server=False)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        for end in (writer, other):
            if end is not None:
                end.transport.abort()
                self._ends.discard(end)

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        *,
        to_server: bool,
    ) -> None:
        while data := await reader.read(1 << 18):
            if not (self.there if to_server else self.back):
                self._lost.add(client)
            if client in self._lost:
                continue
            writer.write(data)
            await writer.drain()
