"""The status of a lead, set by people: edited, restored, reset, set aside (rules 5, 6, 7)."""

from typing import ClassVar

from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import (
    LeadCancelled,
    LeadPaused,
    LeadReadied,
    LeadReset,
    LeadStatusChanged,
    LeadStatusRestored,
)
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.access import AGENTS, LEADERS, admit
from services.command.domain.lead.ownership import owner_by_status
from services.command.domain.lead.sessions import freed
from services.command.domain.lead.state import Lead
from services.command.domain.types import Code, Line


class ChangeStatus(Command):
    """Set the status of a lead to any of the catalogue.

    Private and VIP redial make you the owner. "Last modified by" stays who it was; the lead log
    names you all the same. Back to `created` keeps the attempts, so limits still hold.
    """

    roles: ClassVar[frozenset[str]] = AGENTS
    bulk: ClassVar[bool] = True

    status: Code
    reason: Line | None = None


class RestoreStatus(Command):
    """Bring back the status from before the last change, also out of cancelled and paused."""

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True


class Reset(Command):
    """Start the lead afresh: attempts 0, status `ready`, next dial now."""

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True


class Ready(Command):
    """Set the status to `ready`, so that the lead is dialled; attempts and next dial stay."""

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True


class Cancel(Command):
    """Set the lead aside as `cancelled`: not dialled until restored or made ready."""

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True


class Pause(Command):
    """Set the lead aside as `paused`: not dialled for now."""

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True


@decides(ChangeStatus)
def change_status(lead: Lead, command: ChangeStatus, facts: Facts) -> list[Event]:
    """Change the status, and with Private or VIP the owner (rule 4)."""
    admit(lead, command, facts)
    reasons = status_reasons(command.status, facts)
    if reasons:
        raise Refused(reasons)
    if lead.status == command.status:
        return []
    changed = LeadStatusChanged(
        status=command.status, previous=lead.status, reason=command.reason or None
    )
    freeing = freed(lead, command.status)
    return [changed, *freeing, *owner_by_status(lead, command.status, facts)]


@decides(RestoreStatus)
def restore_status(lead: Lead, command: RestoreStatus, facts: Facts) -> list[Event]:
    """Go back one status; refused when there is none to go back to."""
    admit(lead, command, facts)
    if not lead.previous_statuses:
        text = "The lead has had no other status yet; there is nothing to go back to."
        raise Refused([Reason("no-earlier-status", text)])
    status = lead.previous_statuses[-1]
    restored = LeadStatusRestored(status=status, previous=lead.status)
    return [restored, *freed(lead, status)]


@decides(Reset)
def reset(lead: Lead, command: Reset, facts: Facts) -> list[Event]:
    """Reset the lead (rule 7); nothing to do for one that waits ready, untried and due."""
    admit(lead, command, facts)
    due = lead.next_dial_at is not None and lead.next_dial_at == lead.reset_at
    if lead.status == "ready" and not lead.attempts and due:
        return []
    return [
        LeadReset(
            next_dial_at=format_instant(facts.now),
            previous=lead.status,
            attempts_before=lead.attempts,
        ),
        *freed(lead, "ready"),
    ]


@decides(Ready)
def ready(lead: Lead, command: Ready, facts: Facts) -> list[Event]:
    """Set `ready` (rule 7)."""
    admit(lead, command, facts)
    if lead.status == "ready":
        return []
    return [LeadReadied(previous=lead.status), *freed(lead, "ready")]


@decides(Cancel)
def cancel(lead: Lead, command: Cancel, facts: Facts) -> list[Event]:
    """Set `cancelled` (rule 6)."""
    admit(lead, command, facts)
    if lead.status == "cancelled":
        return []
    return [LeadCancelled(previous=lead.status), *freed(lead, "cancelled")]


@decides(Pause)
def pause(lead: Lead, command: Pause, facts: Facts) -> list[Event]:
    """Set `paused` (rule 6)."""
    admit(lead, command, facts)
    if lead.status == "paused":
        return []
    return [LeadPaused(previous=lead.status), *freed(lead, "paused")]


def status_reasons(status: str, facts: Facts) -> list[Reason]:
    """Say why this status cannot be set by hand."""
    if status not in facts.organisation.statuses:
        text = f"There is no status {status}; the status catalogue lists all there are."
        return [Reason("unknown-status", text, "status")]
    if status == "anonymised":
        text = "A lead becomes anonymised by erasing its data; use that command."
        return [Reason("status-not-by-hand", text, "status")]
    return []
