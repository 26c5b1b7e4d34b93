"""StartCall: one reservation, and every check of rule 10 with its refusal."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.dialling_hours import DiallingHours
from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import (
    LeadCallRecorded,
    LeadCallStarted,
    LeadDeactivated,
    LeadDeleted,
    LeadDialScheduled,
    LeadDialTimeLimited,
    LeadLocked,
    LeadReserved,
    LeadStatusChanged,
    LeadSuppressed,
)
from services.command.domain.lead.calls import StartCall
from services.command.domain.lead.evolving import fold
from tests.domain.given_when_then import given
from tests.domain.world import (
    ADA,
    ANA,
    AUD,
    BEN,
    CAMPAIGN,
    DIA,
    LEE,
    NOW,
    OLD,
    OTHER_PHONE,
    PHONE,
    SELLING,
    SUE,
    SUPPORT,
    THIRD_PHONE,
    an_id,
    created,
    facts,
    limited,
    listed,
)

LATER, EARLIER = format_instant(NOW + timedelta(hours=1)), format_instant(NOW - timedelta(hours=1))
START = StartCall(call_id="c1")
STARTED = LeadCallStarted(
    call_id="c1", expires_at="2026-03-02T17:30:00Z", number=PHONE, agent=ANA,
    status_after="processing", status_before="created", rules_version=3,
)  # fmt: skip
WITH_CONTACT = created(contacts=({"id": 1, "phone": OTHER_PHONE, "typed": OTHER_PHONE},))


def called(call_id: str, at: str = EARLIER, number: str = PHONE, **more: Any) -> LeadCallRecorded:
    return LeadCallRecorded(
        call_id=call_id, campaign_id=CAMPAIGN, started_at=at, number=number, **more
    )


def test_a_dial_is_reserved() -> None:
    lead = given(created()).when(START, facts(ANA)).then(STARTED)
    assert lead.status == "processing"
    assert lead.is_being_called(NOW)
    assert not lead.is_being_called(NOW + timedelta(minutes=30))


def test_the_same_call_again_changes_nothing() -> None:
    given(created(), STARTED).when(START, facts(ANA)).nothing()
    given(created(), STARTED).when(START, facts(BEN)).refused("call-in-progress")
    given(created(), STARTED).when(StartCall(call_id="c2"), facts(ANA)).refused("call-in-progress")


def test_a_reservation_ends_by_itself_or_with_its_call() -> None:
    much_later = NOW + timedelta(minutes=30)
    again = replace(
        STARTED, call_id="c2", expires_at="2026-03-02T18:00:00Z",
        status_after=None, status_before=None,
    )  # fmt: skip
    given(created(), STARTED).when(StartCall(call_id="c2"), facts(ANA, now=much_later)).then(again)
    over = called("c1", format_instant(NOW), rule="x", status_after="created")
    given(created(), STARTED, over).when(StartCall(call_id="c2"), facts(ANA)).then(
        replace(STARTED, call_id="c2")
    )
    given(created(), STARTED, over).when(START, facts(ANA)).refused("call-over")


def test_of_many_workers_one_gets_the_lead() -> None:
    state, events, refused = given(created()).state, list[Event](), 0
    for worker in range(100):
        asked = given(created(), *events).when(StartCall(call_id=f"c{worker}"), facts(DIA))
        refused += asked.reasons is not None
        events += [one for one in asked.outcomes if isinstance(one, Event)]
    assert (len(events), refused) == (1, 99)
    assert state.version == 1


def test_who_dials_which_number() -> None:
    asked = StartCall(call_id="c1", number=OTHER_PHONE, agent=ANA, contact_session_id="s1")
    given(WITH_CONTACT).when(asked, facts(DIA)).then(
        replace(STARTED, number=OTHER_PHONE, contact_session_id="s1")
    )
    given(created()).when(START, facts(DIA)).then(replace(STARTED, agent=None))
    retry = called("c0", rule="x", next_contact=1)
    given(WITH_CONTACT, retry).when(START, facts(ANA)).then(replace(STARTED, number=OTHER_PHONE))
    given(WITH_CONTACT).when(START, facts(ANA)).then(STARTED)


@pytest.mark.parametrize("status", ["manual_redial_private", "interested", "unresolved"])
def test_what_people_set_stays_while_calling(status: str) -> None:
    given(created(status=status)).when(START, facts(ANA)).then(
        replace(STARTED, status_after=None, status_before=None)
    )


@pytest.mark.parametrize(
    ("events", "asked", "known", "codes"),
    [
        ([], {"agent": BEN}, {}, ["agent-is-another"]),
        ([], {"number": THIRD_PHONE}, {}, ["number-not-of-lead"]),
        ([], {"number": "0123"}, {}, ["phone-not-e164", "number-not-of-lead"]),
        ([LeadDeactivated()], {}, {}, ["lead-inactive"]),
        ([], {}, {"pool_active": False}, ["pool-inactive"]),
        ([], {}, {"campaign": None}, ["unknown-campaign"]),
        ([], {}, {"campaign": replace(SELLING, active=False)}, ["campaign-inactive"]),
        ([], {}, {"campaign": replace(SELLING, active_from=LATER)}, ["campaign-not-begun"]),
        ([], {}, {"campaign": replace(SELLING, active_until=EARLIER)}, ["campaign-ended"]),
        ([LeadSuppressed(reason="x")], {}, {}, ["suppressed"]),
        ([LeadSuppressed(reason="x", until=LATER)], {}, {}, ["suppressed"]),
        ([], {}, {"dnc": listed("global")}, ["do-not-call-global"]),
        ([], {}, {"dnc": listed("campaign", campaign_id=CAMPAIGN)}, ["do-not-call-campaign"]),
        ([LeadStatusChanged(status="paused")], {}, {}, ["status-not-dialable"]),
        ([LeadStatusChanged(status="success")], {}, {}, ["status-not-dialable"]),
        ([LeadLocked(user=BEN)], {}, {}, ["locked"]),
        ([LeadReserved(agent=BEN)], {}, {}, ["reserved-for-agent"]),
        ([LeadDialScheduled(at=LATER)], {}, {}, ["not-due"]),
        ([LeadDialTimeLimited("12:00", "13:00", "UTC")], {}, {}, ["outside-dial-time-limit"]),
        ([called("c0")], {}, {"campaign": limited(per_lead=1)}, ["attempts-per-lead"]),
        ([called("c0")], {}, {"campaign": limited(per_number=1)}, ["attempts-per-number"]),
        ([called("c0")], {}, {"campaign": limited(per_day=1)}, ["attempts-per-day"]),
        ([LeadDeleted()], {}, {}, ["lead-deleted"]),
    ],
)
def test_every_check_refuses(
    events: list[Event], asked: dict[str, Any], known: dict[str, Any], codes: list[str]
) -> None:
    command = StartCall(call_id="c1", **asked)
    given(created(), *events).when(command, facts(ANA, **known)).refused(*codes)


@pytest.mark.parametrize(
    ("events", "known"),
    [
        ([LeadSuppressed(reason="x", until=EARLIER)], {}),
        ([LeadStatusChanged(status="manual_redial_vip")], {"pool_active": False}),
        ([], {"dnc": listed("campaign", campaign_id=an_id(77))}),
        ([], {"dnc": listed("global", expires_at=EARLIER)}),
        ([LeadLocked(user=ANA)], {}),
        ([LeadLocked(user=BEN, until=EARLIER)], {}),
        ([LeadReserved(agent=ANA)], {}),
        ([LeadDialScheduled(at=EARLIER)], {}),
        ([LeadDialTimeLimited("16:30", "17:30", "UTC")], {}),
        ([called("c0")], {"campaign": limited(per_lead=2, per_number=2, per_day=2)}),
        ([called("c0", number=OTHER_PHONE)], {"campaign": limited(per_number=1)}),
        ([called("c0", "2026-02-28T17:00:00Z")], {"campaign": limited(per_day=1)}),
    ],
)
def test_what_does_not_refuse(events: list[Event], known: dict[str, Any]) -> None:
    asked = given(created(), *events).when(START, facts(ANA, **known))
    asked.after()
    assert [type(one) for one in asked.outcomes] == [LeadCallStarted], asked.reasons


@pytest.mark.parametrize(
    ("by", "owner", "codes"),
    [
        (AUD, f"team:{SUPPORT}", ["role-not-allowed", "lead-out-of-reach"]),
        (ANA, f"team:{SUPPORT}", ["lead-out-of-reach"]),
        (ANA, f"user:{BEN}", ["lead-out-of-reach"]),
        (LEE, f"user:{SUE}", ["lead-out-of-reach"]),
        (ADA, f"team:{SUPPORT}", ["lead-out-of-reach"]),
        (DIA, f"team:{SUPPORT}", []),
    ],
)
def test_the_agent_must_be_allowed_to_call(by: str, owner: str, codes: list[str]) -> None:
    asked = given(created(owner=owner)).when(START, facts(by))
    if codes:
        asked.refused(*codes)
    else:
        assert asked.after().is_being_called(NOW)


def test_a_dialer_calls_in_the_name_of_an_agent_only_where_they_may() -> None:
    foreign = given(created(owner=f"team:{SUPPORT}"))
    foreign.when(StartCall(call_id="c1", agent=ANA), facts(DIA)).refused("lead-out-of-reach")
    foreign.when(StartCall(call_id="c1", agent=OLD), facts(DIA)).refused("unknown-agent")


def test_every_failed_check_is_listed() -> None:
    story = [
        LeadStatusChanged(status="paused"), LeadDeactivated(), LeadSuppressed(reason="x"),
        LeadLocked(user=BEN), LeadReserved(agent=BEN), LeadDialScheduled(at=LATER), called("c0"),
        LeadDialTimeLimited("12:00", "13:00"),
    ]  # fmt: skip
    campaign = replace(
        limited(per_lead=1, per_number=1, per_day=1),
        active=False,
        hours=DiallingHours.every_day("20:00", "21:00"),
    )
    known = {"campaign": campaign, "pool_active": False, "dnc": listed()}
    owned = created(owner=f"user:{BEN}", active_from=LATER)
    given(owned, *story).when(START, facts(ANA, **known)).refused(
        "lead-out-of-reach", "lead-inactive", "lead-not-begun", "pool-inactive", "suppressed",
        "status-not-dialable", "locked", "reserved-for-agent", "campaign-inactive",
        "do-not-call-global", "not-due", "outside-dial-time-limit", "outside-dialling-hours",
        "attempts-per-lead", "attempts-per-number", "attempts-per-day",
    )  # fmt: skip


def test_every_plausible_zone_must_be_inside_the_hours() -> None:
    campaign = replace(SELLING, hours=DiallingHours.every_day("09:00", "18:00"))
    at_nine = facts(ANA, campaign=campaign)  # in San Francisco
    assert given(created()).when(START, at_nine).after()
    too_early = facts(ANA, campaign=campaign, now=NOW - timedelta(minutes=1))
    given(created()).when(START, too_early).refused("outside-dialling-hours")
    # A Portuguese mobile may be in Lisbon or on the Azores, an hour behind.
    azores = created(phone="+351912345678")
    lisbon_nine = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    given(azores).when(START, facts(ANA, campaign=campaign, now=lisbon_nine)).refused(
        "outside-dialling-hours"
    )
    both = facts(ANA, campaign=campaign, now=lisbon_nine + timedelta(hours=1))
    assert given(azores).when(START, both).after()


def test_days_begin_at_midnight_in_the_zone_of_the_hours() -> None:
    hours = DiallingHours.every_day("00:00", "24:00", "America/Los_Angeles")
    campaign = replace(limited(per_day=1), hours=hours)
    before_midnight = called("c0", "2026-03-02T07:30:00Z")  # Sunday, 23:30
    after = facts(ANA, campaign=campaign, now=datetime(2026, 3, 2, 8, 30, tzinfo=UTC))
    assert given(created(), before_midnight).when(START, after).after()
    same_day = facts(ANA, campaign=campaign, now=datetime(2026, 3, 2, 7, 45, tzinfo=UTC))
    given(created(), before_midnight).when(START, same_day).refused("attempts-per-day")


def test_a_lead_without_a_number_or_that_never_was() -> None:
    given(created(phone=None)).when(START, facts(ANA)).refused("no-number")
    given().when(START, facts(ANA)).refused("unknown-lead")
    given().when(START, facts(AUD)).refused("role-not-allowed", "unknown-lead")
    assert not fold([]).exists
