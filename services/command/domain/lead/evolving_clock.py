"""How a lead changes because time goes by; part of lead/evolving.py."""

from collections.abc import Callable
from typing import Any

from schemas import lead as events
from schemas.event import Event
from services.command.domain.lead.state import Lead


def note_unresolved(lead: Lead, event: Event) -> None:
    """Note since when the lead is unresolved, by whatever event it became so or no longer is."""
    if lead.status != "unresolved":
        lead.unresolved_at = lead.unresolved_by = None
    elif lead.unresolved_at is None:
        lead.unresolved_at = event.timestamp


def _dial_due(lead: Lead, event: events.LeadDialDue) -> None:
    lead.told = {**lead.told, "dial-due": event.at}


def _callback_due(lead: Lead, event: events.LeadCallbackDue) -> None:
    lead.told = {**lead.told, "callback-due": event.at}


def _callback_overdue(lead: Lead, event: events.LeadCallbackOverdue) -> None:
    lead.told = {**lead.told, "callback-overdue": event.at}


CHANGES: dict[type[Event], Callable[[Lead, Any], None]] = {
    events.LeadDialDue: _dial_due,
    events.LeadCallbackDue: _callback_due,
    events.LeadCallbackOverdue: _callback_overdue,
}
