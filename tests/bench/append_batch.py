"""Batches of 1,000 events: ours beside a bare insert of the same rows, two batches under way.

The figure is one append of 1,000 events to one stream, whose rows are the bare insert's rows.
Beside it stand appends that write more rows: a head per stream, a remembered answer per append.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import asyncpg

from services.kit.append import Append, Appended
from services.kit.eventlog import EventLog
from services.kit.ids import new_id
from tests.bench.append_single import META, STATE
from tests.bench.bare_table import INSERT_MANY, bare_pool, make_bare
from tests.bench.harness import Result, Stack, compared, rates_in_turns
from tests.kit.event_logs import WHEN, append, command, opened, priority, stream

BATCH = 1_000
BATCHES = 24
UNDER_WAY = 2
ROUNDS = 5
HASHES = [os.urandom(32) for _ in range(BATCH)]


async def run(stack: Stack) -> Result:
    """Measure one long stream, and beside it 1,000 streams, and 1,000 appends."""
    database = await stack.database()
    await make_bare(database.owner_url)
    pool = await bare_pool(database.url, UNDER_WAY)
    try:
        async with opened(database.url) as log:
            for shape in (many_streams, one_stream, many_appends):
                await ours(log, shape)
            rates = await rates_in_turns(
                ROUNDS,
                {
                    "1 append to 1 stream": lambda: ours(log, one_stream),
                    "bare unnest insert": lambda: bare(pool),
                    "1 append to 1,000 streams": lambda: ours(log, many_streams),
                    "1,000 appends": lambda: ours(log, many_appends),
                },
            )
    finally:
        await pool.close()
    return compared("append-batch", "events/s", rates, 0.8)


def many_streams() -> list[Append]:
    """What an import appends: a thousand leads come into being."""
    return [Append([command()], [stream(new_id(), 0, priority(7)) for _ in range(BATCH)])]


def one_stream() -> list[Append]:
    """A long story of one lead."""
    return [append(new_id(), 0, *[priority(7)] * BATCH)]


def many_appends() -> list[Append]:
    """What a bulk job or the intake appends: each with its own command and its own outcome."""
    return [append(new_id(), 0, priority(7)) for _ in range(BATCH)]


async def ours(log: EventLog, shape: Callable[[], list[Append]]) -> int:
    """Append batches, two under way."""

    async def write() -> None:
        for _ in range(BATCHES // UNDER_WAY):
            outcomes = await log.append_many(shape())
            assert all(isinstance(one, Appended) for one in outcomes)

    await asyncio.gather(*(write() for _ in range(UNDER_WAY)))
    return BATCH * BATCHES


async def bare(pool: "asyncpg.Pool[Any]") -> int:
    """The same rows into a table with the same indexes, without any guarantee."""

    async def write() -> None:
        async with pool.acquire() as connection:
            for _ in range(BATCHES // UNDER_WAY):
                rows = [
                    (WHEN, WHEN, new_id(), 1, 1, "lead.priority_changed", one, STATE, META, None)
                    for one in HASHES
                ]
                await connection.execute(INSERT_MANY, *(list(c) for c in zip(*rows, strict=True)))

    await asyncio.gather(*(write() for _ in range(UNDER_WAY)))
    return BATCH * BATCHES
