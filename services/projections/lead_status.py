"""The part of the grid's row that says how far a lead is: its status, since when, which statuses it
ever reached and how often; used by lead.py.
"""

from collections.abc import Callable
from datetime import datetime
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
    before = row["status"]
    if result or status != before:
        _count_reached(row, status)
    if status == before:
        return
    if before and before != "processing":  # a call in progress is no status to name
        row["previous_status"] = before
    row["status"] = status
    row["status_since"] = recorded.happened_at


def end_waiting(row: Row) -> None:
    """Let no dial, retry or callback wait any more."""
    end_callback(row)
    row["next_dial_at"] = None


def end_callback(row: Row) -> None:
    """Let no callback wait, nor the lead be kept for the agent of it."""
    if row["callback_agent"] is not None and row["reserved_for"] == row["callback_agent"]:
        row["reserved_for"] = None
    row["callback_at"] = row["callback_agent"] = None


def _count_reached(row: Row, status: str) -> None:
    if status != "processing":
        reached = row["reached"]
        row["reached"] = {**reached, status: reached.get(status, 0) + 1}


def _status_changed(row: Row, event: events.LeadStatusChanged, recorded: Recorded) -> None:
    set_status(row, event.status, recorded)
    if event.ends_waiting:
        end_waiting(row)
    if event.next_dial_at is not None:
        row["next_dial_at"] = datetime.fromisoformat(event.next_dial_at)


def _status_restored(row: Row, event: events.LeadStatusRestored, recorded: Recorded) -> None:
    """What is brought back was reached before; it counts once."""
    reached = row["reached"]
    set_status(row, event.status, recorded)
    row["reached"] = reached
    if event.ends_waiting:
        end_waiting(row)


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
