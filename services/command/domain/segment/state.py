"""What is known of a segment. Frozen, so that it can be shared and cached."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from schemas import segment as events
from schemas.filter_numbers import numbers_in
from services.command.domain.evolution import Evolution


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment. `version` 0 = there is none. agents: ids of the users who may pick it."""

    id: str = ""
    version: int = 0
    name: str = ""
    filter: Mapping[str, Any] | None = None
    agents: tuple[str, ...] = ()
    active: bool = True

    @property
    def numbers(self) -> frozenset[str]:
        """The phone numbers in its filter: none since a filter may not name one."""
        return numbers_in(self.filter)


def _created(segment: Segment, event: events.SegmentCreated) -> Segment:
    return replace(
        segment,
        id=str(event.originator_id),
        name=event.name,
        filter=event.filter,
        agents=tuple(event.agents),
        active=event.active,
    )


def _changed(segment: Segment, event: events.SegmentChanged) -> Segment:
    return replace(segment, name=event.name, filter=event.filter, agents=tuple(event.agents))


EVOLUTION = Evolution(
    Segment(),
    {
        events.SegmentCreated: _created,
        events.SegmentChanged: _changed,
        events.SegmentActivated: lambda segment, event: replace(segment, active=True),
        events.SegmentDeactivated: lambda segment, event: replace(segment, active=False),
        events.SegmentFilterErased: lambda segment, event: replace(segment, filter=None),
    },
)
evolve, fold, replay = EVOLUTION.evolve, EVOLUTION.fold, EVOLUTION.replay
