"""The leads of a job, batch after batch, read ahead while the batches before are decided on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

from services.command.bulk.deciding import Judge, Target
from services.command.bulk.loading import History
from services.kit.codec import UnknownEvent

AHEAD = 2
Source = Callable[[int, int], Awaitable[list[Target]]]
"""Returns the next targets after an ordinal, at most as many as asked for."""

Histories = Mapping[UUID, History | UnknownEvent]
Batch = tuple[list[Target], Histories]
Read = asyncio.Queue[Batch | Exception | None]


@asynccontextmanager
async def batches(
    judge: Judge, source: Source, after: int, size: int
) -> AsyncIterator[AsyncIterator[Batch]]:
    """Yield the batches after an ordinal, up to two of them read before they are asked for."""
    read: Read = asyncio.Queue(AHEAD)
    reading = asyncio.create_task(_read(judge, source, after, size, read))
    try:
        yield _each(read)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _read(judge: Judge, source: Source, after: int, size: int, read: Read) -> None:
    try:
        while targets := await source(after, size):
            await read.put((targets, await judge.histories(targets)))
            after = targets[-1].ordinal
    except Exception as error:  # noqa: BLE001 - it is raised where the batch is asked for
        await read.put(error)
    else:
        await read.put(None)


async def _each(read: Read) -> AsyncIterator[Batch]:
    while (batch := await read.get()) is not None:
        if isinstance(batch, Exception):
            raise batch
        yield batch
