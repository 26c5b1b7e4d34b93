"""Inside the query service: starts a builder when a past waits, erases and clears away.

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
from services.kit.keys import KeyRing, MasterKey
from services.kit.postgres import connect_pool
from services.kit.settings import Settings
from services.kit.telemetry import logger
from services.projections.decoding import Decoder
from services.query.pasts import jobs
from services.query.pasts.building import apply_erasures

LOOK_SECONDS = 0.5
CLEAR_EVERY = 20


class Desk:
    """Looks now and then whether there is something to do for the pasts."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", decoder: Decoder) -> None:
        """Work with a pool that acts as leads_projections."""
        self._pool = pool
        self._decoder = decoder
        self._builder: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Look until cancelled; then the builder is told to stop."""
        looks = 0
        try:
            while True:
                try:
                    await self._look(clear=looks % CLEAR_EVERY == 0)
                except Exception as error:  # noqa: BLE001 - a database that is away comes back
                    logger().warning("pasts-desk-fault", **failure(error))
                looks += 1
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await self._stop()

    async def _look(self, *, clear: bool) -> None:
        await apply_erasures(self._pool, self._decoder)
        if clear:
            await jobs.clear_away(self._pool)
        if self._builder is not None and self._builder.returncode is None:
            return
        if await jobs.waits(self._pool):
            self._builder = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "services.query.pasts",
                stdin=asyncio.subprocess.PIPE,
                env={**os.environ, "LEADS_METRICS_PORT": "0"},
            )

    async def _stop(self) -> None:
        builder = self._builder
        if builder is None or builder.returncode is not None:
            return
        assert builder.stdin is not None
        builder.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            await builder.wait()


@asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[None]:
    """Keep a desk at work until the end of the block."""
    pool = await connect_pool(settings.database_url, "leads_projections", largest=2)
    try:
        decoder = Decoder(KeyRing(MasterKey(settings.master_key), pool))
        task = asyncio.create_task(Desk(pool, decoder).run(), name="desk of the pasts")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    finally:
        await pool.close()
