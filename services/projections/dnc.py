"""Do-not-call entries, one row for each number, scope and campaign that ever had one."""

from datetime import datetime

from schemas import dnc as events
from schemas.envelope import Recorded
from schemas.event import Event
from services.projections.model import Key, KeyedRows, Row, begin, moved

VERSION = 1


def row_key(event: Event) -> Key | None:
    """Return stream, scope and campaign of the entry that the event touches."""
    match event:
        case events.DncAdded() | events.DncRemoved():
            return (event.originator_id, event.scope, event.campaign_id or "")
    return None


def fold(row: Row | None, recorded: Recorded) -> Row:
    """Return the entry's row after one more event."""
    event = recorded.event
    match event:
        case events.DncAdded():
            ends = None if event.expires_at is None else datetime.fromisoformat(event.expires_at)
            return begin(
                recorded,
                stream_id=recorded.stream_id,
                scope=event.scope,
                campaign_id=event.campaign_id or "",
                number=event.number,
                reason=event.reason,
                added_by=recorded.origin.actor,
                added_at=recorded.happened_at,
                expires_at=ends,
                removed_by=None,
                removed_at=None,
            )
        case events.DncRemoved():
            by, at = recorded.origin.actor, recorded.happened_at
            return moved(row or {}, recorded, removed_by=by, removed_at=at)
        case events.DncNumberErased():
            return moved(row or {}, recorded, number=None)
    return moved(row or {}, recorded)


MODEL = KeyedRows("dnc", "dnc", VERSION, ("stream_id", "scope", "campaign_id"), fold, row_key)
