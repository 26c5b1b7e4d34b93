"""Follows the log into the table of due times, a stretch after the other.

Positions are in commit order and have no gaps, so what is followed up to a position is complete.
Only public fields are read: no due time is personal.
"""

from datetime import datetime
from uuid import UUID

from prometheus_client import Counter

from schemas import campaign as campaigns
from schemas import lead as leads
from schemas.event import Event
from schemas.instants import parse_instant
from services.command.bulk.loading import quickly
from services.command.scheduler.tables import Changes, ClockTables
from services.command.scheduler.timers import FOLLOWED, FORGETS, timers_of
from services.kit.background import Stopped
from services.kit.eventlog import EventLog
from services.kit.http import failure
from services.kit.telemetry import logger

VERSION = 1
"""Of what is kept; raised, everything is followed anew from the first event on."""

STRETCH = 10_000
"""Positions in one step."""

not_followed = Counter("leads_scheduler_not_followed_total", "Events that could not be understood")

_READ = """
    select stream_id, type, schema_version, happened_at, data, position, recorded_at
    from log.events
    where position > $1 and position <= $2 and type = any($3) order by position
"""


class Follower:
    """Keeps the table of due times at the end of the log."""

    def __init__(self, log: EventLog, tables: ClockTables) -> None:
        """Read from `log`, write to `tables`."""
        self._log = log
        self._tables = tables
        self.position = -1

    async def step(self) -> int:
        """Follow one stretch; return how many events the log is ahead after it.

        Raises Deposed when somebody else has, Stopped when the log is shorter than what was
        followed.
        """
        if self.position < 0:
            self.position = await self._tables.position(VERSION)
        head = await self._log.head()
        if self.position > head:
            raise Stopped(f"history forked: followed up to {self.position}, the log ends at {head}")
        if self.position == head:
            return 0
        upto = min(head, self.position + STRETCH)
        rows = await self._log.pool.fetch(_READ, self.position, upto, list(FOLLOWED))
        changes = Changes()
        for *columns, position, recorded_at in rows:
            try:
                event = quickly(*columns) or await self._decoded(position)
                _note(changes, columns[0], event, recorded_at)
            except Exception as error:  # noqa: BLE001 - one odd event holds up no other's due time
                not_followed.inc()
                logger().error("not-followed", position=position, **failure(error))
        await self._tables.advance(self.position, upto, changes)
        self.position = upto
        return head - upto

    async def _decoded(self, position: int) -> Event:
        """Return an event of an older version as it is today."""
        (stored,) = await self._log.read_raw(position - 1, 1)
        return self._log.codec.decode(stored, None).event


def _note(changes: Changes, stream: UUID, event: Event, recorded_at: datetime) -> None:
    kind = type(event)
    if kind in FORGETS:
        changes.forget(stream)
        return
    changes.note(stream, timers_of(event, recorded_at))
    if isinstance(event, leads.LeadCreated | leads.LeadMoved):
        changes.joined[stream] = UUID(event.campaign_id)
    elif isinstance(event, campaigns.CampaignCreated | campaigns.CampaignActivityRangeChanged):
        until = event.active_until
        if until is not None or kind is campaigns.CampaignActivityRangeChanged:
            changes.ends[stream] = None if until is None else parse_instant(until)
