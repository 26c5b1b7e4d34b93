"""`python -m services.command.scheduler`: applies the rules that the clock sets off.

There may be several; one leads, the others wait. Whatever was due while none ran is applied when
the next one starts.
"""

import asyncio
import sys

import asyncpg
from prometheus_client import Gauge

from services.command.app import open_commanding
from services.command.handler import Commanding
from services.command.scheduler.firing import Firing
from services.command.scheduler.following import STRETCH, Follower
from services.command.scheduler.tables import ClockTables, Deposed
from services.kit.append import AppendError
from services.kit.background import pause, run_service, say_ready
from services.kit.clock import Clock, SystemClock
from services.kit.leadership import leadership
from services.kit.postgres import RETRYABLE
from services.kit.settings import Settings
from services.kit.telemetry import logger

LEADER_LOCK = 7_005_014
POLL_SECONDS = 0.2
BACK_OFF_SECONDS = 0.5

leading = Gauge("leads_scheduler_leading", "Whether this process is the leader")
lag_events = Gauge("leads_scheduler_lag_events", "Events whose due times are not known yet")
due_lag = Gauge("leads_scheduler_due_lag_seconds", "Age of the oldest due time not applied yet")

FAULTS: tuple[type[Exception], ...] = (Deposed, AppendError, *RETRYABLE, asyncpg.PostgresError)


class Scheduler:
    """Follows the log and applies what is due, while this process leads."""

    def __init__(self, commanding: Commanding, clock: Clock) -> None:
        """Decide and append with `commanding`, at the times of `clock`."""
        self._clock = clock
        self._tables = ClockTables(commanding.log.pool)
        self._follower = Follower(commanding.log, self._tables)
        self._firing = Firing(commanding, self._tables, clock)

    async def step(self) -> bool:
        """Do a bounded piece of work; False when nothing is left to do now.

        Nothing is applied before the due times of nearly the whole log are known. Raises Deposed,
        and the faults of the database.
        """
        behind = await self._follower.step()
        lag_events.set(behind)
        if behind > STRETCH:
            return True
        now = self._clock.now()
        spread = await self._tables.spread(now)
        settled = await self._firing.step()
        oldest = await self._tables.oldest(now)
        due_lag.set(0 if oldest is None else (now - oldest).total_seconds())
        return bool(settled or spread or behind)

    async def lead(self, stop: asyncio.Event, lost: asyncio.Event) -> None:
        """Work until told to stop or until the lead is lost. Raises Deposed and faults."""
        while not stop.is_set() and not lost.is_set():
            if not await self.step():
                await pause(stop, POLL_SECONDS)


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Lead whenever nobody else does, until stopped."""
    clock = SystemClock()
    async with open_commanding(settings, clock) as commanding:
        say_ready()
        while not stop.is_set():
            scheduler = Scheduler(commanding, clock)
            try:
                async with leadership(
                    settings.database_url, LEADER_LOCK, "scheduler", leading, stop
                ) as lost:
                    await scheduler.lead(stop, lost)
            except FAULTS as error:
                logger().warning("not-leading", why=type(error).__name__)
                await pause(stop, BACK_OFF_SECONDS)


if __name__ == "__main__":
    sys.exit(run_service("scheduler", main))
