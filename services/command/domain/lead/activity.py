"""Whether a lead takes part at all: active or not, suppressed or not (rules 2, 6)."""

from typing import ClassVar

from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import LeadActivated, LeadDeactivated, LeadSuppressed, LeadUnsuppressed
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.access import LEADERS, admit
from services.command.domain.lead.state import Lead
from services.command.domain.types import Instant, Line


class Activate(Command):
    """Activate a lead, so that it can be called."""

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True


class Deactivate(Command):
    """Deactivate a lead: it leaves its campaign's work, cannot be called, and agents lose sight."""

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True


class Suppress(Command):
    """Keep a lead from being dialled without touching its status, until lifted or until `until`."""

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True

    reason: Line = ""
    until: Instant | None = None


class Unsuppress(Command):
    """Lift a suppression; the lead has the status it had all along."""

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True

    reason: Line = ""


@decides(Activate)
def activate(lead: Lead, command: Activate, facts: Facts) -> list[Event]:
    """Activate the lead."""
    admit(lead, command, facts)
    return [] if lead.active else [LeadActivated()]


@decides(Deactivate)
def deactivate(lead: Lead, command: Deactivate, facts: Facts) -> list[Event]:
    """Deactivate the lead."""
    admit(lead, command, facts)
    return [LeadDeactivated()] if lead.active else []


@decides(Suppress)
def suppress(lead: Lead, command: Suppress, facts: Facts) -> list[Event]:
    """Suppress; on a suppressed lead only another end changes anything."""
    admit(lead, command, facts)
    if command.until is not None and command.until <= facts.now:
        text = "The suppression must end in the future."
        raise Refused([Reason("time-is-past", text, "until")])
    until = None if command.until is None else format_instant(command.until)
    if lead.suppressed and lead.suppressed_until == until:
        return []
    return [LeadSuppressed(reason=command.reason, until=until)]


@decides(Unsuppress)
def unsuppress(lead: Lead, command: Unsuppress, facts: Facts) -> list[Event]:
    """Lift the suppression, also one that has run out."""
    admit(lead, command, facts)
    return [LeadUnsuppressed(reason=command.reason)] if lead.suppressed else []
