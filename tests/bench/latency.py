"""From a command's answer to its change being visible, through Kafka, at 500 commands a second."""

import asyncio
import time
from collections import deque

import asyncpg
import orjson

from services.kit.postgres import connect_pool
from services.kit.settings import read_settings
from services.projections.progress import PROGRESS, visible_in, visible_position
from tests.bench.bare_kafka import produce_to_upsert
from tests.bench.commanded import PER_SECOND, change_owner
from tests.bench.harness import Result, Stack, percentile
from tests.bench.http_load import Connection, connect, evenly
from tests.bench.served import make_leads

WARM_SECONDS, SECONDS = 4, 16
LEADS, CONNECTIONS = 2_000, 32
LOOK_SECONDS = 0.002
BARE_SECONDS = 6
P50_MS, P99_MS = 25, 150


async def run(stack: Stack) -> Result:
    """Send commands at an even pace, and note when each position becomes visible."""
    services = await stack.services()
    assert services.servers.transport == "kafka", "this is about Kafka"
    settings = read_settings(services.servers.environ)
    leads, key = await make_leads(settings, LEADS)
    port = int(services.address.rpartition(":")[2])
    pool = await connect_pool(settings.database_url, "leads_query", largest=1)
    watch = _Watch(pool)
    connections = await connect(port, CONNECTIONS)
    try:
        watching = asyncio.ensure_future(watch.run())
        while await visible_position(pool) < await head(pool):
            await asyncio.sleep(0.1)
        late = await _pace(connections, leads, key, watch)
        async with asyncio.timeout(30):
            while watch.waiting:
                await asyncio.sleep(0.05)
        watching.cancel()
    finally:
        for connection in connections:
            connection.close()
        await pool.close()
    warm = WARM_SECONDS * PER_SECOND
    took = [seconds * 1e3 for asked, seconds in watch.took if asked >= warm]
    p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
    servers = services.servers
    bare = await produce_to_upsert(settings.kafka, servers.owner_url, PER_SECOND, BARE_SECONDS)
    reference = {"bare produce, consume, upsert": percentile([one * 1e3 for one in bare], 0.5)}
    relayed = [seconds * 1e3 for asked, seconds in watch.relayed if asked >= warm]
    detail = {
        "p99": p99,
        "most": max(took),
        "of p50 until published": percentile(relayed, 0.5),
        "p99 until published": percentile(relayed, 0.99),
        "commands": len(took),
        "sent late": late,
    }
    target = f"p50 ≤ {P50_MS} ms, p99 ≤ {P99_MS} ms"
    held = p50 <= P50_MS and p99 <= P99_MS
    ratio = p50 / next(iter(reference.values()))
    return Result("latency", p50, "ms p50", target, held, reference, ratio, detail)


async def head(pool: "asyncpg.Pool[asyncpg.Record]") -> int:
    """The last position of the log."""
    return int(await pool.fetchval("select coalesce(max(position), 0) from log.events"))


class _Watch:
    """Looks which position is published and which visible, and says how long each answered
    command took to be.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self.waiting: deque[tuple[int, int, float]] = deque()
        self._unpublished: deque[tuple[int, int, float]] = deque()
        self.took: list[tuple[int, float]] = []
        self.relayed: list[tuple[int, float]] = []

    def answered(self, number: int, position: int) -> None:
        one = number, position, time.perf_counter()
        self.waiting.append(one)
        self._unpublished.append(one)

    async def run(self) -> None:
        while True:
            row = await self._pool.fetchrow(f"select {PROGRESS}")
            now = time.perf_counter()
            self.waiting, seen = _parted(self.waiting, visible_in(row), now)
            self.took += seen
            self._unpublished, seen = _parted(self._unpublished, row["relayed"], now)
            self.relayed += seen
            await asyncio.sleep(LOOK_SECONDS)


Waiting = deque[tuple[int, int, float]]


def _parted(waiting: Waiting, upto: int, now: float) -> tuple[Waiting, list[tuple[int, float]]]:
    """Return what still waits, and how long what does not any more took."""
    still = deque(one for one in waiting if one[1] > upto)
    return still, [(number, now - at) for number, position, at in waiting if position <= upto]


async def _pace(connections: list[Connection], leads: list[str], key: str, watch: _Watch) -> int:
    """Send at the pace whatever the answers do; return how many had to wait for a connection."""

    def heard(number: int, _: float, status: int, answer: bytes) -> None:
        assert status == 200, answer
        watch.answered(number, orjson.loads(answer)["position"])

    numbers = range(PER_SECOND * (WARM_SECONDS + SECONDS))
    return await evenly(connections, PER_SECOND, numbers, change_owner(leads, key), heard)
