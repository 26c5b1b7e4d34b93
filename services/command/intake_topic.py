"""The dialer topic as the intake reads it: partitions assigned by hand, offsets kept elsewhere.

Also its shadow `dialer.calls.quarantine`, where what was put aside is told to whoever listens.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from schemas.dialer_call import QUARANTINE_TOPIC, TOPIC
from services.command.intake_batch import CALLS_MAX, Outcome
from services.command.intake_payload import Arrival
from services.kit.disconnecting import disconnect
from services.kit.feed import PARTITIONS
from services.kit.publisher import provide_topics
from services.kit.telemetry import logger

FETCH_WAIT_MS = 50
START_SECONDS = 10.0
STOP_SECONDS = 1.0
TELL_SECONDS = 5.0
TOPICS = {TOPIC: PARTITIONS, QUARANTINE_TOPIC: 1}


class TopicUnavailable(Exception):
    """The broker does not answer; begin again from the offsets kept."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Payloads in order of each partition, and the offset after them per partition."""

    arrivals: list[Arrival]
    after: dict[int, int]


class CallsTopic:
    """A connection to the topic, for as long as all goes well."""

    def __init__(self, bootstrap: str, topic: str = TOPIC) -> None:
        """Read `topic` at `bootstrap`."""
        self._bootstrap = bootstrap
        self._topic = topic
        self._consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=2 << 20,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            request_timeout_ms=15_000,
            retry_backoff_ms=200,
        )
        self._teller: Any = None

    async def start(self, topics: Mapping[str, int] = TOPICS) -> None:
        """Connect, making the topics that are missing. Raises TopicUnavailable, PublishFailed."""
        await provide_topics(self._bootstrap, topics)
        try:
            await asyncio.wait_for(self._consumer.start(), START_SECONDS)
        except (KafkaError, OSError, TimeoutError) as error:
            raise TopicUnavailable(type(error).__name__) from error

    async def stop(self) -> None:
        """Disconnect."""
        for client in (self._consumer, self._teller):
            if client is not None:
                await disconnect(client.stop(), STOP_SECONDS)

    async def assign(self, starts: Mapping[int, int]) -> dict[int, int]:
        """Read these partitions from these offsets; return where each begins in truth.

        An offset the topic does not have is replaced: calls told twice are recorded once, so the
        beginning is always safe.
        """
        places = {TopicPartition(self._topic, one): offset for one, offset in starts.items()}
        try:
            first = await self._consumer.beginning_offsets(list(places))
            ends = await self._consumer.end_offsets(list(places))
        except (KafkaError, OSError, TimeoutError) as error:
            raise TopicUnavailable(type(error).__name__) from error
        self._consumer.assign(list(places))
        begins: dict[int, int] = {}
        for place, offset in places.items():
            begin = offset if first[place] <= offset <= ends[place] else first[place]
            if begin != offset:
                what = {"kept": offset, "first": first[place], "end": ends[place]}
                logger().error("offset-not-in-topic", partition=place.partition, **what)
            self._consumer.seek(place, begin)
            begins[place.partition] = begin
        return begins

    async def fetch(self, wait_ms: int) -> Fetched:
        """Return up to 1,000 payloads that have come."""
        try:
            fetched = await self._consumer.getmany(timeout_ms=wait_ms, max_records=CALLS_MAX)
        except (KafkaError, OSError) as error:
            lost = isinstance(error, OffsetOutOfRangeError)
            raise TopicUnavailable("offsets lost" if lost else type(error).__name__) from error
        arrivals: list[Arrival] = []
        after: dict[int, int] = {}
        for place, records in fetched.items():
            at = f"{place.topic}/{place.partition}/"
            arrivals.extend(
                Arrival(one.value or b"", f"{at}{one.offset}", _source(one.headers))
                for one in records
            )
            after[place.partition] = records[-1].offset + 1
        return Fetched(arrivals, after)

    async def tell(self, arrivals: Sequence[Arrival], outcomes: Sequence[Outcome]) -> None:
        """Tell the quarantine topic what was put aside. If that fails, the log still has it all."""
        aside = [
            (arrival, outcome)
            for arrival, outcome in zip(arrivals, outcomes, strict=True)
            if outcome.kind == "quarantined"
        ]
        if not aside:
            return
        try:
            await asyncio.wait_for(self._tell(aside), TELL_SECONDS)
        except (KafkaError, OSError, TimeoutError) as error:
            logger().warning("quarantine-not-told", count=len(aside), why=type(error).__name__)

    async def _tell(self, aside: Iterable[tuple[Arrival, Outcome]]) -> None:
        if self._teller is None:
            teller = AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all", linger_ms=5)
            await teller.start()
            self._teller = teller
        sent = [
            await self._teller.send(
                f"{self._topic}.quarantine",
                key=str(outcome.held).encode(),
                value=arrival.raw,
                headers=[
                    ("code", outcome.code.encode()),
                    ("text", outcome.text.encode()),
                    ("place", arrival.place.encode()),
                ],
            )
            for arrival, outcome in aside
        ]
        await asyncio.gather(*sent)


def _source(headers: Iterable[tuple[str, bytes]]) -> str:
    """Return the dialer that the record's CloudEvents header names."""
    for name, value in headers:
        if name == "ce_source" and 0 < len(value) <= 64 and value.isascii():
            text = value.decode("ascii")
            return text if text.isprintable() else "dialer"
    return "dialer"
