"""May this lead be dialled now, by this agent, on this number? All checks of rule 10.

StartCall asks before it reserves the dial; a question about another moment or agent asks the
same. Each check says what it found.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from schemas.dialling_hours import DiallingHours, zone_named
from schemas.instants import parse_instant
from schemas.number_zones import OWN_ZONE, plausible_zones, zones_of
from schemas.rights import may_call
from services.command.domain.campaign.state import Campaign
from services.command.domain.decider import Reason
from services.command.domain.dnc.state import DncEntry
from services.command.domain.facts import Facts
from services.command.domain.lead.access import merged_reason
from services.command.domain.lead.claims import numbers_of
from services.command.domain.lead.state import PRIMARY, Lead

_TWO_DAYS = timedelta(days=2)


def next_number(lead: Lead) -> str | None:
    """Return the number the next dial goes to: the retry's contact, else the first in order."""
    if lead.next_contact is not None and lead.next_contact != PRIMARY:
        contact = lead.contact(lead.next_contact)
        if contact is not None and contact.phone is not None:
            return contact.phone
    first = next((one.phone for one in lead.contacts if one.phone is not None), None)
    return lead.phone or first


def dial_reasons(lead: Lead, agent: str | None, number: str | None, facts: Facts) -> list[Reason]:
    """Return every reason why not; [] = it may be dialled.

    agent: user id, None = the dialer alone, as in a call by an assistant. number: E.164.
    """
    return [
        *_agent_reasons(lead, agent, facts),
        *_lead_reasons(lead, agent, facts),
        *_campaign_reasons(lead, facts),
        *_number_reasons(lead, number, facts),
        *_time_reasons(lead, number, facts),
        *_attempt_reasons(lead, number, facts),
    ]


def segment_reasons(
    lead: Lead, segment_id: str, agent: str | None, facts: Facts
) -> Iterator[Reason]:
    """Yield why the lead is not dialled for who picked this segment (rule 17)."""
    segment = facts.segment
    if segment is None or not segment.version:
        yield Reason("unknown-segment", "There is no such segment.", "segment_id")
        return
    if not segment.active:
        yield Reason("segment-inactive", "The segment is off; dial without it, or pick another.")
    if agent is not None and agent not in segment.agents:
        text = "The agent may not pick that segment; it names who may."
        yield Reason("segment-not-for-agent", text, "segment_id")
    if lead.segment_id != segment_id:
        yield Reason("not-in-segment", "The lead is not in the segment that was picked.")


def _agent_reasons(lead: Lead, agent: str | None, facts: Facts) -> Iterator[Reason]:
    if agent is None:
        return
    user = facts.organisation.users.get(agent)
    if user is None or not user.active:
        yield Reason("unknown-agent", "There is no such user, or not any more.", "agent")
        return
    if not may_call(lead.owner, agent, user.team, facts.organisation.tree.ancestors(user.team)):
        text = "The lead belongs neither to the agent, nor to their team, nor to a team above it."
        yield Reason("lead-out-of-reach", text)


def _lead_reasons(lead: Lead, agent: str | None, facts: Facts) -> Iterator[Reason]:
    now = facts.now
    status = facts.organisation.statuses.get(lead.status)
    personal = status is not None and status.kind == "personal_redial"
    if lead.merged_into is not None:
        yield merged_reason(lead)
    elif not lead.active:
        yield Reason("lead-inactive", "The lead is not active; activate it first.")
    if lead.active_from is not None and now < parse_instant(lead.active_from):
        yield Reason("lead-not-begun", f"The lead is active from {lead.active_from} on.")
    if lead.active_until is not None and now >= parse_instant(lead.active_until):
        yield Reason("lead-ended", f"The lead was active until {lead.active_until}.")
    if not facts.pool_active and not personal:
        text = "The lead's pool is off; only Private and VIP redials of it are dialled."
        yield Reason("pool-inactive", text)
    if lead.is_suppressed(now):
        until = f" until {lead.suppressed_until}" if lead.suppressed_until else ""
        yield Reason("suppressed", f"The lead is suppressed{until}; lift that first.")
    if status is None or not status.dialable:
        label = lead.status if status is None else status.label
        text = f"Leads with the status {label} are not dialled; change it first."
        yield Reason("status-not-dialable", text)
    if lead.is_locked(now) and lead.locked_by != agent:
        yield Reason("locked", "The lead is locked to another user; unlock it first.")
    if lead.is_being_called(now):
        yield Reason("call-in-progress", "A call to this lead is going on; wait for its end.")
    if lead.reserved_for is not None and lead.reserved_for != agent:
        yield Reason("reserved-for-agent", "The lead is reserved for another agent.")


def _campaign_reasons(lead: Lead, facts: Facts) -> Iterator[Reason]:
    campaign, now = facts.campaign, facts.now
    if campaign is None or not campaign.version:
        yield Reason("unknown-campaign", "The lead's campaign is not known.")
        return
    if not campaign.active:
        yield Reason("campaign-inactive", "The campaign is off; activate it first.")
    if not campaign.has_begun(now):
        yield Reason("campaign-not-begun", f"The campaign begins {campaign.active_from}.")
    if campaign.has_ended(now):
        yield Reason("campaign-ended", f"The campaign ended {campaign.active_until}.")


def _number_reasons(lead: Lead, number: str | None, facts: Facts) -> Iterator[Reason]:
    if number is None:
        yield Reason("no-number", "The lead has no number to dial.", "number")
        return
    if number not in numbers_of(lead):
        text = "The number is not one of this lead's; add it as a contact first."
        yield Reason("number-not-of-lead", text, "number")
    yield from dnc_reasons(lead, facts.dnc.get(number, ()), facts.now)


def dnc_reasons(lead: Lead, entries: Iterable[DncEntry], now: datetime) -> Iterator[Reason]:
    """Yield which do-not-call entries of the number keep it from being called for this lead."""
    for entry in entries:
        if entry.blocks(lead.campaign_id, now):
            where = "any campaign" if entry.scope == "global" else "this campaign"
            until = f" until {entry.expires_at}" if entry.expires_at else ""
            text = f"The number must not be called for {where}{until}."
            yield Reason(f"do-not-call-{entry.scope}", text, "number")


def _time_reasons(lead: Lead, number: str | None, facts: Facts) -> Iterator[Reason]:
    now = facts.now
    if lead.next_dial_at is not None and now < parse_instant(lead.next_dial_at):
        yield Reason("not-due", f"The next dial is due {lead.next_dial_at}, not before.")
    window, hours = lead.dial_window, None if facts.campaign is None else facts.campaign.hours
    if window is None and hours is None:  # Looking for zones takes longer than all other checks.
        return
    zones = _zones(lead, number)
    if window is not None:
        limit = DiallingHours.every_day(window.start, window.end, window.zone)
        if not limit.open_in_every_zone(now, zones):
            where = _where_closed(limit, now, zones, number)
            text = f"The lead is dialled between {window.start} and {window.end} only"
            yield Reason("outside-dial-time-limit", f"{text}; it is outside{where}.")
    if hours is None or hours.open_in_every_zone(now, zones):
        return
    if hours.zone is None and not zones:
        text = (
            "The time zone of the number is not known, so dialling hours cannot be kept;"
            f" give the lead its zone in the field {OWN_ZONE}."
        )
        yield Reason("zone-unknown", text, "number")
        return
    where = _where_closed(hours, now, zones, number)
    holidays = ", ".join(hours.holidays_at(now, zones))
    why = f": {holidays} is a holiday of the campaign" if holidays else ""
    text = f"It is outside the campaign's dialling hours{where}{why}."
    yield Reason("outside-dialling-hours", text)


def _zones(lead: Lead, number: str | None) -> tuple[str, ...]:
    """Return all plausible zones of a dial: of the number, and the one the lead or contact says."""
    contact = next((one for one in lead.contacts if one.phone == number), None)
    own = None if contact is None else contact.fields.get(OWN_ZONE)
    return plausible_zones(number, lead.value(OWN_ZONE) if own is None else own)


def _where_closed(
    hours: DiallingHours, now: datetime, zones: Sequence[str], number: str | None
) -> str:
    """Say in which zones the hours are closed, and whence each is known; "" when none is known."""
    closed = hours.closed_zones(now, zones)
    if hours.zone is not None:
        return f" in {hours.zone}, the zone set for them"
    of_number = () if number is None else zones_of(number)
    by_number = [zone for zone in closed if zone in of_number]
    said = [f"{zone} by the field {OWN_ZONE}" for zone in closed if zone not in of_number]
    if by_number:
        more = ", …" if len(by_number) > 5 else ""
        said.insert(0, f"{', '.join(by_number[:5])}{more} by the number")
    return f" in {'; '.join(said)}" if said else ""


def _attempt_reasons(lead: Lead, number: str | None, facts: Facts) -> Iterator[Reason]:
    if facts.campaign is None:
        return
    limits = facts.campaign.limits
    if limits.per_lead is not None and lead.attempts >= limits.per_lead:
        text = f"The lead was tried {lead.attempts} times; the limit is {limits.per_lead}."
        yield Reason("attempts-per-lead", text)
    tried = 0 if number is None else lead.attempts_by_number.get(number, 0)
    if limits.per_number is not None and tried >= limits.per_number:
        text = f"The number was tried {tried} times; the limit is {limits.per_number}."
        yield Reason("attempts-per-number", text, "number")
    if limits.per_day is not None:
        today = _attempts_today(lead, number, facts.campaign, facts.now)
        if today >= limits.per_day:
            text = f"The lead was tried {today} times today; the limit is {limits.per_day}."
            yield Reason("attempts-per-day", text)


def _attempts_today(lead: Lead, number: str | None, campaign: Campaign, now: datetime) -> int:
    """Count the attempts of the day, in whichever plausible zone that gives most."""
    hours_zone = None if campaign.hours is None else campaign.hours.zone
    if hours_zone is not None:
        names: Sequence[str] = (hours_zone,)
    else:
        names = _zones(lead, number) or ("UTC",)
    started = (parse_instant(at) for at, _number in lead.calls.values())
    recent = [at for at in started if now - at < _TWO_DAYS]
    most = 0
    for name in names if recent else ():
        zone = zone_named(name)
        if zone is not None:
            today = now.astimezone(zone).date()
            most = max(most, sum(at.astimezone(zone).date() == today for at in recent))
    return most
