"""One projection worker on a full topic: events per second into all read models, steadily."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path

import asyncpg

from services.kit.postgres import connect_pool
from services.kit.settings import read_settings
from services.local.process import Child
from services.projections.progress import visible_position
from services.projections.registry import BY_CATEGORY
from tests.bench.harness import Result, Stack
from tests.bench.history import make_history
from tests.bench.plain_fold import plain_fold

CLIENTS = 25_000
LOOK_SECONDS = 0.02
SELDOM = 10
"""Only at every so many looks is asked what the server's processes have used."""
TARGET = 30_000
TICKS = 100
"""/proc counts processor time in hundredths of a second."""


async def run(stack: Stack) -> Result:
    """Publish a history first, then let one worker apply it; from its first batch on.

    The reference is the same events folded without being read, decrypted anew or written. Calls
    come after the leads they are about; `of calls alone` is the rate once all leads are there.
    """
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
        async with stack.service(servers.environ, "services.projections") as worker:
            began = _busy_seconds()
            server = _Server(pool)
            rate, calls = await _follow(pool, events, server)
            busy = _busy_seconds() - began
            memory, seconds = _memory_mb(worker), _cpu_seconds(worker.pid)
    finally:
        await pool.close()
    fold = await plain_fold(settings, BY_CATEGORY["lead"])
    return Result(
        "projection",
        rate,
        "events/s",
        f"≥ {TARGET:,} events/s",
        rate >= TARGET,
        reference={"plain fold": fold},
        ratio=rate / fold,
        detail={
            "events": events,
            "of calls alone": calls,
            "µs of worker an event": seconds / events * 1e6,
            "of PostgreSQL": server.seconds / events * 1e6,
            "of all processes": busy / events * 1e6,
            "worker MB": memory,
        },
    )


class _Server:
    """The processor time of all processes of the database, those that end meanwhile too."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}

    async def look(self) -> None:
        for (pid,) in await self._pool.fetch("select pid from pg_stat_activity"):
            with suppress(FileNotFoundError, ProcessLookupError):
                self._last[pid] = _cpu_seconds(pid)
                self._first.setdefault(pid, self._last[pid])

    @property
    def seconds(self) -> float:
        """From the first look at each to the last."""
        return sum(last - self._first[pid] for pid, last in self._last.items())


async def _follow(
    pool: "asyncpg.Pool[asyncpg.Record]", events: int, server: _Server
) -> tuple[float, float]:
    """Watch the worker come from its first batch to the end; return its rate in between, and that
    from when all leads were there.
    """
    first_at, first = 0.0, 0
    calls_at, calls = 0.0, 0
    looks = 0
    async with asyncio.timeout(240):
        while (position := await visible_position(pool)) < events:
            if not first:
                first = int(await pool.fetchval("select sum(next_offset) from read.offsets"))
                first_at = time.perf_counter()
            if not calls and position > CLIENTS:
                calls, calls_at = position, time.perf_counter()
            if looks % SELDOM == 0:
                await server.look()
            looks += 1
            await asyncio.sleep(LOOK_SECONDS)
    ended = time.perf_counter()
    await server.look()
    return (events - first) / (ended - first_at), (events - calls) / (ended - calls_at)


def _memory_mb(child: Child) -> float:
    """The most memory the process ever had."""
    status = Path(f"/proc/{child.pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _busy_seconds() -> float:
    """The processor time of everything on this machine, the broker and the benchmark too."""
    user, nice, system, _, _, *more = Path("/proc/stat").read_text().splitlines()[0].split()[1:8]
    return sum(map(int, (user, nice, system, *more))) / TICKS
