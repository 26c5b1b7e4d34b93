"""Secondary contacts: added, changed, removed, reordered; no number twice."""

import pytest

from schemas.lead import (
    LeadCallRecorded,
    LeadContactAdded,
    LeadContactChanged,
    LeadContactRemoved,
    LeadContactsReordered,
)
from services.command.domain.decider import Command
from services.command.domain.lead.calls import StartCall
from services.command.domain.lead.claims import knows_number, numbers_of
from services.command.domain.lead.contacts import (
    AddContact,
    RemoveContact,
    ReorderContacts,
    UpdateContact,
)
from tests.domain.given_when_then import given
from tests.domain.world import (
    ANA,
    AUD,
    CAMPAIGN,
    OTHER_PHONE,
    PHONE,
    SUPPORT,
    THIRD_PHONE,
    created,
    facts,
)

ONE = LeadContactAdded(contact=1, phone=OTHER_PHONE, phone_typed=OTHER_PHONE, fields={"age": 9})
TWO = LeadContactAdded(contact=2, phone=THIRD_PHONE, phone_typed="(415) 555-0102")
BEFORE = {"phone": OTHER_PHONE, "typed": OTHER_PHONE, "fields": {"age": 9}}


def test_contacts_are_added_in_order() -> None:
    command = AddContact(phone=OTHER_PHONE, fields={"age": "9"})
    lead = given(created()).when(command, facts(ANA)).then(ONE)
    assert numbers_of(lead) == {PHONE, OTHER_PHONE}
    command = AddContact(phone="(415) 555-0102", default_region="US")
    lead = given(created(), ONE).when(command, facts(ANA)).then(TWO)
    assert [contact.phone for contact in lead.contacts] == [OTHER_PHONE, THIRD_PHONE]


@pytest.mark.parametrize(
    ("command", "codes"),
    [
        (AddContact(phone=PHONE), ["number-twice"]),
        (AddContact(phone=OTHER_PHONE), ["number-twice"]),
        (AddContact(phone="0123", fields={"shoe": 1}), ["phone-not-e164", "unknown-field"]),
        (UpdateContact(contact=1, phone=PHONE), ["number-twice"]),
        (UpdateContact(contact=1, phone="0123"), ["phone-not-e164"]),
        (UpdateContact(contact=1, fields={"shoe": 1}), ["unknown-field"]),
        (UpdateContact(contact=7), ["unknown-contact"]),
        (RemoveContact(contact=7), ["unknown-contact"]),
        (ReorderContacts(order=(1,)), ["not-all-contacts"]),
        (ReorderContacts(order=(1, 1)), ["not-all-contacts"]),
        (ReorderContacts(order=(1, 2, 3)), ["not-all-contacts"]),
    ],
)
def test_what_is_refused(command: Command, codes: list[str]) -> None:
    given(created(), ONE, TWO).when(command, facts()).refused(*codes)
    given(created(), ONE, TWO).when(command, facts(AUD)).refused("role-not-allowed")
    foreign = created(owner=f"team:{SUPPORT}")
    given(foreign, ONE, TWO).when(command, facts(ANA)).refused("lead-out-of-reach")


def test_contacts_are_bounded() -> None:
    many = [
        LeadContactAdded(contact=number, phone=f"+1415555{number:04}") for number in range(1, 21)
    ]
    given(created(phone=None), *many).when(AddContact(phone=PHONE), facts()).refused(
        "too-many-contacts"
    )


def test_a_contact_changes() -> None:
    changed = LeadContactChanged(
        contact=1, phone=THIRD_PHONE, phone_typed=THIRD_PHONE, fields={"age": 9}, before=BEFORE
    )
    command = UpdateContact(contact=1, phone=THIRD_PHONE)
    lead = given(created(), ONE).when(command, facts(ANA)).then(changed)
    assert numbers_of(lead) == {PHONE, THIRD_PHONE}
    assert knows_number(lead, OTHER_PHONE)
    emptied = LeadContactChanged(
        contact=1, phone=OTHER_PHONE, phone_typed=OTHER_PHONE, before=BEFORE
    )
    given(created(), ONE).when(UpdateContact(contact=1, fields={}), facts()).then(emptied)
    same = UpdateContact(contact=1, phone=OTHER_PHONE, fields={"age": 9})
    given(created(), ONE).when(same, facts()).nothing()


def test_a_contact_goes_and_its_number_is_free_but_not_its_id() -> None:
    removed = LeadContactRemoved(contact=1, before=BEFORE)
    lead = given(created(), ONE).when(RemoveContact(contact=1), facts(ANA)).then(removed)
    assert numbers_of(lead) == {PHONE}
    given(created(), ONE, removed).when(RemoveContact(contact=1), facts()).nothing()
    again = LeadContactAdded(contact=2, phone=OTHER_PHONE, phone_typed=OTHER_PHONE)
    given(created(), ONE, removed).when(AddContact(phone=OTHER_PHONE), facts()).then(again)


def test_the_order_is_the_order_of_dialling() -> None:
    reordered = LeadContactsReordered(order=(2, 1), previous=(1, 2))
    lead = given(created(), ONE, TWO).when(ReorderContacts(order=(2, 1)), facts()).then(reordered)
    assert [contact.id for contact in lead.contacts] == [2, 1]
    given(created(), ONE, TWO).when(ReorderContacts(order=(1, 2)), facts()).nothing()
    bare = given(created(phone=None), ONE, TWO, reordered)
    (started,) = bare.when(StartCall(call_id="c1"), facts(ANA)).outcomes
    assert getattr(started, "number", None) == THIRD_PHONE


def test_a_retry_to_a_contact_that_is_gone_goes_to_the_primary_number() -> None:
    retry = LeadCallRecorded(
        call_id="c0", campaign_id=CAMPAIGN, started_at="2026-03-02T09:00:00Z", rule="x",
        next_contact=1,
    )  # fmt: skip
    story = given(created(), ONE, retry, LeadContactRemoved(contact=1, before=BEFORE))
    (started,) = story.when(StartCall(call_id="c1"), facts(ANA)).outcomes
    assert getattr(started, "number", None) == PHONE
