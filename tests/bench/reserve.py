"""Two hundred agents reserve their next dials from one list; no lead is given to two of them.

Every agent looks at the first page of what is free of the list and takes the lead at a place of its
own in it, as a dialer spreads its agents; whoever is refused looks again. With pages of a hundred,
two agents go for the same lead at every turn. A reservation is StartCall over HTTP to one process:
all checks of rule 10 and one append. A refusal reads the log first, so it costs more.
"""

import asyncio
from collections import Counter
from itertools import count, islice
from time import perf_counter

import asyncpg
import orjson

from services.command.app import open_commanding
from services.command.domain.organisation.commands import AddUser
from services.command.facts_loader import Order
from services.command.first_start import team_id
from services.kit.auth import Principal
from services.kit.clock import SystemClock
from services.kit.ids import new_id
from services.kit.settings import Settings, read_settings
from services.local.demo_keys import demo_keys
from services.local.sample_data import clients
from services.local.sample_leads import ACTOR
from tests.bench.harness import Result, Stack
from tests.bench.http_load import Connection, connect, post
from tests.bench.served import environ, listening, make_leads

AGENTS = 200
CLIENTS = 8_000
PAGE = 100
TARGET = 1_000
TEAM = "North"


async def run(stack: Stack) -> Result:
    """Reserve every lead of one team once."""
    database = await stack.database()
    environment = environ(database, stack.folder / "data")
    settings = read_settings(environment)
    await make_leads(settings, CLIENTS)
    agents = await _make_agents(settings)
    leads = [str(one.lead) for one in clients(CLIENTS) if one.team == TEAM]
    headers = f"authorization: Bearer {demo_keys(settings.data_dir)['dialer']}\r\n"
    async with listening("services.command", environment, stack.folder) as port:
        dialers = await connect(port, AGENTS)
        desk = _Desk(leads, headers)
        began = perf_counter()
        await asyncio.gather(
            *(
                desk.reserve(place, *pair)
                for place, pair in enumerate(zip(dialers, agents, strict=True))
            )
        )
        seconds = perf_counter() - began
        for one in dialers:
            one.close()
    doubled = await _doubled(database.owner_url, desk.given)
    rate = len(desk.given) / seconds
    detail: dict[str, float] = {
        "doubled": doubled,
        "asked/s": desk.asked / seconds,
        "refused": desk.refused,
    }
    detail["put off"] = desk.put_off
    held = rate >= TARGET and not doubled and len(desk.given) == len(leads)
    target = f"≥ {TARGET:,} reservations/s, 0 doubled"
    return Result("reserve", rate, "calls/s", target, held, detail=detail)


class _Desk:
    """The list as the dialer has it, and what became of its leads."""

    def __init__(self, leads: list[str], headers: str) -> None:
        self.given: Counter[str] = Counter()
        self.asked = self.refused = self.put_off = 0
        self._free = dict.fromkeys(leads)
        self._headers = headers
        self._calls = count()

    async def reserve(self, place: int, dialer: Connection, agent: str) -> None:
        """Take leads for one agent until none is free."""
        while page := list(islice(self._free, PAGE)):
            await self._start(dialer, agent, page[place % len(page)])

    async def _start(self, dialer: Connection, agent: str, lead: str) -> None:
        body = orjson.dumps({"call_id": f"call-{next(self._calls)}", "agent": agent})
        request = post(f"/v1/leads/{lead}/start-call", body, self._headers)
        status, said = await dialer.ask(request)
        while status == 503:  # Nothing was done: the process is cold, or the machine is busy.
            self.put_off += 1
            status, said = await dialer.ask(request)
        self.asked += 1
        if status == 200:
            self.given[lead] += 1
        else:
            codes = {one["code"] for one in orjson.loads(said).get("errors", ())}
            assert (status, "call-in-progress" in codes) == (409, True), said
            self.refused += 1
        self._free.pop(lead, None)


async def _make_agents(settings: Settings) -> list[str]:
    """Make the agents, all of one team."""
    made = [str(new_id()) for _ in range(AGENTS)]
    async with open_commanding(settings, SystemClock()) as commanding:
        for number, agent in enumerate(made):
            user = AddUser(id=agent, team=team_id(TEAM), role="agent", name=f"Agent {number}")
            await commanding.handle(Order(user, Principal("", ""), actor=ACTOR))
    return made


async def _doubled(owner_url: str, given: Counter[str]) -> int:
    """Count the leads given to two agents, by what they were told or by the log."""
    connection = await asyncpg.connect(owner_url)
    try:
        rows = await connection.fetch(
            "select stream_id, count(*) from log.events where type = 'lead.call_started'"
            " group by stream_id"
        )
    finally:
        await connection.close()
    started = Counter({str(row["stream_id"]): row["count"] for row in rows})
    assert started.keys() == given.keys(), "told and stored are not the same leads"
    return sum(started[lead] > 1 or given[lead] > 1 for lead in {*started, *given})
