"""The whole way over a real broker: log, relay, topic, worker, read models."""

import asyncio
from collections import defaultdict
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.lead import LeadDeleted, LeadPriorityChanged
from services.command import relay as relay_module
from services.command.relay import LEADER_LOCK, leading
from services.kit import publisher as publisher_module
from services.kit.background import Stopped
from services.kit.clock import SystemClock
from services.kit.codec import StoredEvent
from services.kit.eventlog import EventLog
from services.kit.feed import PARTITIONS, partition_of
from services.kit.feed_kafka import KafkaFeed
from services.kit.kafka_events import NotAnEvent, headers_of, stored_of
from services.kit.leadership import leadership
from services.kit.migrate import migrate
from services.projections import runner
from tests.kit.event_logs import opened
from tests.read_models.working import (
    Story,
    a_call,
    assert_equal_to_log,
    kafka_feed,
    relaying,
    rows,
    settled,
    until,
    working,
)


async def published(bootstrap: str, prefix: str) -> list[StoredEvent]:
    """Everything in the topic, partition by partition."""
    topic = f"{prefix}leads.events"
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None)
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        for place in places:  # seek_to_beginning() races with the consumer's own first position
            consumer.seek(place, 0)
        wanted = sum(ends.values())
        found: list[StoredEvent] = []
        while len(found) < wanted:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    one = stored_of(record.value, record.headers)
                    assert record.partition == partition_of(one.stream_id)
                    assert record.key == str(one.stream_id).encode()
                    found.append(one)
        return found
    finally:
        await consumer.stop()


def assert_first_deliveries_in_order(events: list[StoredEvent]) -> None:
    """Per stream each version is first seen right after the one before it."""
    seen: dict[UUID, int] = defaultdict(int)
    for one in events:
        assert one.version <= seen[one.stream_id] + 1, f"{one.stream_id} skipped a version"
        seen[one.stream_id] = max(seen[one.stream_id], one.version)


async def test_what_is_appended_is_published_as_stored_and_becomes_visible(
    database_url: str, kafka: str, topic_prefix: str
) -> None:
    feed = kafka_feed(kafka, topic_prefix)
    async with (
        opened(database_url) as log,
        relaying(database_url, kafka, topic_prefix),
        working(database_url, feed),
    ):
        story = Story(log)
        leads = await story.leads(50, calls=3)
        await story.tell((leads[0], LeadDeleted("asked")))
        await settled(log)
        await assert_equal_to_log(database_url)
        stored = await log.read_raw(0, 1000)
        sent = await published(kafka, topic_prefix)
        assert sorted(sent, key=lambda one: one.position) == stored
        assert_first_deliveries_in_order(sent)


async def test_a_relay_that_dies_sends_again_and_nothing_is_doubled(
    database_url: str, kafka: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the broker has acknowledged and before the cursor moved, and in mid batch."""
    passes = {"relay.after_publish": 2, "relay.mid_batch": 9}

    def fail_once(name: str) -> None:
        if name in passes:
            passes[name] -= 1
            if passes[name] == 0:
                raise publisher_module.PublishFailed(name)

    monkeypatch.setattr(relay_module, "at", fail_once)
    monkeypatch.setattr(publisher_module, "at", fail_once)
    feed = kafka_feed(kafka, topic_prefix)
    async with (
        opened(database_url) as log,
        relaying(database_url, kafka, topic_prefix),
        working(database_url, feed),
    ):
        story = Story(log)
        leads = await story.leads(100)
        for number in range(4):
            await settled(log)
            await story.tell(*((one, a_call(number)) for one in leads))
        await settled(log)
        sent = await published(kafka, topic_prefix)
        assert len(sent) > await log.head(), "some were sent again"
        assert {one.position for one in sent} == set(range(1, await log.head() + 1))
        assert_first_deliveries_in_order(sent)
        await assert_equal_to_log(database_url)


async def test_a_wiped_topic_is_published_anew_and_the_rows_stay(
    database_url: str, kafka: str, topic_prefix: str
) -> None:
    feed = kafka_feed(kafka, topic_prefix)
    async with opened(database_url) as log:
        story = Story(log)
        leads = await story.leads(30, calls=1)
        async with relaying(database_url, kafka, topic_prefix), working(database_url, feed):
            await settled(log)
        await delete_topic(kafka, f"{topic_prefix}leads.events")
        await story.tell(*((one, LeadPriorityChanged(2)) for one in leads))
        async with working(database_url, feed), relaying(database_url, kafka, topic_prefix):
            await settled(log)
            assert await rows(database_url, "select epoch from log.relay") == [(1,)]

            async def all_again() -> bool:
                return len(await published(kafka, topic_prefix)) == await log.head()

            await until(all_again, "everything in the new topic")
        await assert_equal_to_log(database_url)


async def delete_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])

        async def gone() -> bool:
            return topic not in await admin.list_topics()

        await until(gone, "the topic is deleted")
    finally:
        await admin.close()


async def test_without_a_broker_commands_go_on_and_are_published_later(
    database_url: str, kafka: str, topic_prefix: str
) -> None:
    async with opened(database_url) as log:
        story = Story(log)
        async with relaying(database_url, "127.0.0.1:9", topic_prefix) as lonely:
            await story.leads(20, calls=2)
            await asyncio.sleep(0.5)
            assert not lonely.done()
        assert await rows(database_url, "select position from log.relay") == [(0,)]
        feed = kafka_feed(kafka, topic_prefix)
        async with relaying(database_url, kafka, topic_prefix), working(database_url, feed):
            await settled(log)
            await assert_equal_to_log(database_url)


async def test_an_event_that_the_log_does_not_hold_stops_the_worker(
    database_url: str, kafka: str, topic_prefix: str
) -> None:
    """Forged, or published before the log was set back by a restore: fault 27."""
    feed = kafka_feed(kafka, topic_prefix)
    async with (
        opened(database_url) as log,
        relaying(database_url, kafka, topic_prefix),
        working(database_url, feed) as at_work,
    ):
        story = Story(log)
        (who,) = await story.leads(1)
        await settled(log)
        (stored,) = await log.read_raw(0, 10)
        headers = dict(headers_of(stored)) | {"ce_position": b"2", "ce_version": b"2"}
        producer = AIOKafkaProducer(bootstrap_servers=kafka)
        await producer.start()
        await producer.send_and_wait(
            f"{topic_prefix}leads.events",
            stored.data,
            partition=partition_of(who),
            headers=list(headers.items()),
        )
        await producer.stop()
        assert "HistoryForked" in str(await at_work.stopped())
        assert await rows(database_url, "select version from read.lead") == [(1,)]


async def test_a_topic_that_stays_lost_stops_the_worker(
    database_url: str, kafka: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LOST_SECONDS", 0.5)
    feed = kafka_feed(kafka, topic_prefix)
    async with opened(database_url) as log:
        await Story(log).leads(3)
        async with relaying(database_url, kafka, topic_prefix), working(database_url, feed):
            await settled(log)
        await delete_topic(kafka, f"{topic_prefix}leads.events")
        await publisher_module.provide_topics(kafka, {f"{topic_prefix}leads.events": PARTITIONS})
        async with working(database_url, feed) as at_work:
            assert "is the relay running" in str(await at_work.stopped())


async def test_one_leads_and_the_next_follows_when_it_is_gone(database_url: str) -> None:
    stop = asyncio.Event()
    led: list[str] = []

    async def candidate(name: str, over: asyncio.Event) -> None:
        async with leadership(database_url, LEADER_LOCK, "relay", leading, stop):
            led.append(name)
            await over.wait()

    ends = [asyncio.Event(), asyncio.Event()]
    first = asyncio.create_task(candidate("first", ends[0]))
    await until(lambda: _has(led, "first"), "the first leads")
    second = asyncio.create_task(candidate("second", ends[1]))
    await asyncio.sleep(0.2)
    assert led == ["first"]
    ends[0].set()
    await until(lambda: _has(led, "second"), "the second follows")
    ends[1].set()
    await asyncio.gather(first, second)


async def _has(names: list[str], name: str) -> bool:
    return name in names


def test_headers_lose_nothing() -> None:
    from tests.kit.event_logs import WHEN

    who = UUID("01920000-0000-7000-8000-00000000000c")
    for personal in (None, b"\x00\xff"):
        one = StoredEvent(7, WHEN, WHEN, who, 3, 1, "lead.x", b"h" * 32, b"{}", b"{}", personal)
        assert stored_of(one.data, headers_of(one)) == one
    with pytest.raises(NotAnEvent):
        stored_of(b"{}", [("ce_type", b"x")])


def test_every_partition_is_used() -> None:
    from services.kit.ids import new_id

    assert {partition_of(new_id()) for _ in range(1000)} == set(range(PARTITIONS))
    assert KafkaFeed("x", 3).source == "kafka:3"


async def test_a_topic_that_holds_another_log_is_refused(
    database_url: str, empty_database_url: str, kafka: str, topic_prefix: str
) -> None:
    async with opened(database_url) as log, relaying(database_url, kafka, topic_prefix):
        await Story(log).leads(5)
        await until(lambda: cursor_at(log, 5), "all published")
    await migrate(empty_database_url)
    topics = {f"{topic_prefix}leads.events": PARTITIONS}
    for url, refused in ((empty_database_url, True), (database_url, False)):
        async with opened(url) as log:
            await log.pool.execute("update log.relay set position = 0, partitions = '{}'")
            stop = asyncio.Event()
            relay = relay_module.Relay(log.pool, kafka, SystemClock(), topics)
            leading = asyncio.create_task(relay.lead(stop))
            if refused:
                with pytest.raises(Stopped, match="holds events of another log"):
                    await asyncio.wait_for(leading, 60)
            else:
                await until(lambda: cursor_at(log, 5), "its own log published again")
                stop.set()
                await leading


async def cursor_at(log: EventLog, position: int) -> bool:
    return bool(await log.pool.fetchval("select position from log.relay") == position)
