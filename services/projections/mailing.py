"""Mailings as one reads them: how a view is mailed, when next, and what was sent last."""

from typing import Any

from schemas import mailing as events
from schemas.envelope import Recorded
from schemas.instants import parse_instant
from services.projections.model import Row, StreamRow, moved

VERSION = 1
_EMPTY: Row = {
    "by": None,
    "view": "",
    "state": "",
    "reason": None,
    "times": [],
    "zone": "UTC",
    "weekdays": [],
    "days": [],
    "format": "csv",
    "contacts": False,
    "skip_empty": False,
    "recipients": [],
    "next_at": None,
    "last_at": None,
    "last_missed": None,
    "last_export": None,
}


def fold(row: Row | None, recorded: Recorded) -> Row:
    """Return the mailing's row after one more event."""
    if row is None:
        began = {"mailing_id": recorded.stream_id, "set_up_at": recorded.happened_at}
        row = {**_EMPTY, **began}
    return moved(row, recorded, changed_at=recorded.happened_at, **_changes(recorded))


def _changes(recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    match event:
        case events.MailingScheduled():
            return {"by": event.by, "view": event.view, "state": "active", **_like(event)}
        case events.MailingChanged():
            return _like(event)
        case events.MailingPaused():
            return {"state": "paused", "next_at": None}
        case events.MailingResumed():
            return {"state": "active", "next_at": parse_instant(event.next_at)}
        case events.MailingFired():
            return {
                "last_at": parse_instant(event.at),
                "last_missed": event.missed,
                "last_export": event.export,
                "next_at": parse_instant(event.next_at),
            }
        case events.MailingSentNow():
            return {"last_export": event.export}
        case events.MailingStopped():
            return {"state": "stopped", "reason": event.reason, "next_at": None}
    return {}


def _like(event: events.MailingScheduled | events.MailingChanged) -> dict[str, Any]:
    return {
        "times": list(event.times),
        "zone": event.zone,
        "weekdays": list(event.weekdays),
        "days": list(event.days),
        "format": event.format,
        "contacts": event.contacts,
        "skip_empty": event.skip_empty,
        "recipients": list(event.recipients),
        "next_at": None if event.next_at is None else parse_instant(event.next_at),
    }


MODEL = StreamRow("mailing", "mailing", VERSION, ("mailing_id",), fold)
