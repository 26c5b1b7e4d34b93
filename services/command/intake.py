"""`python -m services.command.intake`: calls from the dialer topic into the streams of their leads.

Offsets move only after the append, in a table of ours; what is delivered twice is recorded once.
So the process may be killed between any two lines. A second one stands by.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Sequence

import asyncpg
from prometheus_client import Counter, Gauge

from schemas.catalogue import EVENTS
from schemas.dialer_call import TOPIC
from services.command.domain.facts import Actor
from services.command.intake_batch import UNAVAILABLE, Intake, Outcome
from services.command.intake_offsets import LEASE_SECONDS, Held, IntakeOffsets
from services.command.intake_topic import CallsTopic, Fetched, TopicUnavailable
from services.command.state_cache import StateCache
from services.kit.background import pause, run_service, say_ready
from services.kit.clock import SystemClock
from services.kit.codec import EventCodec
from services.kit.eventlog import EventLog
from services.kit.failpoints import at
from services.kit.feed import PARTITIONS
from services.kit.ids import new_id
from services.kit.keys import open_keys
from services.kit.postgres import RETRYABLE, close_pool, connect_pool
from services.kit.publisher import PublishFailed
from services.kit.settings import Settings
from services.kit.telemetry import logger

ACTOR = Actor("service:intake", "dialer")
"""Records of the topic carry no proof of who sent them; the cause names dialer and call."""

WAIT_MS = 200
BACK_OFF_SECONDS = (0.2, 5.0)

calls_total = Counter("leads_intake_calls_total", "Payloads from dialers, by outcome", ["outcome"])
aside_total = Counter("leads_intake_quarantined_total", "Payloads put aside, by reason", ["code"])
unknown_total = Counter("leads_intake_unknown_fields_total", "Payloads with fields nobody knows")
held_partitions = Gauge("leads_intake_partitions", "Partitions of the dialer topic held here")

RARE_COLLECTIONS = (200_000, 20, 100)
"""A batch makes hundreds of thousands of objects and no cycles; looking for some took a third."""

RECOVERABLE: tuple[type[BaseException], ...] = (TopicUnavailable, PublishFailed, *UNAVAILABLE)


class Consumer:
    """Reads the topic on the partitions it holds and takes the calls in."""

    def __init__(
        self, intake: Intake, offsets: IntakeOffsets, topic: CallsTopic, partitions: int
    ) -> None:
        """Hold what is free of `partitions` partitions."""
        self._intake = intake
        self._offsets = offsets
        self._topic = topic
        self._partitions = partitions
        self._held: dict[int, Held] = {}
        self._leased_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Take calls in until `stop` is set; raises what makes it necessary to begin anew."""
        try:
            while not stop.is_set():
                await self._keep_leases()
                if not self._held:
                    await pause(stop, 1.0)
                    continue
                fetched = await self._topic.fetch(WAIT_MS)
                if fetched.after:
                    await self._take_in(fetched)
        finally:
            held_partitions.set(0)

    async def _keep_leases(self) -> None:
        if time.monotonic() - self._leased_at < LEASE_SECONDS / 5:
            return
        self._leased_at = time.monotonic()
        ours = await self._offsets.renew(self._held) if self._held else set()
        lost = self._held.keys() - ours
        taken = []
        if len(ours) < self._partitions:
            taken = await self._offsets.take(self._partitions)
        if lost or taken:
            self._drop(lost)
            self._held.update((one.partition, one) for one in taken)
            await self._assign()

    def _drop(self, partitions: set[int]) -> None:
        for one in partitions:
            del self._held[one]

    async def _assign(self) -> None:
        begins = await self._topic.assign({one: h.next_offset for one, h in self._held.items()})
        elsewhere = {one: at for one, at in begins.items() if at != self._held[one].next_offset}
        if elsewhere:
            await self._move(elsewhere)
        held_partitions.set(len(self._held))
        logger().info("partitions-held", partitions=sorted(self._held))

    async def _take_in(self, fetched: Fetched) -> None:
        outcomes = await self._intake.take_in(fetched.arrivals, ACTOR)
        at("intake.before_commit")
        lost = await self._move(fetched.after)
        if lost:
            self._drop(lost)
            await self._assign()
        await self._topic.tell(fetched.arrivals, outcomes)
        count(outcomes)

    async def _move(self, after: dict[int, int]) -> set[int]:
        """Move the offsets; return the partitions that belong to somebody else by now."""
        moved = await self._offsets.move(self._held, after)
        for one in moved:
            self._held[one] = Held(one, after[one], self._held[one].epoch)
        return after.keys() - moved


def count(outcomes: Sequence[Outcome]) -> None:
    """Add what became of payloads to the metrics."""
    for one in outcomes:
        calls_total.labels(one.kind).inc()
        if one.code:
            aside_total.labels(one.code).inc()
        if one.unknown_fields:
            unknown_total.inc()


async def consume(
    intake: Intake,
    offsets: IntakeOffsets,
    bootstrap: str,
    stop: asyncio.Event,
    topic: str = TOPIC,
    partitions: int = PARTITIONS,
) -> None:
    """Take calls in until stopped, beginning anew after every fault."""
    shortest, longest = BACK_OFF_SECONDS
    delay = shortest
    while not stop.is_set():
        began = time.monotonic()
        connection = CallsTopic(bootstrap, topic)
        try:
            await connection.start({topic: partitions, f"{topic}.quarantine": 1})
            await Consumer(intake, offsets, connection, partitions).run(stop)
        except RECOVERABLE as error:
            logger().warning("beginning-anew", why=type(error).__name__)
            delay = shortest if time.monotonic() - began > longest else min(delay * 2, longest)
            await pause(stop, delay)
        finally:
            await connection.stop()
            await _release(offsets)


async def _release(offsets: IntakeOffsets) -> None:
    """Let go of the partitions; when the database is away the leases run out by themselves."""
    try:
        await offsets.release()
    except (*RETRYABLE, asyncpg.PostgresError) as error:
        logger().warning("leases-not-released", why=type(error).__name__)


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Take calls in whenever nobody else does, until stopped."""
    gc.set_threshold(*RARE_COLLECTIONS)
    pool = await connect_pool(settings.database_url, "leads_command", largest=6)
    try:
        keys = await open_keys(settings.master_key, pool)
        async with EventLog(pool, EventCodec(EVENTS), keys) as log:
            intake = Intake(log, StateCache(log), SystemClock())
            say_ready()
            await consume(intake, IntakeOffsets(pool, TOPIC, new_id()), settings.kafka, stop)
    finally:
        await close_pool(pool)


if __name__ == "__main__":
    sys.exit(run_service("intake", main))
