"""Files as they arrive: piece by piece, so that none is ever whole in memory."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request

from services.kit import errors

CHUNK_SECONDS_MAX = 30.0


async def chunks(request: Request) -> AsyncIterator[bytes]:
    """Yield a body as it comes. Raises TooSlow when nothing comes for 30 s, Malformed when it
    breaks off.
    """
    more = True
    while more:
        try:
            async with asyncio.timeout(CHUNK_SECONDS_MAX):
                message = await request.receive()
        except TimeoutError:
            raise errors.TooSlow("Nothing of the file arrived for 30 s.") from None
        if message["type"] == "http.disconnect":
            raise errors.Malformed("The file ended early.")
        yield message.get("body", b"")
        more = message.get("more_body", False)
