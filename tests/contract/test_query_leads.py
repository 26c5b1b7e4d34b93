"""Lists, searches, counts and breakdowns of leads, over HTTP and a real database."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from schemas import lead as events
from schemas.organisation import ORGANISATION_ID, StatusAdded, StatusDeactivated
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


async def test_a_list_shows_leads_newest_change_first_with_position_and_lag(world: World) -> None:
    await world.lead(
        "first", fields={"age": 30}, personal_fields={"name": "Ada", "email": "a@b.de"}
    )
    second = await world.lead("second", status="ready")
    await world.happen(second, events.LeadPriorityChanged(9), at=NOON + timedelta(minutes=1))
    page = await world.read("/v1/leads")
    assert [lead["lead_id"] for lead in page["leads"]] == [named("second"), named("first")]
    assert page["leads"][0]["priority"] == 9
    assert page["leads"][0]["last_modified_at"] == "2026-03-04T12:01:00Z"
    assert page["leads"][1]["name"] == "Ada"
    assert page["leads"][1]["fields"] == {"age": 30}
    assert (page["next"], page["previous"]) == (None, None)
    assert page["position"] == await world.log.head()
    assert page["lag"] == 0


async def test_simple_conditions_narrow_the_list(world: World) -> None:
    await world.lead("one", status="ready", owner=user("agent"))
    await world.lead("two", status="callback", campaign_id=AUTUMN, active=False)

    async def ids(**params: Any) -> list[str]:
        return [one["lead_id"] for one in (await world.read("/v1/leads", **params))["leads"]]

    assert await ids(status=["ready", "created"]) == [named("one")]
    assert await ids(campaign=AUTUMN) == [named("two")]
    assert await ids(owner=user("agent")) == [named("one")]
    assert await ids(active="false") == [named("two")]
    assert await ids(filter=f"status = ready and campaign_id = {SPRING}") == [named("one")]
    assert await ids(sort="status") == [named("two"), named("one")]
    assert await ids(sort="-status,name") == [named("one"), named("two")]


async def test_search_finds_names_addresses_fields_and_any_part_of_the_digits(world: World) -> None:
    await world.lead(
        "one",
        phone="+4915112345678",
        fields={"city": "Ulm am See"},
        personal_fields={"name": "Ada Lövelace", "email": "ada@example.com"},
        contacts=[{"id": 1, "phone": "+4930999888", "typed": "030 999888", "fields": {}}],
    )
    await world.lead("two", phone="+4915187654321")
    for text in ("lövel", "ADA@", "am see", "2345", "0151 1234", "+49 151 123", "999888"):
        assert await world.found({"op": "search", "value": text}) == [named("one")], text
    assert await world.found({"op": "search", "value": "%"}) == []
    assert await world.found({"op": "contains", "field": "phone", "value": "876-54"}) == [
        named("two")
    ]


async def test_paging_goes_both_ways_and_keeps_its_place_while_rows_change(world: World) -> None:
    names = [f"lead {index}" for index in range(7)]
    for index, name in enumerate(names):
        age = {} if index in (2, 5) else {"age": index % 3}
        await world.lead(name, fields=age)
    body = {"sort": [{"field": "fields.age", "descending": True}], "limit": 2}
    everything = await world.found(sort=body["sort"])
    assert {everything[-1], everything[-2]} == {named("lead 2"), named("lead 5")}
    seen, cursor, previous = [], None, None
    while True:
        page = await world.asked("/v1/leads/search", {**body, "cursor": cursor})
        seen += [lead["lead_id"] for lead in page["leads"]]
        cursor = page["next"]
        if cursor is None:
            previous = page["previous"]
            break
        # A lead that was seen changes in every other column; the place is kept.
        await world.happen(seen[0], events.LeadNoteAdded(1, "changed"))
    assert seen == everything
    back: list[str] = []
    while previous is not None:
        page = await world.asked("/v1/leads/search", {**body, "cursor": previous})
        back = [lead["lead_id"] for lead in page["leads"]] + back
        previous = page["previous"]
    assert back == everything[: len(back)]
    assert len(back) == 6


async def test_a_cursor_belongs_to_its_question(world: World) -> None:
    for name in "abc":
        await world.lead(name)
    cursor = (await world.read("/v1/leads", limit=1))["next"]
    other = await world.get("/v1/leads", limit=1, cursor=cursor, status="ready")
    assert other.status_code == 422
    assert other.json()["errors"][0]["code"] == "invalid-cursor"
    changed = "B" if cursor[10] == "A" else "A"
    for broken in (cursor[:-2], "x", cursor[:10] + changed + cursor[11:], "é"):
        assert (await world.get("/v1/leads", limit=1, cursor=broken)).status_code == 422


async def test_columns_choose_what_is_shown(world: World) -> None:
    await world.lead("one", events.LeadNoteAdded(1, "hello"), fields={"age": 3, "city": "Ulm"})
    page = await world.read("/v1/leads", columns="status,fields.city,fields.gone,notes")
    assert page["leads"] == [
        {
            "lead_id": named("one"),
            "status": "created",
            "fields": {"city": "Ulm"},
            "notes": [{"note": 1, "text": "hello"}],
        }
    ]


async def test_a_count_is_exact_while_it_is_small_and_an_estimate_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(5):
        await world.lead(f"lead {index}", status="ready" if index else "created")
    ready = {"op": "equals", "field": "status", "value": "ready"}
    count = await world.asked("/v1/leads/count", {"filter": ready})
    assert (count["count"], count["exact"]) == (4, True)
    monkeypatch.setattr("services.query.counting.COUNT_EXACT_MAX", 2)
    estimated = await world.asked("/v1/leads/count", {"filter": ready})
    assert not estimated["exact"]
    assert estimated["count"] >= 3
    exact = await world.asked("/v1/leads/count", {"filter": ready, "exact": True})
    assert (exact["count"], exact["exact"]) == (4, True)


async def test_a_breakdown_tells_top_values_others_and_empty_ones(world: World) -> None:
    for index, status in enumerate(("ready", "ready", "ready", "callback", "created")):
        await world.lead(f"lead {index}", status=status, fields={"age": index * 10})
    await world.lead("no age")
    spread = await world.asked("/v1/leads/breakdown", {"field": "status", "top": 1})
    assert spread["parts"] == [{"value": "ready", "to": None, "count": 3}]
    assert (spread["other"], spread["empty"], spread["total"]) == (3, 0, 6)
    ages = await world.asked("/v1/leads/breakdown", {"field": "fields.age", "top": 2})
    assert ages["parts"] == [
        {"value": 0.0, "to": 21.0, "count": 3},
        {"value": 21.0, "to": 42.0, "count": 2},
    ]
    assert (ages["other"], ages["empty"], ages["total"]) == (0, 1, 6)
    nobody = {"op": "equals", "field": "status", "value": "success"}
    none = await world.asked("/v1/leads/breakdown", {"field": "owner", "filter": nobody})
    assert (none["parts"], none["total"]) == ([], 0)


async def test_times_are_broken_down_in_bins(world: World) -> None:
    for day in range(3):
        await world.lead(f"lead {day}")
        await world.happen(
            named(f"lead {day}"), events.LeadPriorityChanged(9), at=NOON + timedelta(days=40 * day)
        )
    spread = await world.asked("/v1/leads/breakdown", {"field": "last_modified_at", "top": 2})
    assert [part["count"] for part in spread["parts"]] == [1, 1, 1]
    assert spread["parts"][0]["value"] == "2026-03-02T00:00:00Z"


async def test_leads_out_of_sight_are_counted_only_with_the_right_to_insights(
    world: World,
) -> None:
    await world.lead("one", owner=team("north"))
    for path, body in (
        ("/v1/leads/count", {"scope": "all"}),
        ("/v1/leads/breakdown", {"scope": "all", "field": "status"}),
    ):
        assert (await world.post(path, body, by="agent_south")).status_code == 403
        answer = await world.asked(path, body, by="analyst")
        assert answer.get("count", answer.get("total")) == 1


async def test_a_deleted_lead_leaves_the_lists_but_not_the_record(world: World) -> None:
    gone = await world.lead("gone", events.LeadDeleted("asked for it"))
    assert await world.found() == []
    assert await world.found({"op": "equals", "field": "deleted", "value": True}) == [gone]
    assert (await world.read(f"/v1/leads/{gone}"))["lead"]["phone"] is None


async def test_every_fault_of_a_question_is_pointed_at(world: World) -> None:
    tree = {
        "op": "and",
        "of": [
            {"op": "equals", "field": "nonsense", "value": 1},
            {"op": "not", "of": {"op": "range", "field": "status", "gt": 1}},
            {"op": "equals", "field": "fields.age", "value": "old"},
            {"op": "range", "field": "next_dial_at", "lt": "soon"},
        ],
    }
    answer = await world.post("/v1/leads/search", {"filter": tree})
    assert answer.status_code == 422
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert pointers == [
        "/filter/of/0/field",
        "/filter/of/1/of/op",
        "/filter/of/2/value",
        "/filter/of/3/lt",
    ]
    shape = await world.post("/v1/leads/search", {"filter": {"op": "in", "field": "status"}})
    assert shape.json()["errors"][0]["pointer"] == "/filter/values"


async def test_a_name_that_is_on_no_list_is_refused_where_it_stands(world: World) -> None:
    tree = {
        "op": "or",
        "of": [
            {"op": "in", "field": "status", "values": ["ready", "redy", "reddy"]},
            {"op": "not", "of": {"op": "equals", "field": "latest_end_cause", "value": "busy"}},
            {"op": "log", "kinds": ["lead.called"], "end_causes": ["Busy", "NoAnswer"]},
            {"op": "contains", "field": "status", "value": "redial"},
            {"op": "equals", "field": "contract_icon", "value": "pink"},
        ],
    }
    for path, more in (
        ("/v1/leads/search", {}),
        ("/v1/leads/count", {}),
        ("/v1/leads/breakdown", {"field": "owner"}),
        ("/v1/selections", {}),
    ):
        answer = await world.post(path, {"filter": tree, **more})
        assert answer.status_code == 422, path
        faults = answer.json()["errors"]
        assert [(one["code"], one["pointer"]) for one in faults] == [
            ("unknown-status", "/filter/of/0/values/1"),
            ("unknown-status", "/filter/of/0/values/2"),
            ("unknown-end-cause", "/filter/of/1/of/value"),
            ("unknown-kind-of-event", "/filter/of/2/kinds/0"),
            ("unknown-end-cause", "/filter/of/2/end_causes/1"),
            ("unknown-icon", "/filter/of/4/value"),
        ]
        assert "there are: created, unprocessed, ready" in faults[0]["detail"]
        assert "NoResponse, Busy" in faults[2]["detail"]
        assert "lead.call_recorded" in faults[3]["detail"]
        assert faults[5]["detail"].startswith("there is no icon pink; there are: white, yellow_1")
    simple = await world.get("/v1/leads", status=["ready", "redy"])
    assert [one["pointer"] for one in simple.json()["errors"]] == ["/query/status/1"]
    text = await world.get("/v1/leads/export", filter="status = redy")
    assert [one["code"] for one in text.json()["errors"]] == ["unknown-status"]
    log = f"/v1/leads/{await world.lead('one')}/log"
    assert "call_recorded" in (await world.get(log, kind="called")).json()["errors"][0]["detail"]
    events_ = await world.get("/v1/events", kind="lead.called")
    assert events_.json()["errors"][0]["pointer"] == "/query/kind/0"


async def test_statuses_of_the_organisation_are_names_too_switched_off_or_not(
    world: World,
) -> None:
    warm = {"op": "equals", "field": "status", "value": "warm"}
    assert (await world.post("/v1/leads/count", {"filter": warm})).status_code == 422
    added = StatusAdded("warm", "Warm", "open", True, "working")
    await world.happen(str(ORGANISATION_ID), added)
    lead = await world.lead("one", status="warm")
    assert await world.found(warm) == [lead]
    await world.happen(str(ORGANISATION_ID), StatusDeactivated("warm"))
    assert await world.found(warm) == [lead]
    cold = await world.post("/v1/leads/count", {"filter": {**warm, "value": "cold"}})
    assert cold.json()["errors"][0]["detail"].endswith("in_global_do_not_call_list, warm")


async def test_unknown_parameters_are_refused_by_name(world: World) -> None:
    answer = await world.get("/v1/leads", sort_by="name", pageSize=3, limit="1_0")
    assert answer.status_code == 422
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers == {"/query/sort_by", "/query/pageSize", "/query/limit"}


async def test_the_log_is_part_of_the_filter(world: World) -> None:
    def call(call_id: str, cause: str, started: str) -> events.LeadCallRecorded:
        return events.LeadCallRecorded(call_id, SPRING, started, end_cause=cause)

    await world.lead("busy", call("1", "Busy", "2026-03-03T10:00:00Z"))
    await world.lead("answered", call("2", "NormalDisconnect", "2026-03-03T10:00:00Z"))
    await world.happen(named("answered"), call("3", "Busy", "2026-02-01T10:00:00Z"))
    tree = {"op": "log", "end_causes": ["Busy"], "since": "week@Europe/Berlin"}
    found = await world.found(tree)
    assert set(found) == {named("busy"), named("answered")}  # both happened at noon
    twice = await world.found({"op": "log", "at_least": 2})
    assert twice == [named("answered")]
    assert await world.found({"op": "log", "kinds": ["lead.deleted"]}) == []


async def test_search_and_the_order_of_dialling_follow_every_change(world: World) -> None:
    by_due = [{"field": "next_dial_at"}]
    early, late = "2026-03-04T13:00:00Z", "2026-03-04T15:00:00Z"
    first = await world.lead("first", phone="+4915112345678", next_dial_at=early)
    second = await world.lead("second", phone="+4930555000", next_dial_at=late)
    never = await world.lead("never", phone="+4930555001")
    assert await world.found(sort=by_due) == [first, second, never]
    due = {"op": "range", "field": "next_dial_at", "lt": "now+2h"}
    assert await world.found(due, sort=by_due) == [first]
    await world.happen(first, events.LeadDialScheduled("2026-03-04T16:00:00Z", previous=early))
    assert await world.found(sort=by_due) == [second, first, never]
    await world.happen(second, events.LeadScheduledDialCancelled(late))
    assert (await world.found(sort=by_due))[0] == first
    assert await world.found(due, sort=by_due) == []
    await world.happen(first, events.LeadPhoneChanged("+4915187654321", "0151 87654321"))
    assert await world.found({"op": "search", "value": "12345678"}) == []
    assert await world.found({"op": "search", "value": "0151 8765"}) == [first]
    await world.happen(first, events.LeadAnonymised("asked"))
    assert await world.found({"op": "search", "value": "87654321"}) == []
    async with world.reading.pool.acquire() as connection:
        kept = await connection.fetch("select found from read.lead_search")
    assert not any("87654321" in row["found"] for row in kept)
