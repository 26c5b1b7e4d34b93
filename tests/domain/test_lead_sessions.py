"""Contact sessions: without a result the lead is unresolved and locked to who left it (rule 8)."""

from typing import Any

import pytest

from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import (
    LeadCallRecorded,
    LeadDialScheduled,
    LeadLocked,
    LeadResultRecorded,
    LeadSessionEnded,
    LeadStatusChanged,
    LeadUnlocked,
)
from services.command.domain.decider import Command
from services.command.domain.lead.callbacks import SetCallback
from services.command.domain.lead.calls import RecordCall, StartCall
from services.command.domain.lead.results import CreateManualPass, RecordResult
from services.command.domain.lead.sessions import EndSession
from services.command.domain.lead.status import (
    Cancel,
    ChangeStatus,
    Pause,
    Ready,
    Reset,
    RestoreStatus,
)
from tests.domain.given_when_then import BEGAN, given
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
    PHONE,
    created,
    facts,
)

END = EndSession(contact_session_id="s1")
TALKED = LeadCallRecorded(
    "c1", CAMPAIGN, format_instant(BEGAN), PHONE, ANA, end_cause="NormalDisconnect",
    contact_session_id="s1", rule="built-in:NormalDisconnect", status_after="contacted",
)  # fmt: skip
ENDED = LeadSessionEnded("s1", ANA)
LEFT = LeadSessionEnded("s1", ANA, "unresolved", "contacted")
LOCKED = LeadLocked(user=ANA)


def test_without_a_result_the_lead_waits_for_who_left_it() -> None:
    lead = given(created(), TALKED).when(END, facts(ANA)).then(LEFT, LOCKED)
    assert (lead.status, lead.locked_by, lead.locked_until) == ("unresolved", ANA, None)
    given(created(), TALKED, LEFT, LOCKED).when(END, facts(ANA)).nothing()
    # They may call again, nobody else may.
    story = given(created(), TALKED, LEFT, LOCKED)
    assert story.when(StartCall(call_id="c2"), facts(ANA)).after().reservation
    story.when(StartCall(call_id="c2"), facts(BEN)).refused("locked")


def test_a_page_that_was_only_looked_at_is_unresolved_too() -> None:
    left = LeadSessionEnded("s1", ANA, "unresolved", "created")
    given(created()).when(END, facts(ANA)).then(left, LOCKED)
    given(created(), LOCKED).when(END, facts(ANA)).then(left)


@pytest.mark.parametrize(
    "result",
    [
        (TALKED, LeadResultRecorded("interested", ANA)),
        (TALKED, LeadStatusChanged("qualified")),
        (LeadCallRecorded("c1", CAMPAIGN, format_instant(BEGAN), disposition="x"),),
        (LeadCallRecorded("c1", CAMPAIGN, format_instant(BEGAN), end_cause="Busy"),),
        (TALKED, LeadDialScheduled(at="2026-03-05T09:00:00Z")),
        (TALKED, LeadStatusChanged("paused")),
        (LeadStatusChanged("success"),),
    ],
)
def test_with_a_result_the_session_only_ends(result: tuple[Event, ...]) -> None:
    given(created(), *result).when(END, facts(ANA)).then(ENDED)
    given(created(), *result, ENDED).when(END, facts(ANA)).nothing()


def test_whose_session_it_is() -> None:
    other = EndSession(contact_session_id="s1", agent=BEN)
    given(created(), TALKED).when(other, facts(ANA)).refused("agent-is-another")
    named = EndSession(contact_session_id="s1", agent=ANA)
    for by in (DIA, LEE, ADA):
        given(created(), TALKED).when(named, facts(by)).then(LEFT, LOCKED)
    given(created(), TALKED).when(END, facts(DIA)).refused("agent-missing")
    gone = EndSession(contact_session_id="s1", agent=OLD)
    given(created(), TALKED).when(gone, facts(DIA)).refused("unknown-agent")
    given(created(), TALKED).when(END, facts(AUD)).refused("role-not-allowed")
    given(created(), TALKED, LeadLocked(user=BEN)).when(END, facts(ANA)).refused("locked")
    given().when(END, facts(ANA)).refused("unknown-lead")


@pytest.mark.parametrize(
    ("command", "by"),
    [
        (RecordResult(result="success"), ANA),
        (ChangeStatus(status="interested"), ANA),
        (SetCallback(at=NOW.replace(year=2027)), ANA),
        (CreateManualPass(disposition="sold"), LEE),
        (Reset(), LEE),
        (Ready(), LEE),
        (Cancel(), LEE),
        (Pause(), LEE),
        (RestoreStatus(), LEE),
        (RecordCall(call_id="c2", started_at=NOW, end_cause="Busy"), DIA),
    ],
)
def test_whatever_resolves_the_lead_lifts_its_lock(command: Command, by: str) -> None:
    story = given(created(), TALKED, LEFT, LOCKED)
    asked = story.when(command, facts(by))
    lead = asked.after()
    part_of = {ChangeStatus: "status", RecordCall: "call"}.get(type(command))
    assert LeadUnlocked(previous=ANA, part_of=part_of) in asked.outcomes, asked.reasons
    assert (lead.locked_by, lead.status != "unresolved") == (None, True)


@pytest.mark.parametrize("lock", [(LeadLocked(user=BEN),), (LeadUnlocked(),)])
def test_only_the_lock_of_the_session_is_lifted(lock: tuple[Any, ...]) -> None:
    asked = given(created(), TALKED, LEFT, LOCKED, *lock).when(Ready(), facts(LEE))
    asked.after()
    assert [type(one).__name__ for one in asked.outcomes] == ["LeadReadied"]


def test_a_disposition_told_late_resolves_the_lead() -> None:
    late = RecordCall(
        call_id="c2", started_at=BEGAN, end_cause="NormalDisconnect", disposition="sold"
    )
    lead = given(created(), LeadSessionEnded("s1", ANA, "unresolved", "created"), LOCKED)
    after = lead.when(late, facts(DIA)).after()
    assert (after.status, after.locked_by) == ("success", None)
