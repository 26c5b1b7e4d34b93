"""Both feeds keep the same promise: all events of a partition, in order, from where one says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from aiokafka import TopicPartition

from services.kit.codec import StoredEvent
from services.kit.eventlog import EventLog
from services.kit.feed import PARTITIONS, Feed, FeedLost, FeedUnavailable, Start, partition_of
from services.kit.feed_kafka import FRESH_MS, SLICE, KafkaFeed
from services.kit.feed_log import LogFeed
from services.kit.ids import new_id
from services.kit.publisher import Publisher, provide_topics
from tests.kit.event_logs import append, lead, opened, priority

KINDS = ["log", "kafka"]


@asynccontextmanager
async def feeding(kind: str, log: EventLog, kafka: str, prefix: str) -> AsyncIterator[Feed]:
    """A feed of everything that is in the log now."""
    feed: Feed
    if kind == "log":
        feed = LogFeed(log.pool)
    else:
        topic = f"{prefix}leads.events"
        await provide_topics(kafka, {topic: PARTITIONS})
        publisher = Publisher(kafka, topic)
        await publisher.start()
        await publisher.publish(await log.read_raw(0, 10_000))
        await publisher.close()
        feed = KafkaFeed(kafka, 0, topic)
    await feed.start()
    try:
        yield feed
    finally:
        await feed.stop()


async def fill(log: EventLog, streams: int) -> list[StoredEvent]:
    """Two events on each of some streams."""
    ids = [new_id() for _ in range(streams)]
    await log.append_many([append(one, 0, lead()) for one in ids])
    await log.append_many([append(one, 1, priority(7)) for one in ids])
    return await log.read_raw(0, 10_000)


async def read_all(feed: Feed, count: int) -> dict[int, list[StoredEvent]]:
    """Poll until so many events have come; batches of a partition follow each other."""
    found: dict[int, list[StoredEvent]] = {}
    following: dict[int, int] = {}
    for _ in range(600):
        for batch in await feed.poll(100):
            assert batch.first == following.get(batch.partition, batch.first)
            following[batch.partition] = batch.next
            found.setdefault(batch.partition, []).extend(batch.events)
            assert all(one.position <= batch.position for one in batch.events)
        if sum(map(len, found.values())) >= count:
            break
    return found


def by_partition(stored: list[StoredEvent]) -> dict[int, list[StoredEvent]]:
    found: dict[int, list[StoredEvent]] = {}
    for one in stored:
        found.setdefault(partition_of(one.stream_id), []).append(one)
    return found


@pytest.mark.parametrize("kind", KINDS)
async def test_a_feed_delivers_every_event_as_stored_in_order(
    database_url: str, kafka: str, topic_prefix: str, kind: str
) -> None:
    async with opened(database_url) as log:
        stored = await fill(log, 40)
        async with feeding(kind, log, kafka, topic_prefix) as feed:
            feed.assign({partition: Start(0, 0) for partition in range(PARTITIONS)})
            found = await read_all(feed, len(stored))
            assert {p: e for p, e in found.items() if e} == by_partition(stored)
            assert await feed.poll(50) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_only_what_was_assigned_is_delivered_and_from_there(
    database_url: str, kafka: str, topic_prefix: str, kind: str
) -> None:
    async with opened(database_url) as log:
        stored = await fill(log, 60)
        wanted = by_partition(stored)
        chosen = max(wanted, key=lambda partition: len(wanted[partition]))
        second = wanted[chosen][1]
        async with feeding(kind, log, kafka, topic_prefix) as feed:
            assert await feed.poll(10) == [], "nothing was assigned yet"
            start = Start(1, wanted[chosen][0].position)
            if kind == "log":
                start = Start(wanted[chosen][0].position, wanted[chosen][0].position)
            feed.assign({chosen: start})
            found = await read_all(feed, len(wanted[chosen]) - 1)
        assert found == {chosen: wanted[chosen][1:]}
        assert found[chosen][0] == second


async def test_what_is_taken_in_slices_is_one_batch_a_partition(
    database_url: str, kafka: str, topic_prefix: str
) -> None:
    who = new_id()
    async with opened(database_url) as log:
        await log.append(append(who, 0, lead()))
        await log.append(append(who, 1, *(priority(1 + n % 9) for n in range(2 * SLICE))))
        stored = await log.read_raw(0, 10_000)
        async with feeding("kafka", log, kafka, topic_prefix) as feed:
            feed.assign({partition_of(who): Start(0, 0)})
            batches = await feed.poll(30_000)
    assert [batch.events for batch in batches] == [stored]
    assert [(batch.first, batch.next) for batch in batches] == [(0, len(stored))]


async def test_the_log_feed_moves_partitions_without_events_on(database_url: str) -> None:
    async with opened(database_url) as log:
        who = new_id()
        await log.append(append(who, 0, lead()))
        feed = LogFeed(log.pool)
        feed.assign({partition: Start(0, 0) for partition in range(PARTITIONS)})
        batches = await feed.poll(100)
    assert {batch.partition: len(batch.events) for batch in batches} == {
        partition: int(partition == partition_of(who)) for partition in range(PARTITIONS)
    }
    assert {(batch.next, batch.position) for batch in batches} == {(1, 1)}


class Fetching:
    """A consumer of which each question is answered as told, and which remembers how long it was
    to wait for it.
    """

    def __init__(self, *answers: dict[TopicPartition, list[Any]]) -> None:
        self.answers = list(answers)
        self.waited: list[int] = []

    async def getmany(
        self, *, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[Any]]:
        assert max_records <= SLICE
        self.waited.append(timeout_ms)
        return self.answers.pop(0) if self.answers else {}

    def assign(self, _: object) -> None: ...
    def seek(self, *_: object) -> None: ...


def fetched(*offsets: int) -> dict[TopicPartition, list[Any]]:
    """Records of one partition at these offsets."""
    records = [SimpleNamespace(offset=one, value=b"", headers=()) for one in offsets]
    return {TopicPartition("t", 0): records}


@pytest.mark.parametrize(
    ("answers", "waited", "upto"),
    [
        ([fetched(0), fetched(1, 2)], [0, FRESH_MS, 0], 3),  # fetched ahead: what came since too
        ([{}, fetched(0)], [0, 200, 0], 1),  # waited for: it is fresh
        ([fetched(0), {}], [0, FRESH_MS], 1),
        ([{}, {}], [0, 200], None),
    ],
)
async def test_what_was_fetched_ahead_comes_with_what_came_since(
    answers: list[dict[TopicPartition, list[Any]]], waited: list[int], upto: int | None
) -> None:
    feed = KafkaFeed("nowhere", 0)
    feed._consumer = consumer = Fetching(*answers)
    feed.assign({0: Start(0, 0)})
    batches = await feed.poll(200)
    assert consumer.waited == waited
    assert [batch.next for batch in batches] == ([] if upto is None else [upto])


async def test_an_offset_beyond_the_topic_is_lost(
    database_url: str, kafka: str, topic_prefix: str
) -> None:
    async with opened(database_url) as log:
        await fill(log, 1)
        async with feeding("kafka", log, kafka, topic_prefix) as feed:
            feed.assign({0: Start(999, 999)})
            with pytest.raises(FeedLost):
                await read_all(feed, 1)


async def test_a_broker_that_is_not_there_is_unavailable() -> None:
    feed = KafkaFeed("127.0.0.1:9", 0)
    with pytest.raises(FeedUnavailable):
        await feed.start()
    await feed.stop()


def test_a_stream_has_one_partition_by_its_last_bytes() -> None:
    assert partition_of(UUID(int=0)) == 0
    assert partition_of(UUID(int=25)) == 25 % PARTITIONS
    assert partition_of(UUID(int=(7 << 32) + 5)) == 5
