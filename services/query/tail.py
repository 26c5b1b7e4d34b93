"""The end of the log, read once per process and kept for a while, for everybody who follows it.

Only what the read models show already is passed on: whoever hears of an event and looks, sees it.
Nothing is read while nobody follows.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
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
"""Between two looks, also while much happens: waking hundreds of followers for every event alone
would take longer than the events do.
"""
FAULT_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of a lead with what decides who may hear of it: the lead as it stands now.

    `texts` keeps what is sent of it, made once for all who hear the same.
    """

    stored: StoredEvent
    owner: str
    active: bool
    processed_by: str | None
    campaign_id: str | None
    status: str
    texts: dict[bool, bytes] = field(default_factory=dict, compare=False)

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
        self._turn = asyncio.Event()
        self._followers = 0
        self._joining = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def join(self) -> int:
        """Count one follower more and return the position from which the tail is at hand.

        One reader serves all, also those who come at the same moment.
        """
        async with self._joining:
            if self._task is None:
                self.position, _ = await positions(self._log.pool)
                self._from, self._kept = self.position, []
                self._task = asyncio.create_task(self._follow(), name="tail of the log")
            self._followers += 1
            return self.position

    async def leave(self) -> None:
        """Count one follower less; the last one ends the reading."""
        self._followers -= 1
        async with self._joining:
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
        until = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(until):
                while self.position <= position:
                    await self._turn.wait()
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
                    self._keep(found, reached)
                    if reached < visible:
                        continue
                await asyncio.sleep(POLL_SECONDS)
            except RETRYABLE as fault:
                logger().warning("tail-waits", why=type(fault).__name__)
                await asyncio.sleep(FAULT_PAUSE_SECONDS)

    def _keep(self, found: Sequence[Happening], reached: int) -> None:
        self._kept.extend(found)
        surplus = len(self._kept) - KEPT_MAX
        if surplus > 0:
            self._from = self._kept[surplus - 1].position
            del self._kept[:surplus]
        self.position = reached
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()


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
