"""Segments as one reads them: the row follows the events, the numbers follow the leads."""

from collections.abc import AsyncIterator

import pytest

from schemas import lead as leads
from schemas import segment as events
from tests.contract.query_service import World, named, running

NORTH, SOUTH = named("segment north"), named("segment south")
TREE = {"op": "equals", "field": "status", "value": "ready"}
AGENT, OTHER = named("agent"), named("agent_east")


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        await world.happen(NORTH, events.SegmentCreated("North", TREE, (AGENT,)))
        yield world


async def test_the_row_follows_the_events(world: World) -> None:
    made = (await world.read(f"/v1/segments/{NORTH}"))["segment"]
    assert (made["name"], made["filter"], made["agents"]) == ("North", TREE, [AGENT])
    assert (made["active"], made["copied_from"], made["version"]) == (True, None, 1)
    changed = events.SegmentChanged("N", None, (OTHER,), before={"name": "North"})
    await world.happen(NORTH, changed, events.SegmentDeactivated())
    made = (await world.read(f"/v1/segments/{NORTH}"))["segment"]
    assert (made["name"], made["filter"], made["agents"]) == ("N", None, [OTHER])
    assert (made["active"], made["version"]) == (False, 3)
    await world.happen(NORTH, events.SegmentActivated())
    assert (await world.read(f"/v1/segments/{NORTH}"))["segment"]["active"] is True
    await world.happen(NORTH, events.SegmentChanged("N", TREE), events.SegmentFilterErased("asked"))
    assert (await world.read(f"/v1/segments/{NORTH}"))["segment"]["filter"] is None
    assert (await world.get(f"/v1/segments/{SOUTH}")).status_code == 404


async def test_listed_by_name_for_an_agent_active_or_not(world: World) -> None:
    copy = events.SegmentCreated("Alps", TREE, (AGENT, OTHER), copied_from=NORTH)
    await world.happen(SOUTH, copy, events.SegmentDeactivated())

    async def names(**given: str) -> list[str]:
        found = (await world.read("/v1/segments", "agent", **given))["segments"]
        return [segment["name"] for segment in found]

    assert await names() == ["Alps", "North"]
    assert await names(active="true") == ["North"]
    assert await names(agent=OTHER) == ["Alps"]
    assert await names(agent=OTHER, active="true") == []


async def test_the_numbers_are_those_of_its_leads(world: World) -> None:
    inside = leads.LeadAddedToSegment(segment_id=NORTH)
    await world.lead("in", inside)
    await world.lead("left", inside, leads.LeadRemovedFromSegment(previous=NORTH))
    numbers = (await world.read(f"/v1/segments/{NORTH}"))["segment"]["numbers"]
    assert (numbers["total"], numbers["ready"], numbers["closed"]) == (1, 1, 0)
