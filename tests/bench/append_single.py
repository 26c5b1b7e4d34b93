"""Single appends by 64 writers: ours, the library's own PostgreSQL recorder, a bare insert."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from services.kit.eventlog import EventLog
from services.kit.ids import new_id
from tests.bench.bare_table import INSERT_ONE, bare_pool, make_bare
from tests.bench.harness import Database, Result, Stack, compared, rates_in_turns
from tests.kit.event_logs import ORIGIN, WHEN, append, opened, priority

WRITERS = 64
ROUNDS = 5
OURS, LIBRARY, BARE = 16_000, 1_500, 6_000
STATE = b'{"priority":7}'
META = b'{"actor":"user:00000000-0000-0000-0000-000000000001","cause":"command:test"}'
HASH = os.urandom(32)


async def run(stack: Stack) -> Result:
    """Measure appends of one event each, in turns."""
    database = await stack.database()
    await make_bare(database.owner_url)
    recorder = library_recorder(database)
    pool = await bare_pool(database.url, WRITERS)
    threads = ThreadPoolExecutor(WRITERS)
    try:
        async with opened(database.url) as log:
            await ours(log, 2_000)
            rates = await rates_in_turns(
                ROUNDS,
                {
                    "ours": lambda: ours(log, OURS),
                    "library recorder": lambda: library(recorder, threads),
                    "bare insert": lambda: bare(pool),
                },
            )
    finally:
        threads.shutdown()
        await pool.close()
        recorder.datastore.close()
    shape = {"writers": WRITERS, "against bare insert": rates["ours"] / rates["bare insert"]}
    return compared("append-single", "events/s", rates, 10, shape)


async def ours(log: EventLog, count: int) -> int:
    """Append events to streams of their own, one after another in each writer."""
    event = priority(7)

    async def write() -> None:
        for _ in range(count // WRITERS):
            await log.append(append(new_id(), 0, event))

    await asyncio.gather(*(write() for _ in range(WRITERS)))
    return count // WRITERS * WRITERS


def library_recorder(database: Database) -> PostgresApplicationRecorder:
    """The recorder the library gives by default, with enough connections for all."""
    parts = urlsplit(database.owner_url)
    datastore = PostgresDatastore(
        dbname=parts.path[1:],
        host=parts.hostname or "",
        port=parts.port or 0,
        user=parts.username or "",
        password=parts.password or "",
        pool_size=WRITERS,
        max_overflow=0,
    )
    recorder = PostgresApplicationRecorder(datastore, events_table_name="library_events")
    recorder.create_table()
    return recorder


async def library(recorder: PostgresApplicationRecorder, threads: ThreadPoolExecutor) -> int:
    """The same, as the library does it: in threads."""

    def write() -> None:
        for _ in range(LIBRARY // WRITERS):
            recorder.insert_events([StoredEvent(new_id(), 1, "lead.priority_changed", STATE)])

    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(threads, write) for _ in range(WRITERS)))
    return LIBRARY // WRITERS * WRITERS


async def bare(pool: "asyncpg.Pool[Any]") -> int:
    """One row at a time into a table with the same indexes, without any guarantee."""
    assert ORIGIN.cause == "command:test"

    async def write() -> None:
        async with pool.acquire() as connection:
            insert = await connection.prepare(INSERT_ONE)
            for _ in range(BARE // WRITERS):
                await insert.fetch(
                    *(WHEN, WHEN, new_id(), 1, 1, "lead.priority_changed", HASH, STATE, META, None)
                )

    await asyncio.gather(*(write() for _ in range(WRITERS)))
    return BARE // WRITERS * WRITERS
