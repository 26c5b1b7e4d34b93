"""Live activity for 500 clients while 500 commands a second change leads: how long after a command
was sent its event arrives, and that no client misses one.

Most clients are agents, who hear of their own leads; some see everything. The reference is when the
change is visible to reads at all.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from uuid import UUID

import asyncpg
import orjson

from schemas.organisation import ORGANISATION_ID
from services.command.app import open_commanding
from services.command.domain.facts import Actor
from services.command.domain.lead.ownership import ChangeOwner
from services.command.domain.organisation.commands import AddUser, IssueApiKey
from services.command.facts_loader import Order
from services.command.first_start import team_id
from services.kit.auth import Principal, make_key
from services.kit.clock import SystemClock
from services.kit.ids import new_id
from services.kit.postgres import connect_pool
from services.kit.settings import Settings, read_settings
from services.projections.progress import visible_position
from tests.bench.commanded import PER_SECOND
from tests.bench.grid import listener
from tests.bench.harness import Result, Stack, percentile, tell
from tests.bench.http_load import Connection, connect, evenly, post
from tests.bench.served import environ, listening, make_leads

CLIENTS, SEE_ALL = 500, 10
LEADS, CONNECTIONS = 2_000, 16
WARM_SECONDS, SECONDS = 3, 12
TARGET_MS = 300.0
LOOK_SECONDS = 0.005
_NOBODY = Principal("", "admin")
_ACTOR = Actor("service:bench", "admin")


@dataclass
class Heard:
    """When each position was sent, when it was visible, and when whoever heard it did."""

    sent: dict[int, float] = field(default_factory=dict)
    visible: dict[int, float] = field(default_factory=dict)
    arrivals: list[tuple[int, float]] = field(default_factory=list)


class Client(asyncio.Protocol):
    """One client of the stream: notes the id of every event and when it came."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._rest = b""
        self.events = 0
        self.errors = 0
        self.following = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"id: "):
                self.events += 1
                self._heard.arrivals.append((int(line[4:]), now))
            elif line.startswith(b": following"):
                self.following.set()
            elif line.startswith(b"event: error"):
                self.errors += 1


async def run(stack: Stack) -> Result:
    """Let everybody listen, then send commands at an even pace."""
    database = await stack.database()
    folder = stack.folder / "stream"
    environment = environ(database, folder)
    settings = read_settings(environment)
    leads, admin = await make_leads(settings, LEADS)
    tell(f"   letting {CLIENTS} clients in")
    keys = await _let_in(settings, leads)
    async with (
        listening("services.command", environment, folder) as commands,
        stack.service(environment, "services.projections"),
        listening("services.query", environment, folder) as queries,
        _pool(settings) as pool,
    ):
        while await visible_position(pool) < await _head(pool):
            await asyncio.sleep(0.1)
        heard = Heard()
        everybody = [*keys, *[admin] * SEE_ALL]
        clients = [await _listen(queries, key, heard) for key in everybody]
        async with asyncio.timeout(60):
            for client in clients:
                await client.following.wait()
        service = listener(queries)
        worked, began = cpu_seconds(service), time.perf_counter()
        watching = asyncio.ensure_future(_watch(pool, heard))
        sent = await _pace(await connect(commands, CONNECTIONS), leads, admin, heard)
        busy = (cpu_seconds(service) - worked) / (time.perf_counter() - began)
        await _settled(clients, sent)
        watching.cancel()
        for client in clients:
            client.transport.close()
    return _result(heard, clients, sent, busy)


def _result(heard: Heard, clients: Sequence[Client], sent: int, busy: float) -> Result:
    warm = sorted(heard.sent)[PER_SECOND * WARM_SECONDS]
    took = [(at - heard.sent[p]) * 1e3 for p, at in heard.arrivals if p >= warm and p in heard.sent]
    shown = [(at - heard.sent[p]) * 1e3 for p, at in heard.visible.items() if p >= warm]
    complete = all(one.events == sent for one in clients[-SEE_ALL:])
    told_once = sum(one.events for one in clients) == sent * (SEE_ALL + 1)
    errors = sum(one.errors for one in clients)
    p99 = percentile(took, 0.99)
    return Result(
        "stream",
        p99,
        "ms p99",
        f"≤ {TARGET_MS:.0f} ms after the command, {CLIENTS} clients, none missed",
        p99 <= TARGET_MS and complete and told_once and not errors,
        {"visible p99 ms": percentile(shown, 0.99)},
        p99 / percentile(shown, 0.99),
        {
            "p50": percentile(took, 0.5),
            "most": max(took),
            "commands": sent,
            "heard": len(heard.arrivals),
            "dropped": errors,
            "query service, processors": busy,
            "complete": "yes" if complete and told_once else "NO",
        },
    )


async def _let_in(settings: Settings, leads: Sequence[str]) -> list[str]:
    """Make an agent for each client that does not see everything, and give them the leads."""
    agents = [(str(new_id()), make_key()) for _ in range(CLIENTS - SEE_ALL)]
    users = [
        Order(
            AddUser(id=agent, team=team_id("North"), role="agent", name=f"Agent {number}"),
            _NOBODY,
            ORGANISATION_ID,
            actor=_ACTOR,
        )
        for number, (agent, _) in enumerate(agents)
    ]
    issued = [
        Order(
            IssueApiKey(user=agent, key_id=key.key_id, secret_hash=key.secret_hash),
            _NOBODY,
            ORGANISATION_ID,
            actor=_ACTOR,
        )
        for agent, key in agents
    ]
    owners = [
        Order(
            ChangeOwner(owner=f"user:{agents[number % len(agents)][0]}"),
            _NOBODY,
            UUID(lead),
            actor=_ACTOR,
        )
        for number, lead in enumerate(leads)
    ]
    async with open_commanding(settings, SystemClock()) as commanding:
        for order in (*users, *issued):  # one stream: one after the other
            assert not (await commanding.handle(order)).is_problem
        for place in range(0, len(owners), 200):
            answers = [commanding.handle(order) for order in owners[place : place + 200]]
            assert not any(one.is_problem for one in await asyncio.gather(*answers))
    return [key.text for _, key in agents]


@asynccontextmanager
async def _pool(settings: Settings) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    pool = await connect_pool(settings.database_url, "leads_query", largest=2)
    try:
        yield pool
    finally:
        await pool.close()


async def _head(pool: "asyncpg.Pool[asyncpg.Record]") -> int:
    return int(await pool.fetchval("select coalesce(max(position), 0) from log.events"))


async def _listen(port: int, key: str, heard: Heard) -> Client:
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_connection(lambda: Client(heard), "127.0.0.1", port)
    request = f"GET /v1/activity HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n\r\n"
    transport.write(request.encode())
    return client


async def _watch(pool: "asyncpg.Pool[asyncpg.Record]", heard: Heard) -> None:
    waiting = 0
    while True:
        visible = await visible_position(pool)
        now = time.perf_counter()
        for position in sorted(heard.sent)[waiting:]:
            if position > visible:
                break
            heard.visible[position] = now
            waiting += 1
        await asyncio.sleep(LOOK_SECONDS)


def cpu_seconds(pid: int) -> float:
    """Return the processor seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _pace(
    connections: Sequence[Connection], leads: Sequence[str], key: str, heard: Heard
) -> int:
    """Send at the pace; return how many commands made an event."""
    headers = f"authorization: Bearer {key}\r\n"

    def make(number: int) -> bytes:
        body = orjson.dumps({"priority": 1 + number // len(leads) % 2})
        return post(f"/v1/leads/{leads[number % len(leads)]}/set-priority", body, headers)

    def answered(_: int, sent: float, status: int, answer: bytes) -> None:
        assert status == 200, answer
        heard.sent[orjson.loads(answer)["position"]] = sent

    numbers = range(PER_SECOND * (WARM_SECONDS + SECONDS))
    await evenly(connections, PER_SECOND, numbers, make, answered)
    for one in connections:
        one.close()
    return len(heard.sent)


async def _settled(clients: Sequence[Client], sent: int) -> None:
    """Wait until those who see everything have heard everything, 20 s at most."""
    try:
        async with asyncio.timeout(20):
            while any(one.events < sent for one in clients[-SEE_ALL:]):
                await asyncio.sleep(0.1)
    except TimeoutError:
        return
