"""What each way into the database says when its disk is full, and that it goes on afterwards.

The server itself refuses, with the code it has for a full disk; test_disk_full.py has real ones.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest

from services.command.dnc_file.work import FileWorker
from services.kit.append import Appended, OutOfSpace
from services.kit.clock import FixedClock
from services.kit.ids import new_id
from services.kit.seal import Sealer
from tests.contract.bulk_service import Bulk, bulk_running
from tests.contract.command_service import KEYS, SOUTH, Service
from tests.contract.intake_calls import call
from tests.kit.event_logs import SIGNING, WHEN, append, opened, priority, verdict_on

FULL = """
    create function public.is_full() returns trigger language plpgsql as $$
    begin
      raise exception 'could not extend file "base/16384/16456"' using errcode = 'disk_full';
    end $$
"""


@pytest.fixture
async def bulk(database_url: str) -> AsyncIterator[Bulk]:
    async with bulk_running(database_url) as bulk:
        yield bulk


@asynccontextmanager
async def full(owner_url: str, *tables: str) -> AsyncIterator[None]:
    """As long as the block lasts nothing can be added to these tables."""
    owner = await asyncpg.connect(owner_url)
    try:
        await owner.execute(FULL)
        for table in tables:
            await owner.execute(
                f"create trigger full_disk before insert on {table}"
                " execute function public.is_full()"
            )
        yield
        await owner.execute("drop function public.is_full() cascade")
    finally:
        await owner.close()


def assert_full(answer: httpx.Response) -> None:
    """It is a problem that says what is the matter and what to do."""
    assert answer.status_code == 507, answer.text
    problem = answer.json()
    assert (problem["code"], problem["retryable"]) == ("out-of-space", True)
    assert "disk is full" in problem["detail"]
    assert "again" in problem["detail"]
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_command_is_not_done_and_the_same_one_is_done_later(
    bulk: Bulk, owner_url: str
) -> None:
    service = bulk.service
    lead = await service.lead(await service.campaign())
    path, body = f"/v1/leads/{lead}/change-owner", {"owner": SOUTH}
    head = await service.commanding.log.head()
    async with full(owner_url, "log.events"):
        for _ in range(2):
            assert_full(await service.post(path, body, idempotency_key="one"))
        shown = await service.client.get("/readyz")
        assert shown.status_code == 200, "it can be asked"
    assert await service.commanding.log.head() == head
    done = await service.done(path, body, idempotency_key="one")
    assert await service.done(path, body, idempotency_key="one") == done
    assert await service.commanding.log.head() == done["position"] == head + 1
    assert (await verdict_on(owner_url)).ok


async def test_calls_are_taken_in_once_there_is_space(bulk: Bulk, owner_url: str) -> None:
    service = bulk.service
    lead = await service.lead(await service.campaign())
    told = [call("c-1", lead), call("c-2", lead), "broken"]
    async with full(owner_url, "log.events"):
        answer = await service.post("/v1/calls", told, by="dialer")
        assert_full(answer)
        assert "send the same ones again" in answer.json()["detail"]
    answer = await service.done("/v1/calls", told, by="dialer")
    assert (answer["recorded"], answer["quarantined"]) == (2, 1)


async def test_a_bulk_job_waits_however_long_and_goes_on(bulk: Bulk, owner_url: str) -> None:
    leads = await bulk.leads(3)
    job = await bulk.planned(leads, "ChangeOwner", owner=SOUTH)
    answer = await bulk.service.post(
        f"/v1/bulk-jobs/{job['id']}/execute", {"digest": job["plan"]["digest"]}
    )
    assert answer.status_code == 202
    pool = bulk.service.commanding.log.pool
    async with full(owner_url, "log.events"):
        for _ in range(7):  # faults of its own would have stalled it after five
            await pool.execute("update job.jobs set look_at = now() where look_at is not null")
            assert not await bulk.runner.work.once(asyncio.Event())
    await pool.execute("update job.jobs set look_at = now() where look_at is not null")
    await bulk.work()
    shown = await bulk.job(job["id"])
    assert (shown["state"], shown["result"]["applied"]) == ("finished", 3), shown


async def test_a_file_that_found_no_space_is_sent_again_under_its_key(
    bulk: Bulk, owner_url: str
) -> None:
    async def upload(service: Service) -> httpx.Response:
        headers = {
            "authorization": f"Bearer {KEYS['admin']}",
            "content-type": "text/csv",
            "idempotency-key": "file-1",
        }
        path = "/v1/do-not-call-files?scope=global&reason=asked"
        return await service.client.post(path, content=b"phone\n+14155550100\n", headers=headers)

    service = bulk.service
    async with full(owner_url, "job.dnc_file_parts"):
        assert_full(await upload(service))
        assert (await service.client.get("/v1/do-not-call-files")).status_code != 500
    taken = await upload(service)
    assert taken.status_code == 202, taken.text
    worker = FileWorker(service.commanding, service.clock)
    async with full(owner_url, "job.dnc_file_rows"):
        for _ in range(7):
            assert not await worker.work.once(asyncio.Event())
    while await worker.work.once(asyncio.Event()):
        pass
    path, headers = taken.headers["location"], {"authorization": f"Bearer {KEYS['admin']}"}
    planned: Any = (await service.client.get(path, headers=headers)).json()
    assert planned["state"] == "planned", planned


async def test_of_a_group_nothing_is_stored_and_each_may_come_again(
    database_url: str, owner_url: str
) -> None:
    async with opened(database_url) as log:
        appends = [append(new_id(), 0, priority(number)) for number in range(5)]
        async with full(owner_url, "log.events"):
            outcomes = await log.append_many(appends)
            assert [type(one) for one in outcomes] == [OutOfSpace] * 5
        assert await log.head() == 0
        assert all(isinstance(one, Appended) for one in await log.append_many(appends))


async def test_a_seal_that_found_no_space_in_its_second_place_is_kept_there_later(
    database_url: str, owner_url: str, tmp_path: Path
) -> None:
    """Whatever is cut short or missing in the file is there again after the next step."""

    async def sealed(number: int) -> None:
        await log.append(append(UUID(int=number), 0, priority(number)))
        await sealer.step()
        clock.at += timedelta(minutes=1)
        seal = await sealer.step()
        assert seal is not None
        assert seal.last_position == number

    anchor, clock = tmp_path / "seals.ndjson", FixedClock(WHEN)
    async with opened(database_url) as log:
        sealer = Sealer(log.pool, SIGNING, clock, anchor)
        await sealed(1)
        whole = anchor.read_bytes()
        anchor.unlink()
        anchor.symlink_to("/dev/full")
        with pytest.raises(OSError, match="No space left"):
            await sealed(2)
        anchor.unlink()
        anchor.write_bytes(whole + b'{"last_position":2,"he')  # what a full disk leaves
        await sealed(3)
    kept = [line for line in anchor.read_bytes().splitlines() if line.endswith(b"}")]
    assert [orjson.loads(line)["last_position"] for line in kept] == [1, 2, 3]
    assert (await verdict_on(owner_url, anchor=anchor)).ok
