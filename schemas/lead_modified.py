"""Which events of a lead move "last modified", its date and its person (rule 5)."""

from schemas import lead as events
from schemas.event import Event

LEAVES_DATE: frozenset[type[Event]] = frozenset(
    {
        events.LeadCallStarted,
        events.LeadCallRecorded,
        events.LeadCallLapsed,
        events.LeadCloned,
        events.LeadMessageRecorded,
        events.LeadDialDue,
        events.LeadCallbackDue,
        events.LeadCallbackOverdue,
        events.LeadMessageQueued,
        events.LeadMessageRequeued,
        events.LeadMessageSent,
        events.LeadMessageDelivered,
        events.LeadMessageFailed,
        events.LeadMessageCancelled,
    }
)
"""Calls and messages have dates and persons of their own, a clone changes nothing on its source,
and what only falls due changes nothing: these leave "last modified" alone.
"""
# The end of a lock or another owner may be what an edited status or a call brings with it.
_MAY_BE_PART: frozenset[type[Event]] = frozenset({events.LeadOwnerChanged, events.LeadUnlocked})


def moves_modified_at(event: Event) -> bool:
    """Say whether the lead was last modified when this happened."""
    kind = type(event)
    if kind in LEAVES_DATE:
        return False
    return kind not in _MAY_BE_PART or getattr(event, "part_of", None) != "call"


def moves_modified_by(event: Event) -> bool:
    """Say, of what moves the date, whether it moves the person too: an edited status does not."""
    kind = type(event)
    if kind is events.LeadStatusChanged:
        return False
    return kind not in _MAY_BE_PART or getattr(event, "part_of", None) is None
