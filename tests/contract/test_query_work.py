"""What people have to do: worklists, callbacks, contracts; whose is whose."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from schemas import lead as events
from schemas.event import Event
from tests.contract.query_service import AUTUMN, World, named, running, team, user

AGENT, EAST, SOUTH = named("agent"), named("agent_east"), named("agent_south")
PAST, SOON, LATER = "2026-03-04T11:00:00Z", "2026-03-04T20:00:00Z", "2026-03-06T09:00:00Z"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        yield world


def result(status: str, by: str = AGENT) -> Event:
    return events.LeadResultRecorded(status, by)


async def fill(world: World) -> None:
    """Leads that wait for the agent, each in its own way, and some that do not."""
    own, north = user("agent"), team("north")
    await world.lead("late", events.LeadCallbackSet(PAST, AGENT), owner=north)
    await world.lead("soon", events.LeadCallbackSet(SOON, AGENT), owner=north)
    await world.lead("anybody", events.LeadCallbackSet(SOON), owner=north)
    await world.lead("of east", events.LeadCallbackSet(LATER, EAST), owner=team("north_east"),
                     campaign_id=AUTUMN)  # fmt: skip
    await world.lead("reserved", events.LeadReserved(AGENT), owner=north)
    private = events.LeadStatusChanged("manual_redial_private", previous="created")
    await world.lead("private", private, owner=own, next_dial_at=LATER)
    await world.lead("open", owner=own)
    unresolved = events.LeadStatusChanged("unresolved", previous="created")
    await world.lead("unresolved", unresolved, events.LeadLocked(AGENT), owner=north)
    await world.lead("locked", events.LeadLocked(AGENT, LATER), owner=north)
    await world.lead("lock ended", events.LeadLocked(AGENT, PAST), owner=north)
    await world.lead("out of sight", events.LeadReserved(AGENT), owner=team("south"))


def named_by(world: World, tasks: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    names = ("late", "soon", "anybody", "of east", "reserved", "private", "open", "unresolved",
             "locked", "lock ended", "out of sight", "foreign")  # fmt: skip
    known = {named(name): name for name in names}
    return [(known[one["lead"]["lead_id"]], one.get("reasons", [])) for one in tasks]


async def test_a_worklist_has_what_waits_for_the_agent_the_most_urgent_first(
    world: World,
) -> None:
    await fill(world)
    page = await world.read("/v1/worklist", "agent")
    assert page["agent"] == AGENT
    found = named_by(world, page["tasks"])
    assert dict(found) == {
        "reserved": ["reserved"], "unresolved": ["unresolved"], "locked": ["locked"],
        "late": ["callback", "reserved"], "soon": ["callback", "reserved"], "private": ["redial"],
    }  # fmt: skip
    assert [name for name, _ in found][3:] == ["late", "soon", "private"]
    assert page["counts"] == {
        "callback": 2, "reserved": 3, "redial": 1, "unresolved": 1, "locked": 1,
    }  # fmt: skip
    assert [(one["due"], one["overdue"]) for one in page["tasks"]][2:4] == [
        (None, False), (PAST, True),
    ]  # fmt: skip
    pages: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while len(pages) < 10:
        part = await world.read("/v1/worklist", "agent", limit="1", **cursor)
        pages += part["tasks"]
        if part["next"] is None:
            break
        cursor = {"cursor": part["next"]}
    assert pages == page["tasks"]


async def test_leaders_see_the_work_of_their_people_in_their_own_sight(world: World) -> None:
    await fill(world)
    for by in ("leader", "admin", "auditor"):
        page = await world.read("/v1/worklist", by, agent=AGENT)
        assert page["counts"]["callback"] == 2
    assert "15112345678" not in (await world.get("/v1/worklist", "auditor", agent=AGENT)).text
    whole = await world.read("/v1/worklist", agent=AGENT)
    assert ("out of sight", ["reserved"]) in named_by(world, whole["tasks"])
    for by, agent in (("agent", EAST), ("leader", SOUTH), ("dialer", AGENT)):
        assert (await world.get("/v1/worklist", by, agent=agent)).status_code == 403
        assert (await world.get("/v1/callbacks", by, agent=agent)).status_code == 403


async def callbacks(world: World, by: str, **given: str) -> list[str]:
    page = await world.read("/v1/callbacks", by, **given)
    return [name for name, _ in named_by(world, page["callbacks"])]


async def test_callbacks_by_when_they_are_due_and_whose_they_are(world: World) -> None:
    await fill(world)
    both = sorted(("soon", "anybody"), key=named)  # at one time, in the order of their ids
    assert await callbacks(world, "leader") == ["late", *both, "of east"]
    assert await callbacks(world, "agent") == ["late", *both]
    assert await callbacks(world, "agent_east") == ["anybody", "of east"]
    assert await callbacks(world, "agent_south") == []
    for when, wanted in {
        "overdue": ["late"], "today": both, "due": ["late", *both], "later": ["of east"],
    }.items():  # fmt: skip
        assert await callbacks(world, "leader", when=when) == wanted
    assert await callbacks(world, "leader", when="today", zone="Asia/Tokyo") == []
    assert await callbacks(world, "leader", team=named("north_east")) == ["of east"]
    assert await callbacks(world, "leader", agent=AGENT) == ["late", "soon"]
    assert await callbacks(world, "leader", campaign=AUTUMN) == ["of east"]
    page = await world.read("/v1/callbacks", "leader")
    agents = page["agents"]
    assert {one["agent"]: (one["overdue"], one["today"], one["later"]) for one in agents} == {
        AGENT: (1, 1, 0), EAST: (0, 0, 1), None: (0, 1, 0),
    }  # fmt: skip
    assert (await world.get("/v1/callbacks", "leader", team=named("south"))).status_code == 403
    first = await world.read("/v1/callbacks", "leader", limit="2")
    rest = await world.read("/v1/callbacks", "leader", limit="2", cursor=first["next"])
    assert [*first["callbacks"], *rest["callbacks"]] == page["callbacks"]
    assert rest["next"] is None
    other = await world.get("/v1/callbacks", "leader", limit="2", cursor=first["next"], when="due")
    assert other.status_code == 422


async def test_a_callback_waits_whatever_the_status_is_till_it_is_made_or_cancelled(
    world: World,
) -> None:
    await fill(world)
    await world.happen(named("late"), events.LeadReadied(previous="callback"))
    view = "/v1/views/overdue_callbacks/leads"
    assert [one["lead_id"] for one in (await world.read(view, "leader"))["leads"]] == [
        named("late")
    ]
    assert await callbacks(world, "leader", when="overdue") == ["late"]
    (counted,) = (await world.read("/v1/views/counts", "leader", view="overdue_callbacks"))[
        "counts"
    ]
    assert counted["count"] == 1
    await world.happen(named("late"), events.LeadCallbackCancelled("ready", PAST))
    assert await callbacks(world, "leader", when="overdue") == []
    assert (await world.read(view, "leader"))["leads"] == []


async def test_contracts_by_where_they_stand(world: World) -> None:
    def step(contract: str, name: str, at: str = PAST) -> Event:
        return events.LeadContractRecorded(contract, name, at)

    both = (step("k1", "updated"), step("k1", "accepted", SOON), step("k2", "confirmation_sent"))
    await world.lead("late", *both, owner=team("north"), personal_fields={"name": "Ada"})
    await world.lead("soon", step("k3", "cancelled"), owner=team("south"), campaign_id=AUTUMN)
    await world.lead("open", owner=team("south"))

    async def found(by: str = "admin", **given: Any) -> list[tuple[str, str]]:
        page = await world.read("/v1/contracts", by, **given)
        return [(one["contract"]["id"], one["contract"]["icon"]) for one in page["contracts"]]

    assert sorted(await found()) == [("k1", "green"), ("k2", "yellow_1"), ("k3", "red")]
    assert await found(icon=["green", "grey"]) == [("k1", "green")]
    assert await found(step="cancelled") == [("k3", "red")]
    assert await found(campaign=AUTUMN, icon="green") == []
    assert sorted(await found("agent")) == [("k1", "green"), ("k2", "yellow_1")]
    assert await found("agent_east", step="cancelled") == []
    first = await world.read("/v1/contracts", limit="1")
    rest = await world.read("/v1/contracts", limit="1", cursor=first["next"])
    assert {one["lead_id"] for one in (*first["contracts"], *rest["contracts"])} == {
        named("late"), named("soon"),
    }  # fmt: skip
    (kept,) = (await world.read("/v1/contracts", icon="green"))["contracts"]
    assert [one["step"] for one in kept["contract"]["timeline"]] == ["updated", "accepted"]
    assert kept["name"] == "Ada"
    for wrong in ({"icon": "pink"}, {"step": ["accepted", "signed"]}):
        refused = await world.get("/v1/contracts", **wrong)
        assert refused.status_code == 422, wrong
        assert "'expired'" in refused.text or "'grey'" in refused.text
