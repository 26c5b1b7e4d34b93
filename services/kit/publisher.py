"""Publishing stored events to Kafka: batches built by hand per partition, acknowledged by all
replicas.

After any error a publisher is used up: aiokafka's idempotent producer may refuse a partition for
ever once a batch has failed (aiokafka#1017). Throw it away and begin a new one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, ProducerClosed, TopicAlreadyExistsError, for_code

from services.kit.codec import StoredEvent
from services.kit.disconnecting import disconnect
from services.kit.failpoints import at
from services.kit.feed import PARTITIONS, partition_of
from services.kit.kafka_events import NotAnEvent, headers_of, stored_of
from services.kit.telemetry import logger

BATCH_BYTES = 262_144
REQUEST_BYTES = 1 << 20
ACK_SECONDS = 20.0
START_SECONDS = 10.0
CLOSE_SECONDS = 1.0
REPLICAS = 3
FOR_EVER = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}


class PublishFailed(RuntimeError):
    """The broker did not acknowledge; what was sent may be there nevertheless."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the last event of a partition stands: its position in the log, its offset in Kafka."""

    position: int
    offset: int


async def provide_topics(bootstrap: str, topics: Mapping[str, int]) -> None:
    """Make those of the topics (name → partitions) that are missing, kept for ever."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    try:
        await asyncio.wait_for(admin.start(), START_SECONDS)
        present = set(await admin.list_topics())
        missing = [name for name in topics if name not in present]
        if not missing:
            return
        brokers = len((await admin.describe_cluster())["brokers"])
        new = [
            NewTopic(name, topics[name], min(REPLICAS, brokers), topic_configs=FOR_EVER)
            for name in missing
        ]
        answer = await admin.create_topics(new)
        for name, code, *_ in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise PublishFailed(f"topic {name}: {error.__name__}")
        logger().info("topics-made", topics=missing)
    except (KafkaError, OSError, TimeoutError) as error:
        raise PublishFailed(type(error).__name__) from error
    finally:
        await disconnect(admin.close(), CLOSE_SECONDS)


async def end_offsets(bootstrap: str, topic: str) -> dict[int, int]:
    """Return the offset the next event of each partition will get. Raises PublishFailed."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None)
    try:
        await asyncio.wait_for(consumer.start(), START_SECONDS)
        places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        ends = await asyncio.wait_for(consumer.end_offsets(places), START_SECONDS)
        return {place.partition: offset for place, offset in ends.items()}
    except (KafkaError, OSError, TimeoutError) as error:
        raise PublishFailed(type(error).__name__) from error
    finally:
        await disconnect(consumer.stop(), CLOSE_SECONDS)


async def first_event(bootstrap: str, topic: str, partition: int) -> StoredEvent | None:
    """Return the first event of a partition that has records; None when it is none of ours.

    Raises PublishFailed.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False
    )
    place = TopicPartition(topic, partition)
    try:
        await asyncio.wait_for(consumer.start(), START_SECONDS)
        consumer.assign([place])
        consumer.seek(place, (await consumer.beginning_offsets([place]))[place])
        record = await asyncio.wait_for(consumer.getone(place), START_SECONDS)
    except (KafkaError, OSError, TimeoutError) as error:
        raise PublishFailed(type(error).__name__) from error
    finally:
        await disconnect(consumer.stop(), CLOSE_SECONDS)
    try:
        return stored_of(record.value, record.headers)
    except NotAnEvent:
        return None


class Publisher:
    """One idempotent producer, for as long as all goes well."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        """Publish to `topic`, which must have PARTITIONS partitions."""
        self._topic = topic
        self._producer: Any = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            enable_idempotence=True,
            acks="all",
            compression_type=None,
            max_batch_size=BATCH_BYTES,
            max_request_size=REQUEST_BYTES,
            linger_ms=0,
            request_timeout_ms=15_000,
            retry_backoff_ms=200,
        )
        self._started = False

    async def start(self) -> None:
        """Connect; raises PublishFailed."""
        try:
            self._started = True
            await asyncio.wait_for(self._producer.start(), START_SECONDS)
            partitions = await asyncio.wait_for(
                self._producer.partitions_for(self._topic), START_SECONDS
            )
        except (KafkaError, OSError, TimeoutError) as error:
            raise PublishFailed(type(error).__name__) from error
        if len(partitions) != PARTITIONS:
            raise PublishFailed(f"{self._topic} has {len(partitions)} partitions, not {PARTITIONS}")

    async def close(self) -> None:
        """Disconnect. What was not acknowledged is given up: the next publisher sends it again."""
        if not self._started:
            return
        # stop() waits for batches; an absent broker never acknowledges them, so they fail first.
        self._producer._message_accumulator.fail_all(ProducerClosed())
        await disconnect(self._producer.stop(), CLOSE_SECONDS)

    async def publish(self, stored: Sequence[StoredEvent]) -> dict[int, Place]:
        """Publish events in log order; return each partition's last place once all are
        acknowledged.

        Raises PublishFailed; then some of them may have been published, in order.
        """
        partitions: dict[int, list[StoredEvent]] = {}
        for one in stored:
            partitions.setdefault(partition_of(one.stream_id), []).append(one)
        work = [self._publish_one(partition, events) for partition, events in partitions.items()]
        try:
            places = await asyncio.wait_for(asyncio.gather(*work), ACK_SECONDS)
        except (KafkaError, OSError, TimeoutError, AssertionError) as error:
            raise PublishFailed(type(error).__name__) from error
        return dict(zip(partitions, places, strict=True))

    async def _publish_one(self, partition: int, events: Sequence[StoredEvent]) -> Place:
        """Send the events of one partition, each batch after the one before was acknowledged."""
        sent = 0
        last = Place(0, -1)
        while sent < len(events):
            batch = self._producer.create_batch()
            first = sent
            while sent < len(events) and self._add(batch, events[sent]):
                sent += 1
            if sent == first:
                raise PublishFailed(f"event {events[sent].position} is too big for a batch")
            batch.close()
            acknowledged = await self._producer.send_batch(batch, self._topic, partition=partition)
            metadata = await acknowledged
            at("relay.mid_batch")
            last = Place(events[sent - 1].position, metadata.offset + (sent - first) - 1)
        return last

    @staticmethod
    def _add(batch: Any, one: StoredEvent) -> bool:
        added = batch.append(
            key=str(one.stream_id).encode(),
            value=one.data,
            timestamp=int(one.recorded_at.timestamp() * 1000),
            headers=headers_of(one),
        )
        return added is not None
