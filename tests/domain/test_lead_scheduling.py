"""Priority, scheduled dials, dial-time limits, callbacks and leads kept for one agent."""

from datetime import timedelta

import pytest

from schemas.instants import format_instant
from schemas.lead import (
    LeadCallbackCancelled,
    LeadCallbackSet,
    LeadCallRecorded,
    LeadDialScheduled,
    LeadDialTimeLimited,
    LeadDialTimeLimitRemoved,
    LeadPriorityChanged,
    LeadReserved,
    LeadScheduledDialCancelled,
    LeadUnreserved,
)
from services.command.domain.decider import Command
from services.command.domain.lead.callbacks import CancelCallback, Reserve, SetCallback, Unreserve
from services.command.domain.lead.scheduling import (
    CancelScheduledDial,
    RemoveDialTimeLimit,
    ScheduleDial,
    SetDialTimeLimit,
    SetPriority,
)
from services.command.domain.lead.state import DialWindow
from tests.domain.given_when_then import given
from tests.domain.world import (
    ANA,
    AUD,
    BEN,
    CAMPAIGN,
    LEE,
    NOW,
    OLD,
    PHONE,
    SUE,
    created,
    facts,
)

SOON = NOW + timedelta(hours=1)
AT = format_instant(SOON)


def test_priority() -> None:
    changed = LeadPriorityChanged(priority=9, previous=5)
    assert given(created()).when(SetPriority(priority=9), facts(LEE)).then(changed).priority == 9
    given(created(), changed).when(SetPriority(priority=9), facts(LEE)).nothing()


def test_a_dial_is_scheduled_and_cancelled() -> None:
    scheduled = LeadDialScheduled(at=AT, zone="Europe/Lisbon")
    command = ScheduleDial(at=SOON, zone="Europe/Lisbon")
    lead = given(created()).when(command, facts()).then(scheduled)
    assert (lead.next_dial_at, lead.status) == (AT, "created")
    given(created(), scheduled).when(command, facts()).nothing()
    given(created(), scheduled).when(ScheduleDial(at=SOON + timedelta(hours=1)), facts()).then(
        LeadDialScheduled(at="2026-03-02T19:00:00Z", previous=AT)
    )
    given(created()).when(ScheduleDial(at=NOW, zone="Nowhere"), facts()).refused(
        "time-is-past", "zone-unknown"
    )
    cancelled = LeadScheduledDialCancelled(previous=AT)
    lead = given(created(), scheduled).when(CancelScheduledDial(), facts(ANA)).then(cancelled)
    assert lead.next_dial_at is None
    given(created()).when(CancelScheduledDial(), facts(ANA)).nothing()


def test_times_of_day_are_limited_and_freed() -> None:
    limited = LeadDialTimeLimited("09:00", "12:00", "Europe/Lisbon")
    command = SetDialTimeLimit(start="09:00", end="12:00", zone="Europe/Lisbon")
    lead = given(created()).when(command, facts()).then(limited)
    assert lead.dial_window == DialWindow("09:00", "12:00", "Europe/Lisbon")
    given(created(), limited).when(command, facts()).nothing()
    before = ("09:00", "12:00", "Europe/Lisbon")
    given(created(), limited).when(SetDialTimeLimit(start="22:00", end="06:00"), facts()).then(
        LeadDialTimeLimited("22:00", "06:00", before=before)
    )
    wrong = SetDialTimeLimit(start="09:00", end="09:00", zone="Nowhere")
    given(created()).when(wrong, facts()).refused("range-reversed", "zone-unknown")
    removed = LeadDialTimeLimitRemoved(before=before)
    lead = given(created(), limited).when(RemoveDialTimeLimit(), facts()).then(removed)
    assert lead.dial_window is None
    given(created()).when(RemoveDialTimeLimit(), facts()).nothing()


SET = LeadCallbackSet(at=AT, agent=ANA, status_before="created")


def test_a_callback_is_set_for_an_agent_and_cancelled() -> None:
    command = SetCallback(at=SOON, agent=ANA)
    lead = given(created()).when(command, facts(ANA)).then(SET)
    assert (lead.status, lead.callback_at, lead.next_dial_at) == ("callback", AT, AT)
    assert lead.reserved_for == lead.callback_agent == ANA
    given(created(), SET).when(command, facts(ANA)).nothing()
    cancelled = LeadCallbackCancelled(status="created", previous=AT)
    lead = given(created(), SET).when(CancelCallback(), facts(ANA)).then(cancelled)
    assert (lead.status, lead.callback_at, lead.next_dial_at) == ("created", None, None)
    assert lead.reserved_for is None
    given(created(), SET, cancelled).when(CancelCallback(), facts(ANA)).nothing()


def test_a_callback_for_anybody_frees_the_agent_of_the_one_before() -> None:
    anybody = LeadCallbackSet(at=AT, status_before="callback", previous=AT)
    lead = given(created(), SET).when(SetCallback(at=SOON), facts()).then(anybody)
    assert lead.reserved_for is None
    kept = LeadCallbackSet(at=AT, status_before="created")
    lead = given(created(), LeadReserved(agent=BEN)).when(SetCallback(at=SOON), facts()).then(kept)
    assert lead.reserved_for == BEN


def test_the_call_ends_its_callback() -> None:
    call = LeadCallRecorded(
        call_id="c1", campaign_id=CAMPAIGN, started_at=AT, number=PHONE, rule="x",
        status_after="interested",
    )  # fmt: skip
    lead = given(created(), SET, call).state
    assert (lead.status, lead.callback_at, lead.reserved_for) == ("interested", None, None)


def test_a_lead_is_kept_for_an_agent() -> None:
    reserved = LeadReserved(agent=ANA)
    lead = given(created()).when(Reserve(agent=ANA), facts(LEE)).then(reserved)
    assert lead.reserved_for == ANA
    given(created(), reserved).when(Reserve(agent=ANA), facts(LEE)).nothing()
    given(created(), reserved).when(Reserve(agent=BEN), facts(LEE)).then(
        LeadReserved(agent=BEN, previous=ANA)
    )
    freed = LeadUnreserved(previous=ANA)
    assert given(created(), reserved).when(Unreserve(), facts(LEE)).then(freed).reserved_for is None
    given(created()).when(Unreserve(), facts(LEE)).nothing()


def test_agents_that_would_block_the_lead() -> None:
    given(created()).when(Reserve(agent=SUE), facts()).refused("agent-may-not-call")
    given(created()).when(Reserve(agent=OLD), facts()).refused("unknown-agent")
    given(created()).when(SetCallback(at=NOW, agent=SUE), facts()).refused(
        "agent-may-not-call", "time-is-past"
    )


@pytest.mark.parametrize(
    "command",
    [
        SetPriority(priority=1), ScheduleDial(at=SOON), CancelScheduledDial(), Unreserve(),
        SetDialTimeLimit(start="09:00", end="10:00"), RemoveDialTimeLimit(), CancelCallback(),
        SetCallback(at=SOON), Reserve(agent=ANA),
    ],
)  # fmt: skip
def test_who_may_not_and_what_never_was(command: Command) -> None:
    given(created()).when(command, facts(AUD)).refused("role-not-allowed")
    given().when(command, facts()).refused("unknown-lead")
