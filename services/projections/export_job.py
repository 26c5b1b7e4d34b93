"""Exports as one reads them: what was asked for, and what became of it."""

from typing import Any

from schemas import export as events
from schemas.envelope import Recorded
from schemas.instants import parse_instant
from services.projections.model import Row, StreamRow, moved

VERSION = 1
_EMPTY: Row = {
    "by": None,
    "name": "",
    "state": "",
    "view": None,
    "filter": None,
    "columns": [],
    "sort": [],
    "contacts": False,
    "format": "csv",
    "recipients": [],
    "mailed": {},
    "downloads": 0,
    "shown": None,
    "leads": None,
    "size": None,
    "digest": None,
    "code": None,
    "detail": None,
    "finished_at": None,
    "expires_at": None,
}


def fold(row: Row | None, recorded: Recorded) -> Row:
    """Return the export's row after one more event."""
    if row is None:
        began = {"export_id": recorded.stream_id, "requested_at": recorded.happened_at}
        row = {**_EMPTY, **began}
    return moved(row, recorded, **_changes(row, recorded))


def _changes(row: Row, recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    match event:
        case events.ExportRequested():
            return _asked(event)
        case events.ExportFinished():
            return {
                "state": "finished",
                "shown": event.shown,
                "leads": event.leads,
                "size": event.size,
                "digest": event.digest,
                "finished_at": recorded.happened_at,
                "expires_at": parse_instant(event.expires_at),
            }
        case events.ExportFailed():
            return {"state": "failed", "code": event.code, "detail": event.detail}
        case events.ExportCancelled():
            return {"state": "cancelled"}
        case events.ExportRemoved():
            return {"state": "removed", "code": event.reason}
        case events.ExportDownloaded():
            return {"downloads": row["downloads"] + 1}
        case events.ExportMailed():
            return {"mailed": {**row["mailed"], str(event.recipient): "sent"}}
        case events.ExportMailFailed():
            return {"mailed": {**row["mailed"], str(event.recipient): event.code or "failed"}}
        case events.ExportErased():
            gone: Row = {"filter": None, "recipients": [], "code": "filter-erased"}
            return {"state": "removed", **gone}
    return {}


def _asked(event: events.ExportRequested) -> dict[str, Any]:
    return {
        "by": event.by,
        "name": event.name,
        "state": "requested",
        "view": event.view,
        "filter": event.filter,
        "columns": list(event.columns),
        "sort": list(event.sort),
        "contacts": event.contacts,
        "format": event.format,
        "recipients": list(event.recipients),
    }


MODEL = StreamRow("export_job", "export", VERSION, ("export_id",), fold)
