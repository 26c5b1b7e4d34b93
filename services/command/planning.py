"""From a decision to an append: versions, claims, numbers and keys follow from the states before
and after.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from schemas.envelope import Origin
from schemas.event import Event
from schemas.instants import parse_instant
from schemas.lead import (
    LeadCallRecorded,
    LeadContractRecorded,
    LeadMessageDelivered,
    LeadMessageFailed,
    LeadMessageRecorded,
)
from services.command.aggregates import AGGREGATES
from services.command.domain.decider import Claim, Elsewhere, Outcome
from services.command.domain.lead.claims import claim_of, marks, numbers_of, traces_of
from services.command.facts_loader import World
from services.command.hashes import HOLD_NUMBERS, claim_hash, number_hash, trace_hash
from services.kit.append import Append, Commanded, NewEvent, StreamAppend
from services.kit.keys import MasterKey

Marks = list[tuple[bytes, UUID]]


@dataclass(slots=True)
class Plan:
    """What a decision comes to: the events per stream, and each stream's state after them."""

    streams: list[StreamAppend]
    states: dict[UUID, tuple[str, Any]]
    taken: Marks
    freed: Marks
    numbers_added: Marks
    numbers_removed: Marks
    destroyed_keys: list[UUID]
    reads: Mapping[UUID, int]

    def append(self, command: Commanded) -> Append:
        """Return the append that carries the plan out."""
        return Append(
            [command],
            self.streams,
            self.reads,
            self.taken,
            self.freed,
            self.numbers_added,
            self.numbers_removed,
            self.destroyed_keys,
        )


def plan(world: World, outcomes: Iterable[Outcome], origin: Origin, master: MasterKey) -> Plan:
    """Return what must be stored together for these outcomes of a decision."""
    own: list[Event] = []
    elsewhere: list[Elsewhere] = []
    for outcome in outcomes:
        if isinstance(outcome, Elsewhere):
            elsewhere.append(outcome)
        else:
            own.append(outcome)
    made = Plan([], {}, [], [], [], [], [], {})
    if own:
        _add(made, world, Elsewhere(world.stream, world.category, world.state.version, tuple(own)),
             origin, master)  # fmt: skip
    for other in elsewhere:
        _add(made, world, other, origin, master)
    made.reads = world.reads(made.states)
    return made


def _add(made: Plan, world: World, part: Elsewhere, origin: Origin, master: MasterKey) -> None:
    stream, now = part.stream_id, world.facts.now
    before = world.seen.get(stream)
    placed: list[Event] = []
    new: list[NewEvent] = []
    for version, event in enumerate(part.events, part.expected_version + 1):
        at = happened_at(event, now)
        placed.append(event.placed(stream, version, at))
        new.append(NewEvent(event, at, origin))
        if getattr(event, "DESTROYS_KEY", False):
            made.destroyed_keys.append(stream)
    after = AGGREGATES[part.category].fold(placed, origin.actor, before)
    made.streams.append(StreamAppend(stream, part.expected_version, new))
    made.states[stream] = (part.category, after)
    if part.category == "lead" and (before is None or marks(before) != marks(after)):
        _mark(made, stream, before, after, master)
    elif part.category in HOLD_NUMBERS:
        held, holds = frozenset() if before is None else before.numbers, after.numbers
        hashed = HOLD_NUMBERS[part.category]
        made.numbers_added += [(hashed(master, one), stream) for one in holds - held]
        made.numbers_removed += [(hashed(master, one), stream) for one in held - holds]


def _mark(made: Plan, stream: UUID, before: Any, after: Any, master: MasterKey) -> None:
    """Note which claims and numbers the lead gains and loses (rule 15)."""
    held = None if before is None else claim_of(before)
    wanted = claim_of(after)
    if held != wanted:
        made.freed += _hashed(held, stream, master)
        made.taken += _hashed(wanted, stream, master)
    known = frozenset() if before is None else numbers_of(before)
    numbers = numbers_of(after)
    had = frozenset() if before is None else traces_of(before, known)
    traces = traces_of(after, numbers)
    made.numbers_added += [(number_hash(master, one), stream) for one in numbers - known]
    made.numbers_removed += [(number_hash(master, one), stream) for one in known - numbers]
    made.numbers_added += [(trace_hash(master, one), stream) for one in traces - had]
    made.numbers_removed += [(trace_hash(master, one), stream) for one in had - traces]


def _hashed(claim: Claim | None, stream: UUID, master: MasterKey) -> Marks:
    return [] if claim is None else [(claim_hash(master, claim), stream)]


def happened_at(event: Event, now: datetime) -> datetime:
    """Return when the event's fact took place: what others tell has its own time (rule 9), the
    rest is now.
    """
    name = _OWN_TIME.get(type(event))
    return now if name is None else parse_instant(getattr(event, name))


_OWN_TIME: Mapping[type[Event], str] = {
    LeadCallRecorded: "started_at",
    LeadMessageRecorded: "sent_at",
    LeadMessageDelivered: "at",
    LeadMessageFailed: "at",
    LeadContractRecorded: "at",
}
