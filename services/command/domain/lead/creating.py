"""How a lead comes into being: by hand, by upload, through the API (rules 3, 13, 15)."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import LeadCreated
from schemas.statuses import PERSONAL_REDIALS
from services.command.domain.campaign.state import Campaign
from services.command.domain.decider import Command, Reason, Refused, decides, within
from services.command.domain.facts import Facts
from services.command.domain.lead.access import (
    AGENTS,
    DIALERS,
    owner_inactive,
    owner_reasons,
    role_reasons,
)
from services.command.domain.lead.claims import claim_on
from services.command.domain.lead.numbers import (
    CONTACTS_MAX,
    NewContact,
    contact_fields,
    number_taken,
)
from services.command.domain.lead.state import Lead
from services.command.domain.lead.status import status_reasons
from services.command.domain.phones import NotAPhone, parse_phone
from services.command.domain.pool.state import Pool
from services.command.domain.types import (
    Code,
    FieldMap,
    Id,
    Instant,
    Name,
    OwnerRef,
    PhoneText,
    Priority,
    Region,
)


class CreateLead(Command):
    """Put a lead into a campaign.

    It needs a phone number (E.164, or with `default_region` as people there write it) or a
    WhatsApp identity. Fields are typed by the campaign's template, which also fills in defaults.
    The owner is the one given, else the one with `ownership_code`, else the top-level team. A
    second lead with the same duplicate key in the campaign is refused and names the first.
    """

    roles: ClassVar[frozenset[str]] = AGENTS | DIALERS
    creates: ClassVar[bool] = True

    campaign_id: Id
    phone: PhoneText | None = None
    default_region: Region | None = None
    fields: FieldMap = Field(default_factory=dict)
    contacts: Annotated[tuple[NewContact, ...], Field(max_length=CONTACTS_MAX)] = ()
    owner: OwnerRef | None = None
    ownership_code: Name | None = None
    status: Code = "created"
    priority: Priority = 5
    active_from: Instant | None = None
    active_until: Instant | None = None
    pool_id: Id | None = None
    source: Literal["manual", "upload", "api", "dialer"] = "manual"


@decides(CreateLead)
def create_lead(lead: Lead, command: CreateLead, facts: Facts) -> list[Event]:
    """Start the lead's stream; refused with everything that is wrong with it."""
    reasons = role_reasons(command, facts)
    if reasons:
        raise Refused(reasons)
    if lead.version:
        raise Refused([Reason("lead-exists", "There is a lead with this id already.")])
    campaign = facts.campaign
    if campaign is None or not campaign.version:
        raise Refused([Reason("unknown-campaign", "There is no such campaign.", "campaign_id")])
    owner = _owner(command, facts, reasons)
    reasons += status_reasons(command.status, facts)
    phone = _phone(command, reasons)
    contacts = _contacts(command, phone, campaign, reasons)
    clean, personal, misfits = campaign.template.check(command.fields)
    reasons += within("fields", misfits)
    if command.phone is None and not personal.get("whatsapp"):
        text = "Give a phone number or a WhatsApp identity, else nobody can reach the lead."
        reasons.append(Reason("unreachable", text, "phone"))
    if command.pool_id is not None:
        reasons += pool_reasons(facts.pool, command.campaign_id)
    if command.active_from and command.active_until and command.active_from >= command.active_until:
        text = "The lead must become active before it stops being active."
        reasons.append(Reason("range-reversed", text, "active_until"))
    if facts.holder is not None and _wants_claim(campaign, phone, clean, personal):
        reasons.append(duplicate_reason(campaign.template.duplicate_key, facts))
    if reasons:
        raise Refused(reasons)
    return [
        LeadCreated(
            campaign_id=command.campaign_id,
            owner=owner,
            status=command.status,
            phone=phone,
            phone_typed=command.phone,
            fields=clean or None,
            personal_fields=personal or None,
            contacts=contacts,
            priority=command.priority,
            pool_id=command.pool_id,
            source=command.source,
            key=campaign.template.duplicate_key,
            active_from=None
            if command.active_from is None
            else format_instant(command.active_from),
            active_until=(
                None if command.active_until is None else format_instant(command.active_until)
            ),
        )
    ]


def pool_reasons(pool: Pool | None, campaign_id: str) -> list[Reason]:
    """Say why a lead of this campaign cannot be in the pool the command names."""
    if pool is None or not pool.version:
        return [Reason("unknown-pool", "There is no such pool; create it first.", "pool_id")]
    if pool.campaign_id != campaign_id:
        text = "The pool belongs to another campaign; name one of the lead's own."
        return [Reason("pool-of-other-campaign", text, "pool_id")]
    return []


def duplicate_reason(key: str, facts: Facts) -> Reason:
    """Say which lead has the value of the duplicate key already."""
    return Reason("duplicate", f"Lead {facts.holder} has the same {key} in that campaign.", key)


def _owner(command: CreateLead, facts: Facts, reasons: list[Reason]) -> str:
    """Return the owner by rule 3, or by rule 4 for a lead created as a Private or VIP redial."""
    organisation, actor = facts.organisation, facts.actor
    if command.owner is not None:
        reasons += owner_reasons(command.owner, facts)
        return command.owner
    if command.ownership_code is not None:
        coded = organisation.owner_by_code(command.ownership_code)
        if coded is None:
            text = f"Nobody has the ownership code {command.ownership_code}."
            reasons.append(Reason("unknown-ownership-code", text, "ownership_code"))
        elif not organisation.is_active_owner(coded):
            reasons.append(owner_inactive("ownership_code"))
        return coded or ""
    if command.status in PERSONAL_REDIALS and actor.user_id and actor.role in AGENTS:
        return f"user:{actor.user_id}"
    return f"team:{organisation.top}"


def _phone(command: CreateLead, reasons: list[Reason]) -> str | None:
    if command.phone is None:
        return None
    try:
        return parse_phone(command.phone, command.default_region)
    except NotAPhone as problem:
        reasons.append(problem.reason)
        return None


def _contacts(
    command: CreateLead, primary: str | None, campaign: Campaign, reasons: list[Reason]
) -> tuple[dict[str, Any], ...]:
    """Return the contacts as stored, numbered from 1 in dialling order (rule 13)."""
    taken = {primary}
    stored: list[dict[str, Any]] = []
    for number, contact in enumerate(command.contacts, start=1):
        where = f"contacts.{number - 1}.phone"
        try:
            phone = parse_phone(contact.phone, command.default_region)
        except NotAPhone as problem:
            reasons.append(Reason(problem.reason.code, problem.reason.text, where))
            continue
        if phone in taken:
            reasons.append(number_taken(where))
        taken.add(phone)
        fields, misfits = contact_fields(contact.fields, campaign)
        reasons += within(f"contacts.{number - 1}", misfits)
        kept: dict[str, Any] = {"id": number, "phone": phone, "typed": contact.phone}
        stored.append({**kept, "fields": fields} if fields else kept)
    return tuple(stored)


def _wants_claim(
    campaign: Campaign, phone: str | None, clean: dict[str, Any], personal: dict[str, Any]
) -> bool:
    key = campaign.template.duplicate_key
    value = phone if key == "phone" else clean.get(key, personal.get(key))
    return claim_on(campaign.id, key, value) is not None
