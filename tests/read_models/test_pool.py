"""Pools as one reads them: the row follows the events, the numbers follow the leads."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from schemas import lead as leads
from schemas import pool as events
from tests.contract.query_service import AUTUMN, NOON, SPRING, World, named, running, team

MARCH, APRIL = named("march"), named("april")


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        await world.happen(MARCH, events.PoolCreated("March", SPRING))
        yield world


async def test_the_row_follows_the_events(world: World) -> None:
    changes = (events.PoolRenamed("Mar", "March"), events.PoolShuffled(7), events.PoolDeactivated())
    await world.happen(MARCH, *changes, at=NOON + timedelta(minutes=1))
    pool = (await world.read(f"/v1/pools/{MARCH}"))["pool"]
    assert (pool["name"], pool["active"], pool["shuffle_seed"]) == ("Mar", False, 7)
    assert (pool["campaign_id"], pool["source"], pool["version"]) == (SPRING, "upload", 4)
    assert pool["created_by"] == "user:" + named("admin")
    assert (pool["created_at"], pool["changed_at"]) == (
        "2026-03-04T12:00:00Z", "2026-03-04T12:01:00Z",
    )  # fmt: skip
    await world.happen(MARCH, events.PoolActivated())
    assert (await world.read(f"/v1/pools/{MARCH}"))["pool"]["active"] is True
    assert (await world.get(f"/v1/pools/{APRIL}")).status_code == 404


async def test_the_numbers_are_those_of_its_leads(world: World) -> None:
    call = leads.LeadCallRecorded("c1", SPRING, "2026-03-04T11:00:00Z")
    closed = leads.LeadStatusChanged(status="success", previous="created")
    await world.lead("ready", pool_id=MARCH)
    await world.lead("waits", leads.LeadDialScheduled(at="2026-03-05T09:00:00Z"), pool_id=MARCH)
    await world.lead("due", leads.LeadDialScheduled(at="2026-03-04T09:00:00Z"), pool_id=MARCH)
    await world.lead("off", leads.LeadDeactivated(), pool_id=MARCH)
    await world.lead("quiet", leads.LeadSuppressed(), pool_id=MARCH)
    await world.lead("held", leads.LeadPaused(previous="created"), pool_id=MARCH)
    await world.lead("sold", call, closed, pool_id=MARCH)
    await world.lead("gone", leads.LeadDeleted(), pool_id=MARCH)
    await world.lead("elsewhere")
    numbers = (await world.read(f"/v1/pools/{MARCH}"))["pool"]["numbers"]
    assert numbers == {
        "uploaded": 8, "total": 7, "open": 5, "ready": 2, "held": 1, "closed": 1, "used": 1,
        "percent_closed": 14.3, "percent_used": 14.3,
    }  # fmt: skip


async def test_numbers_count_what_is_in_sight_unless_insight_is_asked_for(world: World) -> None:
    await world.lead("north", pool_id=MARCH, owner=team("north"))
    await world.lead("south", pool_id=MARCH, owner=team("south"))
    place = f"/v1/pools/{MARCH}"
    assert (await world.read(place, "agent"))["pool"]["numbers"]["total"] == 1
    assert (await world.read(place, "admin"))["pool"]["numbers"]["total"] == 2
    assert (await world.read(place, "analyst", scope="all"))["pool"]["numbers"]["total"] == 2
    assert (await world.get(place, "agent", scope="all")).status_code == 403


async def test_pools_come_newest_first_in_pages(world: World) -> None:
    for number in range(4):
        at = NOON + timedelta(minutes=number + 1)
        await world.happen(named(f"p{number}"), events.PoolCreated(f"P{number}", AUTUMN), at=at)
    await world.happen(named("p3"), events.PoolDeactivated())
    first = await world.read("/v1/pools", limit=3)
    assert [pool["name"] for pool in first["pools"]] == ["P3", "P2", "P1"]
    rest = await world.read("/v1/pools", limit=3, cursor=first["next"])
    assert [pool["name"] for pool in rest["pools"]] == ["P0", "March"]
    assert rest["next"] is None
    only = await world.read("/v1/pools", campaign=AUTUMN, active="true")
    assert [pool["name"] for pool in only["pools"]] == ["P2", "P1", "P0"]
    empty = (await world.read("/v1/pools", active="false"))["pools"][0]["numbers"]
    assert (empty["total"], empty["percent_used"]) == (0, 0.0)
    assert (await world.get("/v1/pools", cursor="nonsense")).status_code == 422
