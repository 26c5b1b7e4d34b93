"""Inside the query service: starts a writer when an export waits.

Every query process has a desk; they need not know of each other.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from services.kit.http import failure
from services.kit.telemetry import logger
from services.query.exports import files

LOOK_SECONDS = 0.25


class Desk:
    """Looks now and then whether there is something to write."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """Look with a pool that acts as leads_query."""
        self._pool = pool
        self._writer: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Look until cancelled; then the writer is told to stop."""
        try:
            while True:
                try:
                    await self._look()
                except Exception as error:  # noqa: BLE001 - a database that is away comes back
                    logger().warning("exports-desk-fault", **failure(error))
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await self._stop()

    async def _look(self) -> None:
        if self._writer is not None and self._writer.returncode is None:
            return
        if await files.waits(self._pool):
            self._writer = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "services.query.exports",
                stdin=asyncio.subprocess.PIPE,
                env={**os.environ, "LEADS_METRICS_PORT": "0"},
            )

    async def _stop(self) -> None:
        writer = self._writer
        if writer is None or writer.returncode is not None:
            return
        assert writer.stdin is not None
        writer.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            await writer.wait()


@asynccontextmanager
async def open_desk(pool: "asyncpg.Pool[asyncpg.Record]") -> AsyncIterator[None]:
    """Keep a desk at work until the end of the block."""
    task = asyncio.create_task(Desk(pool).run(), name="desk of the exports")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
