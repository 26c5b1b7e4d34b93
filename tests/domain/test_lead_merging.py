"""MergeLeads and UnmergeLeads: one survives, both histories are read from it, nothing is lost."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import (
    LeadAbsorbed,
    LeadCallRecorded,
    LeadCallStarted,
    LeadContactChanged,
    LeadDeleted,
    LeadLocked,
    LeadMerged,
    LeadReleased,
    LeadUnmerged,
)
from services.command.domain.decider import Command, Elsewhere
from services.command.domain.facts import Facts
from services.command.domain.lead.calls import RecordCall, StartCall
from services.command.domain.lead.claims import claim_of, numbers_of, traces_of
from services.command.domain.lead.erasure import AnonymiseLead, DeleteLead
from services.command.domain.lead.evolving import evolve, fold
from services.command.domain.lead.merging import MergeLeads, UnmergeLeads
from services.command.domain.lead.notes import AddNote
from services.command.domain.lead.state import Lead
from tests.domain.given_when_then import ACTOR, STREAM, given, placed
from tests.domain.world import (
    ADA,
    ANA,
    DIA,
    HOLDER,
    LEE,
    NOW,
    OTHER_PHONE,
    PHONE,
    SUPPORT,
    THIRD_PHONE,
    created,
    facts,
)

ME = str(STREAM)
MERGE, UNMERGE = MergeLeads(other_lead_id=HOLDER), UnmergeLeads(other_lead_id=HOLDER)
OTHER = created(
    phone=OTHER_PHONE,
    phone_typed="0101",
    contacts=(
        {"id": 4, "phone": PHONE, "typed": PHONE, "fields": {}},
        {"id": 7, "phone": THIRD_PHONE, "typed": THIRD_PHONE, "fields": {"city": "Porto"}},
    ),
)
CAME = (
    {"id": 1, "phone": OTHER_PHONE, "typed": "0101"},
    {"id": 2, "phone": THIRD_PHONE, "typed": THIRD_PHONE, "fields": {"city": "Porto"}},
)
ABSORBED, RELEASED = LeadAbsorbed(HOLDER, CAME), LeadReleased(HOLDER, (1, 2))
MERGED, UNMERGED = LeadMerged(into=ME), LeadUnmerged(previous=ME)


def lead_of(*happened: Event) -> Lead:
    """Return the other lead after these events."""
    return fold([(event, ACTOR) for event in placed(happened, UUID(HOLDER))])


def known(by: str = LEE, *happened: Event, **more: Any) -> Facts:
    return facts(by, other=lead_of(*(happened or (OTHER,))), **more)


def there(event: Event, version: int = 1) -> Elsewhere:
    return Elsewhere(UUID(HOLDER), "lead", version, (event,))


def test_the_survivor_takes_the_numbers_it_lacks_and_names_the_other() -> None:
    lead = given(created()).when(MERGE, known()).then(ABSORBED, there(MERGED))
    assert dict(lead.absorbed) == {HOLDER: (1, 2)}
    assert numbers_of(lead) == {PHONE, OTHER_PHONE, THIRD_PHONE}
    assert lead.contacts[1].fields == {"city": "Porto"}
    again = known(LEE, OTHER, MERGED)
    given(created(), ABSORBED).when(MERGE, again).nothing()


def test_the_other_holds_nothing_any_more_but_its_history() -> None:
    before, after = lead_of(OTHER), lead_of(OTHER, MERGED)
    assert (after.merged_into, after.active) == (ME, False)
    assert claim_of(before) is not None
    assert (claim_of(after), numbers_of(after)) == (None, frozenset())
    assert traces_of(after) == {PHONE, OTHER_PHONE, THIRD_PHONE}


@pytest.mark.parametrize(
    "command", [AddNote(text="x"), MERGE, MergeLeads(other_lead_id=ME)], ids=repr
)
def test_a_merged_lead_is_worked_on_in_its_survivor(command: Command) -> None:
    merged = LeadMerged(into=HOLDER)
    (reason,) = given(created(), merged).when(command, known()).refused("lead-merged")
    assert HOLDER in reason.text


def test_a_merged_lead_is_not_dialled_and_calls_to_it_are_facts() -> None:
    merged = given(created(), LeadMerged(into=HOLDER))
    codes = {one.code for one in merged.when(StartCall(call_id="c1"), facts(ANA)).reasons or ()}
    assert "lead-merged" in codes
    assert "lead-inactive" not in codes
    told = RecordCall(call_id="c1", number=PHONE, started_at=NOW, end_cause="NoResponse")
    (event,) = merged.when(told, facts(DIA)).outcomes
    assert isinstance(event, LeadCallRecorded)
    assert (event.rule, event.next_dial_at) == (None, None)


def test_a_merged_lead_can_be_erased() -> None:
    merged = given(created(), LeadMerged(into=HOLDER))
    for command in (AnonymiseLead(), DeleteLead()):
        assert not merged.when(command, facts(ADA)).after().exists
        assert traces_of(merged.when(command, facts(ADA)).after()) == frozenset()


def test_unmerged_both_are_what_they_were() -> None:
    story = given(created(), ABSORBED)
    lead = story.when(UNMERGE, known(LEE, OTHER, MERGED)).then(RELEASED, there(UNMERGED, 2))
    assert (lead.contacts, dict(lead.absorbed)) == ((), {})
    assert numbers_of(lead) == {PHONE}
    other = lead_of(OTHER, MERGED, UNMERGED)
    assert (other.active, other.merged_into) == (True, None)
    assert claim_of(other) == claim_of(lead_of(OTHER))
    given(created()).when(UNMERGE, known()).nothing()


def test_an_inactive_lead_comes_back_inactive() -> None:
    quiet = replace(OTHER, active=False)
    merged = replace(MERGED, was_active=False)
    given(created()).when(MERGE, known(LEE, quiet)).then(ABSORBED, there(merged))
    back = given(created(), ABSORBED).when(UNMERGE, known(LEE, quiet, merged))
    back.then(RELEASED, there(replace(UNMERGED, active=False), 2))


def test_a_contact_somebody_gave_another_number_stays() -> None:
    changed = LeadContactChanged(contact=1, phone="+14155550199", phone_typed="x")
    lead = (
        given(created(), ABSORBED, changed)
        .when(UNMERGE, known(LEE, OTHER, MERGED))
        .then(LeadReleased(HOLDER, (2,)), there(UNMERGED, 2))
    )
    assert [one.id for one in lead.contacts] == [1]


LATER = format_instant(NOW + timedelta(minutes=5))


@pytest.mark.parametrize(
    ("happened", "codes"),
    [
        ((OTHER, LeadDeleted()), ["lead-deleted"]),
        ((OTHER, LeadMerged(into=ADA)), ["lead-merged"]),
        (
            (OTHER, LeadLocked(user=ANA), LeadCallStarted(call_id="c", expires_at=LATER)),
            ["locked", "call-in-progress"],
        ),
        ((replace(OTHER, owner=f"team:{SUPPORT}"),), ["unknown-lead"]),
    ],
)
def test_what_the_other_must_not_be(happened: tuple[Event, ...], codes: list[str]) -> None:
    given(created()).when(MERGE, known(LEE, *happened)).refused(*codes)


def test_what_else_refuses() -> None:
    given(created()).when(MERGE, facts(LEE)).refused("unknown-lead")
    given(created()).when(MERGE, facts(LEE, other=Lead())).refused("unknown-lead")
    given(created()).when(MergeLeads(other_lead_id=ME), known()).refused("same-lead")
    given(created()).when(MERGE, known(ANA)).refused("role-not-allowed")
    given(created()).when(UNMERGE, known(ANA)).refused("role-not-allowed")
    given().when(UNMERGE, known()).refused("unknown-lead")
    given(created()).when(UnmergeLeads(other_lead_id=ME), known()).refused("same-lead")
    for nobody in (facts(LEE), facts(LEE, other=Lead())):
        (reason,) = given(created()).when(UNMERGE, nobody).refused("unknown-lead")
        assert reason.field == "other_lead_id"
    hidden = known(LEE, replace(OTHER, owner=f"team:{SUPPORT}"))
    given(created()).when(UNMERGE, hidden).refused("unknown-lead")
    far = created(owner=f"team:{SUPPORT}")
    given(far).when(UNMERGE, known()).refused("lead-out-of-reach")
    full = tuple(
        {"id": one, "phone": f"+1415555{3000 + one}", "typed": "x", "fields": {}}
        for one in range(1, 20)
    )
    given(created(contacts=full)).when(MERGE, known()).refused("too-many-contacts")


def test_from_an_erased_survivor_the_other_can_be_taken_and_from_an_erased_other_not() -> None:
    gone = given(created(), ABSORBED, LeadDeleted())
    gone.when(UNMERGE, known(ADA, OTHER, MERGED)).then(LeadReleased(HOLDER), there(UNMERGED, 2))
    erased = known(ADA, OTHER, MERGED, LeadDeleted())
    given(created(), ABSORBED).when(UNMERGE, erased).refused("lead-deleted")


def test_evolving_never_fails_on_what_it_does_not_know() -> None:
    lead = Lead()
    for event in (RELEASED, UNMERGED, LeadAbsorbed(HOLDER), MERGED):
        lead = evolve(lead, event)
    assert lead.version == 4
