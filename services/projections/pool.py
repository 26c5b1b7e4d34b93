"""Lead pools as one reads them. How their leads are doing is counted from the leads."""

from typing import Any

from schemas import pool as events
from schemas.envelope import Recorded
from services.projections.model import Row, StreamRow, moved

VERSION = 1
_EMPTY: Row = {
    "campaign_id": None,
    "name": "",
    "source": "",
    "active": True,
    "shuffle_seed": None,
    "created_by": "",
    "created_at": None,
}


def fold(row: Row | None, recorded: Recorded) -> Row:
    """Return the pool's row after one more event."""
    row = {**_EMPTY, "pool_id": recorded.stream_id} if row is None else row
    return moved(row, recorded, changed_at=recorded.happened_at, **_changes(recorded))


def _changes(recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    match event:
        case events.PoolCreated():
            return {
                "campaign_id": event.campaign_id,
                "name": event.name,
                "source": event.source,
                "active": event.active,
                "created_by": recorded.origin.actor,
                "created_at": recorded.happened_at,
            }
        case events.PoolRenamed():
            return {"name": event.name}
        case events.PoolActivated():
            return {"active": True}
        case events.PoolDeactivated():
            return {"active": False}
        case events.PoolShuffled():
            return {"shuffle_seed": event.seed}
    return {}


MODEL = StreamRow("pool", "pool", VERSION, ("pool_id",), fold)
