"""The part of the grid's row that says how far a lead is: its status, since when, which statuses it
ever reached and how often; used by lead.py.
"""

from collections.abc import Callable
from typing import Any

from schemas import lead as events
from schemas.envelope import Recorded
from schemas.event import Event
from services.projections.model import Row

EMPTY: Row = {"status_since": None, "reached": {}}


def set_status(row: Row, status: str | None, recorded: Recorded, *, result: bool = False) -> None:
    """Set the status, and count that the lead reached it; a `result` counts even if it was so."""
    if not status:
        return
    if result or status != row["status"]:
        _count_reached(row, status)
    if status == row["status"]:
        return
    if row["status"] and row["status"] != "processing":  # a call in progress is no status to name
        row["previous_status"] = row["status"]
    row["status"] = status
    row["status_since"] = recorded.happened_at


def _count_reached(row: Row, status: str) -> None:
    if status != "processing":
        row["reached"] = {**row["reached"], status: row["reached"].get(status, 0) + 1}


def _status_changed(row: Row, event: events.LeadStatusChanged, recorded: Recorded) -> None:
    set_status(row, event.status, recorded)


def _status_restored(row: Row, event: events.LeadStatusRestored, recorded: Recorded) -> None:
    """What is brought back was reached before; it counts once."""
    reached = row["reached"]
    set_status(row, event.status, recorded)
    row["reached"] = reached


def _readied(row: Row, _: Event, recorded: Recorded) -> None:
    set_status(row, "ready", recorded)


def _cancelled(row: Row, _: Event, recorded: Recorded) -> None:
    set_status(row, "cancelled", recorded)


def _paused(row: Row, _: Event, recorded: Recorded) -> None:
    set_status(row, "paused", recorded)


CHANGES: dict[type[Event], Callable[[Row, Any, Recorded], None]] = {
    events.LeadStatusChanged: _status_changed,
    events.LeadStatusRestored: _status_restored,
    events.LeadReadied: _readied,
    events.LeadCancelled: _cancelled,
    events.LeadPaused: _paused,
}
