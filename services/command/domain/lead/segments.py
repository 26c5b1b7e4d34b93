"""Which segment a lead is in: none, or one (schemas/segment.py)."""

from typing import ClassVar

from schemas.event import Event
from schemas.lead import LeadAddedToSegment, LeadRemovedFromSegment
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.access import LEADERS, admit
from services.command.domain.lead.state import Lead
from services.command.domain.types import Id

UNKNOWN_SEGMENT = Reason("unknown-segment", "There is no such segment.", "segment_id")


class AddToSegment(Command):
    """Put a lead into a segment. It leaves the one it was in, for it is in at most one."""

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True

    segment_id: Id


class RemoveFromSegment(Command):
    """Take a lead out of a segment; a lead that is in another one stays there.

    Refused when there is no such segment: a wrong id shall not look as if it had been done.
    """

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True

    segment_id: Id


@decides(AddToSegment)
def add_to_segment(lead: Lead, command: AddToSegment, facts: Facts) -> list[Event]:
    """Add the lead; refused for a segment that is not there or off."""
    admit(lead, command, facts)
    segment = facts.segment
    if segment is None or not segment.version:
        raise Refused([UNKNOWN_SEGMENT])
    if lead.segment_id == command.segment_id:
        return []
    if not segment.active:
        text = "The segment is off; activate it first."
        raise Refused([Reason("segment-inactive", text)])
    return [LeadAddedToSegment(segment_id=command.segment_id, previous=lead.segment_id)]


@decides(RemoveFromSegment)
def remove_from_segment(lead: Lead, command: RemoveFromSegment, facts: Facts) -> list[Event]:
    """Remove the lead; nothing when it is in another segment or none."""
    admit(lead, command, facts)
    if lead.segment_id != command.segment_id:
        if facts.segment is None or not facts.segment.version:
            raise Refused([UNKNOWN_SEGMENT])
        return []
    return [LeadRemovedFromSegment(previous=lead.segment_id)]
