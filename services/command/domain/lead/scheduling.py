"""When a lead is dialled and how soon: priority, scheduled dial, times of day (rules 10, 18)."""

from typing import ClassVar

from schemas.dialling_hours import zone_named
from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import (
    LeadDialScheduled,
    LeadDialTimeLimited,
    LeadDialTimeLimitRemoved,
    LeadPriorityChanged,
    LeadScheduledDialCancelled,
)
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.access import AGENTS, LEADERS, admit
from services.command.domain.lead.state import Lead
from services.command.domain.types import Instant, Priority, TimeOfDay, ZoneName


class SetPriority(Command):
    """Set how soon a lead is dialled: 10 first, 1 last."""

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True

    priority: Priority


class ScheduleDial(Command):
    """Dial a lead at that time and not before. `zone` is kept to show the time as it was meant."""

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True

    at: Instant
    zone: ZoneName | None = None


class CancelScheduledDial(Command):
    """Cancel the scheduled dial or the next retry of a lead; its status stays."""

    roles: ClassVar[frozenset[str]] = AGENTS
    bulk: ClassVar[bool] = True


class SetDialTimeLimit(Command):
    """Dial a lead only between two times of day, besides the campaign's hours.

    Without `zone` every plausible time zone must be inside: those of the number, and the lead's
    own. An end that is not after the start is on the next day.
    """

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True

    start: TimeOfDay
    end: TimeOfDay
    zone: ZoneName | None = None


class RemoveDialTimeLimit(Command):
    """Lift the dial-time limit of a lead; only the campaign's hours count again."""

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True


@decides(SetPriority)
def set_priority(lead: Lead, command: SetPriority, facts: Facts) -> list[Event]:
    """Set the priority."""
    admit(lead, command, facts)
    if lead.priority == command.priority:
        return []
    return [LeadPriorityChanged(priority=command.priority, previous=lead.priority)]


@decides(ScheduleDial)
def schedule_dial(lead: Lead, command: ScheduleDial, facts: Facts) -> list[Event]:
    """Schedule the next dial, in place of one that is waiting."""
    admit(lead, command, facts)
    reasons = _zone_reasons(command.zone)
    if command.at <= facts.now:
        reasons.append(Reason("time-is-past", "Schedule the dial for a time to come.", "at"))
    if reasons:
        raise Refused(reasons)
    at = format_instant(command.at)
    if lead.next_dial_at == at:
        return []
    return [LeadDialScheduled(at=at, zone=command.zone, previous=lead.next_dial_at)]


@decides(CancelScheduledDial)
def cancel_scheduled_dial(lead: Lead, command: CancelScheduledDial, facts: Facts) -> list[Event]:
    """Cancel what waits; nothing when nothing does."""
    admit(lead, command, facts)
    if lead.next_dial_at is None:
        return []
    return [LeadScheduledDialCancelled(previous=lead.next_dial_at)]


@decides(SetDialTimeLimit)
def set_dial_time_limit(lead: Lead, command: SetDialTimeLimit, facts: Facts) -> list[Event]:
    """Limit the times of day."""
    admit(lead, command, facts)
    reasons = _zone_reasons(command.zone)
    if command.start == command.end:
        text = "A limit from a time to the same time leaves no time, or all; remove it instead."
        reasons.append(Reason("range-reversed", text, "end"))
    if reasons:
        raise Refused(reasons)
    wanted = (command.start, command.end, command.zone)
    if lead.dial_window == wanted:
        return []
    return [LeadDialTimeLimited(*wanted, before=tuple(lead.dial_window or ()))]


@decides(RemoveDialTimeLimit)
def remove_dial_time_limit(lead: Lead, command: RemoveDialTimeLimit, facts: Facts) -> list[Event]:
    """Lift the limit."""
    admit(lead, command, facts)
    if lead.dial_window is None:
        return []
    return [LeadDialTimeLimitRemoved(before=tuple(lead.dial_window))]


def _zone_reasons(zone: str | None) -> list[Reason]:
    if zone is None or zone_named(zone) is not None:
        return []
    text = f"There is no time zone {zone}; use a name like Europe/Lisbon."
    return [Reason("zone-unknown", text, "zone")]
