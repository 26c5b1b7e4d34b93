"""The projection worker: take partitions, read what follows, fold, write, for ever.

While one group of batches is being written, the next one is read and folded. Whenever something
does not go as foreseen, nothing in memory counts any more: the worker reads again where its
partitions stand and goes on from there.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg
import orjson

from services.kit.background import Stopped, pause
from services.kit.clock import Clock
from services.kit.feed import Batch, Feed, FeedLost, FeedUnavailable
from services.kit.postgres import RETRYABLE
from services.kit.telemetry import logger
from services.projections import metrics
from services.projections.decoding import Decoder
from services.projections.folding import Folder, TooManyParked
from services.projections.history import HistoryForked
from services.projections.leases import HEARTBEAT_SECONDS, Leases
from services.projections.model import ReadModel
from services.projections.registry import BY_CATEGORY, MODELS
from services.projections.tables import LOCK_REBUILD, Drifted, ModelStale, Tables
from services.projections.writing import (
    Fenced,
    Group,
    Switched,
    held_epochs,
    write,
)

POLL_MS = 200
BACK_OFF_SECONDS = (0.1, 5.0)
LOST_SECONDS = 30.0
AGAIN_SECONDS = 0.05
FEW_EVENTS = 200


class Pace(NamedTuple):
    """Batches of few events begin no sooner after each other than so many `times` as long as one
    took to write, and `seconds` at most: a batch costs many times what an event in it does, and
    meanwhile more of them come.
    """

    times: float
    seconds: float


PACE = Pace(1.5, 0.05)
PACE_BESIDE_REBUILD = Pace(8.0, 0.25)
"""While a read model is rebuilt: the rebuild has what a worker leaves it of the machine."""

_PUBLISHED = """
    select epoch, partitions, (select coalesce(max(position), 0) from log.events) as head,
      exists (
        select from pg_locks where locktype = 'advisory' and classid = $1 and granted
          and database = (select oid from pg_database where datname = current_database())
      ) as rebuilding
    from log.relay
"""

FeedMaker = Callable[[int], Feed]
"""Makes a feed of this generation of the topic (`epoch` of log.relay)."""


class Unsettled(Exception):
    """Memory and database may differ: read again where the partitions stand."""


class Worker:
    """One worker. Several share the partitions among them; one is enough."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        decoder: Decoder,
        make_feed: FeedMaker,
        worker: UUID,
        clock: Clock,
        models: Sequence[ReadModel] = MODELS,
    ) -> None:
        """Apply `models` through `pool`, reading the feeds that `make_feed` makes."""
        self._pool = pool
        self._make_feed = make_feed
        self._clock = clock
        self._models = models
        by_category = {
            category: tuple(model for model in found if model in models)
            for category, found in BY_CATEGORY.items()
        }
        by_category.update(
            (model.category, tuple(one for one in models if one.category == model.category))
            for model in models
        )
        self._folder = Folder(pool, decoder, by_category)
        self.leases = Leases(pool, worker)
        self._tables: Tables | None = None
        self._writing: asyncio.Task[bool] | None = None
        self._generation = 0
        self._renewed_at = 0.0
        self._pace = PACE
        self._next_at = 0.0
        self._took = 0.0
        self._lost_since: float | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish what is being written and give the partitions back.

        Raises Stopped when it must not go on: forked history, too many parked streams, a feed that
        stays lost, read models of another version.
        """
        shortest, longest = BACK_OFF_SECONDS
        delay = shortest
        while not stop.is_set():
            started = time.monotonic()
            try:
                await self._work(stop)
            except (Drifted, Fenced, Switched, Unsettled) as error:
                metrics.fenced.inc()
                logger().info("reading-again", why=type(error).__name__)
                await pause(stop, AGAIN_SECONDS)
                continue
            except FeedLost as error:
                self._bear_loss(error)
            except (HistoryForked, TooManyParked, ModelStale) as error:
                raise Stopped(f"{type(error).__name__}: {error}") from error
            except (FeedUnavailable, *RETRYABLE, asyncpg.PostgresError) as error:
                logger().warning("unavailable", why=str(error) or type(error).__name__)
            if time.monotonic() - started > longest:
                delay = shortest
            if not stop.is_set():
                await pause(stop, delay)
                delay = min(delay * 2, longest)
        await self._leave()

    def _bear_loss(self, error: FeedLost) -> None:
        """A lost topic is published anew by the relay; when that does not happen, somebody must
        look.
        """
        now = time.monotonic()
        if self._lost_since is None:
            self._lost_since = now
        if now - self._lost_since > LOST_SECONDS:
            raise Stopped(
                f"the events topic does not hold what comes next ({error}) and was not published"
                f" anew for {LOST_SECONDS:.0f} s: is the relay running?"
            )
        logger().warning("topic-lost", why=str(error))

    async def _leave(self) -> None:
        try:
            await self.leases.leave()
        except (*RETRYABLE, asyncpg.PostgresError) as error:
            logger().warning("leases-not-returned", why=type(error).__name__)

    async def _work(self, stop: asyncio.Event) -> None:
        self._generation = await self._read_generation()
        feed = self._make_feed(self._generation)
        try:
            await feed.start()
            await self._take_up(feed)
            while not stop.is_set():
                await self._step(feed, stop)
            await self._settle()
        finally:
            await feed.stop()
            await self._abandon()

    async def _step(self, feed: Feed, stop: asyncio.Event) -> None:
        if self._writing is None:
            await self._renew(feed)
        if (rest := self._next_at - time.monotonic()) > 0:
            await pause(stop, rest)
        batches = await feed.poll(POLL_MS)
        self._lost_since = None
        metrics.polled_at.set(self._clock.now().timestamp())
        if batches:
            await self._apply(feed, batches)
        elif self._writing is not None and self._writing.done():
            await self._settle()

    async def _apply(self, feed: Feed, batches: Sequence[Batch]) -> None:
        changes = await self._folder.fold(batches)
        await self._settle()
        if await self._renew(feed):  # now, because what is being written holds what it changes
            return
        assert self._tables is not None
        group = Group(feed.source, batches, held_epochs(self.leases.held), changes)
        times, most = self._pace
        rest = min(times * self._took, most) if changes.events < FEW_EVENTS else 0.0
        self._next_at = time.monotonic() + rest
        self._writing = asyncio.create_task(self._write(self._tables, group))

    async def _write(self, tables: Tables, group: Group) -> bool:
        started = time.monotonic()
        refused = await write(self._pool, self._models, tables, group)
        self._took = time.monotonic() - started
        metrics.batch_seconds.observe(self._took)
        metrics.applied.inc(group.changes.events)
        for batch in group.batches:
            held = self.leases.held.get(batch.partition)
            if held is not None:
                held.next_offset, held.position = batch.next, batch.position
            metrics.position.labels(batch.partition).set(batch.position)
        newest = max(
            (batch.events[-1].recorded_at for batch in group.batches if batch.events), default=None
        )
        if newest is not None:
            # The database says when it was recorded; its clock may be ahead of ours.
            metrics.visible_seconds.observe(max(0.0, (self._clock.now() - newest).total_seconds()))
        return refused

    async def _settle(self) -> None:
        """Wait for what is being written; raises what it raised."""
        writing, self._writing = self._writing, None
        if writing is not None and await writing:
            raise Unsettled

    async def _abandon(self) -> None:
        """Let what is being written end, whatever comes of it; memory is thrown away anyway."""
        writing, self._writing = self._writing, None
        if writing is not None:
            await asyncio.gather(writing, return_exceptions=True)

    async def _take_up(self, feed: Feed) -> None:
        """Read where everything stands and go on from there."""
        await self.leases.renew()
        await self.leases.reload()
        await self.leases.count_in(feed.source)
        self._renewed_at = time.monotonic()
        async with self._pool.acquire() as connection:
            self._tables = await Tables.read(connection, self._models)
            rows = await connection.fetch(
                "select stream_id, from_version from read.parked where partition = any($1)",
                list(self.leases.held),
            )
            metrics.parked.set(await connection.fetchval("select count(*) from read.parked"))
        self._folder.forget(self._tables, dict(rows))
        feed.assign({partition: held.start for partition, held in self.leases.held.items()})
        metrics.partitions.set(len(self.leases.held))
        logger().info("partitions", held=sorted(self.leases.held), source=feed.source)

    async def _renew(self, feed: Feed) -> bool:
        """Keep the leases when it is time, while nothing is being written.

        Returns whether the share has changed and everything was taken up anew; raises Unsettled
        when the topic has changed.
        """
        if time.monotonic() - self._renewed_at <= HEARTBEAT_SECONDS:
            return False
        self._renewed_at = time.monotonic()
        if await self._read_generation() != self._generation:
            raise Unsettled
        if not await self.leases.renew():
            return False
        await self._take_up(feed)
        return True

    async def _read_generation(self) -> int:
        """Return the generation of the topic, show how far behind each partition is, and see how
        close upon each other batches are to be.
        """
        row = await self._pool.fetchrow(_PUBLISHED, LOCK_REBUILD)
        self._pace = PACE_BESIDE_REBUILD if row["rebuilding"] else PACE
        published = orjson.loads(row["partitions"])
        metrics.lag.clear()
        for partition, held in self.leases.held.items():
            if held.source == "log":
                behind = row["head"] - held.position
            else:
                last = published.get(str(partition), {}).get("offset", -1)
                behind = last + 1 - held.next_offset
            metrics.lag.labels(partition).set(max(0, behind))
        return int(row["epoch"])
