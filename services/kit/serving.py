"""Running an app: uvicorn on the loop of the process, drained when the process is told to stop."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from services.kit.direct import SHORT, Reply
from services.kit.errors import Malformed, TooLarge
from services.kit.http import unread_reply
from services.kit.listening import BACKLOG, listen

DRAIN_SECONDS_MAX = 8
SHORT_BYTES_MAX = 1 << 16
ADDRESS_BYTES_MAX = (1 << 16) - 1
"""What the parser takes."""

YOUNG_OBJECTS = 20_000
"""New objects before Python looks for cycles among them; its own 700 come every few requests."""


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol, and a short way in and out for what is there as a whole.

    ASGI's messages, and uvicorn's look at every byte of every header of an answer, cost a tenth of
    what a whole command does.
    """

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        scope: Any = cycle.scope
        scope[SHORT] = _ShortWay(cycle)
        super()._start_asgi_task(cycle, app)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request with a problem, as everything is answered."""
        text = f"An address has at most {ADDRESS_BYTES_MAX:,} bytes; ask in a body."
        too_long = len(getattr(self, "url", b"")) > ADDRESS_BYTES_MAX
        reply = unread_reply(TooLarge(text) if too_long else Malformed())
        self.transport.write(_whole(reply, (*reply.headers, (b"connection", b"close"))))
        self.transport.close()


class _ShortWay:
    """The short way of one request (a ShortWay of the HTTP kit)."""

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle

    def body(self) -> bytes | None:
        cycle = self._cycle
        if cycle.more_body or cycle.waiting_for_100_continue or len(cycle.body) > SHORT_BYTES_MAX:
            return None
        return bytes(cycle.body)

    def write(self, reply: Reply) -> bool:
        """Write an answer; the names and values of its headers are our own, and not looked
        through again.
        """
        cycle = self._cycle
        if cycle.response_started or cycle.flow.write_paused or not cycle.keep_alive:
            return False
        cycle.response_started = cycle.response_complete = True
        if not cycle.disconnected:
            cycle.transport.write(_whole(reply, (*cycle.default_headers, *reply.headers)))
        cycle.message_event.set()
        cycle.on_response()
        return True


def _whole(reply: Reply, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    lines = [b"%b: %b\r\n" % header for header in headers]
    return b"".join((STATUS_LINE[reply.status], *lines, b"\r\n", reply.body))


class _Server(uvicorn.Server):
    """uvicorn, except that a signal drains and the process then ends by itself with exit code 0."""

    announce: Callable[[int], None]

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.announce(self.servers[0].sockets[0].getsockname()[1])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    app: FastAPI,
    port: int,
    *,
    host: str = "127.0.0.1",
    ready: Callable[[int], None] = lambda port: None,
) -> None:
    """Answer on `host:port` until SIGTERM or SIGINT, then finish what is in flight within 8 s and
    return.

    Raises SettingsError when the port is taken. `ready` is called with the port in use (`port` 0
    takes a free one) once requests are accepted.
    """
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=65,
        timeout_graceful_shutdown=DRAIN_SECONDS_MAX,
    )
    server = _Server(config)
    server.announce = ready

    def drain() -> None:
        app.state.draining.set()
        server.should_exit = True

    # What was made at the start stays: no later look for cycles has to go through it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, drain)
    try:
        await server.serve([listen(host, port, "LEADS_HTTP_PORT")])
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
