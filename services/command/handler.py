"""What happens to a command: load, fold, decide, append, answer. Knows no rule of the domain.

Retries and repeats live here and nowhere else. A command is done at most once: its id goes into the
log with its events, and who repeats it hears the first answer.
"""

import asyncio
from uuid import UUID, uuid5

from schemas.envelope import Origin
from services.command.answers import Answer, answer_to, refusal, repeated, request_hash
from services.command.catalogue import all_commands
from services.command.domain.decider import Command, Outcome, Reason, Refused, decide
from services.command.domain.facts import Actor
from services.command.facts_loader import FactsLoader, Order, World, may_give
from services.command.merging import check_version
from services.command.planning import Plan, plan
from services.command.state_cache import StateCache
from services.command.turns import Turns
from services.kit import append as log_outcome
from services.kit import errors
from services.kit.append import Append, Appended, Commanded
from services.kit.auth import Principal
from services.kit.clock import Clock
from services.kit.deadline import Deadlines
from services.kit.errors import Problem
from services.kit.eventlog import EventLog
from services.kit.ids import new_id
from services.kit.postgres import RETRYABLE
from services.kit.telemetry import command_retries

DEADLINE_SECONDS = 3.0
FACT_DEADLINE_SECONDS = 5.0
CONFLICTS_MAX = 10
"""A lead that is called a few times at once still takes the note somebody writes meanwhile."""
RETRY_SECONDS = 0.05
KEYS = UUID("01920000-0000-7000-8000-6964656d706f")
"""Namespace of command ids made from an Idempotency-Key."""

ANONYMOUS_ANSWER = b"[]"
"""Kept beside a command without a key: nobody can repeat it, so nobody will ask."""


class _Try:
    """One command on its way: what was learned in earlier tries."""

    __slots__ = ("conflicts", "holder", "refresh", "sent", "stream")

    def __init__(self, stream: UUID) -> None:
        self.stream = stream
        self.holder: UUID | None = None
        self.refresh = False
        self.conflicts = 0
        self.sent = False


class Commanding:
    """Carries commands out on one event log."""

    def __init__(
        self,
        log: EventLog,
        clock: Clock,
        channels: frozenset[str] = frozenset(),
        mail_domains: frozenset[str] | None = None,
    ) -> None:
        """Decide on states of `log`, at the times of `clock`; messages go out by `channels`, links
        to exports to users and to `mail_domains`, None: to nobody.
        """
        all_commands()
        self.log = log
        self.states = StateCache(log)
        self.facts = FactsLoader(log, self.states, clock, channels, mail_domains)
        self._in_flight: set[UUID] = set()
        self._turns = Turns()
        self._deadlines = Deadlines(DEADLINE_SECONDS)
        self._fact_deadlines = Deadlines(FACT_DEADLINE_SECONDS)

    async def handle(self, order: Order) -> Answer:
        """Carry a command out and return its answer; raise the Problem that says why not.

        Takes at most 3 s (5 s for facts). After OutcomeUnclear the same order with the same key
        finds out, and does it if it was not done.
        """
        stream = order.stream or self.facts.stream_of(order)
        if not order.key:
            return await self._within_deadline(order, new_id(), stream)
        command_id = uuid5(KEYS, f"{order.principal.user_id} {order.key}")
        if command_id in self._in_flight:
            raise errors.InFlight(retry_after_seconds=1)
        self._in_flight.add(command_id)
        try:
            return await self._within_deadline(order, command_id, stream)
        finally:
            self._in_flight.discard(command_id)

    async def _within_deadline(self, order: Order, command_id: UUID, stream: UUID) -> Answer:
        this = _Try(stream)
        deadlines = self._fact_deadlines if order.command.is_fact else self._deadlines
        try:
            with deadlines.begin():
                # Of two who want the same at once the second is mostly refused, for which it must
                # look at the log anyway: it looks before it decides, and decides once.
                this.refresh = await self._turns.take(stream) and not order.command.is_fact
                try:
                    return await self._until_settled(order, command_id, this)
                finally:
                    self._turns.leave(stream)
        except (TimeoutError, log_outcome.OutcomeUnknown):
            self.states.forget({stream})
            if this.sent:
                advice = "Send the same request with the same Idempotency-Key to find out."
                raise errors.OutcomeUnclear(advice) from None
            raise errors.Unavailable("The database does not answer; nothing was done.") from None
        except log_outcome.OutOfSpace:
            raise errors.OutOfSpace from None
        except log_outcome.AppendRefused as error:
            raise errors.Unavailable("The database could not store it.") from error

    async def _until_settled(self, order: Order, command_id: UUID, this: _Try) -> Answer:
        while True:
            try:
                answer = await self._once(order, command_id, this)
            except RETRYABLE as error:
                if isinstance(error, TimeoutError):
                    raise
                await asyncio.sleep(RETRY_SECONDS)
            else:
                if answer is not None:
                    return answer

    async def _once(self, order: Order, command_id: UUID, this: _Try) -> Answer | None:
        """Try once; None means: look again and decide again."""
        try:
            world = await self.facts.load(
                order, this.stream, holder=this.holder, refresh=this.refresh
            )
            outcomes = _decide(order, world)
            made = plan(world, outcomes, _origin(order, command_id, world), self.log.keys.master)
            await check_version(self.log, order, world, made)
        except (Refused, Problem) as refused:
            return await self._refuse(order, command_id, this, refused)
        answer = answer_to(order, world, made)
        return await self._append(order, command_id, this, made, answer)

    async def _append(
        self, order: Order, command_id: UUID, this: _Try, made: Plan, answer: Answer
    ) -> Answer | None:
        request = request_hash(order) if order.key else b""
        kept = answer.stored() if order.key else ANONYMOUS_ANSWER
        this.sent = True
        try:
            appended = await self.log.append(made.append(Commanded(command_id, request, kept)))
        except log_outcome.CommandRepeated as known:
            if order.key:
                return repeated(request, known.earlier[0])
            # Nobody else knows the id: an earlier try of this very command got through unheard.
            self.states.forget(made.states)
            return answer.at(known.earlier[0].position)
        except log_outcome.ClaimTaken as taken:
            if this.holder == taken.holder:
                text = f"Lead {taken.holder} has the same duplicate key in that campaign."
                refused = Refused([Reason("duplicate", text)])
                return await self._refuse(order, command_id, this, refused)
            this.holder = taken.holder
        except (log_outcome.VersionConflict, log_outcome.StaleRead, log_outcome.KeyDestroyed):
            this.conflicts += 1
            command_retries.labels(type(order.command).__name__).inc()
            if this.conflicts > CONFLICTS_MAX and not order.command.is_fact:
                raise errors.Contended(retry_after_seconds=1) from None
        else:
            self._remember(made, appended)
            return answer.at(appended.position)
        this.sent = False
        this.refresh = True
        return None

    def _remember(self, made: Plan, appended: Appended) -> None:
        for stream, (category, state) in made.states.items():
            assert state.version == appended.versions[stream], "folded what was not appended"
            self.states.put(category, stream, state)

    async def _refuse(
        self, order: Order, command_id: UUID, this: _Try, refused: Refused | Problem
    ) -> Answer | None:
        """Refuse, but only on what the log says now, and never what was done the first time."""
        if not this.refresh:
            this.refresh = True
            return None
        problem = refusal(refused) if isinstance(refused, Refused) else refused
        if not order.key:
            raise problem
        request = request_hash(order)
        if isinstance(refused, Problem):
            earlier = await self.log.earlier_answers([command_id])
            if command_id not in earlier:
                raise problem
            return repeated(request, earlier[command_id])
        answer = Answer(problem.status, problem.body(order.trace))
        try:
            await self.log.append(Append([Commanded(command_id, request, answer.stored())]))
        except log_outcome.CommandRepeated as known:
            return repeated(request, known.earlier[0])
        return answer


def _decide(order: Order, world: World) -> list[Outcome]:
    if order.actor is None:
        require_role(type(order.command), world.facts.actor)
    return decide(world.state, order.command, world.facts)


def require_role(command: type[Command], who: Actor | Principal) -> None:
    """Raise Refused unless their role lets them give this command at all."""
    if not may_give(command, who):
        roles = ", ".join(sorted(command.roles))
        text = f"Your role ({who.role}) may not do this; it takes {roles}."
        raise Refused([Reason("role-not-allowed", text)])


def _origin(order: Order, command_id: UUID, world: World) -> Origin:
    return Origin(world.facts.actor.id, order.cause or f"command:{command_id}", order.trace)
