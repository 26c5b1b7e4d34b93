"""Every event there is, by its stored name. Decoding, schemas and replay start from here."""

from schemas.event import Event
from schemas.lead import LEAD_EVENTS

EVENTS: dict[str, type[Event]] = {kind.TOPIC: kind for kind in LEAD_EVENTS}
