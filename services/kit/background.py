"""How a process without HTTP routes runs: signals, log lines, metrics, one ready line, an exit
code.

`LEADS_METRICS_PORT` opens /metrics on the loopback; without it nothing listens.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import uvloop
from prometheus_client import start_http_server

from services.kit.listening import listen
from services.kit.settings import Settings, read_settings
from services.kit.telemetry import logger, set_up_logging

READY = "leads: ready"
GRACE_SECONDS = 2.5
CUT_SECONDS = 0.5
Main = Callable[[Settings, asyncio.Event], Awaitable[None]]


class Stopped(Exception):
    """The process cannot go on and says why; exit code 1. Its message holds no personal data."""


def run_service(name: str, main: Main) -> int:
    """Run `main(settings, stop)` until it returns; SIGTERM and SIGINT set `stop`.

    Three seconds after that it is cut off, wherever it is: a database or broker that does not
    answer holds up no end.
    """
    set_up_logging(name)
    collect_rarely()
    settings = read_settings()
    if settings.metrics_port:
        listen(settings.http_host, settings.metrics_port, "LEADS_METRICS_PORT").close()
        start_http_server(settings.metrics_port, addr=settings.http_host)
    try:
        uvloop.run(_until_stopped(main, settings))
    except Stopped as error:
        logger().error("stopped", why=str(error))
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    return 0


def collect_rarely() -> None:
    """Let the garbage collector look for cycles less often.

    Thousands of rows live at once and hold no cycles; looking through them took half the time.
    """
    gc.set_threshold(100_000, 20, 50)


async def _until_stopped(main: Main, settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    working = asyncio.ensure_future(main(settings, stop))
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        await asyncio.wait({working}, timeout=GRACE_SECONDS)
    if not working.done():
        logger().warning("cut-off", note="something that is away was waited for")
        working.cancel()
        await asyncio.wait({working}, timeout=CUT_SECONDS)
    if not working.done() or working.cancelled():
        sys.stdout.flush()
        os._exit(0)  # nothing is lost by it: everything here may be killed at any moment
    await working


def say_ready() -> None:
    """Tell whoever started us that we work."""
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not longer than until `stop` is set."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
