"""The numbers of a lead: one primary, and secondary contacts in dialling order (rule 13).

No two numbers of one lead are the same. Numbers come as E.164, or as typed with a default region.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from schemas.event import Event
from schemas.lead import LeadPhoneChanged
from services.command.domain.campaign.state import Campaign
from services.command.domain.decider import Command, Reason, Refused, decides, within
from services.command.domain.facts import Facts
from services.command.domain.lead.access import AGENTS, admit
from services.command.domain.lead.claims import numbers_of
from services.command.domain.lead.state import Lead
from services.command.domain.phones import NotAPhone, parse_phone
from services.command.domain.types import FieldMap, PhoneText, Region

CONTACTS_MAX = 20


class NewContact(BaseModel):
    """A secondary contact: another number, and the fields in which it differs from the lead."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    phone: PhoneText
    fields: FieldMap = Field(default_factory=dict)


class ChangePhone(Command):
    """Change the primary number.

    Refused when it is the number of another contact of the lead or, where the phone is the
    campaign's duplicate key, of another lead. Without `default_region` only E.164 is taken.
    """

    roles: ClassVar[frozenset[str]] = AGENTS

    phone: PhoneText
    default_region: Region | None = None


@decides(ChangePhone)
def change_phone(lead: Lead, command: ChangePhone, facts: Facts) -> list[Event]:
    """Change the number; the handler moves the claim by what claim_of says before and after."""
    admit(lead, command, facts)
    try:
        phone = parse_phone(command.phone, command.default_region)
    except NotAPhone as problem:
        raise Refused([problem.reason]) from None
    if phone == lead.phone:
        return []
    if phone in numbers_of(lead):
        raise Refused([number_taken("phone")])
    return [LeadPhoneChanged(phone=phone, phone_typed=command.phone, previous=lead.phone)]


def number_taken(field: str) -> Reason:
    """Say that another contact of the lead has the number already."""
    text = "Another contact of this lead has that number already; leave one of them out."
    return Reason("number-twice", text, field)


def contact_fields(
    given: Mapping[str, Any], campaign: Campaign | None
) -> tuple[dict[str, Any], list[Reason]]:
    """Type the fields of a contact by the campaign's template; all of them count as personal."""
    if not given:
        return {}, []
    if campaign is None:
        return {}, [Reason("unknown-campaign", "The lead's campaign is not known.")]
    clean, personal, reasons = campaign.template.check_change(given)
    return {**clean, **personal}, within("fields", reasons)
