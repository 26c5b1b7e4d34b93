"""The grid beyond a lead's own columns: what leads point at, teams, contacts, indexes."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from schemas import lead as events
from schemas.campaign import CampaignRenamed
from schemas.pool import PoolCreated, PoolDeactivated, PoolRenamed
from schemas.segment import SegmentCreated
from services.kit.postgres import connect_pool
from services.projections.field_indexes import NotChosen, choose, drop
from services.projections.rebuild import rebuild
from services.query import lead, searching
from tests.contract.query_service import (
    AUTUMN,
    NOON,
    SPRING,
    World,
    named,
    running,
    team,
    user,
)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        yield world


async def listed(world: World, by: str = "admin", **params: Any) -> list[str]:
    """The ids a list in an address finds."""
    found = await world.read("/v1/leads", by, columns="lead_id", **params)
    return [one["lead_id"] for one in found["leads"]]


@pytest.mark.parametrize("sorted_at_once", [0, 5_000])
async def test_what_leads_point_at_is_column_filter_and_sort(
    world: World, monkeypatch: pytest.MonkeyPatch, sorted_at_once: int
) -> None:
    monkeypatch.setattr("services.query.lead.SORTED_MAX", sorted_at_once)
    for name in ("beta", "alpha"):
        await world.happen(named(f"pool {name}"), PoolCreated(name, SPRING))
    await world.happen(named("warm"), SegmentCreated("Warm", active=False))
    first = await world.lead("first", pool_id=named("pool beta"), owner=team("north"))
    await world.happen(first, events.LeadAddedToSegment(named("warm")))
    second = await world.lead("second", pool_id=named("pool alpha"), campaign_id=AUTUMN)
    third = await world.lead("third")
    by_name = [{"field": "pool_name"}]
    assert await world.found(sort=by_name) == [second, first, third]
    descending = [{"field": "pool_name", "descending": True}]
    assert await world.found(sort=descending) == [first, second, third]
    page = await world.asked("/v1/leads/search", {"sort": by_name, "limit": 1})
    rest = await world.asked("/v1/leads/search", {"sort": by_name, "cursor": page["next"]})
    assert [one["lead_id"] for one in rest["leads"]] == [first, third]

    shown = {"columns": ["pool_name", "campaign_name", "segment_name", "segment_active"]}
    (lead,) = (await world.asked("/v1/leads/search", {**shown, "limit": 1, "sort": descending}))[
        "leads"
    ]
    assert lead == {
        "lead_id": first,
        "pool_name": "beta",
        "campaign_name": "Spring",
        "segment_name": "Warm",
        "segment_active": False,
    }
    assert await listed(world, filter="pool_name contains ALPH") == [second]
    assert await listed(world, filter="pool_name is empty") == [third]
    assert await listed(world, segment_active="false") == [first]
    assert await listed(world, filter="campaign_name = Autumn") == [second]

    # A rename is one event of the pool, and none of its leads.
    await world.happen(named("pool alpha"), PoolRenamed("zeta"), PoolDeactivated())
    await world.happen(AUTUMN, CampaignRenamed("Autumn", project="Harvest"))
    assert await world.found(sort=by_name) == [first, second, third]
    assert await listed(world, pool_active="false") == [second]
    assert await listed(world, project="Harvest") == [second]
    spread = await world.asked("/v1/leads/breakdown", {"field": "pool_name"})
    assert {part["value"]: part["count"] for part in spread["parts"]} == {"beta": 1, "zeta": 1}
    assert (spread["empty"], spread["total"]) == (1, 3)


async def test_teams_with_what_is_below_users_and_dates_narrow_a_list(world: World) -> None:
    north = await world.lead("north", owner=team("north"))
    east = await world.lead("east", owner=user("agent_east"))
    south = await world.lead("south", owner=team("south"))
    call = events.LeadCallRecorded("1", SPRING, "2026-03-03T10:00:00Z", agent=named("agent_east"))
    await world.happen(south, call)
    await world.happen(
        north, events.LeadPriorityChanged(9), at=NOON - timedelta(days=3), by="agent"
    )
    teams = {"team": named("north")}
    assert set(await listed(world, **teams)) == {north, east}
    assert await listed(world, team_of="latest_call_by", **teams) == [south]
    assert await listed(world, team_of="last_modified_by", **teams) == [north]
    assert set(await listed(world, team_of="original_owner", **teams)) == {north, east}
    assert await listed(world, team_of="user_processed_by", **teams) == []
    assert await listed(world, team_of="uploaded_by", **teams) == []
    assert await listed(world, filter=f"owner in teams alone ({named('north')})") == [north]
    assert await listed(world, latest_call_by=named("agent_east")) == [south]
    assert await listed(world, uploaded_by=user("agent")) == []
    assert await listed(world, until="2026-03-02T00:00:00Z") == [north]
    assert await listed(world, date="latest_call_at", since="today-1d") == [south]
    assert await listed(world, date="next_dial_at", since="today") == []
    refused = await world.get("/v1/leads", since="soon", team_of="phone")
    pointers = {error["pointer"] for error in refused.json()["errors"]}
    assert refused.status_code == 422
    assert pointers == {"/query/team_of"}
    refused = await world.get("/v1/leads", since="soon")
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/query/since"]


async def test_contacts_are_filtered_by_but_not_sorted_or_broken_down(world: World) -> None:
    contact = {"id": 1, "phone": "+4930999888", "typed": "", "fields": {"age": 30, "city": "Ulm"}}
    one = await world.lead("one", contacts=[contact, {**contact, "id": 2, "fields": {}}])
    await world.lead("two", contacts=[{**contact, "fields": {"age": 50}}])
    assert await listed(world, filter="contacts.age < 40") == [one]
    assert await listed(world, filter="contacts.city = Ulm") == [one]
    assert await listed(world, filter='contacts.city is empty and contacts.phone contains "9998"')
    for path, body in (
        ("/v1/leads/search", {"sort": [{"field": "contacts.age"}]}),
        ("/v1/leads/search", {"columns": ["contacts.age"]}),
        ("/v1/leads/breakdown", {"field": "contacts.age"}),
    ):
        assert (await world.post(path, body)).status_code == 422, body
    hidden = {"filter": {"op": "starts", "field": "contacts.city", "value": "0"}}
    assert (await world.post("/v1/leads/count", hidden, by="auditor")).status_code == 422


async def test_a_search_finds_the_same_looked_up_first_or_along_the_list(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await world.lead("one", phone="+4915112345678", personal_fields={"name": "Ada 777"})
    two = await world.lead("two", phone="+4915187654321", personal_fields={"name": "Ben 777"})
    tree = {"op": "and", "of": [{"op": "search", "value": "777"}]}
    digits = {"op": "search", "value": "8765"}
    for few in (20_000, 1, 0):
        monkeypatch.setattr("services.query.searching.FEW", few)
        assert set(await world.found(tree)) == {one, two}
        assert await world.found(digits) == [two]
        # Who may not see numbers finds by names and addresses, and nothing by numbers.
        assert set(await world.found(tree, by="inspector")) == {one, two}
        assert set(await world.found(tree, by="auditor")) == {one, two}
        assert await world.found(digits, by="auditor") == []


async def test_a_text_of_a_field_finds_the_same_however_common_it_is_taken_to_be(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ulm = [await world.lead(f"ulm {index}", fields={"city": "Ulm"}) for index in range(3)]
    await world.lead("told", personal_fields={"name": "Ulm"}, fields={"city": "Bonn"})
    pool = await connect_pool(world.url, "leads_projections", largest=1)
    await pool.execute("analyze read.lead_search")
    await pool.close()
    looked_up = []
    some_of = searching._some_of

    async def counted(*given: Any) -> Any:
        looked_up.append(given)
        return await some_of(*given)

    monkeypatch.setattr(searching, "_some_of", counted)
    equal = {"op": "equals", "field": "fields.city", "value": "Ulm"}
    search = {"op": "search", "value": "ulm"}
    for few, drawn, looks in ((20_000, 2_000, 8), (1, 2_000, 8), (0, 4, 0)):
        monkeypatch.setattr(searching, "FEW", few)
        monkeypatch.setattr(searching, "DRAWN", drawn)
        for by in ("admin", "agent"):
            found = [await world.found(tree, by) for tree in (equal, {"op": "and", "of": [equal]})]
            assert [sorted(one) for one in found] == [sorted(ulm)] * 2
            assert len(await world.found(search, by)) == 4
            assert (await world.asked("/v1/leads/count", {"filter": equal}, by))["count"] == 3
        assert len(looked_up) == looks
        looked_up.clear()


async def test_who_sees_little_gets_the_same_pages_however_far_an_order_is_gone_along(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leads of others stand before theirs in the order."""
    for index in range(12):
        owner = user("agent") if index % 4 == 0 else team("south")
        due = f"2026-03-0{1 + index % 9}T10:00:00Z"
        await world.lead(f"lead {index}", owner=owner, next_dial_at=due, priority=1 + index % 2)
    # One is in sight because the agent worked on it.
    await world.happen(named("lead 10"), events.LeadResultRecorded("contacted", named("agent")))
    mine = [named(f"lead {index}") for index in (0, 10, 4, 8)]
    gone: list[int | None] = []
    selected = lead._selected

    async def noted(*given: Any) -> Any:
        gone.append(given[-1])
        return await selected(*given)

    monkeypatch.setattr(lead, "_selected", noted)
    tree = {"op": "range", "field": "next_dial_at", "lt": "2026-03-09T00:00:00Z"}
    farther = {"sight": 0, "cost": 0, "among": lead.AMONG, "all the way": None}
    for probed, then in ((9, "sight"), (1, "sight"), (5, "cost"), (1, "among"), (1, "all the way")):
        monkeypatch.setattr(lead, "PROBED_MAX", probed)
        monkeypatch.setattr(lead, "SIGHT_SORTED", 100_000 if then == "sight" else 0)
        monkeypatch.setattr(lead, "SORTED_COST", 60_000.0 if then == "cost" else 0.0)
        monkeypatch.setattr(lead, "SIGHT_KNOWN", 100 if then == "among" else -1)
        for descending in (False, True):
            order = [{"field": "next_dial_at", "descending": descending}]
            body: dict[str, Any] = {"sort": order, "limit": 1, "columns": ["lead_id"]}
            pages: list[str] = []
            cursor = None
            while len(pages) < 5:
                page = await world.asked(
                    "/v1/leads/search", {**body, "cursor": cursor} if cursor else body, "agent"
                )
                pages += [lead["lead_id"] for lead in page["leads"]]
                cursor = page["next"]
                if cursor is None:
                    break
            assert pages == (mine[::-1] if descending else mine), (probed, descending)
            some = await world.found(tree, "agent", sort=order)
            assert some == [one for one in pages if one != mine[3]]
        assert probed in gone
        assert farther[then] in gone
        gone.clear()


async def test_leads_of_one_value_fill_the_same_pages_however_far_they_are_gone_along(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of which more is asked stand behind others of the same value."""
    ours = team("south")
    for index in range(9):
        await world.lead(f"ulm {index}", owner=ours, fields={"city": "Ulm"}, priority=1 + index % 3)
        await world.lead(f"bonn {index}", owner=ours, fields={"city": "Bonn"}, priority=1)
    wanted = [named(f"ulm {index}") for index in (0, 3, 6)]
    urgent = {"op": "equals", "field": "priority", "value": 1}
    pool = await connect_pool(world.url, "leads_projections", largest=2)
    try:
        await choose(pool, "city")
    finally:
        await pool.close()
    owned = {"op": "equals", "field": "owner", "value": ours}
    ulm = {"op": "equals", "field": "fields.city", "value": "Ulm"}
    for first in (ulm, owned):
        tree = {"op": "and", "of": [first, urgent, ulm]}
        for probed in (3_000, 1, 2, 5):
            monkeypatch.setattr("services.query.lead.PROBED_MAX", probed)
            body: dict[str, Any] = {"filter": tree, "limit": 1, "columns": ["lead_id"]}
            seen: list[list[str]] = []
            for way in ("next", "previous"):
                seen.append([])
                page = await world.asked("/v1/leads/search", body)
                seen[-1] += [lead["lead_id"] for lead in page["leads"]]
                while page[way] and len(seen[-1]) < len(wanted):
                    asked = {**body, "cursor": page[way]}
                    page = await world.asked("/v1/leads/search", asked)
                    seen[-1] += [lead["lead_id"] for lead in page["leads"]]
                body["cursor"] = page["previous"]
            forth, back = seen
            assert sorted(forth) == sorted(wanted), (first, probed)
            assert back == forth[1::-1]


async def test_a_chosen_field_gets_an_index_that_reads_use_and_rebuilds_make_again(
    world: World,
) -> None:
    for index in range(3):
        await world.lead(
            f"lead {index}", fields={"age": 40 - index, "seen": "2026-03-04T12:00:00Z"}
        )
    pool = await connect_pool(world.url, "leads_projections", largest=2)
    indexes = "select indexdef from pg_indexes where indexname like 'lead_v%_field_%' order by 1"
    try:
        await choose(pool, "age")
        await choose(pool, "age")
        await choose(pool, "seen")
        with pytest.raises(NotChosen, match="no campaign's template has a field nonsense"):
            await choose(pool, "nonsense")
        made = [row[0] for row in await pool.fetch(indexes)]
        assert len(made) == 2
        columns = await pool.fetchval(
            "select pg_get_expr(indpred, indrelid) from pg_index"
            " where indexrelid = 'read.lead_v1_owner_last_modified_at_lead_id_idx'::regclass"
        )
        # Said in the same words, the planner never joins what this and that index find.
        assert all("(deleted IS FALSE)" in one and columns not in one for one in made), made
        statement = (
            "explain select from read.lead l"
            " where not l.deleted and l.deleted is false and {} limit 1"
        )
        for asked in (
            "nullif(l.fields -> $1::text, 'null'::jsonb) = '39'::jsonb",
            "nullif(l.fields -> $1::text, 'null'::jsonb) >= '39'::jsonb",
        ):
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute("set local enable_seqscan = off")
                await connection.execute("set local plan_cache_mode = force_custom_plan")
                plan = await connection.fetch(statement.format(asked), "age")
                assert any("_field_" in row[0] for row in plan), plan
        # Leads of one value are found in the order of their last change, without sorting them.
        async with pool.acquire() as connection, connection.transaction():
            value = "nullif(l.fields -> 'age', 'null'::jsonb)"
            order = f"{value} desc, l.last_modified_at desc, l.lead_id desc"
            await connection.execute("set local enable_seqscan = off; set local role leads_query")
            plan = await connection.fetch(
                statement.format(f"{value} = '39'::jsonb order by {order}")
            )
            assert "_field_" in str(plan), plan
            assert "Sort" not in str(plan), plan
        older = {"op": "range", "field": "fields.age", "gte": 39}
        by_age = [{"field": "fields.age"}]
        assert await world.found(older, sort=by_age) == [named("lead 1"), named("lead 0")]
        seen = {"op": "range", "field": "fields.seen", "gt": "2026-03-04T11:59:59.9Z"}
        assert len(await world.found(seen)) == 3

        await rebuild("lead", world.url, bytes(range(32)), processes=1)
        again = [row[0] for row in await pool.fetch(indexes)]
        assert [one.split(" USING ")[1] for one in again] == [
            one.split(" USING ")[1] for one in made
        ]
        assert await world.found(older, sort=by_age) == [named("lead 1"), named("lead 0")]
        await drop(pool, "age")
        assert len(await pool.fetch(indexes)) == 1
        assert await world.found(older, sort=by_age) == [named("lead 1"), named("lead 0")]
        with pytest.raises(NotChosen, match="field age has no index"):
            await drop(pool, "age")
    finally:
        await pool.close()
