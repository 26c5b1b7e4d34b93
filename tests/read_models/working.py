"""Workers, relays and what they should end in, for tests of the read models."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from schemas.event import Event
from schemas.lead import LeadCallRecorded, LeadCreated
from services.command.relay import Relay
from services.kit.append import Append, Appended
from services.kit.background import Stopped
from services.kit.clock import SystemClock
from services.kit.eventlog import EventLog
from services.kit.feed import PARTITIONS, Feed
from services.kit.feed_kafka import KafkaFeed
from services.kit.feed_log import LogFeed
from services.kit.ids import new_id
from services.kit.keys import KeyRing
from services.kit.postgres import connect_pool
from services.projections.check import Checked, check
from services.projections.decoding import Decoder
from services.projections.model import ReadModel
from services.projections.progress import visible_position
from services.projections.registry import MODELS
from services.projections.runner import Worker
from tests.kit.event_logs import MASTER, append

SECRET = bytes(range(32))
PATIENCE_SECONDS = 60.0
FeedOf = Callable[["asyncpg.Pool[asyncpg.Record]", int], Feed]


def log_feed(pool: "asyncpg.Pool[asyncpg.Record]", _: int) -> Feed:
    """The feed straight from the log."""
    return LogFeed(pool)


def kafka_feed(bootstrap: str, prefix: str) -> FeedOf:
    """The feed from a test's own topic."""
    return lambda _, generation: KafkaFeed(bootstrap, generation, f"{prefix}leads.events")


@dataclass
class Working:
    """A worker at work in this process."""

    worker: Worker
    pool: "asyncpg.Pool[asyncpg.Record]"
    task: "asyncio.Task[None]"
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def stopped(self) -> Stopped:
        """Wait until the worker gives up; return why."""
        try:
            await asyncio.wait_for(asyncio.shield(self.task), PATIENCE_SECONDS)
        except Stopped as error:
            return error
        raise AssertionError("the worker ended without a reason")


@asynccontextmanager
async def working(
    url: str,
    feed: FeedOf = log_feed,
    models: Sequence[ReadModel] = MODELS,
    keys_kept: int = 20_000,
) -> AsyncIterator[Working]:
    """A worker that runs inside; at the end it stops in order, or has given up before."""
    pool = await connect_pool(url, "leads_projections", largest=5, by_key=True)
    stop = asyncio.Event()
    decoder = Decoder(KeyRing(MASTER, pool, most=keys_kept))
    worker = Worker(pool, decoder, lambda g: feed(pool, g), new_id(), SystemClock(), models)
    task = asyncio.create_task(worker.run(stop))
    try:
        yield Working(worker, pool, task, stop)
    finally:
        stop.set()
        with suppress(Stopped):
            await asyncio.wait_for(task, PATIENCE_SECONDS)
        await pool.close()


@asynccontextmanager
async def relaying(url: str, bootstrap: str, prefix: str) -> AsyncIterator["asyncio.Task[None]"]:
    """A relay that leads, without asking for the lock, and publishes to the test's own topic."""
    pool = await connect_pool(url, "leads_command", largest=2)
    stop = asyncio.Event()
    relay = Relay(pool, bootstrap, SystemClock(), {f"{prefix}leads.events": PARTITIONS})
    task = asyncio.create_task(relay.lead(stop))
    try:
        yield task
    finally:
        stop.set()
        await asyncio.wait([task], timeout=PATIENCE_SECONDS)
        await pool.close()


async def until(true: Callable[[], Any], what: str) -> None:
    """Wait until the coroutine function answers yes; fails after PATIENCE_SECONDS."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while not await true():
        assert asyncio.get_running_loop().time() < deadline, f"not in time: {what}"
        await asyncio.sleep(0.01)


async def settled(log: EventLog) -> None:
    """Wait until everything in the log is visible."""
    head = await log.head()

    async def reached() -> bool:
        async with log.pool.acquire() as connection, connection.transaction():
            await connection.execute("set local role leads_query")
            return await visible_position(connection) >= head

    await until(reached, f"everything up to {head} visible")


async def checked(url: str) -> Checked:
    """Compare all read models with the log."""
    return await check(url, SECRET)


async def assert_equal_to_log(url: str) -> Checked:
    """Every read model is what the log says."""
    found = await checked(url)
    assert found.equal, found.differences
    return found


async def rows(url: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Read something as the owner of the database."""
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql, *values)]
    finally:
        await connection.close()


def a_lead(number: int = 0, **given: Any) -> LeadCreated:
    """A lead comes into a campaign."""
    campaign = "01920000-0000-7000-8000-000000000001"
    return LeadCreated(campaign, "team:top", phone=f"+1202555{number:04d}", **given)


def a_call(number: int, **given: Any) -> LeadCallRecorded:
    """A call took place; the higher the number the later."""
    campaign = "01920000-0000-7000-8000-000000000001"
    at = f"2026-03-01T{10 + number // 60:02d}:{number % 60:02d}:00Z"
    return LeadCallRecorded(f"call-{number}", campaign, at, number="+12025550000", **given)


class Story:
    """Appends to many streams, remembering their versions."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.versions: dict[UUID, int] = {}

    async def tell(self, *facts: tuple[UUID, Event]) -> None:
        """Append these events, one command each; events of one stream follow each other."""
        waiting = list(facts)
        while waiting:
            now: dict[UUID, Append] = {}
            later = []
            for stream, event in waiting:
                if stream in now:
                    later.append((stream, event))
                    continue
                gone = [stream] if getattr(type(event), "DESTROYS_KEY", False) else []
                expected = self.versions.get(stream, 0)
                now[stream] = append(stream, expected, event, destroyed_keys=gone)
                self.versions[stream] = expected + 1
            for outcome in await self.log.append_many(list(now.values())):
                assert isinstance(outcome, Appended), outcome
            waiting = later

    async def leads(self, count: int, calls: int = 0) -> list[UUID]:
        """Make leads, and as many calls on each."""
        made = [new_id() for _ in range(count)]
        await self.tell(*((lead, a_lead(i)) for i, lead in enumerate(made)))
        for number in range(calls):
            await self.tell(*((lead, a_call(number, talk_seconds=5)) for lead in made))
        return made
