"""The page of one lead: the next dial with its reason, messages, numbers; now and as it was."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from schemas import lead as events
from tests.contract.query_service import NOON, SPRING, World, named, running, user

NINE, TEN = "2026-03-05T09:00:00Z", "2026-03-05T10:00:00Z"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        yield world


def call(number: int, **more: Any) -> events.LeadCallRecorded:
    return events.LeadCallRecorded(f"c{number}", SPRING, f"2026-03-04T1{number}:00:00Z", **more)


async def test_the_next_dial_is_shown_with_the_rule_that_decided_it(world: World) -> None:
    lead = await world.lead("lead")
    assert (await world.read(f"/v1/leads/{lead}"))["follow_up"] is None
    retry = call(1, end_cause="Busy", rule="campaign:busy", next_dial_at=NINE, next_contact=2)
    await world.happen(lead, retry, call(0, end_cause="NoResponse"))
    shown = (await world.read(f"/v1/leads/{lead}"))["follow_up"]
    assert (shown["at"], shown["why"], shown["rule"]) == (NINE, "rule", "campaign:busy")
    assert (shown["after_call"], shown["contact"], shown["version"]) == ("c1", 2, 2)
    assert shown["decided_by"] == user("admin")
    assert shown["cancel"] == f"/v1/leads/{lead}/cancel-scheduled-dial"
    await world.happen(lead, events.LeadScheduledDialCancelled(NINE))
    assert (await world.read(f"/v1/leads/{lead}"))["follow_up"] is None
    await world.happen(lead, events.LeadDialScheduled(TEN))
    shown = (await world.read(f"/v1/leads/{lead}"))["follow_up"]
    assert (shown["at"], shown["why"], shown["rule"]) == (TEN, "scheduled", None)
    await world.happen(lead, events.LeadCallbackSet(NINE, named("agent")))
    shown = (await world.read(f"/v1/leads/{lead}"))["follow_up"]
    assert (shown["why"], shown["cancel"]) == ("callback", f"/v1/leads/{lead}/cancel-callback")
    then = (await world.read(f"/v1/leads/{lead}", as_of="version:3"))["follow_up"]
    assert (then["rule"], then["at"]) == ("campaign:busy", NINE)


async def test_talking_and_changing_are_different_times(world: World) -> None:
    lead = await world.lead("lead")
    await world.happen(lead, call(1, talk_seconds=60, contact_session_id="s"))
    await world.happen(lead, call(2, contact_session_id="s"), call(3))
    await world.happen(lead, events.LeadPriorityChanged(3), at=NOON + timedelta(hours=9))
    statistics = (await world.read(f"/v1/leads/{lead}"))["statistics"]
    assert statistics == {
        "call_attempts": 3,
        "contact_attempts": 2,
        "talk_seconds": 60,
        "attempts_since_reset": 3,
        "messages": 0,
        "latest_call_at": "2026-03-04T13:00:00Z",
        "last_contacted_at": "2026-03-04T11:00:00Z",
        "last_modified_at": "2026-03-04T21:00:00Z",
    }


async def test_messages_are_told_newest_first_and_without_numbers_to_who_may_not(
    world: World,
) -> None:
    lead = await world.lead("lead")
    for number, sent in enumerate((NINE, TEN)):
        message = events.LeadMessageRecorded(
            f"m{number}", "sms", "out", sent, address="+4915112345678", body="Hello"
        )
        await world.happen(lead, message, at=NOON + timedelta(minutes=number))
    messages = (await world.read(f"/v1/leads/{lead}"))["messages"]
    assert [one["message_id"] for one in messages] == ["m1", "m0"]
    assert (messages[0]["address"], messages[0]["body"]) == ("+4915112345678", "Hello")
    hidden = (await world.read(f"/v1/leads/{lead}", "auditor"))["messages"]
    assert hidden[0]["address"] == "•" * 12 + "78"
    assert [
        one["message_id"]
        for one in (await world.read(f"/v1/leads/{lead}", as_of="version:2"))["messages"]
    ] == ["m0"]


async def test_a_message_says_that_it_is_erased_also_as_of_before(world: World) -> None:
    lead = await world.lead("lead")
    await world.happen(lead, events.LeadMessageRecorded("m", "sms", "out", NINE, body="Hello"))
    then = "version:2"
    (message,) = (await world.read(f"/v1/leads/{lead}", as_of=then))["messages"]
    assert (message["body"], message["erased"]) == ("Hello", False)
    await world.happen(lead, events.LeadAnonymised("asked", "created"))
    for moment in ({}, {"as_of": then}):
        (message,) = (await world.read(f"/v1/leads/{lead}", **moment))["messages"]
        assert (message["body"], message["erased"]) == (None, True)
