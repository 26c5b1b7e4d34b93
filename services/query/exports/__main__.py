"""`python -m services.query.exports`: write the exports that wait, then end.

Whoever starts it keeps its standard input open: when that ends, so does this.
"""

import asyncio
import os
import sys
import threading

from services.kit.background import run_service
from services.kit.clock import SystemClock
from services.kit.keys import MasterKey
from services.kit.settings import Settings
from services.query.app import connected
from services.query.exports.writing import Writer


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Write until nothing waits, or `stop` is set."""
    loop = asyncio.get_running_loop()

    def watch() -> None:
        # Not by the buffer: a thread that waits in it aborts the process at its end.
        while os.read(sys.stdin.fileno(), 4_096):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, daemon=True).start()
    async with connected(settings, SystemClock(), largest=3) as reading:
        await Writer(reading, MasterKey(settings.master_key), stop).write_waiting()


if __name__ == "__main__":
    sys.exit(run_service("export", main))
