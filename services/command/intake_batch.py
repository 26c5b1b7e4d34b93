"""Takes in calls by the thousand: parse all, find all leads, load all states, decide, append.

A call is a fact (rule 9): it is recorded, or was recorded before, or its payload is put aside with
the reason. Nothing is refused and nothing conflicts; whatever is done twice has one effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

import asyncpg

from schemas.dialer_call import DialerCall
from schemas.envelope import Origin
from services.command.domain.decider import Elsewhere
from services.command.domain.facts import Actor, Facts
from services.command.domain.lead.calls import RecordCall, record_call
from services.command.domain.lead.evolving import fold
from services.command.domain.lead.state import Lead
from services.command.intake_finding import Directory, LeadFinder
from services.command.intake_payload import Arrival, Fault, command_id_of, command_of, read_call
from services.command.intake_quarantine import Quarantine
from services.command.planning import happened_at
from services.command.state_cache import StateCache
from services.kit import append as log_outcome
from services.kit.append import Append, Appended, AppendError, Commanded, NewEvent, StreamAppend
from services.kit.clock import Clock
from services.kit.eventlog import EventLog
from services.kit.failpoints import FailpointHit, at
from services.kit.http import failure
from services.kit.postgres import RETRYABLE
from services.kit.telemetry import logger

CALLS_MAX = 1_000
ROUNDS_MAX = 50
FAILED_MAX = 10
NOT_STORABLE = "The database could not store the call; tell the operators."
INTAKE_FAILED = "The service made a mistake with this call; tell the operators, then try it again."
REUSED = "Another call was recorded under this call id; a call id names one call for ever."

UNAVAILABLE: tuple[type[Exception], ...] = (
    AppendError,
    *RETRYABLE,
    asyncpg.PostgresError,
    FailpointHit,
)
"""What the database says when it is not there, or what it leaves open."""


class Outcome(NamedTuple):
    """What became of one payload.

    lead, version, position: where the call stands, when it was recorded just now. code, text: why
    it was put aside, in quarantine entry `held`, which changed at `position` if it was just now.
    unknown_fields: what the payload said besides.
    """

    kind: Literal["recorded", "duplicate", "quarantined"]
    call_id: str | None = None
    lead: UUID | None = None
    version: int = 0
    position: int = 0
    code: str = ""
    text: str = ""
    held: UUID | None = None
    unknown_fields: tuple[str, ...] = ()


@dataclass(slots=True)
class _Call:
    """A call on its way; `alone` once its append was refused together with others'."""

    place: int
    call: DialerCall
    command: RecordCall
    lead: UUID
    command_id: UUID
    request: bytes
    origin: Origin
    alone: bool = False


@dataclass(slots=True)
class _Part:
    """All calls of one lead that are appended together, and the lead after them."""

    calls: list[_Call]
    append: Append
    after: Lead


@dataclass(slots=True)
class _Batch:
    """One batch: its arrivals, what is known of each so far by place, and facts by campaign."""

    arrivals: Sequence[Arrival]
    actor: Actor
    trace: str
    now: datetime
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    faults: dict[int, Fault] = field(default_factory=dict)
    facts: dict[str, Facts] = field(default_factory=dict)


class Intake:
    """Takes calls in on one event log."""

    def __init__(self, log: EventLog, states: StateCache, clock: Clock) -> None:
        """Append to `log`; `states` may be shared with whoever else decides on leads."""
        self._log = log
        self._states = states
        self._clock = clock
        self._directory = Directory(log, states)
        self._finder = LeadFinder(log, states, self._directory)
        self._quarantine = Quarantine(log, states, clock)

    async def take_in(
        self, arrivals: Sequence[Arrival], actor: Actor, trace: str = ""
    ) -> list[Outcome]:
        """Take in up to 1,000 payloads; return what became of each, in their order.

        Raises one of UNAVAILABLE when the database does not answer: then send the same payloads
        again. `actor` must have a role that may record calls.
        """
        assert len(arrivals) <= CALLS_MAX, "more than a batch"
        failed: list[Exception] = []
        return await self._without_culprits(arrivals, actor, trace, failed)

    async def _without_culprits(
        self, arrivals: Sequence[Arrival], actor: Actor, trace: str, failed: list[Exception]
    ) -> list[Outcome]:
        """Take in, and where a mistake of ours fails the batch, find the call and put it aside.

        More than a few of them in one batch are no matter of single calls: then it stops.
        """
        try:
            return await self._take_in(arrivals, actor, trace)
        except UNAVAILABLE:
            raise
        except Exception as error:
            if len(arrivals) == 1:
                failed.append(error)
                logger().error("call-not-taken-in", place=arrivals[0].place, **failure(error))
            if len(failed) > FAILED_MAX:
                raise
        if len(arrivals) == 1:
            batch = _Batch(arrivals, actor, trace, self._clock.now())
            batch.faults[0] = Fault("intake-failed", INTAKE_FAILED)
            await self._put_aside(batch)
            return [batch.outcomes[0]]
        middle = len(arrivals) // 2
        return [
            *await self._without_culprits(arrivals[:middle], actor, trace, failed),
            *await self._without_culprits(arrivals[middle:], actor, trace, failed),
        ]

    async def _take_in(
        self, arrivals: Sequence[Arrival], actor: Actor, trace: str
    ) -> list[Outcome]:
        batch = _Batch(arrivals, actor, trace, self._clock.now())
        read = self._read(batch)
        await self._directory.refresh()
        if not self._directory.knows(read.values()):
            await self._directory.refresh(at_once=True)
        waiting = await self._find(batch, read)
        at("intake.before_append")
        for _ in range(ROUNDS_MAX):
            if not waiting:
                break
            waiting = await self._round(batch, waiting)
        if waiting:
            raise log_outcome.OutcomeUnknown(f"{len(waiting)} calls met too many conflicts")
        await self._put_aside(batch)
        at("intake.after_append")
        return [batch.outcomes[place] for place in range(len(arrivals))]

    def _read(self, batch: _Batch) -> dict[int, DialerCall]:
        read: dict[int, DialerCall] = {}
        for place, arrival in enumerate(batch.arrivals):
            call = read_call(arrival.raw, batch.now)
            if isinstance(call, Fault):
                batch.faults[place] = call
            else:
                read[place] = call
        return read

    async def _find(self, batch: _Batch, read: dict[int, DialerCall]) -> list[_Call]:
        known: dict[int, DialerCall] = {}
        for place, call in read.items():
            fault = self._directory.fault_of(call)
            if fault is None:
                known[place] = call
            else:
                batch.faults[place] = fault
        leads = await self._finder.leads(list(known.values()))
        waiting = []
        for (place, call), lead in zip(known.items(), leads, strict=True):
            if isinstance(lead, Fault):
                batch.faults[place] = lead
            else:
                waiting.append(self._call(batch, place, call, lead))
        return waiting

    def _call(self, batch: _Batch, place: int, call: DialerCall, lead: UUID) -> _Call:
        arrival = batch.arrivals[place]
        agent = None if call.agent is None else self._directory.agent(call.agent)
        cause = f"call:{call.source or arrival.source}/{call.call_id}"
        if arrival.held is not None:
            cause = f"quarantine:{arrival.held}"
        # What the dialer said of whose call it is, not what we made of it: a number may change
        # hands between two deliveries of one call.
        subject = call.lead_id or f"{call.campaign or ''} {call.number}"
        return _Call(
            place,
            call,
            command_of(call, call.number, agent),
            lead,
            command_id_of(call.call_id),
            self._log.keys.master.lookup_hash("call " + subject),
            Origin(batch.actor.id, cause, batch.trace),
        )

    async def _round(self, batch: _Batch, waiting: Sequence[_Call]) -> list[_Call]:
        """Decide on all that wait and append; return those that have to be decided anew."""
        by_lead: dict[UUID, list[_Call]] = {}
        for one in waiting:
            by_lead.setdefault(one.lead, []).append(one)
        states, _ = await self._states.get(dict.fromkeys(by_lead, "lead"))
        parts: list[_Part] = []
        again: list[_Call] = []
        for lead, calls in by_lead.items():
            alone = any(one.alone for one in calls)
            part = self._decide(batch, states[lead], calls[:1] if alone else calls)
            again += calls[1:] if alone else ()
            if part is not None:
                parts.append(part)
        results = await self._log.append_many([part.append for part in parts])
        moved: set[UUID] = set()
        for part, result in zip(parts, results, strict=True):
            if isinstance(result, Appended):
                self._recorded(batch, part, result)
                continue
            left = self._not_appended(batch, part, result)
            if left:
                again += left
                moved.add(left[0].lead)
        if moved:
            await self._states.refresh(dict.fromkeys(moved, "lead"))
        return again

    def _decide(self, batch: _Batch, lead: Lead, calls: Sequence[_Call]) -> _Part | None:
        """Decide on the calls of one lead, one after the other as they came."""
        stream, expected = calls[0].lead, lead.version
        events: list[NewEvent] = []
        taken: list[_Call] = []
        for one in calls:
            if not lead.version:
                text = "There is no lead with this id."
                batch.faults[one.place] = Fault("lead-unknown", text, one.call.call_id)
                continue
            facts = self._facts(batch, lead.campaign_id)
            # Asking for Event would be slow here: its metaclass answers isinstance in Python.
            decided = [
                event
                for event in record_call(lead, one.command, facts)
                if not isinstance(event, Elsewhere)
            ]
            if not decided:
                self._duplicate(batch, one)
                continue
            placed = []
            for event in decided:
                when = happened_at(event, facts.now)
                version = expected + len(events) + 1
                placed.append((event.placed(stream, version, when), batch.actor.id))
                events.append(NewEvent(event, when, one.origin))
            lead = fold(placed, lead)
            taken.append(one)
        if not events:
            return None
        commands = [Commanded(one.command_id, one.request) for one in taken]
        return _Part(taken, Append(commands, [StreamAppend(stream, expected, events)]), lead)

    def _facts(self, batch: _Batch, campaign_id: str) -> Facts:
        # Rules that change while a call is on its way may apply to it or not: it happened before.
        facts = batch.facts.get(campaign_id)
        if facts is None:
            facts = batch.facts[campaign_id] = Facts(
                now=batch.now,
                actor=batch.actor,
                organisation=self._directory.organisation,
                campaign=self._directory.campaigns.get(UUID(campaign_id)),
            )
        return facts

    def _recorded(self, batch: _Batch, part: _Part, appended: Appended) -> None:
        self._states.put("lead", part.calls[0].lead, part.after)
        for one in part.calls:
            batch.outcomes[one.place] = Outcome(
                "recorded",
                one.call.call_id,
                one.lead,
                part.after.version,
                appended.position,
                unknown_fields=one.call.unknown_fields,
            )

    def _duplicate(self, batch: _Batch, one: _Call) -> None:
        batch.outcomes[one.place] = Outcome("duplicate", one.call.call_id, one.lead)

    def _not_appended(self, batch: _Batch, part: _Part, error: AppendError) -> list[_Call]:
        """Settle what can be settled of an append that was not done; return the rest."""
        if isinstance(error, log_outcome.CommandRepeated):
            earlier = {one.command_id: one.request for one in error.earlier}
            left = []
            for one in part.calls:
                if one.command_id not in earlier:
                    left.append(one)
                elif earlier[one.command_id] == one.request:
                    self._duplicate(batch, one)
                else:
                    batch.faults[one.place] = Fault("call-id-reused", REUSED, one.call.call_id)
            return left
        if isinstance(error, log_outcome.AppendRefused):
            if len(part.calls) == 1:
                one = part.calls[0]
                batch.faults[one.place] = Fault("not-storable", NOT_STORABLE, one.call.call_id)
                return []
            for one in part.calls:
                one.alone = True
            return part.calls
        if isinstance(error, log_outcome.NOT_NOW):
            self._states.forget({one.lead for one in part.calls})
            raise error
        return part.calls  # the lead has moved: decide on it as it is now

    async def _put_aside(self, batch: _Batch) -> None:
        if not batch.faults:
            return
        held = await self._quarantine.hold(
            [(batch.arrivals[place], fault) for place, fault in batch.faults.items()],
            batch.actor,
            batch.trace,
        )
        for (place, fault), (entry, position) in zip(batch.faults.items(), held, strict=True):
            batch.outcomes[place] = Outcome(
                "quarantined",
                fault.call_id,
                position=position,
                code=fault.code,
                text=fault.text,
                held=entry,
            )
