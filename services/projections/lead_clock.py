"""What sessions and the passing of time make of the grid's row of a lead; part of lead.py."""

from collections.abc import Callable
from typing import Any

from schemas import lead as events
from schemas.envelope import Recorded
from schemas.event import Event
from services.projections.lead_status import set_status
from services.projections.model import Row


def _session_ended(row: Row, event: events.LeadSessionEnded, recorded: Recorded) -> None:
    set_status(row, event.status_after, recorded)


def _call_lapsed(row: Row, event: events.LeadCallLapsed, recorded: Recorded) -> None:
    """The status from before the call comes back: it was reached before and counts once."""
    if row["calling_id"] == event.call_id:
        row["calling_id"] = row["calling_until"] = None
    reached = row["reached"]
    set_status(row, event.status_after, recorded)
    row["reached"] = reached


def _told(_: Row, __: Event, ___: Recorded) -> None:
    """That a time has come changes nothing the grid shows: it shows the time itself."""


CHANGES: dict[type[Event], Callable[[Row, Any, Recorded], None]] = {
    events.LeadSessionEnded: _session_ended,
    events.LeadCallLapsed: _call_lapsed,
    events.LeadDialDue: _told,
    events.LeadCallbackDue: _told,
    events.LeadCallbackOverdue: _told,
}
