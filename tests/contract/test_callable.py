"""May this agent call this lead, now or then? The same checks as StartCall, each with its cause."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from schemas.instants import format_instant
from services.kit.clock import SystemClock
from tests.contract.command_service import KEYS, NORTH, SOUTH, TOP, USER_IDS, Service, running

A_MOMENT = timedelta(microseconds=1)
AGENT, OTHER = USER_IDS["agent"], USER_IDS["agent_south"]
EVENING = [{"start": "20:00", "end": "21:00"}]
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CLOSED_HOURS = {"monday": EVENING, "zone": "UTC"}


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    async with running(database_url) as service:
        yield service


async def ask(service: Service, lead: str, by: str = "admin", **params: str) -> Any:
    """Ask what must be answered."""
    answer = await get(service, lead, by, **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def get(service: Service, lead: str, by: str = "admin", **params: str) -> Any:
    headers = {"authorization": f"Bearer {KEYS[by]}"}
    return await service.client.get(f"/v1/leads/{lead}/callable", params=params, headers=headers)


def codes(answer: Any) -> list[str]:
    return [reason["code"] for reason in answer["reasons"]]


async def make(service: Service, *steps: tuple[str, Any]) -> tuple[str, str]:
    """Make a lead in a campaign and a pool, and do these things; return both ids."""
    campaign = await service.campaign()
    pool = (await service.done("/v1/pools", {"campaign_id": campaign, "name": "P"}))["id"]
    phone = service.phone()
    lead = await service.lead(campaign, pool_id=pool, phone=phone)
    places = {
        "lead": f"/v1/leads/{lead}",
        "campaign": f"/v1/campaigns/{campaign}",
        "pool": f"/v1/pools/{pool}",
    }
    for path, body in steps:
        await service.done(path.format(**places), {**DNC, "number": phone} if body is DNC else body)
    return campaign, lead


LATER = "2026-03-02T15:00:00Z"
DNC = {"number": "{phone}", "scope": "global", "reason": "asked"}
STORIES: list[tuple[list[tuple[str, Any]], list[str]]] = [
    ([], []),
    ([("{lead}/deactivate", None)], ["lead.deactivated"]),
    ([("{lead}/suppress", {"until": LATER})], ["lead.suppressed"]),
    ([("{lead}/change-status", {"status": "paused"})], ["lead.status_changed"]),
    ([("{lead}/schedule-dial", {"at": LATER})], ["lead.dial_scheduled"]),
    ([("{lead}/set-dial-time-limit", {"start": "01:00", "end": "02:00", "zone": "UTC"})],
     ["lead.dial_time_limited"]),
    ([("{lead}/lock", None)], ["lead.locked"]),
    ([("{lead}/change-owner", {"owner": SOUTH})], ["lead.owner_changed"]),
    ([("{campaign}/deactivate", None)], ["campaign.deactivated"]),
    ([("{campaign}/change-dialling-hours", {"hours": CLOSED_HOURS})],
     ["campaign.dialling_hours_changed"]),
    ([("{pool}/deactivate", None)], ["pool.deactivated"]),
    ([("/v1/do-not-call/add", DNC)], ["dnc.added"]),
    ([("{lead}/create-manual-pass", {"disposition": "x"}),
      ("{campaign}/change-attempt-limits", {"limits": {"per_lead": 1}})],
     ["campaign.attempt_limits_changed"]),
    ([("{campaign}/change-attempt-limits", {"limits": {"per_lead": 1}}),
      ("{lead}/create-manual-pass", {"disposition": "x"})], ["lead.manual_pass_recorded"] * 2),
    ([("{pool}/deactivate", None), ("{lead}/suppress", None), ("{campaign}/deactivate", None),
      ("/v1/do-not-call/add", DNC)],
     ["pool.deactivated", "lead.suppressed", "campaign.deactivated", "dnc.added"]),
]  # fmt: skip


async def test_the_checks_are_those_of_a_call_and_each_names_its_event(service: Service) -> None:
    for place, (story, causes) in enumerate(STORIES):
        _, lead = await make(service, *story)
        answer = await ask(service, lead, agent=AGENT)
        assert answer["callable"] == (not causes), story
        assert [reason["by"]["event"] for reason in answer["reasons"]] == causes, story
        body = {"call_id": f"c{place}", "agent": AGENT}
        refused = await service.post(f"/v1/leads/{lead}/start-call", body)
        assert refused.status_code in ((403, 409, 422) if causes else (200,)), refused.text
        told = {error["code"]: error["detail"] for error in refused.json().get("errors", ())}
        assert {reason["code"]: reason["text"] for reason in answer["reasons"]} == told
        for reason in answer["reasons"]:
            await is_recorded(service, reason)


async def test_a_zone_the_lead_names_is_told_as_what_closes_it(service: Service) -> None:
    campaign = await service.campaign(fields=[{"import_name": "time_zone"}])
    phone = service.phone()
    lead = await service.lead(campaign, phone=phone)
    tomorrow = SystemClock().now() + timedelta(days=1)
    service.clock.at = tomorrow.replace(hour=20, minute=0)  # noon or 13:00 where the number is
    hours = {day: [{"start": "09:00", "end": "17:00"}] for day in WEEK} | {"zone": None}
    await service.done(f"/v1/campaigns/{campaign}/change-dialling-hours", {"hours": hours})
    assert (await ask(service, lead, agent=AGENT))["callable"]
    path = f"/v1/leads/{lead}/update-fields"
    refused = await service.post(path, {"set": {"time_zone": "Berlin"}})
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert (error["code"], error["pointer"]) == ("field-not-time-zone", "/set/time_zone")
    await service.done(path, {"set": {"time_zone": "Europe/Berlin"}})
    (reason,) = (await ask(service, lead, agent=AGENT))["reasons"]
    assert reason["text"].endswith("hours in Europe/Berlin by the field time_zone.")
    assert (reason["code"], reason["by"]["event"]) == (
        "outside-dialling-hours", "lead.fields_changed",
    )  # fmt: skip
    called = await service.post(f"/v1/leads/{lead}/start-call", {"call_id": "c", "agent": AGENT})
    assert [error["detail"] for error in called.json()["errors"]] == [reason["text"]]
    later = format_instant(service.clock.at + timedelta(hours=13))  # ten in Berlin, night here
    assert (
        "by the number" in (await ask(service, lead, agent=AGENT, at=later))["reasons"][0]["text"]
    )


async def is_recorded(service: Service, reason: Any) -> None:
    """The event named as the cause is in the log as it is told."""
    by = reason["by"]
    stream = UUID(by["stream_id"])
    event = (await service.commanding.log.load([stream]))[stream][by["version"] - 1]
    assert (event.position, type(event.event).TOPIC) == (by["position"], by["event"])
    assert format_instant(event.recorded_at) == reason["since"]
    assert by["actor"] == event.origin.actor


async def recorded(service: Service, stream: str) -> list[Any]:
    """When the events of a stream were recorded."""
    events = (await service.commanding.log.load([UUID(stream)]))[UUID(stream)]
    return [one.recorded_at for one in events]


async def test_the_past_is_answered_from_what_was_known_then(service: Service) -> None:
    campaign, lead = await make(service)
    path = f"/v1/campaigns/{campaign}"
    await service.done(f"{path}/change-attempt-limits", {"limits": {"per_day": 3}})
    await service.done(f"/v1/leads/{lead}/suppress", {"reason": "x"})
    not_today = (SystemClock().now() + timedelta(days=3)).strftime("%A").lower()
    hours = {not_today: EVENING, "zone": "UTC"}
    await service.done(f"{path}/change-dialling-hours", {"hours": hours})
    await service.done(f"/v1/leads/{lead}/unsuppress")
    service.clock.at = SystemClock().now() + timedelta(hours=1)
    created, suppressed, lifted = await recorded(service, lead)
    _, limited, closed = await recorded(service, campaign)

    async def at(moment: Any) -> Any:
        return await ask(service, lead, agent=AGENT, at=format_instant(moment))

    before = await at(suppressed - A_MOMENT)
    assert (before["callable"], before["version"]) == (True, 1)
    assert (before["rules"]["version"], before["rules"]["recorded_at"]) == (
        2, format_instant(limited),
    )  # fmt: skip
    assert codes(await at(suppressed)) == ["suppressed"]
    both = await at(closed)
    assert codes(both) == ["suppressed", "outside-dialling-hours"]
    assert both["rules"]["version"] == 3
    assert codes(await at(lifted)) == ["outside-dialling-hours"]
    early = await get(service, lead, agent=AGENT, at=format_instant(created - A_MOMENT))
    assert early.status_code == 422
    assert early.json()["errors"][0]["code"] == "too-early"


async def test_of_the_time_to_come_it_says_what_would_be(service: Service) -> None:
    _, lead = await make(service, ("{lead}/schedule-dial", {"at": LATER}))
    assert codes(await ask(service, lead, agent=AGENT)) == ["not-due"]
    assert (await ask(service, lead, agent=AGENT, at=LATER))["callable"]
    assert (await ask(service, lead, agent=AGENT, at="now+3h"))["callable"]


async def test_for_whom_and_on_which_number(service: Service) -> None:
    _, lead = await make(service, ("{lead}/add-contact", {"phone": "+14155550101"}))
    own = await ask(service, lead, "agent")
    assert (own["callable"], own["agent"], own["contact"]) == (True, AGENT, 0)
    second = await ask(service, lead, "agent", number="+14155550101")
    assert (second["callable"], second["contact"]) == (True, 1)
    other = await ask(service, lead, "agent", number="+14155550102")
    assert (codes(other), other["contact"]) == (["number-not-of-lead"], None)
    assert codes(await ask(service, lead, agent=OTHER)) == ["lead-out-of-reach"]
    assert (await ask(service, lead, "dialer"))["callable"]
    assert (await get(service, lead, "agent", agent=OTHER)).status_code == 403
    segment = (await service.done("/v1/segments", {"name": "S", "agents": [AGENT]}))["id"]
    assert codes(await ask(service, lead, "agent", segment_id=segment)) == ["not-in-segment"]
    for wrong in ({"at": "soon"}, {"agent": "x"}, {"number": "12"}, {"what": "1"}):
        assert (await get(service, lead, **wrong)).status_code == 422


async def test_a_moved_team_is_named_as_the_cause(service: Service) -> None:
    _, lead = await make(service)
    body = {"user": AGENT, "team": SOUTH.removeprefix("team:")}
    await service.done("/v1/organisation/move-user", body)
    (reason,) = (await ask(service, lead, agent=AGENT))["reasons"]
    assert reason["code"] == "lead-out-of-reach"
    assert reason["by"]["event"] == "organisation.user_moved"


async def test_of_who_never_was_there_no_event_is_named(service: Service) -> None:
    _, lead = await make(service)
    nobody = "01920000-0000-7000-8000-000000000099"
    (reason,) = (await ask(service, lead, agent=nobody))["reasons"]
    assert (reason["code"], reason["since"], reason["by"]) == ("unknown-agent", None, None)
    (reason,) = (await ask(service, lead, agent=AGENT, segment_id=nobody))["reasons"]
    assert (reason["code"], reason["since"], reason["by"]) == ("unknown-segment", None, None)
    await service.done("/v1/organisation/deactivate-user", {"user": AGENT})
    (reason,) = (await ask(service, lead, agent=AGENT))["reasons"]
    assert (reason["code"], reason["by"]["event"]) == (
        "unknown-agent", "organisation.user_deactivated",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("owner", "sees"),
    [
        (f"user:{AGENT}", {"admin", "auditor", "team_leader", "agent", "dialer"}),
        (NORTH, {"admin", "auditor", "team_leader", "agent", "dialer"}),
        (TOP, {"admin", "auditor", "agent", "dialer", "agent_south"}),
        (SOUTH, {"admin", "auditor", "dialer", "agent_south"}),
        (f"user:{OTHER}", {"admin", "auditor", "dialer", "agent_south"}),
    ],
)
async def test_who_may_ask(service: Service, owner: str, sees: set[str]) -> None:
    lead = await service.lead(await service.campaign(), owner=owner)
    unknown = "01920000-0000-7000-8000-000000000099"
    for by in ("admin", "auditor", "team_leader", "agent", "dialer", "agent_south"):
        answer = await get(service, lead, by)
        assert answer.status_code == (200 if by in sees else 404), by
        nobody = await get(service, unknown, by)
        assert nobody.status_code == 404
        if by not in sees:
            mine, other = answer.json(), nobody.json()
            assert {**mine, "trace_id": ""} == {**other, "trace_id": ""}
    keyless = await service.client.get(f"/v1/leads/{lead}/callable")
    assert keyless.status_code == 401


async def test_of_an_erased_lead_the_past_is_told_without_its_numbers(service: Service) -> None:
    _, lead = await make(service, ("{lead}/suppress", None), ("{lead}/anonymise", None))
    service.clock.at = SystemClock().now() + timedelta(hours=1)
    assert codes(await ask(service, lead, agent=AGENT)) == ["lead-anonymised"]
    moment = (await recorded(service, lead))[1]
    then = await ask(service, lead, agent=AGENT, at=format_instant(moment))
    assert (codes(then), then["erased"], then["contact"]) == (["suppressed"], True, None)
