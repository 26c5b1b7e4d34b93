"""What is read beside the leads: campaigns, the organisation, do-not-call, quarantine, numbers."""

from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from schemas import lead as events
from schemas.dnc import DncAdded, DncRemoved
from schemas.organisation import ORGANISATION_ID, StatusAdded
from schemas.quarantine import PayloadDiscarded, PayloadHeld
from services.kit.cursors import CursorInvalid, Cursors, fingerprint
from services.kit.postgres import connect_pool
from services.query import sampling, sums
from services.query.app import FROM_LOG
from tests.contract.query_service import AUTUMN, NOON, SPRING, World, named, running, user


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        yield world


async def test_campaigns_come_with_their_templates(world: World) -> None:
    listed = (await world.read("/v1/campaigns", "agent"))["campaigns"]
    assert [campaign["name"] for campaign in listed] == ["Autumn", "Spring"]
    assert listed[1]["fields"][0]["import_name"] == "age"
    response = await world.get(f"/v1/campaigns/{SPRING}")
    assert response.json()["campaign"] == listed[1]
    assert response.headers["etag"] == '"1"'
    assert (await world.get(f"/v1/campaigns/{named('none')}")).status_code == 404


async def test_the_organisation_shows_addresses_to_who_administers_it(world: World) -> None:
    await world.happen(str(ORGANISATION_ID), StatusAdded("warm", "Warm", "open", True, "working"))
    whole = await world.read("/v1/organisation")
    assert {team["name"] for team in whole["teams"]} >= {"north", "south"}
    assert {one["email"] for one in whole["users"]} >= {"agent@example.com"}
    assert whole["statuses"][-1]["code"] == "warm"
    assert len(whole["statuses"]) == 37
    seen = await world.read("/v1/organisation", "agent")
    assert {one["email"] for one in seen["users"]} == {None}


async def test_do_not_call_entries_stand_until_they_end(world: World) -> None:
    later, past = "2026-03-05T00:00:00Z", "2026-03-04T00:00:00Z"
    await world.happen(named("a"), DncAdded("global", number="+4915112345678", expires_at=later))
    await world.happen(named("b"), DncAdded("global", number="+4915187654321", expires_at=past))
    lifted = DncRemoved("campaign", SPRING, number="+4930999888")
    await world.happen(named("c"), DncAdded("campaign", SPRING, number="+4930999888"), lifted)

    async def numbers(by: str = "admin", **given: str) -> list[str]:
        page = await world.read("/v1/do-not-call", by, **given)
        return [entry["number"] for entry in page["entries"]]

    assert await numbers() == ["+4915112345678"]
    assert len(await numbers(standing="false")) == 3
    assert await numbers(number="+4930999888", standing="false") == ["+4930999888"]
    assert await numbers("auditor") == ["•" * 12 + "78"]
    assert (await world.get("/v1/do-not-call", "auditor", number="+4930999888")).status_code == 403
    page = await world.read("/v1/do-not-call", standing="false", limit="2")
    rest = await world.read("/v1/do-not-call", standing="false", limit="2", cursor=page["next"])
    assert (len(rest["entries"]), rest["next"]) == (1, None)


async def test_the_quarantine_is_listed_and_its_bytes_are_shown_to_who_may(world: World) -> None:
    for index in range(3):
        raw = b64encode(b'{"number": "+4915112345678"}\xff').decode()
        held = PayloadHeld("unknown-lead", "No lead has this number.", "http", raw=raw)
        await world.happen(named(f"held {index}"), held, at=NOON + timedelta(minutes=index))
    await world.happen(named("held 0"), PayloadDiscarded("a test call"))
    page = await world.read("/v1/quarantine", state="open", limit="1")
    assert page["held"][0]["quarantine_id"] == named("held 2")
    assert page["held"][0]["raw"] == '{"number": "+4915112345678"}\ufffd'
    rest = await world.read("/v1/quarantine", state="open", limit="1", cursor=page["next"])
    assert [held["quarantine_id"] for held in rest["held"]] == [named("held 1")]
    assert rest["next"] is None
    one = (await world.read(f"/v1/quarantine/{named('held 0')}", "dialer"))["held"]
    assert (one["state"], one["discarded_for"], one["raw"]) == ("discarded", "a test call", None)
    assert (await world.get(f"/v1/quarantine/{named('none')}")).status_code == 404


async def test_the_numbers_count_what_is_in_sight(world: World) -> None:
    def call(call_id: str, seconds: int) -> events.LeadCallRecorded:
        return events.LeadCallRecorded(
            call_id, SPRING, "2026-03-04T10:00:00Z", talk_seconds=seconds
        )

    await world.lead("one", call("1", 10), call("2", 0), owner=user("agent"), status="ready")
    await world.lead("two", call("3", 5), owner=user("agent_south"), status="success")
    await world.lead("three", owner=user("agent"), campaign_id=AUTUMN)
    await world.lead("gone", call("4", 5), events.LeadDeleted())
    whole = await world.read("/v1/stats")
    assert (whole["leads"], whole["call_attempts"], whole["call_attempts_max"]) == (3, 3, 2)
    assert whole["talk_seconds"] == 15
    assert whole["by_status"] == {"created": 1, "ready": 1, "success": 1}
    assert whole["by_group"] == {"open": 2, "held": 0, "closed": 1}
    assert (await world.read("/v1/stats", campaign=AUTUMN))["leads"] == 1
    assert (await world.read("/v1/stats", "agent_south"))["by_status"] == {"success": 1}


async def test_the_numbers_of_many_leads_are_made_when_their_reader_has_been_answered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def shown(by: str = "admin", **given: Any) -> tuple[bool, int, int]:
        answer = await world.read("/v1/stats", by, **given)
        return answer["exact"], answer["counted_at"], answer["leads"]

    for index in range(3):
        await world.lead(f"lead {index}", owner=user("agent"))
    head = await world.log.head()
    assert await shown() == (True, head, 3)
    pool = await connect_pool(world.url, "leads_projections", largest=1)
    await pool.execute("analyze read.lead_v1")
    await pool.close()
    monkeypatch.setattr(sums, "AT_ONCE", -1)
    monkeypatch.setattr(sums, "LEADS_A_SECOND", 1)
    monkeypatch.setattr(sampling, "LEADS_SAMPLED", 2)
    for by, campaign in (("admin", {}), ("agent", {"campaign": SPRING})):
        exact, position, leads = await shown(by, **campaign)
        # All leads fit one page of the table: it is drawn or not, and stands for 3 / 2 of it.
        assert (exact, position, leads in (0, 4)) == (False, head, True)
        await world.reading.settled()
        assert await shown(by, **campaign) == (True, head, 3)
    assert (await shown("agent_south"))[1:] == (head, 0)  # out of sight stays out of numbers
    await world.lead("another", owner=user("agent"))
    assert await shown() == (True, head, 3)  # rests for 3 s
    now = await world.log.head()
    assert (await shown(min_position=str(now)))[:2] == (False, now)
    await world.reading.settled()
    assert await shown() == (True, now, 4)


def test_a_cursor_is_sealed_to_its_question() -> None:
    cursors, question = Cursors(bytes(32)), fingerprint("leads", None)
    cursor = cursors.seal(["+4915112345678"], question)
    assert cursors.open(cursor, question) == ["+4915112345678"]
    assert cursors.seal(["+4915112345678"], question) != cursor
    for other, asked in (
        (cursors, fingerprint("leads", 1)),
        (Cursors(bytes([1]) * 32), question),
    ):
        with pytest.raises(CursorInvalid):
            other.open(cursor, asked)


async def test_a_row_that_is_not_what_the_log_says_is_told_of(world: World) -> None:
    well = (await world.read("/v1/stats"))["watched"]
    assert (well["differing"], well["first"], well["rounds"]) == (0, None, 0)
    always = {"transport": FROM_LOG}
    assert (await world.client.get("/readyz")).json()["warnings"] == always
    own = await asyncpg.connect(world.url, server_settings={"role": "leads_projections"})
    await own.execute(
        "insert into read.differences (model, key, what) values ('lead', 'x', 'owner, status')"
    )
    await own.execute(
        "update read.watch set rounds = 2, streams = 7, round_ended_at = '2026-03-01T09:00:00Z'"
    )
    await own.close()
    seen = (await world.read("/v1/stats"))["watched"]
    assert (seen["differing"], seen["first"]) == (1, "lead x: owner, status")
    assert (seen["rounds"], seen["streams"]) == (2, 7)
    assert seen["round_ended_at"] == "2026-03-01T09:00:00Z"
    assert (await world.read("/v1/stats", "agent_south"))["watched"]["first"] is None
    ready = await world.client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert ready.json()["warnings"] == always | {
        "read models": "a row is not what the log says, first found lead x"
    }


async def test_health_tells_how_far_the_read_models_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = await world.client.get("/readyz")
    assert (ready.status_code, ready.json()["parts"]["read models"]) == (200, "ok")
    monkeypatch.setattr("services.query.app.LAG_EVENTS_MAX", -1)
    behind = await world.client.get("/readyz")
    assert behind.status_code == 503
    assert behind.json()["parts"]["read models"] == "0 events behind the log"
