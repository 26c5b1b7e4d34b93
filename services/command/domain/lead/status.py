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
from services.command.domain.lead.follow_up import retry_at
from services.command.domain.lead.ownership import owner_by_status
from services.command.domain.lead.sessions import freed
from services.command.domain.lead.state import Lead
from services.command.domain.types import Code, Line


class ChangeStatus(Command):
    """Set the status of a lead to any of the catalogue.

    Private and VIP redial make you the owner. "Last modified by" stays who it was; the lead log
    names you all the same. Back to `created` keeps the attempts, so limits still hold. A closed
    status, as `completed` or `max_retries`, ends what waits: dial, retry and callback.
    `rescheduled` starts the retry timer of the campaign's rule anew, again and again; `scheduled`
    starts it where no dial waits.
    """

    roles: ClassVar[frozenset[str]] = AGENTS
    bulk: ClassVar[bool] = True

    status: Code
    reason: Line | None = None


class RestoreStatus(Command):
    """Bring back the status from before the last change, also out of cancelled and paused.

    A Private or VIP redial that comes back makes you the owner, like one that is set.
    """

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
    next_dial_at = _retry_timer(lead, command.status, facts)
    if lead.status == command.status and next_dial_at is None:
        return []
    changed = LeadStatusChanged(
        status=command.status,
        previous=lead.status,
        reason=command.reason or None,
        next_dial_at=next_dial_at,
        ends_waiting=ends_waiting(lead, command.status, facts),
    )
    freeing = freed(lead, command.status, "status")
    return [changed, *freeing, *owner_by_status(lead, command.status, facts, "status")]


@decides(RestoreStatus)
def restore_status(lead: Lead, command: RestoreStatus, facts: Facts) -> list[Event]:
    """Go back one status; refused when there is none to go back to."""
    admit(lead, command, facts)
    if not lead.previous_statuses:
        text = "The lead has had no other status yet; there is nothing to go back to."
        raise Refused([Reason("no-earlier-status", text)])
    status = lead.previous_statuses[-1]
    restored = LeadStatusRestored(
        status=status, previous=lead.status, ends_waiting=ends_waiting(lead, status, facts)
    )
    return [restored, *freed(lead, status), *owner_by_status(lead, status, facts)]


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


def ends_waiting(lead: Lead, status: str, facts: Facts) -> bool:
    """Say whether something waits on the lead that a closed status ends: dial, retry, callback."""
    entry = facts.organisation.statuses.get(status)
    waits = lead.next_dial_at is not None or lead.callback_at is not None
    return waits and entry is not None and entry.group == "closed"


def _retry_timer(lead: Lead, status: str, facts: Facts) -> str | None:
    """Return when the retry is due that a status by hand starts; None when it starts none."""
    anew = status == "rescheduled"
    if not anew and (status != "scheduled" or lead.next_dial_at is not None):
        return None
    at = retry_at(lead, status, facts)
    return None if at == lead.next_dial_at else at


def status_reasons(status: str, facts: Facts) -> list[Reason]:
    """Say why this status cannot be set by hand."""
    known = facts.organisation.statuses.get(status)
    if known is None:
        text = f"There is no status {status}; the status catalogue lists all there are."
        return [Reason("unknown-status", text, "status")]
    if not known.active:
        text = f"Status {status} is switched off; choose another of the catalogue."
        return [Reason("status-inactive", text, "status")]
    if status == "anonymised":
        text = "A lead becomes anonymised by erasing its data; use that command."
        return [Reason("status-not-by-hand", text, "status")]
    return []
