"""What can happen to a segment: a named filter and the agents who may pick it when they dial.

One stream `segment-<uuid>` each. Which leads are in it, the leads say (`lead.added_to_segment`); a
lead is in at most one. `filter` is a tree of schemas/filters.py, None = no filter was given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from schemas.event import Event

Stored = Mapping[str, Any]


@dataclass(frozen=True)
class SegmentCreated(Event):
    """A segment began, whole: a copy depends on its source no more. agents: ids of users."""

    TOPIC: ClassVar[str] = "segment.created"

    name: str
    filter: Stored | None = None
    agents: Sequence[str] = ()
    active: bool = True
    copied_from: str | None = None


@dataclass(frozen=True)
class SegmentChanged(Event):
    """The segment has this name, filter and agents now; `before` holds the three as they were."""

    TOPIC: ClassVar[str] = "segment.changed"

    name: str
    filter: Stored | None = None
    agents: Sequence[str] = ()
    before: Stored | None = None


@dataclass(frozen=True)
class SegmentActivated(Event):
    """The segment may be picked again."""

    TOPIC: ClassVar[str] = "segment.activated"


@dataclass(frozen=True)
class SegmentDeactivated(Event):
    """Nobody picks the segment; its leads stay in it and can be dialled without it."""

    TOPIC: ClassVar[str] = "segment.deactivated"


@dataclass(frozen=True)
class SegmentFilterErased(Event):
    """The segment has no filter any more: it named a number that was erased. Its leads stay."""

    TOPIC: ClassVar[str] = "segment.filter_erased"

    reason: str = ""


SEGMENT_EVENTS: tuple[type[Event], ...] = (
    SegmentCreated,
    SegmentChanged,
    SegmentActivated,
    SegmentDeactivated,
    SegmentFilterErased,
)
