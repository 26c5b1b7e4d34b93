"""kill -9 in a bulk job at 1 %, 50 % and 99 %: it ends complete, and nothing is done twice."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

import pytest

from schemas.envelope import Origin
from schemas.lead import LeadCloned, LeadCreated, LeadOwnerChanged
from services.kit.append import Append, Appended, Commanded, NewEvent, StreamAppend
from services.kit.ids import new_id
from tests.contract.bulk_service import Bulk, bulk_running
from tests.contract.command_service import NOON, NORTH, SOUTH
from tests.faults.child import child, on_log

LEADS = 300
BATCHES = 100
AT = {"1 %": 1, "50 %": BATCHES // 2, "99 %": BATCHES - 1}


@pytest.fixture
async def bulk(database_url: str) -> AsyncIterator[Bulk]:
    async with bulk_running(database_url) as bulk:
        yield bulk


def runner(
    url: str, failpoint: str = ""
) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    """A runner in a process of its own."""
    return child("tests.faults.bulk_child", on_log(url), failpoint)


async def made(bulk: Bulk, count: int = LEADS) -> list[str]:
    """Make leads in one go."""
    campaign = await bulk.service.campaign()
    leads = sorted(new_id() for _ in range(count))
    created = NewEvent(LeadCreated(campaign, NORTH), NOON, Origin("service:test", "command:test"))
    results = await bulk.service.commanding.log.append_many(
        [Append([Commanded(new_id(), b"")], [StreamAppend(lead, 0, [created])]) for lead in leads]
    )
    assert all(isinstance(one, Appended) for one in results)
    return [str(lead) for lead in leads]


async def until(bulk: Bulk, job: str, state: str) -> Any:
    """Wait until a job is in this state."""
    async with asyncio.timeout(60):
        while True:
            shown = await bulk.job(job)
            if shown["state"] == state:
                return shown
            await asyncio.sleep(0.05)


async def start(bulk: Bulk, job: Any) -> None:
    """Have a plan executed."""
    path = f"/v1/bulk-jobs/{job['id']}/execute"
    answer = await bulk.service.post(path, {"digest": job["plan"]["digest"]})
    assert answer.status_code == 202


async def check(bulk: Bulk, job: Any, leads: list[str]) -> None:
    """Every lead is listed once, changed once, and the report is what the events say."""
    assert job["result"] == {"applied": LEADS, "unchanged": 0, "refused": 0, "not_reached": 0}
    events = await bulk.events_of(job)
    assert Counter(str(one.stream_id) for one in events) == dict.fromkeys(leads, 1)
    pool = bulk.service.commanding.log.pool
    rows = await pool.fetch(
        "select * from job.outcomes where job_id = $1 and step = 'done' order by ordinal",
        UUID(job["id"]),
    )
    assert [str(row["lead_id"]) for row in rows] == leads
    assert [row["ordinal"] for row in rows] == list(range(1, LEADS + 1))
    positions = {str(one.stream_id): (one.version, one.position) for one in events}
    assert {str(r["lead_id"]): (r["version_after"], r["position"]) for r in rows} == positions
    assert all("owner" in row["changes"] for row in rows)


@pytest.mark.parametrize("share", AT)
@pytest.mark.parametrize("place", ["bulk.before_append", "bulk.before_note"])
async def test_an_execution_that_is_killed_goes_on_and_doubles_nothing(
    bulk: Bulk, database_url: str, place: str, share: str
) -> None:
    leads = await made(bulk)
    job = await bulk.planned(leads, "ChangeOwner", owner=SOUTH)
    async with runner(database_url, f"{place}:kill:{AT[share]}") as process:
        await start(bulk, job)
        assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    appended = len(await bulk.events_of(job))
    assert appended < LEADS
    assert (await bulk.job(job["id"]))["state"] == "executing"
    async with runner(database_url):
        job = await until(bulk, job["id"], "finished")
    await check(bulk, job, leads)
    assert job["executing"]["moved"] == 0
    resumed = [type(one).TOPIC for one in await bulk.service.events(job["id"])]
    assert resumed.count("bulk.resumed") == 1


async def test_killed_half_way_clones_are_not_doubled_and_neither_is_their_source_or_an_undo(
    bulk: Bulk, database_url: str
) -> None:
    leads = await made(bulk)
    target = await bulk.service.campaign(name="Autumn")
    clones = await bulk.planned(leads, "CloneLead", target_campaign_id=target)
    owners = await bulk.done(leads, "ChangeOwner", owner=SOUTH)
    asked = await bulk.service.post(f"/v1/bulk-jobs/{owners['id']}/undo")
    await bulk.work()
    for job in (clones, await bulk.job(asked.json()["id"])):
        async with runner(database_url, f"bulk.before_note:kill:{AT['50 %']}") as process:
            await start(bulk, job)
            assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
        async with runner(database_url):
            done = await until(bulk, job["id"], "finished")
        assert LEADS in done["result"].values(), "one outcome for all"
        events = await bulk.events_of(job)
        kinds = Counter(type(one.event) for one in events)
        if job is clones:
            assert kinds == {LeadCloned: LEADS, LeadCreated: LEADS}
            told = [one.event for one in events]
            sources = [one.cloned_from for one in told if isinstance(one, LeadCreated)]
            assert sorted(str(one) for one in sources) == leads
        else:
            assert kinds == {LeadOwnerChanged: LEADS}
            assert Counter(str(one.stream_id) for one in events) == dict.fromkeys(leads, 1)


async def test_a_plan_that_is_killed_goes_on_and_is_the_same_plan(
    bulk: Bulk, database_url: str
) -> None:
    leads = await made(bulk)
    digests = set()
    for failpoint in ("", "bulk.plan.before_store:kill:50"):
        answer = await bulk.ask(leads, "ChangeOwner", owner=SOUTH)
        job = answer.json()["id"]
        async with runner(database_url, failpoint) as process:
            if failpoint:
                assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
            else:
                await until(bulk, job, "planned")
        async with runner(database_url):
            planned = await until(bulk, job, "planned")
        assert planned["plan"]["applied"] == LEADS
        digests.add(planned["plan"]["digest"])
        assert await bulk.events_of(planned) == []
    assert len(digests) == 1


async def test_a_job_cancelled_while_its_runner_was_dead_accounts_for_what_it_did(
    bulk: Bulk, database_url: str
) -> None:
    leads = await made(bulk)
    job = await bulk.planned(leads, "ChangeOwner", owner=SOUTH)
    async with runner(database_url, "bulk.before_note:kill:40") as process:
        await start(bulk, job)
        await asyncio.wait_for(process.wait(), 60)
    await bulk.service.post(f"/v1/bulk-jobs/{job['id']}/cancel")
    appended = len(await bulk.events_of(job))
    assert 0 < appended < LEADS
    async with runner(database_url):
        job = await until(bulk, job["id"], "finished")
    assert len(await bulk.events_of(job)) == appended
    assert job["result"] == {
        "applied": appended,
        "unchanged": 0,
        "refused": 0,
        "not_reached": LEADS - appended,
    }


async def test_two_jobs_on_the_same_leads_end_consistent(bulk: Bulk, database_url: str) -> None:
    leads = await made(bulk)
    jobs = [
        await bulk.planned(leads, "ChangeOwner", owner=SOUTH),
        await bulk.planned(leads, "SetPriority", priority=9),
        await bulk.planned(leads, "ChangeOwner", owner=NORTH),
    ]
    async with runner(database_url), runner(database_url), runner(database_url):
        await asyncio.gather(*(start(bulk, job) for job in jobs))
        jobs = [await until(bulk, job["id"], "finished") for job in jobs]
    for job in jobs:
        result = job["result"]
        assert result["applied"] + result["unchanged"] == LEADS
        events = await bulk.events_of(job)
        assert len(events) == result["applied"]
        assert len({one.stream_id for one in events}) == len(events)
        outcomes = await bulk.outcomes(job)
        assert sorted(outcomes) == leads
        applied = {lead for lead, one in outcomes.items() if one["outcome"] == "applied"}
        assert applied == {str(one.stream_id) for one in events}
    assert jobs[0]["result"]["applied"] == jobs[1]["result"]["applied"] == LEADS
    for history in (await bulk.service.commanding.log.load([UUID(one) for one in leads])).values():
        owner = NORTH
        for one in history[1:]:
            if isinstance(one.event, LeadOwnerChanged):
                assert one.event.previous == owner
                owner = one.event.owner
