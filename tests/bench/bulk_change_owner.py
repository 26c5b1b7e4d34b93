"""A hundred thousand leads with the histories of a real campaign get another owner, and back.

Planned, executed, undone by the bulk runner as a process of its own, whose memory is measured too.
Events of one lead lie scattered over the log, as they came.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg

from schemas.envelope import Origin
from schemas.organisation import ORGANISATION_ID
from services.command.domain.decider import decide
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
from services.kit.clock import SystemClock
from services.kit.ids import new_id
from services.local.sample_data import CAMPAIGN, Client, calls_of, clients
from services.local.sample_leads import campaign_command, lead_command
from services.query.selection import DIGEST
from tests.bench.harness import Result, Stack, tell
from tests.kit.event_logs import opened

LEADS = 100_000
CHUNK = 2_000
EXECUTE, PLAN, UNDO, MEMORY_MB = 8_000, 15_000, 8_000, 250
NORTH, SOUTH = f"team:{team_id('North')}", f"team:{team_id('South')}"
ADMIN = next(user for user in USERS if user.name == "admin")
ACTOR = Actor(f"user:{ADMIN.id}", "admin", ADMIN.id, team_id("Head office"))
ROOT = Path(__file__).parents[2]


async def run(stack: Stack) -> Result:
    """Measure plan, execution and undo."""
    database = await stack.database()
    async with opened(database.url, largest=8) as log:
        commanding = Commanding(log, SystemClock())
        await make_leads(commanding, LEADS)
        async with runner(database.url) as process:
            rates = await measured(commanding, database.owner_url)
            status = Path(f"/proc/{process.pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    rates["memory, MB"] = peak / 1024
    held = (
        rates["execute"] >= EXECUTE
        and rates["plan"] >= PLAN
        and rates["undo"] >= UNDO
        and rates["memory, MB"] <= MEMORY_MB
    )
    target = f"≥ {EXECUTE:,} leads/s, plan ≥ {PLAN:,}, undo ≥ {UNDO:,}, ≤ {MEMORY_MB} MB"
    return Result("bulk-change-owner", rates.pop("execute"), "leads/s", target, held, detail=rates)


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
        process.terminate()
        await process.wait()


async def measured(commanding: Commanding, owner_url: str) -> dict[str, float]:
    """Plan, execute, and both again for the undo; return leads per second of each."""
    from services.command.bulk.tables import JobTables
    from services.command.domain.bulk.commands import ExecuteBulk, RequestBulk

    tables = JobTables(commanding.log.pool)
    selection, count, digest = await select_all(owner_url)
    rates: dict[str, float] = {}

    async def give(command: Any, job: UUID, stage: str) -> Any:
        await tables.wake(job, ADMIN.id)
        began = perf_counter()
        await commanding.handle(Order(command, Principal("", ""), job, ACTOR))
        while True:
            state = (await commanding.states.refresh({job: "bulk"}))[job]
            if state.stage == stage:
                return state, count / (perf_counter() - began)
            await asyncio.sleep(0.02)

    change, undo = new_id(), new_id()
    fields = {"owner": SOUTH}
    asked = RequestBulk(
        command="ChangeOwner",
        fields=fields,
        selection=str(selection),
        selected=count,
        digest=digest,
    )
    state, rates["plan"] = await give(asked, change, "planned")
    tell(f"   planned {state.planned}: {rates['plan']:,.0f}/s")
    state, rates["execute"] = await give(ExecuteBulk(digest=state.plan), change, "finished")
    tell(f"   executed {state.done}: {rates['execute']:,.0f}/s")
    asked = RequestBulk(
        command="ChangeOwner",
        fields=fields,
        undoes=str(change),
        selected=state.done.applied,
        digest="",
    )
    state, rates["undo plan"] = await give(asked, undo, "planned")
    tell(f"   undo planned {state.planned}: {rates['undo plan']:,.0f}/s")
    state, rates["undo"] = await give(ExecuteBulk(digest=state.plan), undo, "finished")
    tell(f"   undone {state.done}: {rates['undo']:,.0f}/s")
    assert state.done.applied == count
    return rates


async def select_all(owner_url: str) -> tuple[UUID, int, str]:
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
    return selection, count, f"{count}.{found}"


async def make_leads(commanding: Commanding, count: int) -> None:
    """Make leads of the campaign's clients, over and over, and record every call made to them."""
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
            made.append((lead, state, _calls(client)))
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
