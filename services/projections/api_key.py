"""API keys by id: whose they are, the hash of their secret, when they end. The secret itself is
nowhere.
"""

from datetime import datetime

from schemas import organisation as events
from schemas.envelope import Recorded
from schemas.event import Event
from services.projections.model import Key, KeyedRows, Row, begin, moved

VERSION = 1


def row_key(event: Event) -> Key | None:
    """Return the key that the event touches."""
    match event:
        case events.ApiKeyIssued() | events.ApiKeyRevoked():
            return (event.key_id,)
    return None


def fold(row: Row | None, recorded: Recorded) -> Row:
    """Return the key's row after one more event."""
    event = recorded.event
    match event:
        case events.ApiKeyIssued():
            ends = None if event.expires_at is None else datetime.fromisoformat(event.expires_at)
            return begin(
                recorded,
                key_id=event.key_id,
                user_id=event.user,
                secret_hash=event.secret_hash,
                label=event.label,
                issued_at=recorded.happened_at,
                expires_at=ends,
                revoked_at=None,
            )
        case events.ApiKeyRevoked():
            return moved(row or {}, recorded, revoked_at=recorded.happened_at)
    return moved(row or {}, recorded)


MODEL = KeyedRows("api_key", "organisation", VERSION, ("key_id",), fold, row_key)
