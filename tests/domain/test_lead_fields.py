"""UpdateFields, ChangePhone and the notes."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.lead import (
    LeadFieldsChanged,
    LeadNoteAdded,
    LeadNoteEdited,
    LeadNoteRemoved,
    LeadPhoneChanged,
)
from services.command.domain.campaign.template import Template, TemplateField
from services.command.domain.lead.claims import claim_of, knows_number, numbers_of
from services.command.domain.lead.fields import UpdateFields
from services.command.domain.lead.notes import AddNote, EditNote, RemoveNote
from services.command.domain.lead.numbers import ChangePhone
from tests.domain.given_when_then import given
from tests.domain.world import ANA, OTHER_PHONE, PHONE, SELLING, created, facts

FILLED = created(fields={"age": 41, "job": "baker"}, personal_fields={"iban": "XX00"})
WITH_CONTACT = created(contacts=({"id": 1, "phone": OTHER_PHONE, "typed": OTHER_PHONE},))


def test_fields_go_where_the_template_says() -> None:
    lead = (
        given(FILLED)
        .when(
            UpdateFields(set={"age": 42, "iban": "YY11", "name": "Ana"}, unset=("job",)), facts(ANA)
        )
        .then(
            LeadFieldsChanged(
                set={"age": 42},
                unset=("job",),
                before={"age": 41, "job": "baker"},
                personal_set={"iban": "YY11", "name": "Ana"},
                personal_before={"iban": "XX00"},
            )
        )
    )
    assert lead.fields == {"age": 42}
    assert lead.personal == {"iban": "YY11", "name": "Ana"}


def test_only_what_differs_is_told() -> None:
    command = UpdateFields(set={"age": 41, "city": "Lisbon"}, unset=("email",))
    given(FILLED).when(command, facts()).then(LeadFieldsChanged(set={"city": "Lisbon"}))


def test_one_and_true_are_two_values() -> None:
    template = Template((TemplateField("vip", type="boolean"), TemplateField("age", type="number")))
    campaign = replace(SELLING, template=template)
    started = created(fields={"vip": 1, "age": 41})
    given(started).when(UpdateFields(set={"vip": True, "age": 41}), facts(campaign=campaign)).then(
        LeadFieldsChanged(set={"vip": True}, before={"vip": 1})
    )


def test_fields_that_are_so_already() -> None:
    given(FILLED).when(UpdateFields(set={"age": "41"}, unset=("city",)), facts()).nothing()
    given(FILLED).when(UpdateFields(), facts()).nothing()


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        ({"set": {"age": "old"}}, ["field-not-number"]),
        ({"set": {"job": "pilot"}}, ["field-not-picklist"]),
        ({"set": {"shoe": 44}}, ["unknown-field"]),
        ({"set": {"city": ""}}, ["field-empty"]),
        ({"set": {"city": "x"}, "unset": ("city",)}, ["field-set-and-unset"]),
        ({"unset": ("shoe",)}, ["unknown-field"]),
        ({"set": {"shoe": 44, "age": "old"}}, ["unknown-field", "field-not-number"]),
    ],
)
def test_fields_that_do_not_fit(asked: dict[str, Any], codes: list[str]) -> None:
    given(FILLED).when(UpdateFields(**asked), facts()).refused(*codes)


def test_a_required_field_stays() -> None:
    template = Template((TemplateField("age", type="number", required=True),))
    campaign = replace(SELLING, template=template)
    given(FILLED).when(UpdateFields(unset=("age",)), facts(campaign=campaign)).refused(
        "field-required"
    )


def test_a_lead_stays_reachable() -> None:
    only = created(phone=None, phone_typed=None, personal_fields={"whatsapp": PHONE})
    given(only).when(UpdateFields(unset=("whatsapp",)), facts()).refused("unreachable")


def test_fields_without_their_campaign() -> None:
    given(FILLED).when(UpdateFields(), facts(campaign=None)).refused("unknown-campaign")


def test_another_phone_moves_the_claim_and_stays_known() -> None:
    before = given(created()).state
    lead = (
        given(created())
        .when(ChangePhone(phone="(415) 555-0101", default_region="US"), facts(ANA))
        .then(LeadPhoneChanged(phone=OTHER_PHONE, phone_typed="(415) 555-0101", previous=PHONE))
    )
    assert numbers_of(lead) == {OTHER_PHONE}
    assert knows_number(lead, PHONE)
    claim = claim_of(lead)
    assert claim is not None
    assert claim != claim_of(before)


def test_phones_that_change_nothing_or_are_refused() -> None:
    given(WITH_CONTACT).when(ChangePhone(phone=PHONE), facts()).nothing()
    given(WITH_CONTACT).when(ChangePhone(phone=OTHER_PHONE), facts()).refused("number-twice")
    given(WITH_CONTACT).when(ChangePhone(phone="0123"), facts()).refused("phone-not-e164")


def test_notes() -> None:
    one, two = LeadNoteAdded(note=1, text="hi"), LeadNoteAdded(note=2, text="hi")
    assert given(created()).when(AddNote(text="hi"), facts(ANA)).then(one).notes == {1: "hi"}
    given(created(), one).when(AddNote(text="hi"), facts(ANA)).then(two)
    edited = LeadNoteEdited(note=1, text="ho", previous="hi")
    lead = given(created(), one, two).when(EditNote(note=1, text="ho"), facts()).then(edited)
    assert lead.notes == {1: "ho", 2: "hi"}
    given(created(), one).when(EditNote(note=1, text="hi"), facts()).nothing()
    given(created(), one).when(EditNote(note=2, text="x"), facts()).refused("unknown-note")
    gone = LeadNoteRemoved(note=2, previous="hi")
    lead = given(created(), one, two).when(RemoveNote(note=2), facts()).then(gone)
    assert lead.notes == {1: "hi"}
    given(created(), one, two, gone).when(RemoveNote(note=2), facts()).nothing()
    given(created(), one).when(RemoveNote(note=2), facts()).refused("unknown-note")
    three = LeadNoteAdded(note=3, text="!")
    given(created(), one, two, gone).when(AddNote(text="!"), facts()).then(three)


def test_notes_are_bounded() -> None:
    many = [LeadNoteAdded(note=number, text="x") for number in range(1, 1001)]
    given(created(), *many).when(AddNote(text="one more"), facts()).refused("too-many-notes")
