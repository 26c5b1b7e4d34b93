"""One projection worker on a full topic: events per second into all read models, steadily."""

import asyncio
import time

import asyncpg

from services.kit.postgres import connect_pool
from services.kit.settings import read_settings
from services.projections.progress import visible_position
from tests.bench.harness import Result, Stack, reached
from tests.bench.history import make_history

CLIENTS = 25_000
LOOK_SECONDS = 0.02


async def run(stack: Stack) -> Result:
    """Publish a history first, then let one worker apply it; from its first batch on."""
    servers = await stack.servers()
    assert servers.transport == "kafka", "this is about Kafka"
    settings = read_settings(servers.environ)
    events = await make_history(settings, CLIENTS)
    pool = await connect_pool(settings.database_url, "leads_query", largest=1)
    try:
        async with stack.service(servers.environ, "services.command.relay"):
            async with asyncio.timeout(120):
                while await pool.fetchval("select position from log.relay") < events:
                    await asyncio.sleep(0.1)
        async with stack.service(servers.environ, "services.projections"):
            rate = await _follow(pool, events)
    finally:
        await pool.close()
    return reached("projection", rate, "events/s", 30_000, {"events": events})


async def _follow(pool: "asyncpg.Pool[asyncpg.Record]", events: int) -> float:
    """Watch the worker come from its first batch to the end; return its rate in between."""
    first_at, first = 0.0, 0
    async with asyncio.timeout(240):
        while await visible_position(pool) < events:
            if not first:
                first = int(await pool.fetchval("select sum(next_offset) from read.offsets"))
                first_at = time.perf_counter()
            await asyncio.sleep(LOOK_SECONDS)
    return (events - first) / (time.perf_counter() - first_at)
