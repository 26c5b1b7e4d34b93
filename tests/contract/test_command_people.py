"""Over HTTP and a real database: numbers erased, leads merged, messages and contracts told."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from schemas.lead import LeadAnonymised, LeadCreated, LeadMessageRecorded, LeadPhoneChanged
from tests.contract.command_service import SOUTH, Service, running

PHONE, OTHER, THIRD = "+14155550100", "+14155550101", "+14155550102"
ERASE = "/v1/do-not-call/erase-number"


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    async with running(database_url) as service:
        yield service


async def numbers(service: Service) -> int:
    """How many numbers of leads the log can look up."""
    return int(await service.commanding.log.pool.fetchval("select count(*) from log.numbers"))


async def test_a_number_is_erased_wherever_it_stands_or_stood(service: Service) -> None:
    spring, autumn = await service.campaign(), await service.campaign(name="Autumn")
    holds = await service.lead(spring)
    had = await service.lead(autumn)
    await service.done(f"/v1/leads/{had}/change-phone", {"phone": OTHER})
    second = await service.lead(spring, phone=OTHER, contacts=[{"phone": PHONE}])
    writes = await service.lead(autumn, phone=THIRD, fields={"whatsapp": PHONE}, owner=SOUTH)
    stays = await service.lead(spring, phone=THIRD)
    answer = await service.done(ERASE, {"number": PHONE, "reason": "asked"})
    assert {one["id"] for one in answer["others"]} == {holds, had, second, writes}
    for lead in (holds, had, second, writes):
        first, *_, last = await service.events(lead)
        assert isinstance(first, LeadCreated)
        assert (first.phone, first.personal_fields, first.contacts) == (None, None, ())
        assert isinstance(last, LeadAnonymised)
    changed = (await service.events(had))[1]
    assert isinstance(changed, LeadPhoneChanged)
    assert (changed.phone, changed.previous) == (None, None)
    assert await numbers(service) == 1
    kept = (await service.events(stays))[0]
    assert isinstance(kept, LeadCreated)
    assert kept.phone == THIRD
    again = await service.done(ERASE, {"number": PHONE, "reason": "asked"})
    assert again["changed"] is False


async def test_a_status_that_rules_set_is_not_switched_off(service: Service) -> None:
    own = {"code": "hot", "label": "Hot", "group": "open", "dialable": True, "kind": "working"}
    await service.done("/v1/organisation/add-status", own)
    campaign = await service.campaign()
    rules = f"/v1/campaigns/{campaign}/change-follow-up-rules"
    hot = {"end_cause": "Busy", "next_status": "hot"}
    await service.done(rules, {"rules": [hot]})
    off = "/v1/organisation/deactivate-status"
    refused = await service.post(off, {"code": "hot"})
    assert refused.status_code == 409
    assert [one["code"] for one in refused.json()["errors"]] == ["status-in-use"]
    assert campaign in refused.text
    await service.done(rules, {"rules": []})
    await service.done(off, {"code": "hot"})
    again = await service.post(rules, {"rules": [hot]})
    assert [one["code"] for one in again.json()["errors"]] == ["status-inactive"]


async def test_an_erased_number_stays_blocked_and_can_be_listed_anew(service: Service) -> None:
    campaign = await service.campaign()
    listed = {"number": PHONE, "scope": "global", "reason": "asked"}
    await service.done("/v1/do-not-call/add", listed)
    await service.lead(campaign)
    await service.done(ERASE, {"number": PHONE, "reason": "asked"})
    lead = await service.lead(campaign)
    start = f"/v1/leads/{lead}/start-call"
    refused = await service.post(start, {"call_id": "c1"}, by="agent")
    assert [one["code"] for one in refused.json()["errors"]] == ["do-not-call-global"]
    await service.done("/v1/do-not-call/remove", listed)
    await service.done("/v1/do-not-call/add", {**listed, "reason": "asked again"})
    await service.done("/v1/do-not-call/remove", listed)
    await service.done(start, {"call_id": "c1"}, by="agent")


async def test_merged_and_unmerged_with_numbers_and_claims(service: Service) -> None:
    campaign = await service.campaign()
    lead, other = await service.lead(campaign), await service.lead(campaign, phone=OTHER)
    merge, unmerge = f"/v1/leads/{lead}/merge", f"/v1/leads/{lead}/unmerge"
    body = {"other_lead_id": other}
    answer = await service.done(merge, body, by="team_leader")
    assert answer["events"] == ["lead.absorbed"]
    assert [one["id"] for one in answer["others"]] == [other]
    assert (await service.done(merge, body))["changed"] is False
    note = await service.post(f"/v1/leads/{other}/add-note", {"text": "x"})
    assert [one["code"] for one in note.json()["errors"]] == ["lead-merged"]
    # The survivor is called on both numbers, and the other's key is free.
    call = {"call_id": "c1", "number": OTHER}
    await service.done(f"/v1/leads/{lead}/start-call", call, by="agent")
    newcomer = await service.lead(campaign, phone=OTHER)
    taken = await service.post(unmerge, body)
    assert taken.status_code == 409
    assert newcomer in taken.json()["detail"]
    await service.done(f"/v1/leads/{newcomer}/delete")
    await service.done(unmerge, body)
    await service.done(f"/v1/leads/{other}/add-note", {"text": "x"})
    assert (await service.post("/v1/leads", {"campaign_id": campaign, "phone": OTHER})).is_error


async def test_an_absorbed_lead_is_found_when_its_number_is_erased(service: Service) -> None:
    campaign = await service.campaign()
    lead, other = await service.lead(campaign), await service.lead(campaign, phone=OTHER)
    await service.done(f"/v1/leads/{lead}/merge", {"other_lead_id": other})
    answer = await service.done(ERASE, {"number": OTHER, "reason": "asked"})
    assert {one["id"] for one in answer["others"]} == {lead, other}
    assert await numbers(service) == 0


async def test_messages_are_facts_with_a_time_of_their_own(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    place = f"/v1/leads/{lead}/record-message"
    body: dict[str, Any] = {
        "message_id": "m1", "channel": "sms", "direction": "out",
        "sent_at": "2026-03-01T09:00:00Z", "address": PHONE, "body": "Hello",
    }  # fmt: skip
    await service.done(place, body, by="dialer")
    again = await service.done(place, {**body, "body": "Hello again"}, by="dialer", if_match='"1"')
    assert again["changed"] is False
    (_, told) = await service.events(lead)
    assert isinstance(told, LeadMessageRecorded)
    assert told.body == "Hello"
    assert told.timestamp.isoformat() == "2026-03-01T09:00:00+00:00"


async def test_contracts_go_their_way(database_url: str) -> None:
    async with running(database_url, frozenset({"email"})) as service:
        await contracts_go_their_way(service)


async def contracts_go_their_way(service: Service) -> None:
    lead = await service.lead(await service.campaign(), fields={"email": "ann@example.com"})
    place = f"/v1/leads/{lead}"
    await service.done(
        f"{place}/record-contract", {"contract_id": "k1", "step": "updated"}, by="agent"
    )
    resend = {"contract_id": "k1", "channel": "email", "subject": "Ours", "body": "Look again"}
    asked = await service.done(f"{place}/resend-contract", resend, by="agent")
    assert asked["events"] == ["lead.contract_resend_requested", "lead.message_queued"]
    rejected = {"contract_id": "k1"}
    await service.done(f"{place}/reject-contract", rejected, by="team_leader")
    refused = await service.post(f"{place}/resend-contract", resend, by="agent")
    assert [one["code"] for one in refused.json()["errors"]] == ["contract-settled"]
