"""DeleteLead and AnonymiseLead: the data goes, the facts of calls stay (rule 16)."""

import pytest

from schemas.event import Event
from schemas.lead import (
    LEAD_EVENTS,
    LeadAnonymised,
    LeadCallRecorded,
    LeadCallStarted,
    LeadDeleted,
    LeadNoteAdded,
)
from services.command.domain.decider import Command
from services.command.domain.facts import Actor
from services.command.domain.lead.claims import claim_of, knows_number, numbers_of
from services.command.domain.lead.erasure import AnonymiseLead, DeleteLead
from services.command.domain.lead.notes import AddNote
from services.command.domain.lead.state import Lead
from tests.domain.given_when_then import given
from tests.domain.world import ANA, CAMPAIGN, LEE, NORTH, OTHER_PHONE, PHONE, created, facts

FULL: tuple[Event, ...] = (
    created(
        fields={"city": "Lisbon"},
        personal_fields={"name": "Ana Lima", "iban": "XX00"},
        contacts=({"id": 1, "phone": OTHER_PHONE, "typed": OTHER_PHONE},),
        next_dial_at="2026-03-03T09:00:00Z",
    ),
    LeadNoteAdded(note=1, text="Ana Lima is on holiday"),
    LeadCallRecorded(
        call_id="c1", campaign_id=CAMPAIGN, started_at="2026-03-02T08:00:00Z", number=PHONE,
        agent=ANA, end_cause="Busy", disposition="later", talk_seconds=3,
    ),
    LeadCallStarted(call_id="c2", expires_at="2026-03-02T18:00:00Z", number=OTHER_PHONE),
)  # fmt: skip
DELETED, ANONYMISED = (
    LeadDeleted(reason="asked"),
    LeadAnonymised(reason="asked", previous="created"),
)


def check_nothing_personal_is_left(lead: Lead) -> None:
    text = repr(lead)
    for personal in (PHONE, OTHER_PHONE, "Ana Lima", "Lisbon", "XX00"):
        assert personal not in text
    assert numbers_of(lead) == frozenset()
    assert claim_of(lead) is None
    assert not knows_number(lead, PHONE)
    assert not lead.exists


def test_a_deleted_lead_keeps_the_facts_of_its_calls_only() -> None:
    lead = given(*FULL).when(DeleteLead(reason="asked"), facts()).then(DELETED)
    check_nothing_personal_is_left(lead)
    assert lead.deleted
    assert set(lead.calls) == {"c1"}
    assert (lead.call_attempts, lead.latest_call_by, lead.talk_seconds) == (1, ANA, 3)


def test_an_anonymised_lead_keeps_its_row() -> None:
    lead = given(*FULL).when(AnonymiseLead(reason="asked"), facts()).then(ANONYMISED)
    check_nothing_personal_is_left(lead)
    assert lead.status == "anonymised"
    assert not lead.deleted


def test_erasing_again() -> None:
    given(*FULL, DELETED).when(DeleteLead(), facts()).nothing()
    given(*FULL, ANONYMISED).when(AnonymiseLead(), facts()).nothing()
    given(*FULL, ANONYMISED).when(DeleteLead(reason="asked"), facts()).then(DELETED)
    given(*FULL, DELETED).when(AnonymiseLead(), facts()).refused("lead-deleted")


@pytest.mark.parametrize("command", [DeleteLead(), AnonymiseLead()])
def test_erasing_is_for_administrators(command: Command) -> None:
    given(*FULL).when(command, facts(LEE)).refused("role-not-allowed")
    given(*FULL).when(command, facts(ANA)).refused("role-not-allowed")
    lead_admin = Actor(f"user:{LEE}", "agent", LEE, NORTH, frozenset({"lead_admin"}))
    given(*FULL).when(command, facts(actor=lead_admin)).after()
    given().when(command, facts()).refused("unknown-lead")


def test_nothing_else_happens_to_an_erased_lead() -> None:
    given(*FULL, DELETED).when(AddNote(text="x"), facts()).refused("lead-deleted")
    given(*FULL, ANONYMISED).when(AddNote(text="x"), facts()).refused("lead-anonymised")


def test_these_two_events_destroy_the_key() -> None:
    assert {kind for kind in LEAD_EVENTS if getattr(kind, "DESTROYS_KEY", False)} == {
        LeadDeleted,
        LeadAnonymised,
    }
