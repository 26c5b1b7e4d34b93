"""The feed from Kafka: partitions assigned by hand, offsets kept by whoever reads, no consumer
group.

Whatever goes wrong, the consumer is thrown away and a new one begins where the reader says.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError, UnknownTopicOrPartitionError

from services.kit.codec import StoredEvent
from services.kit.disconnecting import disconnect
from services.kit.feed import TOPIC, Batch, FeedLost, FeedUnavailable, Start
from services.kit.kafka_events import NotAnEvent, stored_of
from services.kit.telemetry import logger

RECORDS = 2_000
SLICE = 100
"""Records taken at once: unpacking is work, and others on the loop want their turn in between."""
FETCH_WAIT_MS = 20
FRESH_MS = 4
"""So long what was asked for last is waited for, where something had been fetched ahead."""
START_SECONDS = 10.0
STOP_SECONDS = 1.0


class KafkaFeed:
    """Reads the events topic as it was published for the `generation`-th time."""

    def __init__(self, bootstrap: str, generation: int, topic: str = TOPIC) -> None:
        """Connect to `bootstrap`; offsets count within this generation of the topic."""
        self.source = f"kafka:{generation}"
        self._bootstrap = bootstrap
        self._topic = topic
        self._consumer: Any = None
        self._next: dict[int, int] = {}
        self._position: dict[int, int] = {}

    async def start(self) -> None:
        """Connect; raises FeedUnavailable."""
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=2 << 20,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            request_timeout_ms=15_000,
            retry_backoff_ms=200,
        )
        try:
            await asyncio.wait_for(self._consumer.start(), START_SECONDS)
        except (KafkaError, OSError, TimeoutError) as error:
            await self.stop()
            raise FeedUnavailable(type(error).__name__) from error

    async def stop(self) -> None:
        """Disconnect."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await disconnect(consumer.stop(), STOP_SECONDS)

    def assign(self, starts: Mapping[int, Start]) -> None:
        """Read these partitions from their offsets."""
        self._next = {partition: start.next_offset for partition, start in starts.items()}
        self._position = {partition: start.position for partition, start in starts.items()}
        self._consumer.assign([self._place(partition) for partition in starts])
        for partition, start in starts.items():
            self._consumer.seek(self._place(partition), start.next_offset)

    async def poll(self, wait_ms: int) -> list[Batch]:
        """Return the records that have come."""
        if not self._next:
            await asyncio.sleep(wait_ms / 1000)
            return []
        came: dict[int, list[StoredEvent]] = {}
        after: dict[int, int] = {}
        left = RECORDS
        taken = await self._take(0, SLICE)
        # What was there already was asked for a while ago; what came since is on its way.
        wait = FRESH_MS if taken else 0
        taken = taken or await self._take(wait_ms, SLICE)
        while taken:
            for partition, records in taken.items():
                came.setdefault(partition, []).extend(_stored(partition, records))
                after[partition] = records[-1].offset + 1
                left -= len(records)
            await asyncio.sleep(0)
            if left <= 0:
                break
            try:
                taken = await self._take(wait, min(left, SLICE))
            except (FeedLost, FeedUnavailable):
                break  # what came counts; the next call fails the same way
            wait = 0
        return [self._batch(partition, after[partition], came[partition]) for partition in came]

    async def _take(self, wait_ms: int, most: int) -> dict[int, list[Any]]:
        """Return at most so many records by partition, none when none came in time."""
        try:
            fetched = await self._consumer.getmany(timeout_ms=wait_ms, max_records=most)
        except (OffsetOutOfRangeError, UnknownTopicOrPartitionError) as error:
            raise FeedLost(type(error).__name__) from error
        except (KafkaError, OSError) as error:
            raise FeedUnavailable(type(error).__name__) from error
        return {place.partition: records for place, records in fetched.items()}

    def _batch(self, partition: int, after: int, events: list[StoredEvent]) -> Batch:
        first, self._next[partition] = self._next[partition], after
        upto = max((one.position for one in events), default=0)
        self._position[partition] = max(self._position[partition], upto)
        return Batch(partition, first, after, self._position[partition], events)

    def _place(self, partition: int) -> TopicPartition:
        return TopicPartition(self._topic, partition)


def _stored(partition: int, records: list[Any]) -> list[StoredEvent]:
    """Return what the records hold; what is no event of ours is told and left out."""
    events: list[StoredEvent] = []
    for record in records:
        try:
            events.append(stored_of(record.value, record.headers))
        except NotAnEvent as error:
            logger().error(
                "not-an-event", partition=partition, offset=record.offset, why=str(error)
            )
    return events
