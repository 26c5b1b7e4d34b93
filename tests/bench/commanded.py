"""500 commands a second, for as long as something else is measured beside them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count

import orjson

from services.command.first_start import team_id
from tests.bench.harness import Stack
from tests.bench.http_load import connect, evenly, post
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
    """Send commands as long as it may."""

    def heard(_: int, __: float, status: int, ___: bytes) -> None:
        pace.done += status == 200

    connections = await connect(port, CONNECTIONS)
    await evenly(connections, PER_SECOND, count(), change_owner(leads, key), heard)


def change_owner(leads: Sequence[str], key: str) -> Callable[[int], bytes]:
    """Return what makes the request of each number: one lead after the other to a team, and when
    all are done to another one.
    """
    headers = f"authorization: Bearer {key}\r\n"

    def make(number: int) -> bytes:
        body = orjson.dumps({"owner": f"team:{TEAMS[number // len(leads) % 2]}"})
        return post(f"/v1/leads/{leads[number % len(leads)]}/change-owner", body, headers)

    return make
