"""Event logs for tests: open one over a test's database, and say in few words what to append."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from schemas.catalogue import EVENTS
from schemas.envelope import Origin
from schemas.event import Event
from schemas.lead import LeadCreated, LeadNoteAdded, LeadPriorityChanged
from services.kit.append import Append, Commanded, NewEvent, StreamAppend
from services.kit.codec import EventCodec
from services.kit.eventlog import EventLog
from services.kit.ids import new_id
from services.kit.keys import KeyRing, MasterKey, SigningKey
from services.kit.postgres import connect_pool
from services.kit.verify import Verdict, verify

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
MASTER = MasterKey(bytes(range(32)))
SIGNING = SigningKey(bytes(range(32)))
WHEN = datetime(2026, 3, 1, 9, tzinfo=UTC)
ORIGIN = Origin("user:00000000-0000-0000-0000-000000000001", "command:test")
PHONE = "+12025550123"


@asynccontextmanager
async def opened(
    url: str, *, master: MasterKey = MASTER, largest: int = 4
) -> AsyncIterator[EventLog]:
    """An event log as a command service opens it, with the catalogue's events."""
    pool = await connect_pool(url, "leads_command", largest=largest)
    try:
        async with EventLog(pool, EventCodec(EVENTS), KeyRing(master, pool)) as log:
            yield log
    finally:
        pool.terminate()


@asynccontextmanager
async def tampering(superuser_url: str) -> AsyncIterator[Connection]:
    """A connection of somebody who owns the server and has switched the triggers off."""
    connection = await asyncpg.connect(superuser_url)
    try:
        await connection.execute("set session_replication_role = replica")
        yield connection
    finally:
        await connection.close()


async def verdict_on(url: str, **more: Any) -> Verdict:
    """Verifies the log there with the tests' public key."""
    connection = await asyncpg.connect(url)
    try:
        return await verify(connection, SIGNING.public, **more)
    finally:
        await connection.close()


def command(request: bytes = b"request", answer: bytes = b"answer") -> Commanded:
    """A command never seen before."""
    return Commanded(new_id(), request, answer)


def stream(stream_id: UUID, expected: int, *events: Event, at: datetime = WHEN) -> StreamAppend:
    """Events for one stream at an expected version."""
    return StreamAppend(stream_id, expected, [NewEvent(event, at, ORIGIN) for event in events])


def append(stream_id: UUID, expected: int, *events: Event, **more: Any) -> Append:
    """One append to one stream under a new command; `more` are further fields of Append."""
    commands: Sequence[Commanded] = more.pop("commands", None) or [command()]
    return Append(commands, [stream(stream_id, expected, *events)], **more)


def lead(phone: str = PHONE, **fields: Any) -> LeadCreated:
    """A lead comes into a campaign, with a personal phone number."""
    return LeadCreated("campaign", "team:top", phone=phone, **fields)


def priority(value: int) -> LeadPriorityChanged:
    """A small event without personal fields."""
    return LeadPriorityChanged(value)


def note(text: str) -> LeadNoteAdded:
    """An event with a personal text."""
    return LeadNoteAdded(1, text=text)
