"""The intake is killed at every failpoint, loses its lease, its offsets: every call counts once."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.command.intake_offsets import IntakeOffsets
from services.kit.ids import new_id
from services.kit.postgres import connect_pool
from services.kit.publisher import provide_topics
from tests.contract.command_service import NORTH, Service, running
from tests.contract.intake_calls import call
from tests.faults.child import child, on_log
from tests.faults.intake_child import PARTITIONS

LEADS, CALLS = 6, 30
SECONDS = 60.0
GARBAGE = b"{half"


@asynccontextmanager
async def intake(
    database_url: str, kafka: str, topic: str, failpoint: str = ""
) -> AsyncIterator[Any]:
    """The intake as a process; yields it once it says that it is ready."""
    environ = {**on_log(database_url), "LEADS_KAFKA": kafka, "LEADS_TRANSPORT": "kafka"}
    async with child("tests.faults.intake_child", environ, failpoint, topic) as running:
        yield running


async def produce(kafka: str, topic: str, told: list[tuple[str, bytes]]) -> None:
    """Send (key, value) pairs, acknowledged."""
    await provide_topics(kafka, {topic: PARTITIONS, f"{topic}.quarantine": 1})
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True)
    await producer.start()
    try:
        for key, value in told:
            await producer.send(topic, key=key.encode(), value=value)
        await producer.flush()
    finally:
        await producer.stop()


async def until_taken_in(pool: "asyncpg.Pool[asyncpg.Record]", topic: str, count: int) -> None:
    """Wait until the offsets kept say that so many records are done with."""
    async with asyncio.timeout(SECONDS):
        while True:
            done = await pool.fetchval(
                "select coalesce(sum(next_offset), 0) from log.intake_offsets where topic = $1",
                topic,
            )
            if done >= count:
                return
            await asyncio.sleep(0.05)


async def recorded(service: Service, leads: list[str]) -> dict[str, list[str]]:
    """The call ids in each lead's stream."""
    streams = await service.commanding.log.load([UUID(one) for one in leads])
    return {
        str(stream): [vars(one.event)["call_id"] for one in events[1:]]
        for stream, events in streams.items()
    }


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    async with running(database_url) as one:
        yield one


@pytest.fixture
async def leads(service: Service) -> list[str]:
    campaign = await service.campaign()
    return [
        await service.lead(campaign, phone=f"+141555501{place:02d}", owner=NORTH)
        for place in range(LEADS)
    ]


def told_for(leads: list[str]) -> list[tuple[str, bytes]]:
    """Calls in turn for all leads, one of them twice, and one that is no call."""
    told = [
        (leads[n % LEADS], orjson.dumps(call(f"c-{n:02d}", leads[n % LEADS], CALLS - n)))
        for n in range(CALLS)
    ]
    return [*told, told[3], ("x", GARBAGE)]


def assert_complete(found: dict[str, list[str]], leads: list[str]) -> None:
    for place, lead in enumerate(leads):
        assert found[lead] == [f"c-{n:02d}" for n in range(place, CALLS, LEADS)]


@pytest.mark.parametrize(
    "failpoint",
    [
        "intake.before_append:kill:1",
        "intake.after_append:kill:1",
        "intake.before_commit:kill:1",
        "append.before:kill:1",
        "append.after:kill:1",
    ],
)
async def test_killed_anywhere_every_call_counts_once(
    service: Service, leads: list[str], database_url: str, kafka: str, topic_prefix: str,
    failpoint: str,
) -> None:  # fmt: skip
    topic = f"{topic_prefix}calls"
    told = told_for(leads)
    await produce(kafka, topic, told)
    async with intake(database_url, kafka, topic, failpoint) as running:
        assert await asyncio.wait_for(running.wait(), SECONDS) == -signal.SIGKILL
    pool = service.commanding.log.pool
    # What the killed one held is free once its lease has run out; the test does not wait for it.
    await pool.execute("update log.intake_offsets set lease_until = '-infinity'")
    async with intake(database_url, kafka, topic):
        await until_taken_in(pool, topic, len(told))
    assert_complete(await recorded(service, leads), leads)
    assert len(await service.commanding.log.streams_of("quarantine")) == 1


async def test_lost_offsets_and_a_second_reading_change_nothing(
    service: Service, leads: list[str], database_url: str, kafka: str, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}calls"
    told = told_for(leads)
    await produce(kafka, topic, told)
    pool = service.commanding.log.pool
    async with intake(database_url, kafka, topic):
        await until_taken_in(pool, topic, len(told))
    head = await service.commanding.log.head()
    await pool.execute("update log.intake_offsets set next_offset = 0")
    async with intake(database_url, kafka, topic):
        await until_taken_in(pool, topic, len(told))
    # An offset beyond the end: the topic was made anew, so it is read from its beginning.
    await pool.execute("update log.intake_offsets set next_offset = 1000000")
    async with intake(database_url, kafka, topic):
        async with asyncio.timeout(SECONDS):
            while (
                await pool.fetchval("select max(next_offset) from log.intake_offsets") > CALLS * 2
            ):
                await asyncio.sleep(0.05)
        await until_taken_in(pool, topic, len(told))
    assert await service.commanding.log.head() == head
    assert_complete(await recorded(service, leads), leads)


async def test_a_second_one_stands_by_without_harm(
    service: Service, leads: list[str], database_url: str, kafka: str, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}calls"
    told = told_for(leads)
    pool = service.commanding.log.pool
    await produce(kafka, topic, told[:10])
    async with intake(database_url, kafka, topic):
        async with intake(database_url, kafka, topic):
            await until_taken_in(pool, topic, 10)
            await produce(kafka, topic, told[10:20])
            await until_taken_in(pool, topic, 20)
        await produce(kafka, topic, told[20:])
        await until_taken_in(pool, topic, len(told))
    assert_complete(await recorded(service, leads), leads)


async def test_what_is_put_aside_is_told_on_a_topic_of_its_own(
    service: Service, leads: list[str], database_url: str, kafka: str, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}calls"
    await produce(kafka, topic, [("x", GARBAGE), *told_for(leads)[:3]])
    consumer = AIOKafkaConsumer(
        f"{topic}.quarantine", bootstrap_servers=kafka, auto_offset_reset="earliest"
    )
    async with intake(database_url, kafka, topic):
        await consumer.start()
        try:
            record = await asyncio.wait_for(consumer.getone(), SECONDS)
        finally:
            await consumer.stop()
    assert record.value == GARBAGE
    headers = dict(record.headers)
    assert headers["code"] == b"not-json"
    assert headers["place"].startswith(f"{topic}/".encode())
    (entry,) = await service.commanding.log.streams_of("quarantine")
    assert record.key.decode() == str(entry)


async def test_a_lost_lease_cannot_move_the_offset(database_url: str) -> None:
    pool = await connect_pool(database_url, "leads_command", largest=1)
    try:
        first = IntakeOffsets(pool, "t", new_id())
        second = IntakeOffsets(pool, "t", new_id())
        held = {one.partition: one for one in await first.take(2)}
        assert sorted(held) == [0, 1]
        assert await second.take(2) == []
        assert await first.move(held, {0: 7}) == {0}
        assert await first.move(held, {0: 9}) == set(), "moves from where it was, or not at all"
        await pool.execute("update log.intake_offsets set lease_until = '-infinity'")
        taken = {one.partition: one for one in await second.take(2)}
        assert (taken[0].next_offset, taken[0].epoch) == (7, 2)
        assert await first.renew(held) == set()
        assert await first.move(held, {1: 3}) == set()
        assert await second.move(taken, {0: 8, 1: 3}) == {0, 1}
        await second.release()
        assert {one.next_offset for one in await first.take(2)} == {8, 3}
    finally:
        await pool.close()
