"""Delete unprocessed, a whole pool at once: selected by a read, planned, executed, counted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from schemas.lead import LeadDeleted
from services.kit.auth import Authenticator
from services.kit.clock import SystemClock
from services.kit.cursors import Cursors
from services.kit.eventlog import EventLog
from services.kit.http import create_app
from services.kit.keys import KeyRing
from services.query.api_key import KeyTable
from services.query.app import install
from services.query.reading import Reading
from services.query.wall import connect_pools
from tests.contract.bulk_service import Bulk, bulk_running
from tests.contract.command_service import KEYS
from tests.contract.query_service import World
from tests.kit.event_logs import MASTER, SIGNING


@asynccontextmanager
async def reads_of(bulk: Bulk) -> AsyncIterator[World]:
    """The query service beside a command service, over the same log."""
    log, clock = bulk.service.commanding.log, SystemClock()  # selections live by the real time
    pools = await connect_pools(bulk.url)
    try:
        reads = EventLog(pools.whole, log.codec, KeyRing(MASTER, pools.whole))
        keys = Authenticator(KeyTable(pools.whole), clock)
        reading = Reading(pools, reads, keys, Cursors(bytes(32)), clock, SIGNING)
        app = create_app("reads")
        install(app, reading)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://leads") as client:
            client.headers["authorization"] = f"Bearer {KEYS['admin']}"
            world = World(app, log, reading, client)
            world.url = bulk.url
            yield world
    finally:
        pools.terminate()


@pytest.fixture
async def bulk(database_url: str) -> AsyncIterator[Bulk]:
    async with bulk_running(database_url) as bulk:
        yield bulk


async def test_a_pool_loses_what_nobody_worked_on_and_nothing_else(bulk: Bulk) -> None:
    service = bulk.service
    campaign = await service.campaign()
    made = [
        (await service.done("/v1/pools", {"campaign_id": campaign, "name": name}))["id"]
        for name in ("March", "April")
    ]
    march = await bulk.leads(4, campaign=campaign, pool_id=made[0])
    other = await service.lead(campaign, phone="+14155550199", pool_id=made[1])
    called, interested, late = march[:3]
    call = {"call_id": "c1", "started_at": "2026-03-02T10:00:00Z", "end_cause": "Busy"}
    await service.done(f"/v1/leads/{called}/record-call", call)
    await service.done(f"/v1/leads/{interested}/change-status", {"status": "interested"})
    async with reads_of(bulk) as world:
        await world.project()
        path = f"/v1/pools/{made[0]}"
        selected = await world.client.post(f"{path}/select-unprocessed")
        assert selected.status_code == 201, selected.text
        selection = selected.json()
        assert selection["count"] == 2
        await service.done(f"/v1/leads/{late}/change-status", {"status": "contacted"})  # since
        asked = {
            "selection": selection["id"],
            "digest": selection["digest"],
            "command": {"name": "DeleteUnprocessed", "pool_id": made[0], "reason": "wrong file"},
        }
        planned = await service.post("/v1/bulk-jobs", asked)
        assert planned.status_code == 202, planned.text
        await bulk.work()
        job = await bulk.job(planned.json()["id"])
        assert (job["plan"]["applied"], job["plan"]["refused"]) == (1, 1)
        await bulk.execute(job)
        outcomes = await bulk.outcomes(job)
        assert outcomes[late]["reasons"][0]["code"] == "already-processed"
        assert outcomes[march[3]]["outcome"] == "applied"
        assert isinstance((await service.events(march[3]))[-1], LeadDeleted)
        await world.project()
        numbers = (await world.client.get(path)).json()["pool"]["numbers"]
        assert (numbers["uploaded"], numbers["total"]) == (4, 3)
        assert (await world.client.get(f"/v1/leads/{other}")).status_code == 200
        nothing = await world.client.post(f"/v1/pools/{other}/select-unprocessed")
        assert nothing.status_code == 404
