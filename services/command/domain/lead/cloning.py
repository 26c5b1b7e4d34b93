"""Cloning a lead into another campaign (rule 14): fields go by import name, misfits are said."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from schemas.dialling_hours import minute_of_day, zone_named
from schemas.instants import format_instant
from schemas.lead import LeadCloned, LeadCreated, LeadMoved
from services.command.domain.campaign.state import Campaign
from services.command.domain.decider import (
    Command,
    Elsewhere,
    Outcome,
    Reason,
    Refused,
    decides,
)
from services.command.domain.facts import Facts
from services.command.domain.lead.access import LEADERS, admit, reach_reasons
from services.command.domain.lead.fields import fields_changed
from services.command.domain.lead.state import Lead
from services.command.domain.types import Id, Instant, Priority, TimeOfDay, ZoneName


class CloneLead(Command):
    """Clone a lead into another campaign.

    Fields are matched by import name: those the target's template lacks are dropped and named in
    the result. A picklist value the target lacks, or duplicate keys with different import names,
    refuse the lead. A duplicate found where `duplicate_search` looks is skipped, updated, moved
    into the target, or cloned anyway. The clones' first dials are spread over `day_count` days
    from `day_offset` days on, between the times of day, the same way again for the same `seed`.
    """

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True

    target_campaign_id: Id
    priority: Priority | None = None
    duplicate_search: Literal["none", "campaign", "project", "everywhere"] = "campaign"
    duplicate_action: Literal["skip", "update", "move", "clone_anyway"] = "skip"
    active_from: Instant | None = None
    active_until: Instant | None = None
    day_offset: Annotated[int, Field(ge=0, le=365)] = 0
    day_count: Annotated[int, Field(ge=1, le=365)] = 1
    time_from: TimeOfDay | None = None
    time_until: TimeOfDay | None = None
    zone: ZoneName = "UTC"
    seed: Annotated[int, Field(ge=0, le=2**53 - 1)] = 0


@dataclass(frozen=True, slots=True)
class Fit:
    """How a lead's fields fit another template: typed values, what is dropped, what is wrong."""

    clean: Mapping[str, Any]
    personal: Mapping[str, Any]
    contacts: tuple[dict[str, Any], ...]
    dropped: tuple[str, ...]
    reasons: tuple[Reason, ...]


@decides(CloneLead)
def clone_lead(lead: Lead, command: CloneLead, facts: Facts) -> list[Outcome]:
    """Clone the lead, or do with its duplicate as asked; [] when it is skipped."""
    admit(lead, command, facts)
    target = facts.target
    if target is None or not target.version:
        text = "There is no such campaign to clone into."
        raise Refused([Reason("unknown-campaign", text, "target_campaign_id")])
    fit = fit_into(lead, target)
    reasons = [*_setting_reasons(lead, command, facts, target), *fit.reasons]
    if reasons:
        raise Refused(reasons, fit.dropped)
    if _has_duplicate(lead, command, facts):
        if command.duplicate_action == "skip":
            return []
        if command.duplicate_action == "update":
            return _update(facts, target, fit)
        if command.duplicate_action == "move":
            return _move(facts, target)
    return _create(lead, command, facts, target, fit)


def fit_into(lead: Lead, target: Campaign) -> Fit:
    """Match all fields of a lead and of its contacts to the target's template (rule 14).

    What misfits is said of the target: the request names that, and no field.
    """
    template = target.template
    values = {**lead.fields, **lead.personal}
    dropped = values.keys() - template.names
    kept = {name: one for name, one in values.items() if name not in dropped} if dropped else values
    clean, personal, misfits = template.check(kept)
    contacts: list[dict[str, Any]] = []
    for contact in lead.contacts:
        own = {name: one for name, one in contact.fields.items() if template.field(name)}
        dropped |= contact.fields.keys() - own.keys()
        open_own, personal_own, more = template.check_change(own)
        misfits += more
        stored = {"id": contact.id, "phone": contact.phone, "typed": contact.typed}
        contacts.append({**stored, "fields": {**open_own, **personal_own}} if own else stored)
    reasons = tuple(replace(one, field="target_campaign_id") for one in misfits)
    return Fit(clean, personal, tuple(contacts), tuple(sorted(dropped)), reasons)


def _setting_reasons(
    lead: Lead, command: CloneLead, facts: Facts, target: Campaign
) -> list[Reason]:
    reasons = []
    if target.id == lead.campaign_id:
        text = "The lead is in that campaign already; clone it into another one."
        reasons.append(Reason("same-campaign", text, "target_campaign_id"))
    source_key = lead.key if facts.campaign is None else facts.campaign.template.duplicate_key
    if source_key != target.template.duplicate_key:
        text = (
            f"The duplicate key is {source_key} here and {target.template.duplicate_key} there;"
            " both campaigns must use the same import name."
        )
        reasons.append(Reason("duplicate-key-differs", text, "target_campaign_id"))
    if command.active_from and command.active_until and command.active_from >= command.active_until:
        text = "The clone must become active before it stops being active."
        reasons.append(Reason("range-reversed", text, "active_until"))
    if (command.time_from is None) != (command.time_until is None):
        text = "Give both ends of the time range, or neither."
        reasons.append(Reason("time-range-half", text, "time_until"))
    elif command.time_from and command.time_until and command.time_from >= command.time_until:
        text = "The time range must end after it starts."
        reasons.append(Reason("range-reversed", text, "time_until"))
    if zone_named(command.zone) is None:
        text = f"There is no time zone {command.zone}; use a name like Europe/Lisbon."
        reasons.append(Reason("zone-unknown", text, "zone"))
    return reasons


def _create(
    lead: Lead, command: CloneLead, facts: Facts, target: Campaign, fit: Fit
) -> list[Outcome]:
    clone = facts.new_ids[0]
    priority = lead.priority if command.priority is None else command.priority
    duplicate = _has_duplicate(lead, command, facts)
    beside = duplicate and _holder(facts).campaign_id == target.id
    created = LeadCreated(
        campaign_id=target.id,
        owner=lead.owner,
        phone=lead.phone,
        phone_typed=lead.phone_typed,
        fields=fit.clean or None,
        personal_fields=fit.personal or None,
        contacts=fit.contacts,
        priority=priority,
        source="clone",
        key=target.template.duplicate_key,
        claims=not beside,
        active_from=None if command.active_from is None else format_instant(command.active_from),
        active_until=None if command.active_until is None else format_instant(command.active_until),
        next_dial_at=_first_dial(lead.id, command, facts.now),
        cloned_from=lead.id,
    )
    return [
        LeadCloned(lead_id=str(clone), campaign_id=target.id, dropped=fit.dropped),
        Elsewhere(clone, "lead", 0, (created,)),
    ]


def _update(facts: Facts, target: Campaign, fit: Fit) -> list[Outcome]:
    """Give the duplicate the values of the source; only where both follow the same template."""
    holder = _holder(facts)
    reasons = reach_reasons(holder, facts)
    if holder.campaign_id != target.id:
        text = "The duplicate is in another campaign; skip it, move it or clone anyway."
        reasons.append(Reason("duplicate-elsewhere", text, "duplicate_action"))
    if reasons:
        raise Refused(reasons, fit.dropped)
    changed = fields_changed(holder, dict(fit.clean), dict(fit.personal))
    return _elsewhere(facts, holder, "updated", target, fit.dropped, changed)


def _move(facts: Facts, target: Campaign) -> list[Outcome]:
    """Take the duplicate itself into the target; one that is there already stays as it is."""
    holder = _holder(facts)
    if holder.campaign_id == target.id:
        return []
    fit = fit_into(holder, target)
    reasons = [*reach_reasons(holder, facts), *fit.reasons]
    if reasons:
        raise Refused(reasons, fit.dropped)
    moved = LeadMoved(
        campaign_id=target.id,
        key=target.template.duplicate_key,
        dropped=fit.dropped,
        previous=holder.campaign_id,
        previous_pool=holder.pool_id,
    )
    return _elsewhere(facts, holder, "moved", target, fit.dropped, [moved])


def _elsewhere(
    facts: Facts,
    holder: Lead,
    outcome: str,
    target: Campaign,
    dropped: tuple[str, ...],
    events: list[Any],
) -> list[Outcome]:
    if not events or facts.holder is None:
        return []
    holder_id: UUID = facts.holder
    cloned = LeadCloned(
        lead_id=str(holder_id), campaign_id=target.id, outcome=outcome, dropped=dropped
    )
    return [cloned, Elsewhere(holder_id, "lead", holder.version, tuple(events))]


def _has_duplicate(lead: Lead, command: CloneLead, facts: Facts) -> bool:
    """Say whether a search was asked for and found another lead than the source itself."""
    searched = command.duplicate_search != "none"
    return searched and facts.holder is not None and str(facts.holder) != lead.id


def _holder(facts: Facts) -> Lead:
    assert facts.holder_lead is not None, "the holder of a duplicate key comes with its state"
    return facts.holder_lead


def _first_dial(lead_id: str, command: CloneLead, now: datetime) -> str | None:
    """Return when the clone is first due: a day and a time drawn from seed and lead alone."""
    timed = command.time_from is not None and command.time_until is not None
    if not timed and not command.day_offset and command.day_count == 1:
        return None
    zone = zone_named(command.zone)
    local = now.astimezone(zone)
    days = command.day_offset + _draw(command.seed, lead_id, "day", command.day_count)
    day: date = local.date() + timedelta(days=days)
    if command.time_from is None or command.time_until is None:
        return format_instant(datetime.combine(day, local.time(), zone))
    first, end = minute_of_day(command.time_from), minute_of_day(command.time_until)
    minute = first + _draw(command.seed, lead_id, "minute", end - first)
    return format_instant(datetime.combine(day, time(minute // 60, minute % 60), zone))


def _draw(seed: int, lead_id: str, what: str, sides: int) -> int:
    """Throw a die whose result depends on nothing but its arguments."""
    digest = sha256(f"{seed} {lead_id} {what}".encode()).digest()
    return int.from_bytes(digest[:8]) % sides
