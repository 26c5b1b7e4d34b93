"""Views as one reads them: whose they are, what of them is used, their leads, versions, counts."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from schemas import lead as leads
from schemas import view as events
from schemas.default_views import DEFAULT_VIEWS
from services.query import view_counts
from tests.contract.query_service import NOON, World, named, running, team, user

OWN, SHARED, FOREIGN = named("view own"), named("view shared"), named("view foreign")
READY = {"op": "equals", "field": "status", "value": "ready"}
GONE = {"op": "equals", "field": "fields.gone", "value": "x"}
CITY = {"op": "equals", "field": "fields.city", "value": "Łódź"}
BY_NAME = [{"field": "name", "descending": False}]


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        yield world


async def views(world: World, by: str, **given: str) -> dict[str, Any]:
    page = await world.read("/v1/views", by, **given)
    return {one["view"]: one for one in page["views"]}


async def leads_of(world: World, view: str, by: str = "agent", **given: str) -> set[str]:
    page = await world.read(f"/v1/views/{view}/leads", by, **given)
    return {lead["lead_id"] for lead in page["leads"]}


async def counts(world: World, by: str = "agent", **given: Any) -> dict[str, Any]:
    page = await world.read("/v1/views/counts", by, **given)
    return {one["view"]: one["count"] for one in page["counts"]}


async def test_everybody_has_the_default_views_and_what_is_their_own_or_shared(
    world: World,
) -> None:
    await world.happen(OWN, events.ViewCreated("Own", named("agent"), filter=READY))
    share = events.ViewShared(team("north"), "edit")
    await world.happen(SHARED, events.ViewCreated("Shared", named("leader"), filter=READY), share)
    await world.happen(FOREIGN, events.ViewCreated("Foreign", named("admin"), filter=READY))
    mine = await views(world, "agent")
    assert list(mine) == [*DEFAULT_VIEWS, OWN, SHARED]
    assert {one: mine[one]["may"] for one in ("all", OWN, SHARED)} == {
        "all": "view", OWN: "own", SHARED: "edit",
    }  # fmt: skip
    assert mine[SHARED]["shares"] == []  # only its owner hears whom it is shared with
    assert (await views(world, "leader"))[SHARED]["shares"] == [
        {"to": team("north"), "may": "edit"}
    ]
    assert SHARED in await views(world, "agent_east")  # of a team below
    assert not {OWN, SHARED} & set(await views(world, "agent_south"))
    for view in (OWN, SHARED):
        for path in ("", "/versions", "/leads"):
            assert (await world.get(f"/v1/views/{view}{path}", "agent_south")).status_code == 404
    assert (await world.get("/v1/views/nonsense", "agent")).status_code == 404
    await world.happen(SHARED, events.ViewShareEnded(team("north"), "edit"))
    assert SHARED not in await views(world, "agent")


async def test_default_views_are_resolved_for_their_caller(world: World) -> None:
    soon, past = "2026-03-04T20:00:00Z", "2026-03-04T11:00:00Z"
    mine = user("agent")
    result = leads.LeadResultRecorded("success", named("agent"))
    made = {
        "mine": await world.lead("mine", owner=mine),
        "team": await world.lead("team", owner=team("north")),
        "above": await world.lead("above", owner=team("top")),
        "due": await world.lead("due", owner=team("top"), next_dial_at=soon),
        "callback": await world.lead("callback", leads.LeadCallbackSet(past), owner=team("top")),
        "locked": await world.lead("locked", leads.LeadLocked(named("agent_east"))),
        "lock ended": await world.lead("lock ended", leads.LeadLocked(named("agent"), past)),
        "suppressed": await world.lead("suppressed", leads.LeadSuppressed()),
        "lifted": await world.lead("lifted", leads.LeadSuppressed("", past)),
        "closed": await world.lead("closed", result),
    }
    await world.record(named("old"), leads.LeadCreated(named("spring"), team("top")))
    await world.happen(named("old"), result, at=NOON - timedelta(days=3))
    expected = {
        "mine": {"mine"},
        "my_team": {"mine", "team"},
        "due_today": {"due", "callback"},
        "overdue_callbacks": {"callback"},
        "locked": {"locked"},
        "suppressed": {"suppressed"},
        "closed_this_week": {"closed"},
        "uploaded_by_me": set(),
    }
    names = {lead: name for name, lead in made.items()}
    for view, wanted in expected.items():
        found = await leads_of(world, view)
        assert {names.get(lead, lead) for lead in found} == wanted, view
    assert await leads_of(world, "processed_by_me") == {made["closed"], named("old")}
    assert len(await leads_of(world, "all")) == len(made) + 1
    assert await leads_of(world, "uploaded_by_me", "admin") == {*made.values(), named("old")}
    counted = await counts(world)
    assert {view: counted[view] for view in expected} == {
        view: len(wanted) for view, wanted in expected.items()
    }
    due = (await world.read("/v1/views/due_today", "agent", zone="Asia/Tokyo"))["view"]["filter"]
    assert due["of"][0]["lt"] == "today+1d@Asia/Tokyo"
    assert (await world.get("/v1/views", "agent", zone="Mars/Base")).status_code == 422


async def test_a_shared_view_widens_no_sight(world: World) -> None:
    share = events.ViewShared(team("top"), "view")
    await world.happen(SHARED, events.ViewCreated("All", named("admin"), filter=READY), share)
    mine = await world.lead("mine", owner=user("agent"), status="ready")
    foreign = await world.lead("foreign", owner=user("agent_south"), status="ready")
    assert await leads_of(world, SHARED, "admin") == {mine, foreign}
    assert await leads_of(world, SHARED, "agent") == {mine}
    assert await leads_of(world, SHARED, "agent_south") == {foreign}
    for by, number in (("admin", 2), ("agent", 1), ("agent_south", 1), ("agent_east", 0)):
        assert (await counts(world, by, view=SHARED)) == {SHARED: number}


async def test_what_does_not_exist_is_kept_and_named_and_the_rest_works(world: World) -> None:
    tree = {"op": "and", "of": [READY, {"op": "not", "of": GONE}, CITY]}
    columns = ["name", "no_such", "fields.gone", "fields.city"]
    sort = [{"field": "fields.gone", "descending": True}, *BY_NAME]
    made = events.ViewCreated("Old", named("agent"), columns, sort, filter=tree)
    await world.happen(OWN, made)
    await world.lead("b", owner=team("top"), status="ready", fields={"city": "Łódź", "gone": "y"},
                     personal_fields={"name": "B"})  # fmt: skip
    await world.lead("a", owner=team("top"), status="ready", fields={"city": "Łódź"},
                     personal_fields={"name": "A"})  # fmt: skip
    await world.lead("c", owner=team("top"), status="ready")
    view = (await world.read(f"/v1/views/{OWN}", "agent"))["view"]
    assert (view["filter"], view["columns"], view["sort"]) == (tree, columns, sort)
    unknown = [(one["code"], one["pointer"]) for one in view["unknown"]]
    assert unknown == [
        ("no-such-field", "/filter/of/1/of/field"),
        ("no-such-field", "/columns/1"),
        ("no-such-field", "/columns/2"),
        ("no-such-field", "/sort/0/field"),
    ]
    assert view["usable"] == {
        "filter": {"op": "and", "of": [READY, CITY]},
        "columns": ["name", "fields.gone", "fields.city"],
        "sort": BY_NAME,
    }
    page = await world.read(f"/v1/views/{OWN}/leads", "agent")
    assert [lead["name"] for lead in page["leads"]] == ["A", "B"]
    assert page["leads"][1]["fields"] == {"city": "Łódź", "gone": "y"}
    assert page["unknown"] == view["unknown"]
    usable = view["usable"]
    assert len(await world.found(usable["filter"], "agent", sort=usable["sort"])) == 2


async def test_a_status_that_is_not_there_is_named_and_the_view_finds_the_same_leads(
    world: World,
) -> None:
    some = {"op": "in", "field": "status", "values": ["ready", "gone"]}
    never = {"op": "equals", "field": "previous_status", "value": "gone"}
    called = {"op": "log", "end_causes": ["Gone"]}
    tree = {"op": "and", "of": [some, {"op": "not", "of": {"op": "or", "of": [never, called]}}]}
    await world.happen(OWN, events.ViewCreated("Old", named("agent"), [], [], filter=tree))
    await world.happen(SHARED, events.ViewCreated("None", named("agent"), [], [], filter=never))
    ready = await world.lead("a", owner=team("top"), status="ready")
    await world.lead("b", owner=team("top"))
    view = (await world.read(f"/v1/views/{OWN}", "agent"))["view"]
    assert [(one["code"], one["pointer"]) for one in view["unknown"]] == [
        ("unknown-status", "/filter/of/0/values/1"),
        ("unknown-status", "/filter/of/1/of/of/0/value"),
        ("unknown-end-cause", "/filter/of/1/of/of/1/end_causes/0"),
    ]
    assert await leads_of(world, OWN) == {ready}
    assert await world.found(view["usable"]["filter"], "agent") == [ready]
    assert await leads_of(world, SHARED) == set()
    assert await counts(world, view=[OWN, SHARED]) == {OWN: 1, SHARED: 0}


async def test_numbers_in_a_shared_view_are_masked_and_not_searched_by(world: World) -> None:
    by_phone = {"op": "equals", "field": "phone", "value": "+4915112345678"}
    search = {"op": "search", "value": "0151 12345678"}
    tree = {"op": "and", "of": [READY, {"op": "or", "of": [by_phone, search]}]}
    share = events.ViewShared(team("top"), "view")
    await world.happen(SHARED, events.ViewCreated("X", named("admin"), filter=tree), share)
    seen = await world.get(f"/v1/views/{SHARED}", "auditor")
    assert "12345678" not in seen.text
    assert [one["code"] for one in seen.json()["view"]["unknown"]] == ["hidden-field"]
    assert "+4915112345678" in (await world.get(f"/v1/views/{SHARED}", "agent")).text
    assert "12345678" not in (await world.get("/v1/views", "auditor")).text


async def test_versions_are_listed_and_read_and_a_deleted_view_is_its_owners(
    world: World,
) -> None:
    share = events.ViewShared(team("top"), "edit")
    await world.happen(OWN, events.ViewCreated("One", named("agent"), filter=READY), share)
    await world.happen(OWN, events.ViewRenamed("Two", "One"), by="leader")
    await world.happen(OWN, events.ViewChanged(["name"], back_to=None, filter=CITY))
    listed = (await world.read(f"/v1/views/{OWN}/versions", "agent"))["versions"]
    assert [(one["version"], one["what"], one["name"]) for one in listed] == [
        (4, "changed", "Two"), (3, "renamed", "Two"), (2, "shared", "One"), (1, "created", "One"),
    ]  # fmt: skip
    assert listed[1]["by"] == user("leader")
    assert [one["parts"] for one in listed] == [["filter", "columns"], ["name"], [], []]
    assert [(one["to"], one["may"]) for one in listed[1:3]] == [(None, None), (share.to, "edit")]
    response = await world.get(f"/v1/views/{OWN}", "agent_east")
    assert response.headers["etag"] == '"4"'
    first = (await world.read(f"/v1/views/{OWN}", "agent_east", version="1"))["view"]
    assert (first["name"], first["filter"], first["may"]) == ("One", READY, "edit")
    assert (await world.get(f"/v1/views/{OWN}", "agent", version="5")).status_code == 404
    assert (await world.get("/v1/views/mine/versions", "agent")).status_code == 404
    await world.happen(OWN, events.ViewDeleted())
    assert OWN not in await views(world, "agent")
    assert set(await views(world, "agent", deleted="true")) == {OWN}
    assert await views(world, "leader", deleted="true") == {}
    assert (await world.get(f"/v1/views/{OWN}", "leader")).status_code == 404
    assert (await world.read(f"/v1/views/{OWN}", "agent"))["view"]["deleted"] is True
    await world.happen(OWN, events.ViewRestored())
    assert OWN in await views(world, "leader")


async def test_counts_follow_events_without_counting_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.happen(OWN, events.ViewCreated("Ready", named("agent"), filter=READY))
    one = await world.lead("one", owner=user("agent"), status="ready")
    await world.lead("two", owner=user("agent"))
    assert await counts(world, view=OWN) == {OWN: 1}

    async def never(*_: object) -> None:
        raise AssertionError("counted anew")

    monkeypatch.setattr(view_counts, "_count", never)
    await world.happen(named("two"), leads.LeadReadied())
    await world.lead("three", owner=user("agent"), status="ready")
    assert await counts(world, view=OWN) == {OWN: 3}
    await world.happen(one, leads.LeadOwnerChanged(team("south"), user("agent")))
    await world.happen(named("two"), leads.LeadDeleted())
    page = await world.read("/v1/views/counts", "agent", view=OWN)
    assert page["counts"] == [
        {"view": OWN, "count": 1, "exact": True, "position": page["position"]}
    ]
    assert await counts(world, view=OWN) == {OWN: 1}
    assert await counts(world, view=FOREIGN) == {}


async def test_large_counts_are_estimated_and_rest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_counts, "COUNT_EXACT_MAX", 2)
    for name in ("one", "two", "three"):
        await world.lead(name, owner=user("agent"))
    (first,) = (await world.read("/v1/views/counts", view="all"))["counts"]
    assert (first["exact"], first["count"] >= 3) == (False, True)
    await world.lead("four", owner=user("agent"))
    (again,) = (await world.read("/v1/views/counts", view="all"))["counts"]
    assert again == first  # it says which position it shows
    head = str(await world.log.head())
    asked = {"view": "all", "min_position": head}
    (now,) = (await world.read("/v1/views/counts", **asked))["counts"]
    assert now["position"] == int(head)


async def test_a_count_that_takes_too_long_is_left_to_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_counts, "BUDGET_SECONDS", -1)
    assert set((await counts(world)).values()) == {None}
    assert len(await counts(world)) == len(DEFAULT_VIEWS)


async def test_nobody_waits_for_a_count_that_somebody_makes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    count = view_counts._count_in_time

    async def slow(*given: Any) -> None:
        begun.set()
        await go_on.wait()
        await count(*given)

    monkeypatch.setattr(view_counts, "_count_in_time", slow)
    first = asyncio.create_task(counts(world, view="all"))
    await begun.wait()
    assert await counts(world, view="all") == {"all": None}
    go_on.set()
    assert await first == {"all": 0}
