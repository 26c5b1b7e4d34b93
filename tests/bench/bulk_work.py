"""Bulk jobs as benchmarks need them: leads with the histories of a real campaign, the runner as a
process of its own, a job driven from its request to its end.

Events of one lead lie scattered over the log, as they came.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg

from schemas.envelope import Origin
from schemas.organisation import ORGANISATION_ID
from services.command.bulk.tables import JobTables
from services.command.domain.bulk.commands import ExecuteBulk, RequestBulk
from services.command.domain.bulk.state import BulkJob
from services.command.domain.decider import Command, decide
from services.command.domain.facts import Actor, Facts
from services.command.domain.lead.calls import RecordCall
from services.command.domain.lead.state import Lead
from services.command.facts_loader import Order, World
from services.command.first_start import USERS, set_up, team_id
from services.command.handler import Commanding
from services.command.planning import plan
from services.kit.append import Append, Appended, Commanded
from services.kit.auth import Principal
from services.kit.background import READY
from services.kit.ids import new_id
from services.local.sample_data import CAMPAIGN, Client, calls_of, clients
from services.local.sample_leads import campaign_command, lead_command
from services.query.selection import DIGEST
from tests.bench.harness import tell

CHUNK = 2_000
MONTH = timedelta(days=30)
NORTH, SOUTH = f"team:{team_id('North')}", f"team:{team_id('South')}"
ADMIN = next(user for user in USERS if user.name == "admin")
ACTOR = Actor(f"user:{ADMIN.id}", "admin", ADMIN.id, team_id("Head office"))
ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def runner(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The bulk runner over this database."""
    environ = {
        **os.environ,
        "LEADS_DATABASE_URL": url,
        "LEADS_TRANSPORT": "log",
        "LEADS_MASTER_KEY": bytes(range(32)).hex(),
        "LEADS_SIGNING_KEY": bytes(range(32)).hex(),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.command.bulk",
        env=environ,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert (await process.stdout.readline()).decode().strip() == READY
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def peak_mb(process: asyncio.subprocess.Process) -> float:
    """The most memory a process ever had, in MB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return peak / 1024


@dataclass(frozen=True)
class Drive:
    """Gives jobs about one selection, and says how many leads a second each step did."""

    commanding: Commanding
    selection: UUID
    count: int
    digest: str

    async def plan(
        self, command: str, fields: Mapping[str, Any], undoes: BulkJob | None = None
    ) -> tuple[BulkJob, float]:
        """Plan a command for all of the selection, or the undo of a job."""
        asked = RequestBulk(
            command=command,
            fields=dict(fields),
            selection=None if undoes else str(self.selection),
            undoes=undoes.id if undoes else None,
            selected=undoes.done.applied if undoes and undoes.done else self.count,
            digest="" if undoes else self.digest,
        )
        job, rate = await self._until("planned", asked, new_id())
        tell(f"   planned {job.planned}: {rate:,.0f}/s")
        return job, rate

    async def execute(self, job: BulkJob) -> tuple[BulkJob, float]:
        """Carry a plan out."""
        job, rate = await self._until("finished", ExecuteBulk(digest=job.plan), UUID(job.id))
        tell(f"   executed {job.done}: {rate:,.0f}/s")
        return job, rate

    async def _until(self, stage: str, command: Command, job: UUID) -> tuple[BulkJob, float]:
        await JobTables(self.commanding.log.pool).wake(job, ADMIN.id)
        began = perf_counter()
        await self.commanding.handle(Order(command, Principal("", ""), job, ACTOR))
        while True:
            state: BulkJob = (await self.commanding.states.refresh({job: "bulk"}))[job]
            if state.stage == stage:
                return state, self.count / (perf_counter() - began)
            await asyncio.sleep(0.02)


async def select_all(commanding: Commanding, owner_url: str) -> Drive:
    """Freeze every lead of the log, as the query service freezes those of its read model."""
    connection = await asyncpg.connect(owner_url)
    selection = new_id()
    try:
        await connection.execute(
            "insert into job.selected select $1, row_number() over (order by stream_id),"
            " stream_id, version from log.streams where category = 'lead'",
            selection,
        )
        count = await connection.fetchval("select count(*) from job.selected")
        found = await connection.fetchval(DIGEST, selection)
        await connection.execute("analyze job.selected, log.events, log.streams")
    finally:
        await connection.close()
    return Drive(commanding, selection, count, f"{count}.{found}")


async def make_leads(commanding: Commanding, count: int, *, six_events_each: bool = False) -> None:
    """Make leads of the campaign's clients, over and over, and record every call made to them, 2.8
    each. With `six_events_each` four in five are called as often again a month later.
    """
    await set_up(commanding, {})
    await commanding.handle(Order(campaign_command(), Principal("", ""), CAMPAIGN, ACTOR))
    wanted = {ORGANISATION_ID: "organisation", CAMPAIGN: "campaign"}
    states: dict[UUID, Any] = await commanding.states.refresh(wanted)
    facts = Facts(
        datetime.now(UTC),  # noqa: TID251 - a benchmark runs today
        Actor("service:sample", "admin"),
        organisation=states[ORGANISATION_ID],
        campaign=states[CAMPAIGN],
    )
    made: list[tuple[UUID, Lead, list[RecordCall]]] = []
    rows = islice(_over_and_over(), count)
    while chunk := list(islice(rows, CHUNK)):
        appends = []
        for lead, client in chunk:
            changes = {"owner": NORTH, "ownership_code": None, "pool_id": None}
            command = lead_command(client).model_copy(update=changes)
            append, state = _decided(commanding, facts, lead, Lead(), command)
            appends.append(append)
            calls = _calls(client)
            if six_events_each and client.number % 5:
                calls += [_a_month_later(call) for call in calls]
            made.append((lead, state, calls))
        await _stored(commanding, appends)
    tell(f"   {len(made):,} leads made")
    recorded = 0
    while made:
        called = []
        for start in range(0, len(made), CHUNK):
            appends = []
            for lead, state, calls in made[start : start + CHUNK]:
                append, after = _decided(commanding, facts, lead, state, calls.pop(0))
                appends.append(append)
                if calls:
                    called.append((lead, after, calls))
            recorded += len(appends)
            await _stored(commanding, appends)
        made = called
    tell(f"   {recorded:,} calls recorded")


def _over_and_over() -> Iterator[tuple[UUID, Client]]:
    turn = 0
    while True:
        for client in clients():
            yield UUID(f"01920000-5a00-7000-8{turn:03x}-{client.number:012x}"), client
        turn += 1


def _calls(client: Client) -> list[RecordCall]:
    return [
        RecordCall(
            call_id=call["call_id"],
            number=call["number"],
            agent=call["agent"],
            started_at=call["started_at"],
            ended_at=call["ended_at"],
            end_cause=call["end_cause"],
            disposition=call["disposition"],
            talk_seconds=call["talk_seconds"],
            contact_session_id=call["contact_session_id"],
        )
        for call in calls_of(client)
    ]


def _a_month_later(call: RecordCall) -> RecordCall:
    changes = {
        "call_id": f"{call.call_id}-again",
        "started_at": call.started_at + MONTH,
        "ended_at": call.ended_at and call.ended_at + MONTH,
    }
    return call.model_copy(update=changes)


def _decided(
    commanding: Commanding, facts: Facts, lead: UUID, state: Lead, command: Any
) -> tuple[Append, Lead]:
    world = World(lead, "lead", state, facts, {lead: state} if state.version else {})
    made = plan(
        world,
        decide(state, command, facts),
        Origin(facts.actor.id, "command:bench"),
        commanding.log.keys.master,
    )
    made.taken, made.numbers_added = [], []  # The same client comes more than once.
    return made.append(Commanded(new_id(), b"")), made.states[lead][1]


async def _stored(commanding: Commanding, appends: list[Append]) -> None:
    for result in await commanding.log.append_many(appends):
        assert isinstance(result, Appended), result
