"""The feed straight from the log, for where no broker can be had. Offsets are positions."""

import asyncio
import time
from collections.abc import Mapping

import asyncpg

from services.kit.codec import READ_EVENTS, StoredEvent
from services.kit.feed import Batch, FeedUnavailable, Start, partition_of
from services.kit.postgres import RETRYABLE

EVENTS = 2_000
PAUSE_SECONDS = (0.005, 0.05)
_READ = READ_EVENTS + " where position > $1 order by position limit $2"


class LogFeed:
    """Reads the whole log in order and hands out the partitions it was assigned.

    A partition without events gets an empty batch, so that its position is known to move on.
    """

    source = "log"

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """Read through `pool`."""
        self._pool = pool
        self._next: dict[int, int] = {}

    async def start(self) -> None:
        """There is nothing to connect."""

    async def stop(self) -> None:
        """There is nothing to disconnect."""

    def assign(self, starts: Mapping[int, Start]) -> None:
        """Read these partitions from their positions."""
        self._next = {partition: start.next_offset for partition, start in starts.items()}

    async def poll(self, wait_ms: int) -> list[Batch]:
        """Return what the log holds beyond, waiting a little longer each time it holds nothing."""
        if not self._next:
            await asyncio.sleep(wait_ms / 1000)
            return []
        pause, longest = PAUSE_SECONDS
        deadline = time.monotonic() + wait_ms / 1000
        while True:
            stored = await self._read(min(self._next.values()))
            if stored:
                return self._batches(stored)
            if time.monotonic() + pause > deadline:
                return []
            await asyncio.sleep(pause)
            pause = min(pause * 2, longest)

    async def _read(self, after: int) -> list[StoredEvent]:
        try:
            rows = await self._pool.fetch(_READ, after, EVENTS)
        except RETRYABLE as error:
            raise FeedUnavailable(type(error).__name__) from error
        return [StoredEvent._make(row) for row in rows]

    def _batches(self, stored: list[StoredEvent]) -> list[Batch]:
        upto = stored[-1].position
        events: dict[int, list[StoredEvent]] = {partition: [] for partition in self._next}
        for one in stored:
            partition = partition_of(one.stream_id)
            if partition in events and one.position > self._next[partition]:
                events[partition].append(one)
        batches = []
        for partition, first in self._next.items():
            if first < upto:
                batches.append(Batch(partition, first, upto, upto, events[partition]))
                self._next[partition] = upto
        return batches
