"""What a lead's row, its log and the do-not-call list show of messages, contracts, merging."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from schemas import lead as leads
from schemas.dnc import DncAdded, DncNumberErased
from tests.contract.query_service import NOON, SPRING, World, named, running

OTHER = "+4915112345679"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        yield world


async def lead(world: World, name: str, by: str = "admin") -> Any:
    return (await world.read(f"/v1/leads/{named(name)}", by))["lead"]


def message(number: int, at: str) -> leads.LeadMessageRecorded:
    return leads.LeadMessageRecorded(f"m{number}", "sms", "in", at, body="Hi")


async def test_messages_are_counted_and_the_latest_is_dated(world: World) -> None:
    await world.lead("anna")
    before = await lead(world, "anna")
    assert (before["message_count"], before["latest_message_at"]) == (0, None)
    told = (message(1, "2026-03-04T11:00:00Z"), message(2, "2026-03-04T09:00:00Z"))
    await world.happen(named("anna"), *told, at=NOON + timedelta(minutes=1))
    after = await lead(world, "anna")
    assert (after["message_count"], after["latest_message_at"]) == (2, "2026-03-04T11:00:00Z")
    assert after["last_modified_at"] == before["last_modified_at"]
    assert await world.found({"op": "range", "field": "message_count", "gte": 2})


async def test_messages_show_what_became_of_them_and_not_what_they_say(world: World) -> None:
    queued = leads.LeadMessageQueued(
        "q1", "sms", named("agent"), "k1", "+4915112345678", None, "Our secret"
    )
    failed = leads.LeadMessageFailed("q1", "gateway-refused", "2026-03-04T12:05:00Z", 1, "no")
    await world.lead("anna", message(1, "2026-03-04T11:00:00Z"), queued, failed)
    shown = await lead(world, "anna")
    told = [(one["id"], one["direction"], one["state"], one["code"]) for one in shown["messages"]]
    assert told == [("m1", "in", "received", None), ("q1", "out", "failed", "gateway-refused")]
    assert (shown["message_count"], shown["messages"][1]["contract_id"]) == (2, "k1")
    assert "Our secret" not in str(shown)
    log = (await world.read(f"/v1/leads/{named('anna')}/log"))["entries"]
    assert {one["data"].get("body") for one in log} == {None, "Our secret", "Hi"}
    again = leads.LeadMessageRequeued("q1", "sms", "gateway-refused")
    for events, state in (
        ((again,), "queued"),
        ((leads.LeadMessageDelivered("q1", "2026-03-04T12:09:00Z"),), "delivered"),
        ((leads.LeadMessageSent("q1"),), "delivered"),
        ((leads.LeadMessageQueued("q2", "email"),), "queued"),
        ((leads.LeadMessageCancelled("q2"),), "cancelled"),
        ((leads.LeadMessageQueued("q3", "email"), leads.LeadAnonymised()), "cancelled"),
    ):
        await world.happen(named("anna"), *events)
        assert (await lead(world, "anna"))["messages"][-1]["state"] == state, events


async def test_contracts_show_their_icon_and_their_timeline(world: World) -> None:
    first = leads.LeadContractRecorded("k1", "updated", "2026-03-01T09:00:00Z")
    second = leads.LeadContractRecorded("k1", "accepted", "2026-03-02T09:00:00Z", "updated")
    await world.lead("anna", first, second)
    (contract,) = (await lead(world, "anna", "auditor"))["contracts"]
    assert contract == {
        "id": "k1", "at": "2026-03-02T09:00:00Z", "step": "accepted", "icon": "green",
        "timeline": [
            {"at": "2026-03-01T09:00:00Z", "step": "updated", "icon": "white"},
            {"at": "2026-03-02T09:00:00Z", "step": "accepted", "icon": "green"},
        ],
    }  # fmt: skip
    green = {"op": "equals", "field": "contract_icon", "value": "green"}
    assert await world.found(green) == [named("anna")]
    log = await world.read(f"/v1/leads/{named('anna')}/log")
    changes = [one["changes"] for one in log["entries"]]
    assert changes[0] == [{"field": "contracts.k1", "before": "updated", "after": "accepted"}]


async def test_merged_leads_name_each_other(world: World) -> None:
    contact = {"id": 1, "phone": OTHER, "typed": OTHER, "fields": {}}
    await world.lead("anna", leads.LeadAbsorbed(named("hannah"), (contact,)))
    await world.lead("hannah", leads.LeadMerged(into=named("anna")), phone=OTHER)
    anna, hannah = await lead(world, "anna"), await lead(world, "hannah")
    assert anna["absorbed"] == [named("hannah")]
    assert [one["phone"] for one in anna["contacts"]] == [OTHER]
    assert (hannah["merged_into"], hannah["active"]) == (named("anna"), False)
    await world.happen(named("anna"), leads.LeadReleased(named("hannah"), (1,)))
    await world.happen(named("hannah"), leads.LeadUnmerged(previous=named("anna")))
    anna, hannah = await lead(world, "anna"), await lead(world, "hannah")
    assert (anna["absorbed"], anna["contacts"]) == ([], [])
    assert (hannah["merged_into"], hannah["active"]) == (None, True)
    log = (await world.read(f"/v1/leads/{named('hannah')}/log"))["entries"]
    assert {"field": "active", "before": False, "after": True} in log[0]["changes"]


async def test_a_lead_moved_keeps_its_segment_in_its_campaign(world: World) -> None:
    inside = leads.LeadAddedToSegment(segment_id=named("segment"))
    moved = leads.LeadMoved(SPRING, named("pool"), previous=SPRING)
    contact = {"id": 1, "phone": OTHER, "typed": OTHER, "fields": {"city": "Faro", "age": 3}}
    await world.lead("anna", inside, moved, contacts=(contact,), fields={"city": "Porto"})
    anna = await lead(world, "anna")
    assert (anna["pool_id"], anna["segment_id"]) == (named("pool"), named("segment"))
    away = leads.LeadMoved(named("autumn"), dropped=("city",), previous=SPRING)
    await world.happen(named("anna"), away)
    anna = await lead(world, "anna")
    assert (anna["pool_id"], anna["segment_id"], anna["fields"]) == (None, None, {})
    assert anna["contacts"][0]["fields"] == {"age": 3}


async def test_an_erased_number_is_read_nowhere_and_goes_on_blocking(world: World) -> None:
    here = DncAdded("campaign", SPRING, number=OTHER)
    await world.happen(named("number"), DncAdded("global", number=OTHER), here)
    listed = (await world.read("/v1/do-not-call"))["entries"]
    assert [one["number"] for one in listed] == [OTHER, OTHER]
    await world.happen(named("number"), DncNumberErased("asked", 3))
    listed = (await world.read("/v1/do-not-call"))["entries"]
    assert [one["number"] for one in listed] == [None, None]
    assert [one["removed_at"] for one in listed] == [None, None]
    await world.happen(named("number"), DncAdded("global", reason="again"))
    listed = (await world.read("/v1/do-not-call"))["entries"]
    assert [one["number"] for one in listed] == [None, None]
