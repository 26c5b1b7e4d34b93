"""RecordCall: facts are recorded once, in any order; the latest moves the lead on (rules 9, 19)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import (
    LeadAnonymised,
    LeadCallRecorded,
    LeadCallStarted,
    LeadDeleted,
    LeadOwnerChanged,
    LeadReset,
    LeadStatusChanged,
)
from services.command.domain.lead.calls import RecordCall
from services.command.domain.lead.state import Lead
from tests.domain.given_when_then import BEGAN, given
from tests.domain.world import (
    ANA,
    AUD,
    CAMPAIGN,
    DIA,
    NOW,
    OTHER_PHONE,
    PHONE,
    SALES,
    SELLING,
    TOP,
    an_id,
    created,
    facts,
    limited,
)

TEN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
WITH_CONTACT = created(contacts=({"id": 1, "phone": OTHER_PHONE, "typed": OTHER_PHONE},))


def call(call_id: str = "c1", end_cause: Any = "NoResponse", **more: Any) -> RecordCall:
    """Return a call at ten, answered or not."""
    usual: dict[str, Any] = {"number": PHONE, "started_at": TEN}
    return RecordCall(call_id=call_id, end_cause=end_cause, **{**usual, **more})


def fact(call_id: str = "c1", end_cause: str = "NoResponse", **more: Any) -> LeadCallRecorded:
    usual = {"number": PHONE, "started_at": format_instant(TEN), "campaign_id": CAMPAIGN}
    return LeadCallRecorded(call_id=call_id, end_cause=end_cause, **{**usual, **more})


def record(lead: tuple[Event, ...], command: RecordCall, **known: Any) -> tuple[Lead, list[Event]]:
    asked = given(*lead).when(command, facts(DIA, **known))
    assert asked.reasons is None, asked.reasons
    return asked.after(), [one for one in asked.outcomes if isinstance(one, Event)]


def record_all(lead: Event, commands: Iterable[RecordCall]) -> Lead:
    """Return the lead after these calls, each decided on what came before it."""
    story: tuple[Event, ...] = (lead,)
    for command in commands:
        story += tuple(record(story, command)[1])
    state = given(*story).state
    assert isinstance(state, Lead)
    return state


def test_all_that_a_dialer_tells() -> None:
    command = call(
        end_cause="NormalDisconnect", agent=ANA, ended_at=TEN + timedelta(seconds=90),
        disposition="sold", talk_seconds=80, contact_session_id="s1", recording="r/1",
        transcript="Hello", extracted={"age": 41},
    )  # fmt: skip
    lead = (
        given(created())
        .when(command, facts(DIA))
        .then(
            fact(
                end_cause="NormalDisconnect", agent=ANA, ended_at="2026-03-02T10:01:30Z",
                disposition="sold", talk_seconds=80, contact_session_id="s1", recording="r/1",
                transcript="Hello", extracted={"age": 41}, rule="campaign:sold",
                status_after="success", status_before="created",
            )
        )
    )  # fmt: skip
    assert lead.status == "success"
    assert (lead.call_attempts, lead.contact_attempts, lead.attempts) == (1, 1, 1)
    assert (lead.latest_call_by, lead.latest_disposition, lead.talk_seconds) == (ANA, "sold", 80)
    assert lead.latest_call_at == "2026-03-02T10:00:00Z"
    assert lead.modified_by != f"user:{DIA}"


def test_the_same_call_counts_once() -> None:
    given(created(), fact()).when(call(), facts(DIA)).nothing()
    given(created(), fact()).when(call(end_cause="Busy", number=None), facts(DIA)).nothing()


def test_a_rule_of_the_campaign_schedules_the_next_dial() -> None:
    lead, events = record((created(),), call(ended_at=TEN + timedelta(minutes=1)))
    assert events == [
        fact(
            ended_at="2026-03-02T10:01:00Z", rule="campaign:NoResponse",
            status_after="automatic_redial", status_before="created",
            next_dial_at="2026-03-02T11:01:00Z", next_contact=0,
        )
    ]  # fmt: skip
    assert (lead.status, lead.next_dial_at) == ("automatic_redial", "2026-03-02T11:01:00Z")


def test_busy_goes_on_to_the_next_number_and_round() -> None:
    lead, _ = record((WITH_CONTACT,), call(end_cause="Busy"))
    assert lead.next_contact == 1
    lead, _ = record((WITH_CONTACT,), call(end_cause="Busy", number=OTHER_PHONE))
    assert lead.next_contact == 0
    lead, _ = record((created(),), call(end_cause="Busy", number=OTHER_PHONE))
    assert lead.next_contact is None


@pytest.mark.parametrize(
    ("end_cause", "status"),
    [
        ("NormalDisconnect", "contacted"),
        ("NoResponse", "no_answer"),
        ("Busy", "no_answer"),
        ("VoiceMail", "no_answer"),
        ("DroppedCall", "automatic_redial"),
        ("DialingCancelled", "created"),
        ("NotApplicable", "created"),
    ],
)
def test_without_a_rule_the_end_cause_decides(end_cause: str, status: str) -> None:
    bare = replace(SELLING, rules=type(SELLING.rules)())
    lead, (event,) = record((created(),), call(end_cause=end_cause), campaign=bare)
    assert lead.status == status
    assert isinstance(event, LeadCallRecorded)
    assert event.rule == f"built-in:{end_cause}"
    lead, _ = record((created(),), call(end_cause=end_cause), campaign=None)
    assert lead.status == status


def test_a_cancelled_dial_leaves_the_lead_as_it_was_before() -> None:
    started = LeadCallStarted(
        call_id="c1", expires_at=format_instant(NOW), number=PHONE, status_after="processing",
        status_before="created",
    )  # fmt: skip
    lead, _ = record((created(), started), call(end_cause="DialingCancelled"))
    assert lead.status == "created"
    assert lead.previous_statuses == ()
    assert lead.reservation is None


@pytest.mark.parametrize(
    ("end_cause", "limit", "end"),
    [("NoResponse", 2, "max_call_attempts"), ("VoiceMail", 1, "max_retries")],
)
def test_a_rule_brings_a_lead_back_so_often_only(end_cause: str, limit: int, end: str) -> None:
    days = [TEN + timedelta(days=count) for count in range(limit + 1)]
    calls = [call(f"c{at.day}", end_cause, started_at=at) for at in days]
    assert record_all(created(), calls[:-1]).status != end
    lead = record_all(created(), calls)
    assert (lead.status, lead.next_dial_at) == (end, None)


def test_limits_end_what_would_be_dialled_again() -> None:
    lead, _ = record((created(),), call(), campaign=limited(per_lead=1))
    assert lead.status == "max_call_attempts"
    lead, _ = record((created(),), call(disposition="sold"), campaign=limited(per_lead=1))
    assert lead.status == "success"
    lead, _ = record((WITH_CONTACT,), call(), campaign=limited(per_number=1))
    assert (lead.status, lead.next_contact) == ("automatic_redial", 1)
    lead, _ = record((created(),), call(), campaign=limited(per_number=1))
    assert lead.status == "max_call_attempts"


def test_a_late_call_is_recorded_but_moves_nothing() -> None:
    lead, events = record((created(),), call("late", "Busy", started_at=TEN + timedelta(hours=1)))
    earlier = call("early", "NormalDisconnect", disposition="sold")
    after = given(created(), *events).when(earlier, facts(DIA)).then(
        fact("early", "NormalDisconnect", disposition="sold")
    )  # fmt: skip
    assert (after.status, after.next_dial_at) == (lead.status, lead.next_dial_at)
    assert after.latest_call_id == "late"
    assert (after.call_attempts, after.attempts) == (2, 2)


def test_any_order_ends_at_the_same_counts_and_latest_call() -> None:
    calls = [
        call("c1", "Busy", contact_session_id="s1"),
        call("c2", "Busy", contact_session_id="s1", started_at=TEN + timedelta(minutes=1)),
        call("c3", "NormalDisconnect", started_at=TEN + timedelta(minutes=2), disposition="sold"),
    ]
    for order in permutations(calls):
        lead = record_all(created(), order)
        assert (lead.call_attempts, lead.contact_attempts, lead.status) == (3, 2, "success")
        assert (lead.latest_call_id, lead.attempts_by_number) == ("c3", {PHONE: 3})


def test_four_calls_to_two_numbers_are_four_call_attempts() -> None:
    numbers = [PHONE, OTHER_PHONE, OTHER_PHONE, OTHER_PHONE]
    calls = [
        call(
            f"c{minute}",
            number=number,
            contact_session_id="s",
            started_at=TEN.replace(minute=minute),
        )
        for minute, number in enumerate(numbers)
    ]
    lead = record_all(WITH_CONTACT, calls)
    assert (lead.call_attempts, lead.contact_attempts) == (4, 1)
    assert lead.attempts_by_number == {PHONE: 1, OTHER_PHONE: 3}


def test_what_people_decided_since_stays() -> None:
    edited = LeadStatusChanged(status="qualified", previous="created")  # a second after BEGAN
    before = call(started_at=BEGAN)
    lead, (event,) = record((created(), edited), before)
    assert lead.status == "qualified"
    assert isinstance(event, LeadCallRecorded)
    assert event.rule is None
    lead, _ = record((created(), edited), call(started_at=BEGAN + timedelta(seconds=1)))
    assert lead.status == "automatic_redial"


def test_calls_before_a_reset_do_not_count_towards_the_limits() -> None:
    reset = LeadReset(next_dial_at=format_instant(TEN), previous="created")
    lead, _ = record((created(), reset), call(started_at=TEN - timedelta(hours=1)))
    assert (lead.attempts, lead.call_attempts) == (0, 1)


def test_a_private_redial_goes_to_the_agent_who_called() -> None:
    command = call(end_cause="NormalDisconnect", disposition="mine", agent=ANA)
    lead, events = record((created(),), command)
    assert lead.owner == f"user:{ANA}"
    mine = LeadOwnerChanged(owner=f"user:{ANA}", previous=f"team:{SALES}", part_of="call")
    assert events[1:] == [mine]
    _, events = record((created(owner=f"user:{ANA}"),), command)
    assert len(events) == 1
    _, events = record((created(),), call(disposition="mine", agent=an_id(99)))
    assert len(events) == 1


@pytest.mark.parametrize("end", [LeadDeleted(), LeadAnonymised(previous="created")])
def test_an_erased_lead_keeps_the_call_without_what_tells_who(end: Event) -> None:
    command = call(agent=ANA, recording="r/1", transcript="Hello", extracted={"age": 41})
    bare = replace(fact(agent=ANA), number=None)
    lead = given(created(), end).when(command, facts(DIA)).then(bare)
    assert lead.call_attempts == 1
    assert lead.attempts_by_number == {}
    assert lead.deleted or lead.anonymised


@pytest.mark.parametrize("number", ["0123", "+1 415 555 0100", "nonsense", None])
def test_a_number_is_kept_as_it_came_where_it_is_none(number: str | None) -> None:
    _, (event,) = record((created(),), call(number=number))
    assert isinstance(event, LeadCallRecorded)
    assert event.number == number


def test_a_call_that_ended_before_it_began_is_still_a_fact() -> None:
    lead, _ = record((created(),), call(ended_at=TEN - timedelta(hours=2)))
    assert lead.next_dial_at == "2026-03-02T11:00:00Z"


def test_who_may_not_and_what_never_was() -> None:
    given(created()).when(call(), facts(AUD)).refused("role-not-allowed")
    given(created()).when(call(), facts(ANA)).refused("role-not-allowed")
    given().when(call(), facts(DIA)).refused("unknown-lead")
    assert call().happened_at == TEN
    given(created(owner=f"team:{TOP}")).when(call(), facts()).after()
