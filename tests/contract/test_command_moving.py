"""Over HTTP and a real database: leads in pools, segments, on their way between campaigns."""

from collections.abc import AsyncIterator

import pytest

from schemas.lead import LeadCreated, LeadMoved
from tests.contract.command_service import USER_IDS, Service, running

PHONE = "+14155550100"


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    async with running(database_url) as service:
        yield service


async def test_the_claim_moves_with_the_lead(service: Service) -> None:
    spring, autumn = await service.campaign(), await service.campaign(name="Autumn")
    lead, other = await service.lead(spring), await service.lead(autumn)
    into = {"target_campaign_id": autumn}
    place = f"/v1/leads/{lead}/move"
    refused = await service.post(place, into)
    assert refused.status_code == 409
    assert other in refused.json()["detail"]
    skipped = await service.done(place, {**into, "duplicate_action": "skip"})
    assert skipped["changed"] is False
    await service.done(f"/v1/leads/{other}/change-phone", {"phone": "+14155550101"})
    moved = await service.done(place, into)
    assert moved["events"] == [LeadMoved.TOPIC]
    await service.lead(spring)  # the key is free where the lead was
    again = {"campaign_id": autumn, "phone": PHONE}
    assert (await service.post("/v1/leads", again)).status_code == 409


async def test_beside_its_duplicate_it_holds_no_claim(service: Service) -> None:
    spring, autumn = await service.campaign(), await service.campaign(name="Autumn")
    lead, other = await service.lead(spring), await service.lead(autumn)
    anyway = {"target_campaign_id": autumn, "duplicate_action": "move_anyway"}
    await service.done(f"/v1/leads/{lead}/move", anyway)
    (*_, moved) = await service.events(lead)
    assert isinstance(moved, LeadMoved)
    assert moved.claims is False
    await service.done(f"/v1/leads/{other}/delete")
    await service.done("/v1/leads", {"campaign_id": autumn, "phone": PHONE})


async def test_what_a_clone_and_a_move_leave_behind_is_said(service: Service) -> None:
    spring, bare = await service.campaign(), await service.campaign(name="Bare", fields=[])
    lead = await service.lead(spring, fields={"age": 41})
    cloned = await service.done(f"/v1/leads/{lead}/clone", {"target_campaign_id": bare})
    assert cloned["dropped"] == ["age"]
    (other,) = cloned["others"]
    (created,) = await service.events(other["id"])
    assert isinstance(created, LeadCreated)
    assert created.cloned_from == lead
    anyway = {"target_campaign_id": bare, "duplicate_action": "move_anyway"}
    moved = await service.done(f"/v1/leads/{lead}/move", anyway)
    assert moved["dropped"] == ["age"]
    again = await service.done(f"/v1/leads/{lead}/move", {"target_campaign_id": spring})
    assert "dropped" not in again


async def test_a_pool_that_is_off_stops_the_dialling_of_its_leads(service: Service) -> None:
    campaign = await service.campaign()
    body = {"campaign_id": campaign, "name": "March"}
    pool = (await service.done("/v1/pools", body))["id"]
    lead = await service.lead(campaign, pool_id=pool)
    await service.done(f"/v1/pools/{pool}/deactivate")
    start = f"/v1/leads/{lead}/start-call"
    refused = await service.post(start, {"call_id": "c1"}, by="agent")
    assert [one["code"] for one in refused.json()["errors"]] == ["pool-inactive"]
    await service.done(f"/v1/pools/{pool}/activate")
    await service.done(start, {"call_id": "c1"}, by="agent")


async def test_a_picked_segment_limits_the_dialling_to_its_leads(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    body = {"name": "North", "agents": [USER_IDS["agent"]]}
    segment = (await service.done("/v1/segments", body, by="team_leader"))["id"]
    start = {"call_id": "c1", "segment_id": segment}
    refused = await service.post(f"/v1/leads/{lead}/start-call", start, by="agent")
    assert [one["code"] for one in refused.json()["errors"]] == ["not-in-segment"]
    inside = {"segment_id": segment}
    await service.done(f"/v1/leads/{lead}/add-to-segment", inside, by="team_leader")
    await service.done(f"/v1/leads/{lead}/start-call", start, by="agent")
    copy = {"segment_id": segment, "name": "Copy"}
    assert await service.done("/v1/segments/copy", copy, by="team_leader")


async def test_unprocessed_leads_of_a_pool_go_and_those_worked_on_stay(service: Service) -> None:
    campaign = await service.campaign()
    body = {"campaign_id": campaign, "name": "March"}
    pool = (await service.done("/v1/pools", body))["id"]
    lead = await service.lead(campaign, pool_id=pool)
    gone = await service.done(f"/v1/leads/{lead}/delete-unprocessed", {"pool_id": pool})
    assert gone["events"] == ["lead.deleted"]
    lead = await service.lead(campaign, pool_id=pool)
    await service.done(f"/v1/leads/{lead}/record-result", {"result": "success"}, by="agent")
    refused = await service.post(f"/v1/leads/{lead}/delete-unprocessed", {"pool_id": pool})
    assert [one["code"] for one in refused.json()["errors"]] == ["already-processed"]
