"""Which view opens first, by user."""

from typing import Any

from schemas import favourite as events
from schemas.envelope import Recorded
from services.projections.model import Row, StreamRow, moved

VERSION = 1


def fold(row: Row | None, recorded: Recorded) -> Row:
    """Return the row of a user's favourite after one more event."""
    if row is None:
        row = {"favourite_id": recorded.stream_id, "user_id": None, "view": None}
    return moved(row, recorded, **_changes(recorded))


def _changes(recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    match event:
        case events.FavouriteChosen():
            return {"user_id": event.user, "view": event.view}
        case events.FavouriteCleared():
            return {"user_id": event.user, "view": None}
    return {}


MODEL = StreamRow("favourite", "favourite", VERSION, ("favourite_id",), fold)
