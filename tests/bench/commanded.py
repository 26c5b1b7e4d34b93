"""500 commands a second, for as long as something else is measured beside them."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson

from services.command.first_start import team_id
from tests.bench.harness import Stack
from tests.bench.http_load import Connection, connect, post
from tests.bench.served import listening

PER_SECOND = 500
CONNECTIONS = 16
TEAMS = (team_id("North"), team_id("South"))


@dataclass
class Pace:
    """How many commands were carried out so far."""

    done: int = 0


@asynccontextmanager
async def commanded(
    stack: Stack, environment: dict[str, str], leads: Sequence[str], key: str
) -> AsyncIterator[Pace]:
    """Let a command service change the owners of these leads, one after the other, at an even pace,
    and a projection worker follow.
    """
    async with (
        listening("services.command", environment, stack.folder) as port,
        stack.service(environment, "services.projections"),
    ):
        pace = Pace()
        going = asyncio.ensure_future(_go(pace, port, leads, key))
        try:
            yield pace
        finally:
            going.cancel()
            await asyncio.gather(going, return_exceptions=True)


async def _go(pace: Pace, port: int, leads: Sequence[str], key: str) -> None:
    """Send commands as long as it may; one that is late is not made up for."""
    headers = f"authorization: Bearer {key}\r\n"
    free = asyncio.Queue[Connection]()
    for one in await connect(port, CONNECTIONS):
        free.put_nowait(one)

    async def ask(connection: Connection, number: int) -> None:
        body = orjson.dumps({"owner": f"team:{TEAMS[number // len(leads) % 2]}"})
        path = f"/v1/leads/{leads[number % len(leads)]}/change-owner"
        status, _ = await connection.ask(post(path, body, headers))
        free.put_nowait(connection)
        pace.done += status == 200

    began = time.perf_counter()
    async with asyncio.TaskGroup() as asking:
        number = 0
        while True:
            wait = began + number / PER_SECOND - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            asking.create_task(ask(await free.get(), number))
            number += 1
