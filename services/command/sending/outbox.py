"""What waits to be sent, as rows: found in the log, tried when due, gone once it is settled.

The log is the truth. These rows only say when to try next, so a lost or stale one costs a look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from schemas.envelope import Recorded
from schemas.lead import (
    LeadAnonymised,
    LeadDeleted,
    LeadMessageCancelled,
    LeadMessageDelivered,
    LeadMessageFailed,
    LeadMessageQueued,
    LeadMessageRequeued,
    LeadMessageSent,
)
from services.kit.codec import READ_EVENTS, StoredEvent
from services.kit.eventlog import EventLog

PUT_OFF_MAX = timedelta(hours=1, minutes=1)
"""No try is put off for longer."""

POSITIONS = 50_000
"""How much of the log is looked through at a time."""

_TOPICS = [
    kind.TOPIC
    for kind in (
        LeadAnonymised,
        LeadDeleted,
        LeadMessageCancelled,
        LeadMessageDelivered,
        LeadMessageFailed,
        LeadMessageQueued,
        LeadMessageRequeued,
        LeadMessageSent,
    )
]
_NEW = READ_EVENTS + " where position > $1 and position <= $2 and type = any($3) order by position"
_PUT = """
    insert into job.outbox (lead_id, message_id, try_id, channel, queued_at, due_at)
    values ($1, $2, $3, $4, $5, $5)
    on conflict (lead_id, message_id) do update set try_id = excluded.try_id,
      queued_at = excluded.queued_at, due_at = excluded.due_at, attempts = 0, fault = ''
"""
_DUE = """
    select lead_id, message_id, try_id, channel, queued_at, attempts, fault from job.outbox
    where channel = any($1) and (due_at <= $2 or attempts = 0 or due_at > $2 + $4::interval)
    order by due_at limit $3
"""
_MOVE = "update job.outbox_place set position = $2 where position = $1"
_LATER = """
    update job.outbox set attempts = attempts + 1, due_at = $4, fault = $5
    where lead_id = $1 and message_id = $2 and try_id = $3
"""
_DROP = "delete from job.outbox where lead_id = $1 and message_id = $2 and try_id = $3"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits: whose, which, queued by what event, how often tried in vain."""

    lead_id: UUID
    message_id: str
    try_id: str
    channel: str
    queued_at: datetime
    attempts: int
    fault: str


class Overtaken(RuntimeError):
    """Another process has filled the outbox meanwhile: it leads now."""


class Outbox:
    """The rows of job.outbox."""

    def __init__(self, log: EventLog) -> None:
        """Fill it from `log`, in the same database."""
        self._log = log
        self._pool = log.pool

    async def fill(self) -> bool:
        """Take in what is new in the log; True when there may be more at once."""
        place: int = await self._pool.fetchval("select position from job.outbox_place")
        head = await self._log.head()
        until = min(head, place + POSITIONS)
        if until <= place:
            return False
        stored = [StoredEvent(*row) for row in await self._pool.fetch(_NEW, place, until, _TOPICS)]
        put, gone, erased = _changes(await self._log.decode(stored))
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.execute(_MOVE, place, until) != "UPDATE 1":
                raise Overtaken
            if put:
                await connection.executemany(_PUT, put)
            if gone:
                await connection.executemany(
                    "delete from job.outbox where lead_id = $1 and message_id = $2", gone
                )
            if erased:
                await connection.execute("delete from job.outbox where lead_id = any($1)", erased)
        return until < head

    async def due(self, channels: Sequence[str], now: datetime, limit: int) -> list[Waiting]:
        """Return what is due by these channels, the longest due first.

        What was never tried is due whatever the clock says of whoever queued it, and so is what
        seems due later than anything is put off: the clock was set back since.
        """
        rows = await self._pool.fetch(_DUE, list(channels), now, limit, PUT_OFF_MAX)
        return [Waiting(*row) for row in rows]

    async def later(self, one: Waiting, due_at: datetime, fault: str) -> None:
        """Count a try in vain, and try again then."""
        await self._pool.execute(_LATER, *_key(one), due_at, fault)

    async def drop(self, one: Waiting) -> None:
        """Forget a message that is settled, unless it was queued anew."""
        await self._pool.execute(_DROP, *_key(one))

    async def waiting(self) -> tuple[int, datetime | None]:
        """Count what waits, and say since when the oldest does."""
        row = await self._pool.fetchrow("select count(*), min(queued_at) from job.outbox")
        return row[0], row[1]


def _key(one: Waiting) -> tuple[UUID, str, str]:
    return one.lead_id, one.message_id, one.try_id


Put = tuple[UUID, str, str, str, datetime]


def _changes(told: Sequence[Recorded]) -> tuple[list[Put], list[tuple[UUID, str]], list[UUID]]:
    """Return rows to put, messages that wait no more, and leads that were erased."""
    found: dict[tuple[UUID, str], Put | None] = {}
    erased: set[UUID] = set()
    for one in told:
        lead, event = one.stream_id, one.event
        match event:
            case LeadAnonymised() | LeadDeleted():
                erased.add(lead)
            case LeadMessageQueued() | LeadMessageRequeued():
                name = event.message_id
                at = one.happened_at
                found[lead, name] = (lead, name, one.event_id, event.channel, at)
            case LeadMessageCancelled() | LeadMessageFailed() | LeadMessageSent():
                found[lead, event.message_id] = None
            case LeadMessageDelivered():
                found[lead, event.message_id] = None
    put = [row for (lead, _), row in found.items() if row is not None and lead not in erased]
    return put, [key for key, row in found.items() if row is None], sorted(erased)
