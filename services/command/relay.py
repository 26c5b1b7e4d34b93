"""From the log to Kafka: one leader publishes everything in log order and remembers how far it
came.

At least once, and in order per stream: the cursor moves only after the broker has acknowledged,
so after any fault events may be published again, never skipped. Commands do not wait for this.
The leader also seals the log (services/kit/seal.py).
"""

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg
import orjson
from prometheus_client import Counter, Gauge

from schemas.dialer_call import QUARANTINE_TOPIC
from schemas.dialer_call import TOPIC as CALLS
from services.kit.background import Stopped, pause, run_service, say_ready
from services.kit.clock import Clock, SystemClock
from services.kit.codec import READ_EVENTS, StoredEvent
from services.kit.failpoints import at
from services.kit.feed import PARTITIONS, TOPIC, partition_of
from services.kit.keys import SigningKey
from services.kit.leadership import leadership
from services.kit.postgres import RETRYABLE, close_pool, connect_pool
from services.kit.publisher import (
    Place,
    Publisher,
    PublishFailed,
    end_offsets,
    first_event,
    provide_topics,
)
from services.kit.seal import Sealer
from services.kit.settings import Settings
from services.kit.telemetry import logger

LEADER_LOCK = 7_005_003
EVENTS = 2_000
POLL_SECONDS = (0.005, 0.05)
BACK_OFF_SECONDS = (0.2, 5.0)
SEAL_SECONDS = 1.0
STOP_SECONDS = 0.8
"""For acknowledgements on their way; with all that closing may take, less than whoever stops us
waits."""
TOPICS = {TOPIC: PARTITIONS, CALLS: PARTITIONS, QUARANTINE_TOPIC: 1}

published = Counter("leads_relay_events_total", "Events published and acknowledged")
failures = Counter("leads_relay_failures_total", "Publishers thrown away after an error")
leading = Gauge("leads_relay_leading", "Whether this process is the leader")
lag_events = Gauge("leads_relay_lag_events", "Events in the log that are not published yet")
lag_seconds = Gauge("leads_relay_lag_seconds", "Age of the oldest event not published yet")

_READ = READ_EVENTS + " where position > $1 order by position limit $2"
_HASH = "select hash from log.events where position = $1"
_CURSOR = "select position, partitions, epoch from log.relay"
_MOVE = """
    update log.relay
    set position = $1, partitions = partitions || $2::jsonb, updated_at = clock_timestamp()
    where position = $3 and epoch = $4
"""
_ANEW = """
    update log.relay
    set position = 0, partitions = '{}', epoch = epoch + 1, updated_at = clock_timestamp()
    where epoch = $1
"""


class Deposed(RuntimeError):
    """Another process has moved the cursor: it leads now."""


class TopicLost(RuntimeError):
    """The topic holds less than was acknowledged: it was wiped or made anew."""


@dataclass(slots=True)
class Cursor:
    """How far everything is published, in which generation of the topic (`epoch`)."""

    position: int
    places: dict[int, Place]
    epoch: int

    def move(
        self, position: int, places: Mapping[int, Place], firsts: Mapping[int, int]
    ) -> dict[str, dict[str, int]]:
        """Move on to `position`; return what is kept of each partition that got events.

        firsts: the position of the first of these events in each partition. Beside it that of the
        event before is kept: nothing of the partition lies between the two (progress.py).
        """
        told = {}
        for partition, place in places.items():
            known = self.places.get(partition, Place(0, -1))
            # A batch the broker had already is acknowledged without an offset: the old one stands.
            offset = max(place.offset, known.offset)
            self.places[partition] = Place(place.position, offset)
            told[str(partition)] = {
                "position": place.position,
                "offset": offset,
                "first": firsts[partition],
                "before": known.position,
            }
        self.position = position
        return told


class Relay:
    """One candidate for leadership; there may be several, one at a time publishes."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        bootstrap: str,
        clock: Clock,
        topics: Mapping[str, int] = TOPICS,
    ) -> None:
        """Publish to the first of `topics` at `bootstrap`; make those that are missing."""
        self._pool = pool
        self._bootstrap = bootstrap
        self._clock = clock
        self._topics = topics
        self._topic = next(iter(topics))

    async def lead(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set, beginning again after every fault. Raises Deposed."""
        shortest, longest = BACK_OFF_SECONDS
        delay = shortest
        while not stop.is_set():
            started = time.monotonic()
            try:
                await self._publish_all(stop)
            except TopicLost as error:
                logger().error("topic-lost", why=str(error), note="publishing everything anew")
                continue
            except PublishFailed as error:
                failures.inc()
                logger().warning("broker-unavailable", why=str(error))
            if time.monotonic() - started > longest:
                delay = shortest
            if not stop.is_set():
                await pause(stop, delay)
                delay = min(delay * 2, longest)

    async def _publish_all(self, stop: asyncio.Event) -> None:
        """Publish what follows the cursor until something fails."""
        await provide_topics(self._bootstrap, self._topics)
        cursor = await self._read_cursor()
        await self._check_topic(cursor)
        publisher = Publisher(self._bootstrap, self._topic)
        try:
            await publisher.start()
            logger().info("publishing", position=cursor.position, generation=cursor.epoch)
            shortest, longest = POLL_SECONDS
            wait = shortest
            while not stop.is_set():
                stored = await self._read(cursor.position)
                if not stored:
                    lag_events.set(0)
                    lag_seconds.set(0)
                    await asyncio.sleep(wait)
                    wait = min(wait * 1.1, longest)
                    continue
                wait = shortest
                await self._publish(publisher, cursor, stored)
        finally:
            await publisher.close()

    async def _publish(
        self, publisher: Publisher, cursor: Cursor, stored: list[StoredEvent]
    ) -> None:
        oldest = (self._clock.now() - stored[0].recorded_at).total_seconds()
        lag_seconds.set(max(0.0, oldest))
        at("relay.before_publish")
        places = await publisher.publish(stored)
        at("relay.after_publish")
        for partition, place in places.items():
            known = cursor.places.get(partition)
            if known is not None and 0 <= place.offset <= known.offset:
                await self._begin_anew(cursor, f"partition {partition} went back")
        await self._move(cursor, stored[-1].position, places, _firsts(stored))
        published.inc(len(stored))
        if len(stored) == EVENTS:
            head = await self._pool.fetchval("select max(position) from log.events")
            lag_events.set(head - cursor.position)

    async def _read(self, after: int) -> list[StoredEvent]:
        return [StoredEvent._make(row) for row in await self._pool.fetch(_READ, after, EVENTS)]

    async def _read_cursor(self) -> Cursor:
        row = await self._pool.fetchrow(_CURSOR)
        places = {
            int(partition): Place(place["position"], place["offset"])
            for partition, place in orjson.loads(row["partitions"]).items()
        }
        cursor = Cursor(row["position"], places, row["epoch"])
        head = await self._pool.fetchval("select coalesce(max(position), 0) from log.events")
        if cursor.position > head:
            raise Stopped(
                f"history forked: published up to {cursor.position}, the log ends at {head}"
            )
        return cursor

    async def _check_topic(self, cursor: Cursor) -> None:
        """Make sure the topic still holds what was acknowledged; else publish everything anew.

        Raises Stopped when what it holds is not of this log.
        """
        ends = await end_offsets(self._bootstrap, self._topic)
        for partition, place in cursor.places.items():
            if ends.get(partition, 0) <= place.offset:
                held = ends.get(partition, 0)
                why = f"partition {partition} ends at {held}, {place.offset + 1} were acknowledged"
                await self._begin_anew(cursor, why)
        used = [partition for partition, end in ends.items() if end > 0]
        if cursor.position == 0 and used:
            await self._require_ours(used[0])

    async def _require_ours(self, partition: int) -> None:
        """Refuse a topic that another log has filled: its readers could not tell whose is what."""
        first = await first_event(self._bootstrap, self._topic, partition)
        known = first and await self._pool.fetchval(_HASH, first.position)
        if first is None or known != first.hash:
            raise Stopped(
                f"the topic {self._topic} at {self._bootstrap} holds events of another log. A"
                " broker serves one log only: give this one a broker of its own in LEADS_KAFKA, or"
                " delete the topics leads.events, dialer.calls and dialer.calls.quarantine, if that"
                " log is gone"
            )

    async def _begin_anew(self, cursor: Cursor, why: str) -> None:
        """Set the cursor back under a new generation: readers then know that offsets changed."""
        await self._pool.execute(_ANEW, cursor.epoch)
        raise TopicLost(why)

    async def _move(
        self,
        cursor: Cursor,
        position: int,
        places: Mapping[int, Place],
        firsts: Mapping[int, int],
    ) -> None:
        """Move the cursor in one update, unless somebody else has."""
        before = cursor.position
        text = orjson.dumps(cursor.move(position, places, firsts)).decode()
        done = await self._pool.execute(_MOVE, position, text, before, cursor.epoch)
        if done != "UPDATE 1":
            raise Deposed


def _firsts(stored: Sequence[StoredEvent]) -> dict[int, int]:
    """Return the position of the first of these events in each partition."""
    firsts: dict[int, int] = {}
    for one in stored:
        firsts.setdefault(partition_of(one.stream_id), one.position)
    return firsts


async def seal_all(sealer: Sealer, stop: asyncio.Event) -> None:
    """Seal the log as it grows, as long as this process leads."""
    while not stop.is_set():
        try:
            while await sealer.step() is not None:
                if stop.is_set():
                    return
        except (*RETRYABLE, asyncpg.PostgresError) as error:
            logger().warning("not-sealed", why=type(error).__name__)
        await pause(stop, SEAL_SECONDS)


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Lead whenever nobody else does, until stopped."""
    pool = await connect_pool(settings.database_url, "leads_command", largest=4)
    anchor = settings.data_dir / "seals.ndjson"
    try:
        if settings.transport == "log":
            logger().warning("idle", note="LEADS_TRANSPORT=log: nothing is published, only sealed")
        say_ready()
        while not stop.is_set():
            clock = SystemClock()
            relay = Relay(pool, settings.kafka, clock) if settings.transport == "kafka" else None
            sealer = Sealer(pool, SigningKey(settings.signing_key), clock, anchor)
            try:
                async with leadership(
                    settings.database_url, LEADER_LOCK, "relay", leading, stop
                ) as lost:
                    await _lead(relay, sealer, stop, lost)
            except (Deposed, *RETRYABLE, asyncpg.PostgresError) as error:
                logger().warning("not-leading", why=type(error).__name__)
                await pause(stop, BACK_OFF_SECONDS[0])
    finally:
        await close_pool(pool)


async def _lead(
    relay: Relay | None, sealer: Sealer, stop: asyncio.Event, lost: asyncio.Event
) -> None:
    """Publish and seal until told to stop, or until the lock is gone."""
    if stop.is_set():
        return
    over = asyncio.Event()
    work = [asyncio.create_task(seal_all(sealer, over), name="seal")]
    if relay is not None:
        work.append(asyncio.create_task(relay.lead(over), name="publish"))
    ends = [asyncio.create_task(event.wait()) for event in (stop, lost)]
    try:
        await asyncio.wait([*work, *ends], return_when=asyncio.FIRST_COMPLETED)
    finally:
        over.set()
        for end in ends:
            end.cancel()
        _, late = await asyncio.wait(work, timeout=STOP_SECONDS)
        for task in late:  # waiting for a broker that does not answer
            task.cancel()
        results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


if __name__ == "__main__":
    sys.exit(run_service("relay", main))
