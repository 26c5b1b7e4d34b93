"""Views as one reads them. The same fold makes an earlier version from the log."""

from typing import Any

from schemas import view as events
from schemas.envelope import Recorded
from services.projections.model import Row, StreamRow, moved

VERSION = 1
_EMPTY: Row = {
    "owner": None,
    "name": "",
    "filter": None,
    "columns": [],
    "sort": [],
    "layout": {},
    "shares": {},
    "deleted": False,
    "copied_from": None,
    "created_at": None,
}


def fold(row: Row | None, recorded: Recorded) -> Row:
    """Return the view's row after one more event."""
    row = {**_EMPTY, "view_id": recorded.stream_id} if row is None else row
    changes = _changes(row, recorded)
    by = recorded.origin.actor
    return moved(row, recorded, changed_at=recorded.happened_at, changed_by=by, **changes)


def _changes(row: Row, recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    match event:
        case events.ViewCreated():
            return {
                "owner": event.owner,
                "name": event.name,
                "copied_from": event.copied_from,
                "created_at": recorded.happened_at,
                **_shown(event),
            }
        case events.ViewRenamed():
            return {"name": event.name}
        case events.ViewChanged():
            return _shown(event)
        case events.ViewShared():
            return {"shares": {**row["shares"], event.to: event.may}}
        case events.ViewShareEnded():
            left = {to: may for to, may in row["shares"].items() if to != event.to}
            return {"shares": left}
        case events.ViewDeleted():
            return {"deleted": True}
        case events.ViewRestored():
            return {"deleted": False}
        case events.ViewErased():
            return {"deleted": True, "filter": None}
    return {}


def _shown(event: events.ViewCreated | events.ViewChanged) -> dict[str, Any]:
    return {
        "filter": event.filter,
        "columns": list(event.columns),
        "sort": list(event.sort),
        "layout": dict(event.layout or {}),
    }


MODEL = StreamRow("view", "view", VERSION, ("view_id",), fold)
