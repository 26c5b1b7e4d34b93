"""One of several processes leads: who holds an advisory lock of PostgreSQL does the work.

The lock lives as long as its own connection does, so a leader that dies frees it at once.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
from prometheus_client import Gauge

from services.kit.background import pause
from services.kit.postgres import RETRYABLE
from services.kit.telemetry import logger

TRY_SECONDS = 0.5
CLOSE_SECONDS = 0.5


@asynccontextmanager
async def leadership(
    database_url: str, lock: int, name: str, leading: Gauge, stop: asyncio.Event
) -> AsyncIterator[asyncio.Event]:
    """Wait to become the leader of `lock`; yields an event that is set when that is lost.

    Also yields once `stop` is set. `leading` shows 1 while this process leads.
    """
    lost = asyncio.Event()
    connection = await asyncpg.connect(
        database_url,
        timeout=5.0,
        command_timeout=5.0,
        server_settings={"role": "leads_command", "application_name": f"leads_{name}_leader"},
    )
    try:
        connection.add_termination_listener(lambda _: lost.set())
        waited = False
        while not stop.is_set():
            if await connection.fetchval("select pg_try_advisory_lock($1)", lock):
                leading.set(1)
                break
            if not waited:
                logger().info("waiting", note=f"another {name} leads")
                waited = True
            await pause(stop, TRY_SECONDS)
        yield lost
    finally:
        leading.set(0)
        with suppress(*RETRYABLE):
            await connection.close(timeout=CLOSE_SECONDS)
