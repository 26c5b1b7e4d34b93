"""A file of 35 MB with eighty thousand leads: uploaded, previewed, imported, and once more.

By the worker as a process of its own, whose memory and processor time are measured too. Beside it,
the same leads made by the same decisions and nothing else: no file, no report, nothing to resume.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID

import httpx

from schemas.envelope import Origin
from schemas.organisation import ORGANISATION_ID
from services.command.app import open_commanding
from services.command.domain.decider import decide
from services.command.domain.facts import Facts
from services.command.domain.lead.creating import CreateLead
from services.command.domain.lead.state import Lead
from services.command.facts_loader import World
from services.command.handler import Commanding
from services.command.planning import plan
from services.kit.append import Appended, Commanded
from services.kit.clock import SystemClock
from services.kit.ids import new_id
from services.kit.settings import read_settings
from services.local.sample_data import CAMPAIGN
from tests.bench.bulk_work import ACTOR, peak_mb, runner
from tests.bench.harness import Result, Stack, tell
from tests.bench.served import environ, listening, make_leads

LEADS = 80_000
BARE = 20_000
CHUNK = 1_000
BYTES = 35_000_000
RATE, MEMORY_MB = 10_000, 250
COLUMNS = "Mobile,Full name,age,job,marital,education,balance,housing,ownership code,remark\n"
JOBS = ("retired", "services", "student", "technician")
TEAMS = ("north", "south")


async def run(stack: Stack) -> Result:
    """Measure upload, preview, import and the same file again."""
    bare = await bare_rate(stack)
    database = await stack.database()
    environment = environ(database, stack.folder / "data")
    settings = read_settings(environment)
    _, key = await make_leads(settings, 1)
    raw = "".join((COLUMNS, *lines())).encode()
    tell(f"   {len(raw) / 1e6:.1f} MB, {LEADS:,} rows; bare append {bare:,.0f} leads/s")
    async with listening("services.command", environment, stack.folder) as port:
        address = f"http://127.0.0.1:{port}"
        headers = {"authorization": f"Bearer {key}"}
        async with (
            httpx.AsyncClient(base_url=address, headers=headers, timeout=300) as client,
            runner(database.url) as process,
        ):
            drive = Drive(client, raw)
            rates = await drive.everything(process.pid)
            rates["memory of the worker, MB"] = peak_mb(process)
            rates["memory after the upload, MB"] = await drive.memory_mb()
    held = (
        rates["import"] >= RATE
        and rates["memory of the worker, MB"] <= MEMORY_MB
        and rates["memory after the upload, MB"] <= MEMORY_MB
    )
    value = rates.pop("import")
    return Result(
        "import-file", value, "rows/s", f"≥ {RATE:,} rows/s, ≤ {MEMORY_MB} MB", held,
        {"bare append": bare}, value / bare, rates,
    )  # fmt: skip


def leads() -> Iterator[dict[str, str]]:
    """People who are invented, with numbers of ranges reserved for fiction."""
    for number in range(LEADS):
        area, line = divmod(number, 100)
        yield {
            "phone": f"+1{200 + area}55501{line:02d}",
            "name": f"Client {number}",
            "age": str(18 + number % 70),
            "job": JOBS[number % 4],
            "marital": "single",
            "education": "tertiary",
            "balance": str(number),
            "housing": "yes",
            "ownership code": TEAMS[number % 2],
        }


def lines() -> Iterator[str]:
    """The rows of the file; its last column is long, and mapped to nothing."""
    remark = "x" * (BYTES // LEADS - 75)
    for one in leads():
        yield ",".join((*one.values(), remark)) + "\n"


class Drive:
    """Imports the file as anybody does, over HTTP."""

    def __init__(self, client: httpx.AsyncClient, raw: bytes) -> None:
        self._client = client
        self._raw = raw

    async def everything(self, worker: int) -> dict[str, float]:
        """Return rows a second of each step, and what the import took of the worker's time."""
        rates: dict[str, float] = {}
        one, rates["upload, MB/s"] = await self._uploaded()
        rates["preview"] = await self._step(one, "preview", "previewed", "preview")
        before = processor_seconds(worker)
        rates["import"] = await self._step(one, "run", "result", "result")
        took = processor_seconds(worker) - before
        rates["processor time of the worker, µs a row"] = took / LEADS * 1e6
        again, _ = await self._uploaded()
        rates["the same file again"] = await self._step(again, "run", "result", "result")
        return rates

    async def _uploaded(self) -> tuple[str, float]:
        began = perf_counter()
        answer = await self._client.post(
            "/v1/imports",
            params={"campaign_id": str(CAMPAIGN), "file_name": "clients.csv"},
            content=self._raw,
            headers={"content-type": "text/csv"},
        )
        rate = len(self._raw) / 1e6 / (perf_counter() - began)
        assert answer.status_code == 201, answer.text
        told = answer.json()
        settings = told["proposal"]["settings"]
        assert len(settings["columns"]) == 9, settings
        path = f"/v1/imports/{told['id']}/mapping"
        assert (await self._client.put(path, json=settings)).status_code == 200
        return told["id"], rate

    async def _step(self, one: str, verb: str, done: str, shown: str) -> float:
        began = perf_counter()
        answer = await self._client.post(f"/v1/imports/{one}/{verb}")
        assert answer.status_code == 202, answer.text
        while True:
            told: Mapping[str, Any] = (await self._client.get(f"/v1/imports/{one}")).json()
            assert not told["fault"], told
            if told[done]:
                rate = LEADS / (perf_counter() - began)
                tell(f"   {verb} {told[shown]}: {rate:,.0f}/s")
                return rate
            await asyncio.sleep(0.05)

    async def memory_mb(self) -> float:
        """Return what the service that took the uploads has now."""
        text = (await self._client.get("/metrics")).text
        line = next(one for one in text.splitlines() if one.startswith("process_resident_memory"))
        return float(line.split()[1]) / (1 << 20)


def processor_seconds(process: int) -> float:
    """Return what a process has had of the processors so far."""
    parts = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


async def bare_rate(stack: Stack) -> float:
    """Make leads by the thousand, each appended with a command of its own; return leads/s."""
    database = await stack.database()
    settings = read_settings(environ(database, stack.folder / "bare"))
    await make_leads(settings, 1)
    clock = SystemClock()
    async with open_commanding(settings, clock) as commanding:
        wanted = {ORGANISATION_ID: "organisation", CAMPAIGN: "campaign"}
        states: dict[UUID, Any] = await commanding.states.refresh(wanted)
        facts = Facts(clock.now(), ACTOR, states[ORGANISATION_ID], campaign=states[CAMPAIGN])
        rows = islice(leads(), BARE)
        began = perf_counter()
        storing: asyncio.Task[None] | None = None
        while chunk := list(islice(rows, CHUNK)):
            appends = [_append(commanding, facts, one) for one in chunk]
            if storing is not None:
                await storing
            storing = asyncio.create_task(_stored(commanding, appends))
        if storing is not None:
            await storing
        return BARE / (perf_counter() - began)


def _append(commanding: Commanding, facts: Facts, row: Mapping[str, str]) -> Any:
    fields: dict[str, Any] = {**row}
    del fields["phone"], fields["ownership code"]
    command = CreateLead(
        campaign_id=str(CAMPAIGN),
        phone=row["phone"],
        fields=fields,
        ownership_code=row["ownership code"],
        source="upload",
    )
    lead = new_id()
    world = World(lead, "lead", Lead(), facts, {})
    origin = Origin(ACTOR.id, "command:bench")
    made = plan(world, decide(Lead(), command, facts), origin, commanding.log.keys.master)
    return made.append(Commanded(new_id(), b""))


async def _stored(commanding: Commanding, appends: list[Any]) -> None:
    for result in await commanding.log.append_many(appends):
        assert isinstance(result, Appended), result
