"""Segments as one reads them. Which leads are in one, the leads' rows say."""

from typing import Any

from schemas import segment as events
from schemas.envelope import Recorded
from services.projections.model import Row, StreamRow, moved

VERSION = 1
_EMPTY: Row = {
    "name": "",
    "filter": None,
    "agents": [],
    "active": True,
    "copied_from": None,
    "created_by": "",
    "created_at": None,
}


def fold(row: Row | None, recorded: Recorded) -> Row:
    """Return the segment's row after one more event."""
    row = {**_EMPTY, "segment_id": recorded.stream_id} if row is None else row
    return moved(row, recorded, changed_at=recorded.happened_at, **_changes(recorded))


def _changes(recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    match event:
        case events.SegmentCreated():
            return {
                "name": event.name,
                "filter": event.filter,
                "agents": list(event.agents),
                "active": event.active,
                "copied_from": event.copied_from,
                "created_by": recorded.origin.actor,
                "created_at": recorded.happened_at,
            }
        case events.SegmentChanged():
            return {"name": event.name, "filter": event.filter, "agents": list(event.agents)}
        case events.SegmentActivated():
            return {"active": True}
        case events.SegmentDeactivated():
            return {"active": False}
        case events.SegmentFilterErased():
            return {"filter": None}
    return {}


MODEL = StreamRow("segment", "segment", VERSION, ("segment_id",), fold)
