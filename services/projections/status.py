"""Statuses the organisation added or changed; those built in are in schemas/statuses.py."""

from schemas import organisation as events
from schemas.envelope import Recorded
from schemas.event import Event
from services.projections.model import Key, KeyedRows, Row, begin, moved

VERSION = 1


def row_key(event: Event) -> Key | None:
    """Return the status that the event touches."""
    match event:
        case events.StatusAdded() | events.StatusCatalogueChanged():
            return (event.code,)
        case events.StatusActivated() | events.StatusDeactivated():
            return (event.code,)
    return None


def fold(row: Row | None, recorded: Recorded) -> Row:
    """Return the status's row after one more event; a built-in one begins with a change."""
    event = recorded.event
    match event:
        case events.StatusAdded():
            return begin(
                recorded,
                code=event.code,
                label=event.label,
                dialable=event.dialable,
                status_group=event.group,
                kind=event.kind,
                active=True,
            )
        case events.StatusCatalogueChanged():
            row = row or {"code": event.code, "status_group": None, "kind": None, "active": True}
            return moved(row, recorded, label=event.label, dialable=event.dialable)
        case events.StatusActivated() | events.StatusDeactivated():
            active = isinstance(event, events.StatusActivated)
            return moved(row or {}, recorded, active=active)
    return moved(row or {}, recorded)


MODEL = KeyedRows("status", "organisation", VERSION, ("code",), fold, row_key)
