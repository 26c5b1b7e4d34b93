"""What bulk jobs leave behind goes in its time, and not before: outcomes, plans, the undo."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.command.bulk import clearing
from services.command.bulk.runner import Runner
from tests.contract.bulk_service import Bulk, bulk_running
from tests.contract.command_service import NORTH, SOUTH


@pytest.fixture
async def bulk(database_url: str) -> AsyncIterator[Bulk]:
    async with bulk_running(database_url) as bulk:
        yield bulk


async def later(bulk: Bulk, owner_url: str, days: int) -> None:
    """Let days pass for all jobs, and a runner begin its turn."""
    owner = await asyncpg.connect(owner_url)
    await owner.execute(
        "update job.jobs set asked_at = asked_at - $1 * interval '1 day',"
        " outcomes_until = outcomes_until - $1 * interval '1 day'",
        days,
    )
    await owner.close()
    bulk.runner = Runner(bulk.service.commanding, bulk.service.clock)
    stop = asyncio.Event()
    while await bulk.runner.work.once(stop):
        pass


async def rows(bulk: Bulk, job: Any) -> int:
    pool = bulk.service.commanding.log.pool
    statement = "select count(*) from job.outcomes where job_id = $1"
    return int(await pool.fetchval(statement, UUID(job["id"])))


async def test_outcomes_go_ninety_days_after_the_end_and_the_counts_stay(
    bulk: Bulk, owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clearing, "CHUNK", 2)
    leads = await bulk.leads(3)
    job = await bulk.done(leads, "ChangeOwner", owner=SOUTH)
    assert job["outcomes_until"] is not None
    await later(bulk, owner_url, 89)
    assert len(await bulk.outcomes(job)) == 3
    await later(bulk, owner_url, 2)
    assert await rows(bulk, job) == 0
    assert (await bulk.job(job["id"]))["result"] == job["result"]
    for path in ("outcomes", "refused.csv"):
        gone = await bulk.get(f"/v1/bulk-jobs/{job['id']}/{path}")
        assert (gone.status_code, gone.json()["errors"][0]["code"]) == (404, "outcomes-gone")
    refused = await bulk.service.post(f"/v1/bulk-jobs/{job['id']}/undo")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "outcomes-gone")
    assert len(await bulk.events_of(job)) == 3


async def test_outcomes_that_an_undo_rests_on_outlive_it(bulk: Bulk, owner_url: str) -> None:
    leads = await bulk.leads(2)
    job = await bulk.done(leads, "ChangeOwner", owner=SOUTH)
    await later(bulk, owner_url, 80)
    answer = await bulk.service.post(f"/v1/bulk-jobs/{job['id']}/undo")
    assert answer.status_code == 202, answer.text
    await bulk.work()
    await later(bulk, owner_url, 20)
    undo = await bulk.execute(await bulk.job(answer.json()["id"]))
    assert undo["result"]["reversed"] == 2
    await later(bulk, owner_url, 80)
    assert await rows(bulk, job)
    assert await rows(bulk, undo)


async def test_a_plan_that_nobody_executes_is_cancelled_after_thirty_days(
    bulk: Bulk, owner_url: str
) -> None:
    leads = await bulk.leads(2)
    job = await bulk.planned(leads, "ChangeOwner", owner=SOUTH)
    await later(bulk, owner_url, 29)
    assert (await bulk.job(job["id"]))["state"] == "planned"
    await later(bulk, owner_url, 2)
    cancelled = await bulk.job(job["id"])
    assert (cancelled["state"], cancelled["cancelled"]) == ("finished", True)
    assert cancelled["result"]["not_reached"] == 2
    assert cancelled["outcomes_until"] is not None
    assert await bulk.events_of(job) == []


async def test_a_finished_job_is_dated_even_when_its_runner_died_before_it_could(
    bulk: Bulk, owner_url: str
) -> None:
    leads = await bulk.leads(1)
    job = await bulk.done(leads, "ChangeOwner", owner=NORTH)
    owner = await asyncpg.connect(owner_url)
    await owner.execute("update job.jobs set outcomes_until = null, look_at = now()")
    await owner.close()
    await bulk.runner.work.once(asyncio.Event())
    assert (await bulk.job(job["id"]))["outcomes_until"] is not None
