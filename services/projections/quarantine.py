"""Dialer payloads that could not be taken in, with their raw bytes and the reason (rule 9)."""

from base64 import b64decode
from typing import Any

from schemas import quarantine as events
from schemas.envelope import Recorded
from services.projections.model import Row, StreamRow, moved

VERSION = 1
_EMPTY: Row = {
    "state": "open",
    "code": "",
    "reason": "",
    "source": "",
    "call_id": None,
    "raw": b"",
    "mended": None,
    "mended_by": None,
    "lead_id": None,
    "discarded_for": None,
}


def fold(row: Row | None, recorded: Recorded) -> Row:
    """Return the payload's row after one more event."""
    if row is None:
        row = {**_EMPTY, "quarantine_id": recorded.stream_id, "held_at": recorded.happened_at}
    changes = _changes(row, recorded)
    return moved(row, recorded, changed_at=recorded.happened_at, **changes)


def _changes(row: Row, recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    match event:
        case events.PayloadHeld():
            why = {"state": "open", "code": event.code, "reason": event.text}
            if row["raw"]:  # held once more: a mended payload failed again
                return why
            came = {"source": event.source, "call_id": event.call_id, "raw": b64decode(event.raw)}
            return {**why, **came}
        case events.PayloadMended():
            raw = b64decode(event.raw)
            return {"state": "mended", "mended": raw, "mended_by": event.by}
        case events.PayloadReprocessed():
            return {"state": "reprocessed", "lead_id": event.lead, "call_id": event.call}
        case events.PayloadErased():
            return {"state": "erased", "raw": b"", "mended": None, "discarded_for": event.reason}
        case events.PayloadDiscarded():
            return {"state": "discarded", "discarded_for": event.reason}
    return {}


MODEL = StreamRow("quarantine", "quarantine", VERSION, ("quarantine_id",), fold)
