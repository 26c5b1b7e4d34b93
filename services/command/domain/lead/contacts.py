"""Secondary contacts of a lead: more numbers, in the order in which they are dialled (rule 13)."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from schemas.event import Event
from schemas.lead import (
    LeadContactAdded,
    LeadContactChanged,
    LeadContactRemoved,
    LeadContactsReordered,
)
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.access import AGENTS, admit
from services.command.domain.lead.claims import numbers_of
from services.command.domain.lead.numbers import CONTACTS_MAX, contact_fields, number_taken
from services.command.domain.lead.state import Contact, Lead
from services.command.domain.phones import NotAPhone, parse_phone
from services.command.domain.types import FieldMap, PhoneText, Region

ContactId = Annotated[int, Field(ge=1, le=1_000_000)]


class AddContact(Command):
    """Add a number to a lead, last in dialling order, with fields in which it differs."""

    roles: ClassVar[frozenset[str]] = AGENTS

    phone: PhoneText
    default_region: Region | None = None
    fields: FieldMap = Field(default_factory=dict)


class UpdateContact(Command):
    """Change the number or the fields of a contact. Fields given take the place of all it had."""

    roles: ClassVar[frozenset[str]] = AGENTS

    contact: ContactId
    phone: PhoneText | None = None
    default_region: Region | None = None
    fields: FieldMap | None = None


class RemoveContact(Command):
    """Take a contact away from a lead. Calls to its number stay in the log."""

    roles: ClassVar[frozenset[str]] = AGENTS

    contact: ContactId


class ReorderContacts(Command):
    """Set the order in which the contacts are dialled: all their numbers, each once."""

    roles: ClassVar[frozenset[str]] = AGENTS

    order: Annotated[tuple[ContactId, ...], Field(max_length=CONTACTS_MAX)]


@decides(AddContact)
def add_contact(lead: Lead, command: AddContact, facts: Facts) -> list[Event]:
    """Add the contact, unless the lead has that number already."""
    admit(lead, command, facts)
    fields, reasons = contact_fields(command.fields, facts.campaign)
    phone = _new_number(lead, command.phone, command.default_region, reasons)
    if len(lead.contacts) >= CONTACTS_MAX:
        text = f"A lead has at most {CONTACTS_MAX} contacts; remove one first."
        reasons.append(Reason("too-many-contacts", text))
    if reasons:
        raise Refused(reasons)
    return [
        LeadContactAdded(
            contact=lead.contacts_made + 1,
            phone=phone,
            phone_typed=command.phone,
            fields=fields or None,
        )
    ]


@decides(UpdateContact)
def update_contact(lead: Lead, command: UpdateContact, facts: Facts) -> list[Event]:
    """Change what differs."""
    admit(lead, command, facts)
    contact = _known(lead, command.contact)
    phone, typed, fields = contact.phone, contact.typed, dict(contact.fields)
    reasons: list[Reason] = []
    if command.fields is not None:
        fields, reasons = contact_fields(command.fields, facts.campaign)
    if command.phone is not None:
        other = _number(command.phone, command.default_region, reasons)
        if other != contact.phone:
            phone, typed = other, command.phone
            if other is not None and other in numbers_of(lead):
                reasons.append(number_taken("phone"))
    if reasons:
        raise Refused(reasons)
    if phone == contact.phone and fields == contact.fields:
        return []
    return [
        LeadContactChanged(
            contact=contact.id,
            phone=phone,
            phone_typed=typed,
            fields=fields or None,
            before=_stored(contact),
        )
    ]


@decides(RemoveContact)
def remove_contact(lead: Lead, command: RemoveContact, facts: Facts) -> list[Event]:
    """Remove the contact; one that is gone already changes nothing."""
    admit(lead, command, facts)
    if lead.contact(command.contact) is None and command.contact <= lead.contacts_made:
        return []
    contact = _known(lead, command.contact)
    return [LeadContactRemoved(contact=contact.id, before=_stored(contact))]


@decides(ReorderContacts)
def reorder_contacts(lead: Lead, command: ReorderContacts, facts: Facts) -> list[Event]:
    """Reorder; refused unless every contact is named once."""
    admit(lead, command, facts)
    present = tuple(contact.id for contact in lead.contacts)
    if sorted(command.order) != sorted(present):
        text = f"Name each contact of the lead once: {', '.join(map(str, present)) or 'none'}."
        raise Refused([Reason("not-all-contacts", text, "order")])
    if command.order == present:
        return []
    return [LeadContactsReordered(order=command.order, previous=present)]


def _known(lead: Lead, contact_id: int) -> Contact:
    contact = lead.contact(contact_id)
    if contact is None:
        text = "The lead has no contact with this number."
        raise Refused([Reason("unknown-contact", text, "contact")])
    return contact


def _number(typed: str, region: str | None, reasons: list[Reason]) -> str | None:
    try:
        return parse_phone(typed, region)
    except NotAPhone as problem:
        reasons.append(problem.reason)
        return None


def _new_number(lead: Lead, typed: str, region: str | None, reasons: list[Reason]) -> str | None:
    phone = _number(typed, region, reasons)
    if phone is not None and phone in numbers_of(lead):
        reasons.append(number_taken("phone"))
    return phone


def _stored(contact: Contact) -> dict[str, Any]:
    return {"phone": contact.phone, "typed": contact.typed, "fields": dict(contact.fields)}
