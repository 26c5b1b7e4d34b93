"""Every event there is, by its stored name. Decoding, schemas and replay start from here."""

from schemas.bulk import BULK_EVENTS
from schemas.campaign import CAMPAIGN_EVENTS
from schemas.dnc import DNC_EVENTS
from schemas.event import Event
from schemas.export import EXPORT_EVENTS
from schemas.favourite import FAVOURITE_EVENTS
from schemas.imports import IMPORT_EVENTS
from schemas.lead import LEAD_EVENTS
from schemas.mailing import MAILING_EVENTS
from schemas.organisation import ORGANISATION_EVENTS
from schemas.pool import POOL_EVENTS
from schemas.quarantine import QUARANTINE_EVENTS
from schemas.segment import SEGMENT_EVENTS
from schemas.view import VIEW_EVENTS

EVENTS: dict[str, type[Event]] = {
    kind.TOPIC: kind
    for kind in (
        *LEAD_EVENTS,
        *CAMPAIGN_EVENTS,
        *ORGANISATION_EVENTS,
        *DNC_EVENTS,
        *QUARANTINE_EVENTS,
        *BULK_EVENTS,
        *POOL_EVENTS,
        *SEGMENT_EVENTS,
        *VIEW_EVENTS,
        *FAVOURITE_EVENTS,
        *EXPORT_EVENTS,
        *IMPORT_EVENTS,
        *MAILING_EVENTS,
    )
}
