"""Puts payloads aside that cannot be taken in: one stream each, named by the payload's own bytes,
so that the same garbage sent a thousand times is one entry.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from schemas.envelope import Origin
from schemas.event import Event
from services.command.domain.decider import Command, Refused, decide
from services.command.domain.facts import Actor, Facts
from services.command.domain.organisation.state import Organisation
from services.command.domain.quarantine.commands import HoldPayload, MarkReprocessed
from services.command.domain.quarantine.state import HeldPayload, fold
from services.command.hashes import payload_hash
from services.command.intake_payload import RAW_BYTES_MAX, Arrival, Fault
from services.command.state_cache import StateCache
from services.kit import append as log_outcome
from services.kit.append import Append, Appended, Commanded, NewEvent, StreamAppend
from services.kit.clock import Clock
from services.kit.eventlog import EventLog
from services.kit.ids import new_id

ROUNDS_MAX = 50
_ENTRIES = UUID("01920000-0000-7000-8000-71756172616e")
_NOT_ASKED_AGAIN = b"[]"


def entry_of(raw: bytes) -> UUID:
    """Return the quarantine entry of a payload: the same bytes are the same entry."""
    return uuid5(_ENTRIES, hashlib.sha256(raw).hexdigest())


@dataclass(frozen=True, slots=True)
class _Wish:
    """A command to one entry, and the cause it is given for."""

    entry: UUID
    command: Command
    cause: str


class Quarantine:
    """Writes to the streams of held payloads, many at once."""

    def __init__(self, log: EventLog, states: StateCache, clock: Clock) -> None:
        """Decide on `states` and append to `log`."""
        self._log = log
        self._states = states
        self._clock = clock

    async def hold(
        self, faulty: Sequence[tuple[Arrival, Fault]], actor: Actor, trace: str
    ) -> list[tuple[UUID, int]]:
        """Put payloads aside; return each one's entry, and the position at which it changed just
        now, 0 when it did not.
        """
        wishes = [_held(arrival, fault) for arrival, fault in faulty]
        positions = await self._carry_out(wishes, actor, trace)
        return [(wish.entry, positions.get(wish.entry, 0)) for wish in wishes]

    async def mark_reprocessed(
        self, taken_in: Sequence[tuple[UUID, UUID, str]], actor: Actor, trace: str
    ) -> int:
        """Note that entries were taken in after all: (entry, lead, call id). Return the position
        of the last change, 0 when there was none.
        """
        positions = await self._carry_out(
            [
                _Wish(entry, MarkReprocessed(lead=str(lead), call=call), f"call:{call}")
                for entry, lead, call in taken_in
            ],
            actor,
            trace,
        )
        return max(positions.values(), default=0)

    async def _carry_out(
        self, wishes: Sequence[_Wish], actor: Actor, trace: str
    ) -> dict[UUID, int]:
        """Give one command per entry; the first of several to one entry counts. Return where those
        that changed stand now.
        """
        waiting: dict[UUID, _Wish] = {}
        for wish in wishes:
            waiting.setdefault(wish.entry, wish)
        positions: dict[UUID, int] = {}
        for _ in range(ROUNDS_MAX):
            if not waiting:
                return positions
            waiting = await self._round(waiting, positions, actor, trace)
        raise log_outcome.OutcomeUnknown(f"{len(waiting)} entries met too many conflicts")

    async def _round(
        self, waiting: dict[UUID, _Wish], positions: dict[UUID, int], actor: Actor, trace: str
    ) -> dict[UUID, _Wish]:
        """Give them once; note positions, and return those that met a conflict."""
        states = await self._states.refresh(dict.fromkeys(waiting, "quarantine"))
        facts = Facts(self._clock.now(), actor, Organisation())
        appends: list[Append] = []
        asked: list[UUID] = []
        for entry, wish in waiting.items():
            state: HeldPayload = states[entry]
            try:
                events = [
                    NewEvent(event, facts.now, Origin(actor.id, wish.cause, trace))
                    for event in decide(state, wish.command, facts)
                    if isinstance(event, Event)
                ]
            except Refused:
                continue
            if events:
                stream = StreamAppend(entry, state.version, events)
                told = Commanded(new_id(), b"", _NOT_ASKED_AGAIN)
                numbers = self._numbers(state, entry, events)
                appends.append(Append([told], [stream], numbers_added=numbers))
                asked.append(entry)
        left: dict[UUID, _Wish] = {}
        for entry, result in zip(asked, await self._log.append_many(appends), strict=True):
            if isinstance(result, Appended):
                positions[entry] = result.position
                continue
            if isinstance(result, (*log_outcome.NOT_NOW, log_outcome.AppendRefused)):
                raise result
            left[entry] = waiting[entry]
        return left

    def _numbers(
        self, state: HeldPayload, entry: UUID, events: Sequence[NewEvent]
    ) -> list[tuple[bytes, UUID]]:
        """Return by which numbers the entry is found once one of them is to be erased."""
        after = fold([new.event for new in events], state)
        master = self._log.keys.master
        return [(payload_hash(master, one), entry) for one in after.numbers - state.numbers]


def _held(arrival: Arrival, fault: Fault) -> _Wish:
    return _Wish(
        arrival.held or entry_of(arrival.raw),
        HoldPayload(
            raw=base64.b64encode(arrival.raw[:RAW_BYTES_MAX]).decode("ascii"),
            code=fault.code,
            text=fault.text,
            source=arrival.place,
            call_id=fault.call_id,
        ),
        f"intake:{arrival.place}",
    )
