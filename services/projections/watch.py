"""Looks through the read models while everything runs, a few streams at a time, for ever: is each
row what the log says?

What differs twice, in two snapshots, is an alarm: a row of `read.differences`, a metric, a log
line, a warning in /readyz and /v1/stats. It ends when the rows are as they should be again. All
workers together spend a thirtieth of one worker's time on it at most.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from services.kit.background import pause
from services.kit.postgres import RETRYABLE
from services.kit.telemetry import logger
from services.projections import metrics
from services.projections.check import Checked, Comparison, Difference, whole_table
from services.projections.decoding import Decoder
from services.projections.folding import failure_text
from services.projections.registry import BY_NAME
from services.projections.streams import FIRST

STREAMS = 40
EVERY_SECONDS = 0.5
REST = 30
"""A step is followed by a rest of so many times its own duration, and EVERY_SECONDS at least."""
LATER_SECONDS = 10.0

_CLAIM = """
    update read.watch set looked_at = clock_timestamp()
    where looked_at < clock_timestamp() - make_interval(secs => $1) returning next_stream
"""
_NEXT = "select stream_id from log.streams where stream_id >= $1 order by stream_id limit $2"
_ON = """
    update read.watch set next_stream = $2, streams = streams + $3
    where next_stream = $1
"""
_ROUND = """
    update read.watch
    set next_stream = $2, streams = 0, round_streams = streams + $3, rounds = rounds + 1,
        round_ended_at = clock_timestamp()
    where next_stream = $1
"""
_KNOWN = "select model, key, what, stream_id from read.differences order by found_at"
_FOUND = """
    insert into read.differences (model, key, what, stream_id) values ($1, $2, $3, $4)
    on conflict (model, key) do update set what = excluded.what
"""
_MENDED = "delete from read.differences where model = $1 and key = $2"

_Look = Callable[[Comparison], Coroutine[Any, Any, None]]


class Watch:
    """One worker's share of looking."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        decoder: Decoder,
        every_seconds: float | None = None,
    ) -> None:
        """Look through `pool`, all workers together once in `every_seconds` at most."""
        self._pool = pool
        self._decoder = decoder
        self._every = EVERY_SECONDS if every_seconds is None else every_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop` is set. Whatever happens here, the worker goes on."""
        while not stop.is_set():
            began = time.monotonic()
            rest = self._every
            try:
                await self.step()
            except (*RETRYABLE, asyncpg.PostgresError) as error:  # such as a table just replaced
                logger().info("watch-waits", why=type(error).__name__)
            except Exception as error:  # noqa: BLE001 - named in the log; others must work on
                logger().error("watch-fails", why=failure_text(error))
                rest = LATER_SECONDS
            await pause(stop, max(rest, REST * (time.monotonic() - began)))

    async def step(self) -> bool:
        """Look at what differed before and at the next streams; False when it is not our turn."""
        low = await self._pool.fetchval(_CLAIM, self._every)
        if low is None:
            return False
        await self._look_again()
        streams = await self._pool.fetch(_NEXT, low, STREAMS + 1)
        high = streams[STREAMS]["stream_id"] if len(streams) > STREAMS else None

        async def look(comparison: Comparison) -> None:
            await comparison.between(low, high)
            if high is None:
                await comparison.whole_tables()

        checked, differing = await self._confirmed(look)
        for one in differing:
            await self._note(one)
        metrics.watched.inc(checked.streams)
        if high is None:
            await self._pool.execute(_ROUND, low, FIRST, checked.streams)
        else:
            await self._pool.execute(_ON, low, high, checked.streams)
        metrics.differences.set(await self._pool.fetchval("select count(*) from read.differences"))
        return True

    async def _look_again(self) -> None:
        """Let an alarm end whose row is as it should be."""
        known = await self._pool.fetch(_KNOWN)
        if not known:
            return
        streams = {row["stream_id"] for row in known if row["stream_id"] is not None}

        async def look(comparison: Comparison) -> None:
            for stream_id in sorted(streams):
                await comparison.between(stream_id, UUID(int=stream_id.int + 1))
            if any(row["stream_id"] is None for row in known):
                await comparison.whole_tables()

        _, differing = await self._confirmed(look)
        still = {(one.model, _text(one.key)) for one in differing}
        for row in known:
            if (row["model"], row["key"]) not in still:
                await self._pool.execute(_MENDED, row["model"], row["key"])
                logger().warning("read-model-mended", model=row["model"], key=row["key"])

    async def _confirmed(self, look: _Look) -> tuple[Checked, Sequence[Difference]]:
        """Return what differs in two looks: a key destroyed during one of them is no difference."""
        checked = await self._look(look)
        if not checked.differences:
            return checked, ()
        again = await self._look(look)
        first = {(one.model, one.key) for one in checked.differences}
        return again, [one for one in again.differences if (one.model, one.key) in first]

    async def _look(self, look: _Look) -> Checked:
        async with (
            self._pool.acquire() as reader,
            reader.transaction(isolation="repeatable_read", readonly=True),
        ):
            comparison = await Comparison.begin(reader, self._decoder)
            await look(comparison)
            return comparison.checked

    async def _note(self, one: Difference) -> None:
        key = _text(one.key)
        stream_id = None if whole_table(BY_NAME[one.model]) else UUID(one.key[0])
        await self._pool.execute(_FOUND, one.model, key, one.what, stream_id)
        logger().error("read-model-differs", model=one.model, key=key, what=one.what)


def _text(key: Sequence[str]) -> str:
    return "/".join(key)
