"""Status by hand, activity and suppression."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import (
    LeadActivated,
    LeadCallbackSet,
    LeadCallRecorded,
    LeadCancelled,
    LeadDeactivated,
    LeadDialScheduled,
    LeadNoteAdded,
    LeadOwnerChanged,
    LeadPaused,
    LeadReadied,
    LeadReset,
    LeadScheduledDialCancelled,
    LeadStatusChanged,
    LeadStatusRestored,
    LeadSuppressed,
    LeadUnlocked,
    LeadUnsuppressed,
)
from schemas.organisation import StatusAdded, StatusDeactivated
from services.command.domain.campaign.state import FollowUpRules
from services.command.domain.decider import Command
from services.command.domain.lead.activity import Activate, Deactivate, Suppress, Unsuppress
from services.command.domain.lead.calls import StartCall
from services.command.domain.lead.evolving import evolve, fold
from services.command.domain.lead.results import RecordResult
from services.command.domain.lead.status import (
    Cancel,
    ChangeStatus,
    Pause,
    Ready,
    Reset,
    RestoreStatus,
)
from services.command.domain.organisation.state import evolve as evolve_organisation
from tests.domain.given_when_then import given, placed
from tests.domain.world import (
    ANA,
    CAMPAIGN,
    LEE,
    NOW,
    ORGANISATION,
    PHONE,
    SALES,
    SELLING,
    created,
    facts,
    limited,
)

LATER = format_instant(NOW + timedelta(hours=1))
CALLED = LeadCallRecorded(
    call_id="c1", campaign_id=CAMPAIGN, started_at="2026-03-02T08:00:01Z", number=PHONE,
    end_cause="Busy", rule="campaign:Busy", status_after="no_answer", status_before="created",
    next_dial_at=LATER,
)  # fmt: skip


def test_a_status_is_set() -> None:
    changed = LeadStatusChanged(status="interested", previous="created", reason="asked for more")
    command = ChangeStatus(status="interested", reason="asked for more")
    assert given(created()).when(command, facts(ANA)).then(changed).status == "interested"
    given(created(), changed).when(command, facts(ANA)).nothing()
    given(created()).when(ChangeStatus(status="asleep"), facts()).refused("unknown-status")
    given(created()).when(ChangeStatus(status="anonymised"), facts()).refused("status-not-by-hand")


def test_an_edited_status_leaves_who_modified_the_lead_alone() -> None:
    one, two, three = placed(
        [created(), LeadNoteAdded(note=1, text="x"), LeadStatusChanged(status="ready")]
    )
    lead = fold([(one, "user:a"), (two, "user:b"), (three, "user:c")])
    assert lead.modified_by == "user:b"
    assert lead.modified_at == three.timestamp
    assert lead.created_by == "user:a"


@pytest.mark.parametrize("brought", [LeadUnlocked, LeadOwnerChanged])
def test_so_does_what_an_edited_status_or_a_call_brings_with_it(brought: Any) -> None:
    """The end of an unresolved lock, and a new owner by Private or VIP."""
    owner = {} if brought is LeadUnlocked else {"owner": f"user:{ANA}"}
    for part_of, moved_at, by in (
        ("status", 1, "user:a"), ("call", 0, "user:a"), (None, 1, "user:b")
    ):  # fmt: skip
        one, two = placed([created(), brought(part_of=part_of, **owner)])
        lead = fold([(one, "user:a"), (two, "user:b")])
        assert (lead.modified_at, lead.modified_by) == ((one, two)[moved_at].timestamp, by)


@pytest.mark.parametrize("status", ["manual_redial_private", "manual_redial_vip"])
def test_private_and_vip_go_to_who_sets_them(status: str) -> None:
    changed = LeadStatusChanged(status=status, previous="created")
    mine = LeadOwnerChanged(owner=f"user:{ANA}", previous=f"team:{SALES}", part_of="status")
    lead = given(created()).when(ChangeStatus(status=status), facts(ANA)).then(changed, mine)
    assert lead.owner == f"user:{ANA}"
    own = given(created(owner=f"user:{ANA}"))
    own.when(ChangeStatus(status=status), facts(ANA)).then(changed)


@pytest.mark.parametrize(
    ("command", "event", "status"),
    [
        (Cancel(), LeadCancelled(previous="created"), "cancelled"),
        (Pause(), LeadPaused(previous="created"), "paused"),
        (Ready(), LeadReadied(previous="created"), "ready"),
    ],
)
def test_set_aside_and_back(command: Command, event: Event, status: str) -> None:
    lead = given(created()).when(command, facts(LEE)).then(event)
    assert lead.status == status
    given(created(), event).when(command, facts(LEE)).nothing()
    given(created()).when(command, facts(ANA)).refused("role-not-allowed")
    back = LeadStatusRestored(status="created", previous=status)
    assert given(created(), event).when(RestoreStatus(), facts()).then(back).status == "created"
    given(created(), event, back).when(RestoreStatus(), facts()).refused("no-earlier-status")


def test_ready_keeps_attempts_and_next_dial_but_reset_does_not() -> None:
    lead = given(created(), CALLED).when(Ready(), facts()).then(LeadReadied(previous="no_answer"))
    assert (lead.attempts, lead.next_dial_at) == (1, LATER)
    now = format_instant(NOW)
    reset = LeadReset(next_dial_at=now, previous="no_answer", attempts_before=1)
    lead = given(created(), CALLED).when(Reset(), facts()).then(reset)
    assert (lead.attempts, lead.status, lead.next_dial_at) == (0, "ready", now)
    assert lead.attempts_by_number == {}
    assert lead.call_attempts == 1
    given(created(), CALLED, reset).when(Reset(), facts()).nothing()


def test_statuses_are_gone_back_through_in_order() -> None:
    went = ("interested", "qualified", "success")
    story: list[Event] = [created(), *(LeadStatusChanged(status=status) for status in went)]
    for status in ("qualified", "interested", "created"):
        asked = given(*story).when(RestoreStatus(), facts())
        assert asked.after().status == status
        story += [one for one in asked.outcomes if isinstance(one, Event)]
    given(*story).when(RestoreStatus(), facts()).refused("no-earlier-status")


def test_back_to_created_keeps_attempts() -> None:
    changed = LeadStatusChanged(status="created", previous="no_answer")
    lead = given(created(), CALLED).when(ChangeStatus(status="created"), facts()).then(changed)
    assert lead.attempts == 1


def test_a_status_that_is_switched_off_is_kept_but_not_given() -> None:
    known = ORGANISATION
    for event in (StatusAdded("hot", "Hot", "open", True, "working"), StatusDeactivated("hot")):
        known = evolve_organisation(known, event)
    off = facts(organisation=known)
    given(created()).when(ChangeStatus(status="hot"), off).refused("status-inactive")
    given(created()).when(RecordResult(result="hot"), facts(ANA, organisation=known)).refused(
        "status-inactive"
    )
    has = given(created(status="hot"))
    has.when(StartCall(call_id="c1"), facts(ANA, organisation=known)).after()
    has.when(ChangeStatus(status="hot"), facts()).refused("unknown-status")
    gone = given(created(status="hot"), LeadPaused(previous="hot"))
    gone.when(RestoreStatus(), off).then(LeadStatusRestored(status="hot", previous="paused"))


@pytest.mark.parametrize("status", ["completed", "max_retries", "not_interested"])
def test_a_closed_status_ends_what_waits(status: str) -> None:
    callback = LeadCallbackSet(at=LATER, agent=ANA)
    changed = LeadStatusChanged(status=status, previous="callback", ends_waiting=True)
    story = given(created(), CALLED, callback)
    lead = story.when(ChangeStatus(status=status), facts()).then(changed)
    assert (lead.next_dial_at, lead.next_contact, lead.callback_at) == (None, None, None)
    assert (lead.callback_agent, lead.reserved_for) == (None, None)
    nothing_waits = LeadStatusChanged(status=status, previous="created")
    given(created()).when(ChangeStatus(status=status), facts()).then(nothing_waits)
    dial = LeadDialScheduled(at=LATER)
    story = given(created(), nothing_waits, LeadStatusChanged(status="ready"), dial)
    back = LeadStatusRestored(status=status, previous="ready", ends_waiting=True)
    assert story.when(RestoreStatus(), facts()).then(back).next_dial_at is None


def test_completed_is_not_dialled_and_back_to_created_is() -> None:
    known = facts(ANA, now=NOW + timedelta(hours=2))
    closed = LeadStatusChanged(status="completed", previous="no_answer", ends_waiting=True)
    story = given(created(), CALLED, closed)
    story.when(StartCall(call_id="c2"), known).refused("status-not-dialable")
    again = LeadStatusChanged(status="created", previous="completed")
    story = given(created(), CALLED, closed, again)
    assert story.when(StartCall(call_id="c2"), known).after().status == "processing"
    one = facts(ANA, now=NOW + timedelta(hours=2), campaign=limited(per_lead=1))
    story.when(StartCall(call_id="c2"), one).refused("attempts-per-lead")


def test_rescheduled_starts_the_retry_timer_anew() -> None:
    at = format_instant(NOW + timedelta(minutes=30))  # the campaign's rule for `rescheduled`
    changed = LeadStatusChanged(status="rescheduled", previous="no_answer", next_dial_at=at)
    lead = given(created(), CALLED).when(ChangeStatus(status="rescheduled"), facts()).then(changed)
    assert (lead.next_dial_at, lead.attempts) == (at, 1)
    story = given(created(), CALLED, changed)
    story.when(ChangeStatus(status="rescheduled"), facts()).nothing()
    later = facts(now=NOW + timedelta(minutes=10))
    moved = format_instant(NOW + timedelta(minutes=40))
    story.when(ChangeStatus(status="rescheduled"), later).then(
        LeadStatusChanged(status="rescheduled", previous="rescheduled", next_dial_at=moved)
    )


def test_scheduled_waits_for_the_next_retry() -> None:
    kept = LeadStatusChanged(status="scheduled", previous="no_answer")
    lead = given(created(), CALLED).when(ChangeStatus(status="scheduled"), facts()).then(kept)
    assert lead.next_dial_at == LATER
    no_dial = LeadScheduledDialCancelled(previous=LATER)
    at = format_instant(NOW + timedelta(minutes=5))  # the rule of the latest call, which was busy
    timed = replace(kept, next_dial_at=at)
    story = given(created(), CALLED, no_dial)
    assert story.when(ChangeStatus(status="scheduled"), facts()).then(timed).next_dial_at == at
    ruleless = facts(campaign=replace(SELLING, rules=FollowUpRules()))
    story.when(ChangeStatus(status="scheduled"), ruleless).then(kept)


def test_a_private_redial_that_comes_back_makes_its_restorer_the_owner() -> None:
    went = LeadStatusChanged(status="manual_redial_private"), LeadCancelled()
    back = LeadStatusRestored(status="manual_redial_private", previous="cancelled")
    mine = LeadOwnerChanged(owner=f"user:{LEE}", previous=f"team:{SALES}")
    given(created(), *went).when(RestoreStatus(), facts(LEE)).then(back, mine)


def test_active_or_not() -> None:
    off = given(created()).when(Deactivate(), facts(LEE)).then(LeadDeactivated())
    assert not off.active
    given(created()).when(Activate(), facts()).nothing()
    given(created(), LeadDeactivated()).when(Deactivate(), facts()).nothing()
    on = given(created(), LeadDeactivated()).when(Activate(), facts()).then(LeadActivated())
    assert on.active
    given(created()).when(Deactivate(), facts(ANA)).refused("role-not-allowed")


def test_suppressed_or_not() -> None:
    event = LeadSuppressed(reason="holiday", until=LATER)
    command = Suppress(reason="holiday", until=NOW + timedelta(hours=1))
    lead = given(created()).when(command, facts()).then(event)
    assert lead.status == "created"
    assert lead.is_suppressed(NOW)
    assert not lead.is_suppressed(NOW + timedelta(hours=1))
    given(created(), event).when(command, facts()).nothing()
    given(created(), event).when(Suppress(), facts()).then(LeadSuppressed())
    given(created()).when(Suppress(until=NOW), facts()).refused("time-is-past")
    given(created()).when(Unsuppress(), facts()).nothing()
    lifted = LeadUnsuppressed(reason="back")
    lead = given(created(), event).when(Unsuppress(reason="back"), facts()).then(lifted)
    assert not lead.suppressed


def test_an_event_nobody_knows_only_counts() -> None:
    lead = given(created()).state
    unknown = Event().placed(created().originator_id, 2, NOW)
    after = evolve(lead, unknown)
    assert after.version == lead.version + 1
    assert after.modified_at == lead.modified_at
