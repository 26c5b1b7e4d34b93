"""Applies what is due: decides on what the log says, appends, and only then strikes it out.

A kill in between leaves the due time standing; its command, whose id is made of rule, stream and
due time, is known then and not done again. Events happened when they were due, however late the
scheduler comes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, cast
from uuid import UUID, uuid5

from prometheus_client import Counter

from schemas.envelope import Origin
from schemas.event import Event
from schemas.instants import format_instant
from schemas.organisation import ORGANISATION_ID
from services.command.bulk.loading import LeadReader
from services.command.domain.decider import Command, Elsewhere, decide
from services.command.domain.dnc.commands import ExpireDoNotCall, Scope
from services.command.domain.facts import Actor, Facts
from services.command.domain.lead.clock import ApplyClockRule, LeadRule, due_times
from services.command.domain.lead.evolving import fold
from services.command.domain.lead.state import Lead
from services.command.domain.mailing.commands import FireViewMail
from services.command.facts_loader import Order
from services.command.handler import Commanding
from services.command.scheduler.tables import ClockTables, Due
from services.command.scheduler.timers import END_DNC, LEAD_RULES, VIEW_MAIL, dnc_entry
from services.kit import append as log_outcome
from services.kit.append import Append, Appended, AppendError, Commanded, NewEvent, StreamAppend
from services.kit.auth import Principal
from services.kit.clock import Clock
from services.kit.codec import UnknownEvent
from services.kit.errors import Problem
from services.kit.failpoints import at
from services.kit.http import failure
from services.kit.telemetry import logger

SCHEDULER = Actor("service:scheduler", "admin")
TAKEN = 400
"""Streams a rule in one step: a flood of one rule never keeps another waiting."""

TRY_AGAIN = timedelta(minutes=10)
RULES_NAMESPACE = UUID("01920000-0000-7000-8000-636c6f636b21")
_REQUEST = b"clock"
_NOBODY = Principal("", "")

fired = Counter("leads_scheduler_fired_total", "Due times that were applied, by rule", ["rule"])
passed = Counter(
    "leads_scheduler_passed_total", "Due times at which nothing was to be done", ["rule"]
)
failures = Counter("leads_scheduler_failures_total", "Due times put off after an error", ["rule"])

Settled = list[tuple[Due, datetime | None]]


def command_id(due: Due) -> UUID:
    """Return the id of the command for a due time: the same whoever gives it, and when."""
    name = f"{due.rule} {due.stream} {due.about} {format_instant(due.at)}"
    return uuid5(RULES_NAMESPACE, name)


@dataclass(slots=True)
class _Part:
    """What is due for one stream: the events, and each due time with when it comes next."""

    stream: UUID
    version: int
    reads: Mapping[UUID, int]
    events: list[NewEvent] = field(default_factory=list)
    applied: list[Due] = field(default_factory=list)
    settled: Settled = field(default_factory=list)

    def add(self, due: Due, events: Sequence[Event]) -> None:
        origin = Origin(SCHEDULER.id, f"rule:{due.rule}")
        self.events += [NewEvent(event, due.at, origin) for event in events]
        self.applied.append(due)

    def append(self) -> Append:
        # Without an answer a command is remembered for good: who rebuilds the table years later
        # finds that the rule was applied.
        commands = [Commanded(command_id(due), _REQUEST) for due in self.applied]
        stream = StreamAppend(self.stream, self.version, self.events)
        return Append(commands, [stream], self.reads)


class Firing:
    """Applies due times, as long as this process leads."""

    def __init__(self, commanding: Commanding, tables: ClockTables, clock: Clock) -> None:
        """Decide and append with `commanding`, at the times of `clock`."""
        self._commanding = commanding
        self._log = commanding.log
        self._tables = tables
        self._clock = clock
        self._reader = LeadReader(commanding.log, whole=False)

    async def step(self) -> int:
        """Apply some of what is due; return how many due times were settled.

        Raises what is NOT_NOW or a fault of the database; what was not settled stays due.
        """
        now = self._clock.now()
        dues = await self._tables.take(now, TAKEN)
        if not dues:
            return 0
        put_off: list[Due] = []
        parts = [
            *await self._decide_leads(
                [due for due in dues if due.rule in LEAD_RULES], now, put_off
            ),
            *await self._decide_numbers([due for due in dues if due.rule == END_DNC], now, put_off),
        ]
        settled = await self._append(parts, put_off)
        settled += await self._mail([due for due in dues if due.rule == VIEW_MAIL], put_off)
        at("scheduler.before_strike_out")
        await self._tables.done(settled)
        if put_off:
            await self._tables.postpone(put_off, now + TRY_AGAIN)
            for due in put_off:
                failures.labels(due.rule).inc()
        return len(settled) + len(put_off)

    async def _mail(self, dues: Sequence[Due], put_off: list[Due]) -> Settled:
        """Have views mailed that are due; return what is settled. Each is an export besides, so it
        goes the way of any command; it does nothing unless the mailing is due at that very time.
        """
        settled: Settled = []
        for due in dues:
            command = FireViewMail(at=due.at)
            cause = f"rule:{due.rule}"
            order = Order(command, _NOBODY, due.stream, SCHEDULER, cause=cause)
            try:
                answer = await self._commanding.handle(order)
            except Problem as problem:
                logger().error("rule-failed", rule=due.rule, why=problem.code)
                put_off.append(due)
                continue
            (fired if answer.body["changed"] else passed).labels(due.rule).inc()
            settled.append((due, None))
        return settled

    async def _append(self, parts: Sequence[_Part], put_off: list[Due]) -> Settled:
        """Append what is to be appended; return what is settled by now."""
        at("scheduler.before_append")
        writing = [part for part in parts if part.events]
        settled = [one for part in parts if not part.events for one in part.settled]
        results = await self._log.append_many([part.append() for part in writing])
        for part, result in zip(writing, results, strict=True):
            if isinstance(result, Appended):
                settled += part.settled
                for due in part.applied:
                    fired.labels(due.rule).inc()
            else:
                settled += _settled_anyway(part, result, put_off)
        return settled

    async def _decide_leads(
        self, dues: Sequence[Due], now: datetime, put_off: list[Due]
    ) -> list[_Part]:
        if not dues:
            return []
        histories = await self._reader.histories(list({due.stream for due in dues}))
        leads = {
            stream: fold(history)
            for stream, history in histories.items()
            if not isinstance(history, UnknownEvent)
        }
        campaigns = {lead.campaign_id for lead in leads.values() if lead.campaign_id}
        states = await self._commanding.states.refresh(
            {ORGANISATION_ID: "organisation", **{UUID(one): "campaign" for one in campaigns}}
        )
        parts = []
        for stream, own in groupby(dues, key=lambda due: due.stream):
            lead, due = leads.get(stream), list(own)
            part = None
            if lead is not None:
                part = self._decide_lead(stream, lead, due, states, now)
            if part is None:
                put_off += due
            else:
                parts.append(part)
        return parts

    def _decide_lead(
        self, stream: UUID, lead: Lead, dues: Sequence[Due], states: Mapping[UUID, Any],
        now: datetime,
    ) -> _Part | None:  # fmt: skip
        """Apply what is due one after the other; None when a decision fails."""
        campaign = states.get(UUID(lead.campaign_id)) if lead.campaign_id else None
        organisation = states[ORGANISATION_ID]
        facts = Facts(now=now, actor=SCHEDULER, organisation=organisation, campaign=campaign)
        reads = {ORGANISATION_ID: organisation.version}
        if campaign is not None:
            reads[UUID(lead.campaign_id)] = campaign.version
        part = _Part(stream, lead.version, reads)
        for due in dues:
            command = ApplyClockRule.model_construct(rule=cast(LeadRule, due.rule), at=due.at)
            events = _decided(lead, command, facts)
            if events is None:
                return None
            if events:
                version = lead.version + 1
                lead = fold(
                    (
                        (event.placed(stream, version + place, due.at), SCHEDULER.id)
                        for place, event in enumerate(events)
                    ),
                    lead,
                )
                part.add(due, events)
            else:
                passed.labels(due.rule).inc()
        then = due_times(lead, campaign)
        for due in dues:
            after = then.get(cast(LeadRule, due.rule))
            part.settled.append((due, after if after is not None and after > now else None))
        return part

    async def _decide_numbers(
        self, dues: Sequence[Due], now: datetime, put_off: list[Due]
    ) -> list[_Part]:
        if not dues:
            return []
        numbers = {due.stream: "dnc" for due in dues}
        states = await self._commanding.states.refresh({ORGANISATION_ID: "organisation", **numbers})
        facts = Facts(now=now, actor=SCHEDULER, organisation=states[ORGANISATION_ID])
        parts = []
        for due in dues:
            scope, campaign_id = dnc_entry(due.about)
            command = ExpireDoNotCall.model_construct(
                scope=cast(Scope, scope), campaign_id=campaign_id, at=due.at
            )
            state = states[due.stream]
            events = _decided(state, command, facts)
            if events is None:
                put_off.append(due)
                continue
            part = _Part(due.stream, state.version, {})
            if events:
                part.add(due, events)
            part.settled.append((due, None))
            parts.append(part)
        return parts


def _decided(state: Any, command: Command, facts: Facts) -> list[Event] | None:
    """Return what the command comes to; None, having said so, when the decision fails."""
    try:
        outcomes = decide(state, command, facts)
    except Exception as error:  # noqa: BLE001 - one stream's fault keeps no other waiting
        logger().error("rule-failed", **failure(error))
        return None
    return [event for event in outcomes if not isinstance(event, Elsewhere)]


def _settled_anyway(part: _Part, error: AppendError, put_off: list[Due]) -> Settled:
    """Return what is settled although the append was not done; the rest comes again at once."""
    if isinstance(error, log_outcome.NOT_NOW):
        raise error
    if isinstance(error, log_outcome.CommandRepeated):
        known = {earlier.command_id for earlier in error.earlier}
        return [(due, None) for due in part.applied if command_id(due) in known]
    if isinstance(error, log_outcome.AppendRefused):
        put_off += part.applied
    return []  # The stream or a fact has moved: decide on it as it is then.
