"""A door before a service through which a stream that never ends comes as its first words only, for
clients that wait for the end of every answer.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_KEPT_OPEN = re.compile(rb"\r\nconnection: *[^\r]*\r\n", re.IGNORECASE)
_STREAM = re.compile(rb"\r\ncontent-type: *text/event-stream", re.IGNORECASE)
_LAST_CHUNK = b"0\r\n\r\n"
MOST = 1 << 20


@asynccontextmanager
async def first_words_of(address: str) -> AsyncIterator[str]:
    """Yield the door's address; bytes go through as they are, but for the end of streams."""
    behind = urlsplit(address)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1])) if length else b""
            answering, asking = await asyncio.open_connection(
                behind.hostname, behind.port, limit=MOST
            )
            with closing(asking):
                asking.write(_KEPT_OPEN.sub(b"\r\nConnection: close\r\n", head) + body)
                answer = await answering.readuntil(b"\r\n\r\n")
                if _STREAM.search(answer):
                    answer += await answering.readuntil(b"\n\n\r\n") + _LAST_CHUNK
                else:
                    answer += await answering.read()
            writer.write(answer)
            await writer.drain()

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0, limit=MOST)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
