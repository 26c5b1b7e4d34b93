"""`python -m services.query.pasts`: build the past that waits, then end.

Whoever starts it keeps its standard input open: when that ends, so does this.
"""

import asyncio
import os
import sys
import threading

from services.kit.background import run_service
from services.kit.keys import KeyRing, MasterKey
from services.kit.postgres import connect_pool
from services.kit.settings import Settings
from services.projections.decoding import Decoder
from services.query.pasts.building import build_waiting


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Build one past, until `stop` is set."""
    loop = asyncio.get_running_loop()

    def watch() -> None:
        # Not by the buffer: a thread that waits in it aborts the process at its end.
        while os.read(sys.stdin.fileno(), 4_096):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, daemon=True).start()
    pool = await connect_pool(
        settings.database_url, "leads_projections", largest=3, statement_timeout_ms=0
    )
    try:
        decoder = Decoder(KeyRing(MasterKey(settings.master_key), pool, most=20_000))
        await build_waiting(pool, decoder, stop)
    finally:
        await pool.close()


if __name__ == "__main__":
    sys.exit(run_service("past", main))
