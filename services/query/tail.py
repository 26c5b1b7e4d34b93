"""The end of the log, read once per process and kept for a while, for everybody who follows it.

Only what the read models show already is passed on: whoever hears of an event and looks, sees it.
Nothing is read while nobody follows.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from services.kit.codec import StoredEvent
from services.kit.eventlog import EventLog
from services.kit.postgres import RETRYABLE
from services.kit.telemetry import logger
from services.query.reading import positions

KEPT_MAX = 20_000
BATCH_MAX = 1_000
POLL_SECONDS = 0.05
FAULT_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of a lead with what decides who may hear of it: the lead as it stands now."""

    stored: StoredEvent
    owner: str
    active: bool
    processed_by: str | None
    campaign_id: str | None
    status: str

    @property
    def position(self) -> int:
        """Its place in the log."""
        return self.stored.position


class Tail:
    """Follows the log while anybody waits for it."""

    def __init__(self, log: EventLog) -> None:
        """Read from `log`."""
        self._log = log
        self._kept: list[Happening] = []
        self._from = 0
        self.position = 0
        self._moved = asyncio.Condition()
        self._followers = 0
        self._task: asyncio.Task[None] | None = None

    async def join(self) -> int:
        """Count one follower more and return the position from which the tail is at hand."""
        if self._followers == 0:
            self.position, _ = await positions(self._log.pool)
            self._from, self._kept = self.position, []
            self._task = asyncio.create_task(self._follow(), name="tail of the log")
        self._followers += 1
        return self.position

    async def leave(self) -> None:
        """Count one follower less; the last one ends the reading."""
        self._followers -= 1
        if self._followers == 0 and self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def holds(self, position: int) -> bool:
        """Say whether everything after `position` is still kept."""
        return position >= self._from

    def after(self, position: int) -> Sequence[Happening]:
        """Return what is kept after `position`, in order."""
        return self._kept[bisect_right(self._kept, position, key=lambda one: one.position) :]

    async def wait_beyond(self, position: int, seconds: float) -> None:
        """Wait until the tail is beyond `position`, or that long."""
        try:
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait_for(lambda: self.position > position)
        except TimeoutError:
            pass

    async def read(self, after: int, upto: int) -> tuple[list[Happening], int]:
        """Read a batch of events of leads; return it and the position it reaches."""
        stored = [one for one in await self._log.read_raw(after, BATCH_MAX) if one.position <= upto]
        reached = stored[-1].position if stored else upto
        leads = [one for one in stored if one.type.startswith("lead.")]
        return await happenings(self._log.pool, leads), reached

    async def _follow(self) -> None:
        while True:
            try:
                visible, _ = await positions(self._log.pool)
                if visible > self.position:
                    found, reached = await self.read(self.position, visible)
                    await self._keep(found, reached)
                    continue
                await asyncio.sleep(POLL_SECONDS)
            except RETRYABLE as fault:
                logger().warning("tail-waits", why=type(fault).__name__)
                await asyncio.sleep(FAULT_PAUSE_SECONDS)

    async def _keep(self, found: Sequence[Happening], reached: int) -> None:
        async with self._moved:
            self._kept.extend(found)
            surplus = len(self._kept) - KEPT_MAX
            if surplus > 0:
                self._from = self._kept[surplus - 1].position
                del self._kept[:surplus]
            self.position = reached
            self._moved.notify_all()


async def happenings(
    pool: "asyncpg.Pool[asyncpg.Record]", stored: Sequence[StoredEvent]
) -> list[Happening]:
    """Return the events with their leads as they stand, with one query."""
    if not stored:
        return []
    rows: dict[UUID, Any] = {
        row["lead_id"]: row
        for row in await pool.fetch(
            "select lead_id, owner, active, user_processed_by, campaign_id, status"
            " from read.lead where lead_id = any($1)",
            list({one.stream_id for one in stored}),
        )
    }
    return [_happening(one, rows.get(one.stream_id)) for one in stored]


def _happening(stored: StoredEvent, row: Any) -> Happening:
    if row is None:  # parked: no row yet, so only those who see everything hear of it
        return Happening(stored, "", False, None, None, "")
    processed, campaign = row["user_processed_by"], row["campaign_id"]
    return Happening(
        stored,
        row["owner"] or "",
        row["active"],
        None if processed is None else str(processed),
        None if campaign is None else str(campaign),
        row["status"],
    )
