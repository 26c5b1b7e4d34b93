"""A lead's log and past: as of any version it equals the row the grid showed then."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from schemas import lead as events
from schemas.event import Event
from services.query.changes import changes_of
from tests.contract.query_service import AUTUMN, NOON, SPRING, World, named, running, team, user

LATER = "2026-03-05T09:00:00Z"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        yield world


def call(call_id: str, started: str, **more: Any) -> events.LeadCallRecorded:
    return events.LeadCallRecorded(call_id, SPRING, started, **more)


LIFE: tuple[Event, ...] = (
    events.LeadCreated(
        SPRING,
        team("north"),
        phone="+4915112345678",
        fields={"age": 40},
        personal_fields={"name": "Ada"},
    ),
    events.LeadFieldsChanged(set={"age": 41, "city": "Ulm"}, before={"age": 40}),
    events.LeadOwnerChanged(user("agent"), team("north")),
    events.LeadPhoneChanged("+4915187654321", "0151 87654321", "+4915112345678"),
    events.LeadNoteAdded(1, "call her in the evening"),
    events.LeadContactAdded(1, "+4930999888", "030 999888", {"kind": "work"}),
    events.LeadCallStarted("c1", LATER, number="+4915187654321", agent=named("agent")),
    call("c1", "2026-03-04T11:00:00Z", agent=named("agent"), end_cause="Busy", rule="built-in:Busy",
         status_after="automatic_redial", next_dial_at=LATER, number="+4915187654321"),
    events.LeadStatusChanged("callback", "automatic_redial"),
    events.LeadCallbackSet(LATER, named("agent")),
    events.LeadSuppressed("asked", LATER),
    events.LeadUnsuppressed(),
    events.LeadPriorityChanged(10, 5),
    events.LeadMoved(AUTUMN, dropped=("city",), previous=SPRING),
    events.LeadResultRecorded("success", named("agent"), "callback"),
    events.LeadDeactivated(),
)  # fmt: skip


async def live(world: World, lead: str, life: tuple[Event, ...] = LIFE) -> list[Any]:
    """Let the events happen one by one; return what the service showed after each."""
    shown = []
    for index, event in enumerate(life):
        await world.happen(lead, event, at=NOON + timedelta(minutes=index))
        shown.append((await world.read(f"/v1/leads/{lead}"))["lead"])
    return shown


async def test_as_of_equals_what_the_grid_showed_for_every_version(world: World) -> None:
    lead = named("lead")
    shown = await live(world, lead)
    for version, then in enumerate(shown, 1):
        answer = await world.read(f"/v1/leads/{lead}", as_of=f"version:{version}")
        assert answer["lead"] == then, version
        assert answer["as_of"]["version"] == version
        position = answer["as_of"]["position"]
        assert (await world.read(f"/v1/leads/{lead}", as_of=f"position:{position}"))["lead"] == then
        recorded = answer["as_of"]["recorded_at"]
        assert (await world.read(f"/v1/leads/{lead}", as_of=recorded))["lead"] == then


async def test_the_etag_is_the_version_that_is_shown(world: World) -> None:
    lead = await world.lead("lead", events.LeadPriorityChanged(3))
    assert (await world.get(f"/v1/leads/{lead}")).headers["etag"] == '"2"'
    assert (await world.get(f"/v1/leads/{lead}", as_of="version:1")).headers["etag"] == '"1"'


async def test_before_its_first_event_a_lead_was_not(world: World) -> None:
    lead = await world.lead("lead")
    for moment in ("2020-01-01T00:00:00Z", "version:0", "position:1"):
        answer = await world.get(f"/v1/leads/{lead}", as_of=moment)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "too-early"
    for broken in ("then", "version:x", "2020-13-01T00:00:00Z", "version:" + "9" * 30):
        assert (await world.get(f"/v1/leads/{lead}", as_of=broken)).status_code == 422


async def test_a_moment_that_has_not_come_is_refused(world: World) -> None:
    """Nobody takes the present for what will have been."""
    lead = await world.lead("lead", events.LeadPriorityChanged(3))
    beyond = f"position:{await world.log.head() + 1}"
    wanted = {"version:3": "no-such-version", beyond: "no-such-position", "2199-01-01": "too-late"}
    for moment, code in wanted.items():
        for path, given in (
            ("", {"as_of": moment}),
            ("/log", {"as_of": moment}),
            ("/diff", {"from": moment}),
            ("/diff", {"from": "version:1", "to": moment}),
        ):
            answer = await world.get(f"/v1/leads/{lead}{path}", **given)
            assert answer.status_code == 422, (path, given)
            assert answer.json()["errors"][0]["code"] == code, (path, given)
    for path, given in (("", {"as_of": "version:1"}), ("/diff", {"from": "version:1"})):
        assert (await world.get(f"/v1/leads/{lead}{path}", min_version=2, **given)).is_success
        answer = await world.get(f"/v1/leads/{lead}{path}", min_version=3, **given)
        assert (answer.status_code, answer.json()["version"]) == (504, 2)
    assert (await world.post("/v1/pasts", {"as_of": "2199-01-01"})).status_code == 422


async def test_the_log_tells_every_change_newest_first_before_and_after(world: World) -> None:
    lead = named("lead")
    await live(world, lead)
    page = await world.read(f"/v1/leads/{lead}/log")
    assert page["version"] == len(LIFE)
    assert [entry["version"] for entry in page["entries"]] == list(range(len(LIFE), 0, -1))
    by_version = {entry["version"]: entry for entry in page["entries"]}
    assert by_version[2]["changes"] == [
        {"field": "fields.age", "before": 40, "after": 41},
        {"field": "fields.city", "before": None, "after": "Ulm"},
    ]
    assert by_version[3]["changes"] == [
        {"field": "owner", "before": team("north"), "after": user("agent")}
    ]
    assert by_version[4]["changes"] == [
        {"field": "phone", "before": "+4915112345678", "after": "+4915187654321"}
    ]
    assert by_version[8]["data"]["end_cause"] == "Busy"
    assert by_version[8]["data"]["talk_seconds"] == 0
    assert by_version[8]["actor"] == user("admin")


async def test_a_late_call_stands_where_it_belongs_with_both_times(world: World) -> None:
    lead = await world.lead("lead")
    await world.happen(lead, events.LeadPriorityChanged(3), at=NOON + timedelta(hours=1))
    late = NOON + timedelta(minutes=30)
    await world.happen(lead, call("late", "2026-03-04T12:30:00Z"), at=late)
    entries = (await world.read(f"/v1/leads/{lead}/log"))["entries"]
    assert [entry["version"] for entry in entries] == [2, 3, 1]
    assert entries[1]["happened_at"] == "2026-03-04T12:30:00Z"
    assert entries[1]["recorded_at"] > entries[0]["recorded_at"]


async def test_the_log_is_paged_and_filtered_by_kind_actor_and_moment(world: World) -> None:
    lead = await world.lead("lead")
    for index in range(5):
        await world.happen(lead, events.LeadPriorityChanged(index + 1), by="leader")
    await world.happen(lead, call("c", "2026-03-04T10:00:00Z"))

    async def versions(**given: Any) -> list[int]:
        page = await world.read(f"/v1/leads/{lead}/log", **given)
        return [entry["version"] for entry in page["entries"]]

    assert await versions(kind="call_recorded") == [7]
    assert await versions(actor=user("leader")) == [6, 5, 4, 3, 2]
    assert await versions(as_of="version:3") == [3, 2, 1]
    seen, cursor = [], None
    while True:
        given: Any = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = await world.read(f"/v1/leads/{lead}/log", **given)
        seen += [entry["version"] for entry in page["entries"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_a_diff_names_what_differs_and_the_events_between(world: World) -> None:
    lead = named("lead")
    await live(world, lead)
    diff = await world.read(f"/v1/leads/{lead}/diff", **{"from": "version:1", "to": "version:3"})
    fields = {change["field"]: (change["before"], change["after"]) for change in diff["changes"]}
    assert fields["owner"] == (team("north"), user("agent"))
    assert fields["fields.age"] == (40, 41)
    assert fields["fields.city"] == (None, "Ulm")
    assert [event["version"] for event in diff["events"]] == [2, 3]
    whole = await world.read(f"/v1/leads/{lead}/diff", **{"from": "version:1"})
    assert whole["after"]["version"] == len(LIFE)


async def test_what_was_erased_is_gone_from_the_past_too(world: World) -> None:
    lead = named("lead")
    await live(world, lead, LIFE[:8])
    # The keys of this process still hold the lead's: only the event says that it is gone.
    await world.happen(lead, events.LeadAnonymised("asked", "automatic_redial"))
    for path in ("?as_of=version:4", "/log", "/diff?from=version:1", ""):
        text = (await world.get(f"/v1/leads/{lead}{path}")).text
        for secret in ("4915112345678", "4915187654321", "Ada", "evening", "999888"):
            assert secret not in text, path
    entries = (await world.read(f"/v1/leads/{lead}/log"))["entries"]
    assert [entry["version"] for entry in entries if entry["erased"]] == [8, 7, 6, 5, 4, 2, 1]
    assert entries[1]["data"]["call_id"] == "c1"


async def test_a_read_waits_for_the_position_and_version_it_needs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.query.reading.WAIT_SECONDS_MAX", 30.0)
    lead = await world.lead("lead")
    position = await world.record(lead, events.LeadPriorityChanged(1))

    async def soon() -> None:
        await asyncio.sleep(0.1)
        await world.project()

    projecting = asyncio.create_task(soon())
    page = await world.read("/v1/leads", min_position=position)
    assert page["position"] >= position
    assert page["leads"][0]["priority"] == 1
    await projecting
    await world.record(lead, events.LeadPriorityChanged(2))
    projecting = asyncio.create_task(soon())
    assert (await world.read(f"/v1/leads/{lead}", min_version=3))["lead"]["version"] == 3
    await projecting
    monkeypatch.setattr("services.query.reading.WAIT_SECONDS_MAX", 0.05)
    position = await world.record(lead, events.LeadPriorityChanged(3))
    late = await world.get("/v1/leads", min_position=position)
    assert (late.status_code, late.json()["code"]) == (504, "not-yet")
    assert late.json()["position"] == position - 1
    behind = await world.get(f"/v1/leads/{lead}", min_version=4)
    assert (behind.status_code, behind.json()["version"]) == (504, 3)
    assert (await world.read("/v1/leads"))["lag"] == 1
    beyond = await world.get("/v1/leads", min_position=position + 1)
    assert beyond.status_code == 422


def test_a_call_after_which_no_dial_is_planned_tells_of_none() -> None:
    told = {"status_before": "ready", "status_after": "success", "rule": "success"}
    status = {"field": "status", "before": "ready", "after": "success"}
    assert changes_of("lead.call_recorded", told) == [status]
    due = "2026-03-04T10:00:00Z"
    dial = {"field": "next_dial_at", "before": None, "after": due}
    assert changes_of("lead.call_recorded", {**told, "next_dial_at": due}) == [status, dial]
