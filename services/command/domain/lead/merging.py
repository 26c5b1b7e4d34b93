"""Two leads that are one person: one survives, the other's history is read from it.

Nothing is copied but the numbers, so that calls to any of them find the survivor; the fields of
the other stay in its own stream, and come back with it.
"""

from typing import Any, ClassVar
from uuid import UUID

from schemas.event import Event
from schemas.lead import LeadAbsorbed, LeadMerged, LeadReleased, LeadUnmerged
from services.command.domain.decider import (
    Command,
    Elsewhere,
    Outcome,
    Reason,
    Refused,
    decides,
)
from services.command.domain.facts import Facts
from services.command.domain.lead.access import (
    LEADERS,
    admit,
    erased_reason,
    merged_reason,
    reach_reasons,
    role_reasons,
)
from services.command.domain.lead.claims import numbers_of
from services.command.domain.lead.numbers import CONTACTS_MAX
from services.command.domain.lead.state import Lead
from services.command.domain.types import Id


class MergeLeads(Command):
    """Merge another lead into this one, because both are the same person.

    This one survives: it takes over the other's numbers as contacts and names it, so that both
    histories are read from here. The other becomes inactive, gives up its duplicate key and can
    only be worked on again once it is unmerged.
    """

    roles: ClassVar[frozenset[str]] = LEADERS

    other_lead_id: Id


class UnmergeLeads(Command):
    """Let a lead that was merged into this one stand alone again, with all it had.

    The contacts that came with it leave again. Refused when another lead holds its duplicate key
    by now, and when there is no other lead of that id, or it is out of reach.
    """

    roles: ClassVar[frozenset[str]] = LEADERS

    other_lead_id: Id


@decides(MergeLeads)
def merge_leads(lead: Lead, command: MergeLeads, facts: Facts) -> list[Outcome]:
    """Merge; nothing when the other is part of this lead already."""
    admit(lead, command, facts)
    if command.other_lead_id == lead.id:
        text = "A lead cannot be merged into itself; name another one."
        raise Refused([Reason("same-lead", text, "other_lead_id")])
    other = _other(facts)
    if other.merged_into == lead.id:
        return []
    reasons = _busy_reasons(other, facts)
    contacts = _new_contacts(lead, other)
    if len(lead.contacts) + len(contacts) > CONTACTS_MAX:
        text = f"Together they have more than {CONTACTS_MAX} contacts; remove some first."
        reasons.append(Reason("too-many-contacts", text))
    if reasons:
        raise Refused(reasons)
    absorbed = LeadAbsorbed(lead_id=other.id, contacts=contacts)
    merged = LeadMerged(into=lead.id, was_active=other.active)
    return [absorbed, Elsewhere(UUID(other.id), "lead", other.version, (merged,))]


@decides(UnmergeLeads)
def unmerge_leads(lead: Lead, command: UnmergeLeads, facts: Facts) -> list[Outcome]:
    """Unmerge, also from a lead whose own data was erased; nothing when both are there, apart."""
    reasons = role_reasons(command, facts)
    if not reasons and lead.version == 0:
        reasons.append(Reason("unknown-lead", "There is no such lead."))
    reasons = reasons or reach_reasons(lead, facts)
    if reasons:
        raise Refused(reasons)
    if command.other_lead_id == lead.id:
        text = "A lead cannot be unmerged from itself; name the other one."
        raise Refused([Reason("same-lead", text, "other_lead_id")])
    other = _other(facts)
    came = lead.absorbed.get(command.other_lead_id)
    if came is None:
        return []
    if not other.exists:
        raise Refused([erased_reason(other)])
    theirs = {other.phone, *(contact.phone for contact in other.contacts)}
    leaving = [one.id for one in lead.contacts if one.id in came and one.phone in theirs]
    released = LeadReleased(lead_id=other.id, contacts=tuple(leaving))
    unmerged: Event = LeadUnmerged(previous=lead.id, active=other.active_alone)
    return [released, Elsewhere(UUID(other.id), "lead", other.version, (unmerged,))]


def _other(facts: Facts) -> Lead:
    """Return the other lead; one out of reach looks like one that is not there."""
    other = facts.other
    if other is None or not other.version or (other.exists and reach_reasons(other, facts)):
        text = "There is no such lead, or it is out of your reach."
        raise Refused([Reason("unknown-lead", text, "other_lead_id")])
    return other


def _busy_reasons(other: Lead, facts: Facts) -> list[Reason]:
    if not other.exists:
        return [erased_reason(other)]
    reasons = []
    if other.merged_into is not None:
        reasons.append(merged_reason(other))
    if other.is_locked(facts.now):
        text = "The other lead is locked to a user; unlock it first."
        reasons.append(Reason("locked", text))
    if other.is_being_called(facts.now):
        text = "A call to the other lead is going on; wait for its end."
        reasons.append(Reason("call-in-progress", text))
    return reasons


def _new_contacts(lead: Lead, other: Lead) -> tuple[dict[str, Any], ...]:
    """Return the other's numbers that this lead lacks, as contacts to be, in dialling order."""
    own: dict[str, Any] = {}
    numbers = [(other.phone, other.phone_typed, own)]
    numbers += [(one.phone, one.typed, dict(one.fields)) for one in other.contacts]
    have = set(numbers_of(lead))
    came: list[dict[str, Any]] = []
    for phone, typed, fields in numbers:
        if phone is None or phone in have:
            continue
        have.add(phone)
        number = {"id": lead.contacts_made + len(came) + 1, "phone": phone, "typed": typed}
        came.append({**number, "fields": fields} if fields else number)
    return tuple(came)
