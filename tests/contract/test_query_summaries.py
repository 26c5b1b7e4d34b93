"""Pools, campaigns and segments in numbers: how far their leads are, KPIs, the full log."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import orjson
import pytest

from schemas import lead as events
from schemas.organisation import ORGANISATION_ID, UserChanged
from schemas.pool import PoolCreated
from schemas.segment import SegmentCreated
from services.kit.clock import FixedClock
from services.kit.postgres import connect_pool
from services.query import numbers, pool_log, sampling, tallies
from tests.contract.query_service import SPRING, World, named, running, team, user

POOL, SEGMENT = named("pool"), named("segment")


def call(number: int, status: str | None = None, **more: Any) -> events.LeadCallRecorded:
    rule = None if status is None else "built-in:Busy"
    return events.LeadCallRecorded(
        f"c{number}", SPRING, "2026-03-04T10:00:00Z", number="+4915112345678",
        end_cause="Busy", rule=rule, status_after=status, **more,
    )  # fmt: skip


def pass_seconds(world: World, seconds: int) -> None:
    clock = world.clock
    assert isinstance(clock, FixedClock)
    clock.at += timedelta(seconds=seconds)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        await world.happen(POOL, PoolCreated("March", SPRING))
        await world.happen(SEGMENT, SegmentCreated("North"))
        joined = events.LeadAddedToSegment(SEGMENT)
        won = events.LeadResultRecorded("success", named("agent"))
        await world.lead("won", joined, call(1, "no_answer"), call(2, "no_answer"), won, won,
                         pool_id=POOL, owner=user("agent"))  # fmt: skip
        await world.lead("tried", joined, call(3, "no_answer"), pool_id=POOL, owner=team("south"))
        await world.lead("new", joined, pool_id=POOL, owner=team("south"))
        await world.lead("gone", joined, won, events.LeadDeleted(), pool_id=POOL)
        yield world


@pytest.mark.parametrize("thing", [f"pools/{POOL}", f"campaigns/{SPRING}", f"segments/{SEGMENT}"])
async def test_a_summary_tells_how_far_something_is(world: World, thing: str) -> None:
    summary = (await world.read(f"/v1/{thing}/summary"))["summary"]
    assert summary["numbers"] == {
        "uploaded": 4, "total": 3, "open": 2, "ready": 2, "held": 0, "closed": 1, "used": 2,
        "percent_closed": 33.3, "percent_used": 66.7,
    }  # fmt: skip
    assert summary["by_status"] == {"created": 1, "no_answer": 1, "success": 1}
    kpis = {one["status"]: (one["first_time"], one["all"]) for one in summary["kpis"]}
    assert kpis == {"no_answer": (2, 3), "success": (2, 3)}
    assert summary["counted_at"] == await world.log.head()
    mine = (await world.read(f"/v1/{thing}/summary", "agent_south"))["summary"]
    assert (mine["numbers"]["uploaded"], mine["numbers"]["closed"]) == (2, 0)
    assert await _success(world, thing, "agent_south") == (0, 0)
    unknown = thing.rpartition("/")[0] + "/" + named("none")
    assert (await world.get(f"/v1/{unknown}/summary")).status_code == 404


async def _success(world: World, thing: str, by: str, **given: Any) -> tuple[int, int]:
    asked = {"kpi": ["success"], **given}
    (kpi,) = (await world.read(f"/v1/{thing}/summary", by, **asked))["summary"]["kpis"]
    return kpi["first_time"], kpi["all"]


async def test_kpis_are_chosen_and_of_leads_out_of_sight_for_who_may(world: World) -> None:
    thing = f"pools/{POOL}"
    chosen: dict[str, Any] = {"kpi": ["max_retries", "success", "success"]}
    summary = (await world.read(f"/v1/{thing}/summary", **chosen))["summary"]
    assert [(one["status"], one["first_time"], one["percent_first_time"]) for one in
            summary["kpis"]] == [("max_retries", 0, 0.0), ("success", 2, 50.0)]  # fmt: skip
    refused = await world.get(f"/v1/{thing}/summary", kpi=["nope", "success", "none"])
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/query/kpi/0", "/query/kpi/2"]
    (listed,) = (await world.read("/v1/pools", kpi="success"))["pools"]
    assert [(one["first_time"], one["all"]) for one in listed["kpis"]] == [(2, 3)]
    assert (await world.read("/v1/pools"))["pools"][0]["kpis"] == []
    (of_segment,) = (await world.read("/v1/segments", kpi="no_answer"))["segments"]
    assert of_segment["kpis"][0]["all"] == 3
    assert await _success(world, thing, "analyst", scope="all") == (2, 3)
    refused = await world.get(f"/v1/{thing}/summary", "agent", scope="all")
    assert refused.status_code == 403


async def test_what_many_leads_come_to_is_kept_a_while_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ready(**given: Any) -> tuple[int, int]:
        summary = (await world.read(f"/v1/pools/{POOL}/summary", **given))["summary"]
        return summary["numbers"]["ready"], summary["counted_at"]

    head = await world.log.head()
    assert await ready() == (2, head)
    await world.happen(named("new"), events.LeadPaused())
    assert await ready() == (1, head + 1)  # of few leads at once
    monkeypatch.setattr(numbers, "FEW", 2)
    monkeypatch.setattr(numbers, "LEADS_A_SECOND", 1)
    await world.happen(named("new"), events.LeadReadied())
    assert await ready() == (1, head + 1)
    assert await ready(min_position=str(head + 2)) == (2, head + 2)
    await world.happen(named("new"), events.LeadPaused())
    assert await ready() == (2, head + 2)
    pass_seconds(world, 5)
    assert await ready() == (1, head + 3)


async def test_many_leads_are_counted_when_their_reader_has_been_answered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits: they see a sample, then what was counted last, and which position it shows."""

    async def shown(by: str = "admin", **given: Any) -> tuple[bool, int, int]:
        summary = (await world.read(f"/v1/campaigns/{SPRING}/summary", by, **given))["summary"]
        return summary["exact"], summary["counted_at"], summary["numbers"]["total"]

    async def listed(by: str = "admin") -> tuple[bool, int]:
        (one,) = (await world.read("/v1/pools", by))["pools"]
        return one["exact"], one["numbers"]["total"]

    pool = await connect_pool(world.url, "leads_projections", largest=1)
    await pool.execute("analyze read.lead_v1")
    await pool.close()
    monkeypatch.setattr(tallies, "AT_ONCE", -1)
    monkeypatch.setattr(sampling, "LEADS_SAMPLED", 1)
    head = await world.log.head()
    # All leads fit one page of the table: it is drawn or not, and each of its leads stands for 4.
    assert await shown() in ((False, head, 0), (False, head, 12))
    assert await listed("agent_south") in ((False, 0), (False, 8))
    await world.reading.settled()
    assert await shown() == (True, head, 3)
    assert await listed("agent_south") == (True, 2)
    await world.happen(named("new"), events.LeadDeleted())
    assert await shown() == (True, head, 3)
    await world.reading.settled()
    assert await shown() == (True, head + 1, 2)
    await world.happen(named("tried"), events.LeadDeleted())
    assert await shown(min_position=str(head + 2)) == (True, head + 2, 1)
    await world.reading.settled()
    assert await shown("analyst", scope="all") == (True, head + 2, 1)  # as admins have counted


async def test_numbers_follow_the_time_without_any_event(world: World) -> None:
    soon = "2026-03-04T12:00:30Z"
    await world.lead("later", pool_id=POOL, next_dial_at=soon)
    path = f"/v1/pools/{POOL}/summary"
    assert (await world.read(path))["summary"]["numbers"]["ready"] == 2
    pass_seconds(world, 31)
    assert (await world.read(path))["summary"]["numbers"]["ready"] == 3


async def test_the_full_log_of_a_pool_comes_lead_by_lead(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_log, "LEADS_AT_ONCE", 1)
    response = await world.get(f"/v1/pools/{POOL}/log")
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.headers["leads-position"] == str(await world.log.head())
    lines = [orjson.loads(line) for line in response.content.splitlines()]
    leads = [named(name) for name in ("won", "tried", "new", "gone")]
    assert [(one["lead_id"], one["version"]) for one in lines] == [
        (lead, version)
        for lead, versions in sorted(zip(leads, (6, 3, 2, 4), strict=True))
        for version in range(1, versions + 1)
    ]
    calls = [one for one in lines if one["kind"] == "lead.call_recorded"]
    assert {one["data"]["number"] for one in calls} == {"+4915112345678"}
    assert (await world.get(f"/v1/pools/{named('none')}/log")).status_code == 404
    assert (await world.get(f"/v1/pools/{POOL}/log", format="xml")).status_code == 422


async def test_the_log_is_masked_and_only_of_leads_in_sight(world: World) -> None:
    masked = await world.get(f"/v1/pools/{POOL}/log", "auditor")
    assert "15112345678" not in masked.text
    assert "call_recorded" in masked.text
    south = await world.get(f"/v1/pools/{POOL}/log", "agent_south")
    assert named("won") not in south.text
    assert named("tried") in south.text
    assert (await world.get(f"/v1/pools/{POOL}/log", "dialer")).content == b""


async def test_a_spreadsheet_finds_no_formula_in_the_log(world: World) -> None:
    evil = "=HYPERLINK(1)"
    await world.happen(named("new"), call(9, disposition=evil), events.LeadNoteAdded(1, evil))
    response = await world.get(f"/v1/pools/{POOL}/log", format="csv")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in response.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert tuple(rows[0]) == pool_log.CSV_COLUMNS
    (row,) = [one for one in rows if one["call_id"] == "c9"]
    assert (row["disposition"], row["number"]) == ("'" + evil, "'+4915112345678")
    cells = [cell for one in rows for cell in one.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


async def test_a_role_that_was_taken_away_ends_a_download(world: World) -> None:
    """Each piece is read with the sight its caller has then."""
    changed = UserChanged(named("auditor"), "agent", ())
    await world.happen(str(ORGANISATION_ID), changed)
    text = (await world.get(f"/v1/pools/{POOL}/log", "auditor")).text
    assert named("won") not in text
