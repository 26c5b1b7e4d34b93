"""What a job decides about each lead of a batch: the single command's decision, or an undo.

The same for the dry run and the execution; only what happens to the events differs.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from schemas.envelope import Origin
from schemas.event import Event
from schemas.lead import LeadCallRecorded, LeadCallStarted
from schemas.organisation import ORGANISATION_ID
from schemas.rights import Sight, sees, sight_of
from services.command.bulk.loading import Acted, History, LeadReader, lead_after
from services.command.bulk.offered import (
    CALLS_CLOSED,
    PLAIN,
    UNDO_NEEDS_PERSONAL,
    bulk_command,
)
from services.command.domain.bulk.state import BulkJob
from services.command.domain.decider import Elsewhere, Outcome, Reason, Refused, decide
from services.command.domain.facts import Actor, Facts, with_ids
from services.command.domain.lead.access import admit
from services.command.domain.lead.state import Lead
from services.command.domain.lead.undoing import ChangedSince, undo
from services.command.facts_loader import FactsLoader, Order, World, require_sight
from services.command.handler import Commanding
from services.command.planning import Plan, plan
from services.kit.append import Append, Commanded, NewEvent, StreamAppend
from services.kit.auth import Principal
from services.kit.clock import Clock
from services.kit.codec import UnknownEvent
from services.kit.errors import NotFound
from services.kit.http import failure
from services.kit.ids import new_id
from services.kit.telemetry import logger

Verdict = Literal["applied", "unchanged", "refused"]

NOT_THERE = Reason("not-found", "There is no such lead, or you may not see it any more.")
USER_GONE = Reason("user-inactive", "Who asked for the job is not an active user any more.")
UNREADABLE = Reason("unreadable", "The lead was written by newer software; update this service.")
BROKEN = Reason("internal", "The decision failed on our side; the operators find it in the log.")
Place = tuple[str, str | None]
"""Campaign and pool of a lead."""

_CALLS = (LeadCallRecorded.TOPIC, LeadCallStarted.TOPIC)
_NOBODY = Principal("", "")


def duplicate_reason(holder: UUID) -> Reason:
    """Say that another lead holds the duplicate key."""
    text = f"Lead {holder} has the same duplicate key in that campaign."
    return Reason("duplicate", text)


@dataclass(frozen=True, slots=True)
class Target:
    """A lead a job works on, at its place.

    version: the one that was selected or planned on. planned: the outcome in the plan, "" while
    planning. first, last: for an undo, the versions between which the job's own events lie.
    """

    ordinal: int
    lead: UUID
    version: int
    planned: str = ""
    first: int = 0
    last: int = 0


@dataclass(slots=True)
class Decided:
    """What was decided about one lead, and once it is appended, where that ended.

    before: the lead as it was decided on. dropped: fields that a refused clone would have left
    behind. reads: what else the decision rests on. world: only
    where claims and numbers may move. after: the lead afterwards, where it is known already.
    """

    target: Target
    outcome: Verdict
    before: Lead
    reads: Mapping[UUID, int] = field(default_factory=dict)
    world: World | None = None
    events: Sequence[Outcome] = ()
    reasons: Sequence[Reason] = ()
    dropped: Sequence[str] = ()
    made: Plan | None = None
    now: datetime | None = None
    after: Lead | None = None
    version_after: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class Past:
    """A lead, how it came to be, and for an undo what it was before the job."""

    lead: Lead
    before: Lead | None = None
    history: Sequence[Acted] = ()


@dataclass(slots=True)
class Moment:
    """What all decisions of a batch share: who acts, and what the world is like."""

    actor: Actor | None
    organisation: Any
    sight: Sight | None
    campaigns: Mapping[UUID, Any]
    base: Facts | None
    facts: dict[str, tuple[Facts, Mapping[UUID, int]]] = field(default_factory=dict)


class Judge:
    """Decides about leads for one job."""

    def __init__(self, commanding: Commanding, clock: Clock, job: BulkJob, trace: str = "") -> None:
        """Decide as the single command would, at the times of `clock`."""
        self.job = job
        self.command = bulk_command(job.command, job.fields)
        kind = type(self.command)
        self._plain = kind in PLAIN
        personal = not self._plain
        if job.undoes is not None:
            personal = not self._plain or kind in UNDO_NEEDS_PERSONAL
        self.takes_claims = personal
        self.log = commanding.log
        self._commanding = commanding
        self._clock = clock
        self._facts: FactsLoader = commanding.facts
        self._master = commanding.log.keys.master
        closed = _CALLS if kind in CALLS_CLOSED else ()
        self._reader = LeadReader(commanding.log, whole=personal, closed=closed)
        self._in_part = bool(closed)
        self._origin = Origin(f"user:{job.by}", f"bulk:{job.id}", trace)

    async def histories(self, targets: Sequence[Target]) -> Mapping[UUID, History | UnknownEvent]:
        """Read the leads of a batch as the log has them now."""
        return await self._reader.histories([target.lead for target in targets])

    async def decide(
        self,
        targets: Sequence[Target],
        histories: Mapping[UUID, History | UnknownEvent],
        holders: Mapping[UUID, UUID] | None = None,
    ) -> list[Decided]:
        """Decide about each target; `holders` are leads known to hold the key a target wants."""
        pasts = self._leads(targets, histories)
        moment = await self._moment([past.lead for past in pasts.values()])
        known = dict(holders or {})
        one_by_one = not self._plain and self.job.undoes is None
        if one_by_one:
            known = await self._prepared([past.lead for past in pasts.values()], known)
        decided: list[Decided] = []
        worlds: dict[Place, World] = {}
        for target in targets:
            past = pasts.get(target.lead)
            if past is None:
                decided.append(Decided(target, "refused", Lead(), reasons=[UNREADABLE]))
            elif moment.actor is None:
                decided.append(Decided(target, "refused", past.lead, reasons=[USER_GONE]))
            elif one_by_one:
                decided.append(await self._alone(target, past, moment.actor, known, worlds))
            else:
                decided.append(self._shared(target, past, moment))
        return decided

    async def decide_knowing(
        self, ones: Sequence[Decided], holders: Mapping[UUID, UUID]
    ) -> dict[UUID, Decided]:
        """Decide again, knowing for each which lead holds the duplicate key it wants."""
        if self.job.undoes is not None:  # An undo does nothing else for knowing it.
            return {one.target.lead: one for one in ones}
        moment = await self._moment([one.before for one in ones])
        known = await self._prepared([one.before for one in ones], holders)
        again = {}
        worlds: dict[Place, World] = {}
        for one in ones:
            if moment.actor is not None:
                second = await self._alone(
                    one.target, Past(one.before), moment.actor, known, worlds
                )
            else:
                second = Decided(one.target, "refused", one.before, reasons=[USER_GONE])
            again[one.target.lead] = second
        return again

    async def _prepared(
        self, leads: Collection[Lead], holders: Mapping[UUID, UUID]
    ) -> dict[UUID, UUID]:
        """Read at once what all these decisions look at; return the holders that are known then."""
        there = [lead for lead in leads if lead.version]
        found = await self._facts.prepare(self.command, there, set(holders.values()))
        return {**{UUID(lead): holder for lead, holder in found.items()}, **holders}

    async def decide_beside(self, one: Decided, earlier: Target, key: bytes) -> Decided:
        """Decide again as if the change planned for `earlier` were done, which takes the key."""
        taker = (await self.decide([earlier], await self.histories([earlier])))[0]
        if taker.outcome != "applied" or one.world is None:
            return one
        made = self.plan(taker)
        holder = dict(made.taken).get(key)
        if holder is None:
            return one
        world = one.world
        facts = replace(world.facts, holder=holder, holder_lead=made.states[holder][1])
        seen = {**world.seen, holder: made.states[holder][1]}
        second = self._judged(one.target, Past(one.before), facts)
        second.world = world._replace(facts=facts, seen=seen)
        return second

    def plan(self, one: Decided) -> Plan:
        """Return what must be stored for a lead that changes."""
        if one.made is None:
            assert one.world is not None
            one.made = plan(one.world, one.events, self._origin, self._master)
        return one.made

    def append(self, one: Decided, commanded: Commanded, guard: Mapping[UUID, int]) -> Append:
        """Return the append of a lead that changes; it rests on `guard` too."""
        if self.takes_claims:
            made = self.plan(one)
            made.reads = {**made.reads, **guard}
            return made.append(commanded)
        now, origin = one.now, self._origin
        assert now is not None
        new = [NewEvent(event, now, origin) for event in one.events if isinstance(event, Event)]
        stream = StreamAppend(one.target.lead, one.before.version, new)
        return Append([commanded], [stream], {**one.reads, **guard})

    def after(self, one: Decided) -> Lead:
        """Return the lead as the decision leaves it."""
        if one.after is not None:
            return one.after
        if one.made is not None and one.target.lead in one.made.states:
            lead: Lead = one.made.states[one.target.lead][1]
            return lead
        now, actor, before = one.now, self._origin.actor, one.before
        assert now is not None
        own = [event for event in one.events if not isinstance(event, Elsewhere)]
        return lead_after(
            [
                (event.placed(one.target.lead, version, now), actor)
                for version, event in enumerate(own, before.version + 1)
            ],
            before,
        )

    def _leads(
        self, targets: Sequence[Target], histories: Mapping[UUID, History | UnknownEvent]
    ) -> dict[UUID, Past]:
        pasts = {}
        for target in targets:
            history = histories[target.lead]
            if not isinstance(history, UnknownEvent):
                before = lead_after(history[: target.first]) if target.first else None
                lead = lead_after(history[target.first :], before)
                pasts[target.lead] = Past(lead, before, history)
        return pasts

    async def _moment(self, leads: Any) -> Moment:
        """Look at the organisation and the campaigns as they are now."""
        states = self._commanding.states
        campaigns = {lead.campaign_id for lead in leads if lead.campaign_id}
        wanted = {UUID(one): "campaign" for one in campaigns}
        seen = await states.refresh({**wanted, ORGANISATION_ID: "organisation"})
        organisation = seen.pop(ORGANISATION_ID)
        user = organisation.users.get(self.job.by)
        if user is None or not user.active:
            return Moment(None, organisation, None, seen, None)
        actor = Actor(self._origin.actor, user.role, user.id, user.team, user.rights)
        sight = None
        if not (actor.is_admin or actor.role == "dialer"):
            sight = sight_of(actor.role, actor.rights, user.id, user.team, organisation.tree)
        base = Facts(now=self._clock.now(), actor=actor, organisation=organisation)
        return Moment(actor, organisation, sight, seen, base)

    def _shared(self, target: Target, past: Past, moment: Moment) -> Decided:
        """Decide on what a whole batch shares; the lead and its campaign are all that differs."""
        lead = past.lead
        sight = moment.sight
        if lead.version == 0 or (
            sight is not None and not sees(sight, lead.owner, lead.active, lead.processed_by)
        ):
            return Decided(target, "refused", lead, reasons=[NOT_THERE])
        known = moment.facts.get(lead.campaign_id)
        if known is None:
            known = moment.facts[lead.campaign_id] = _facts_of(moment, UUID(lead.campaign_id))
        facts, reads = known
        one = self._judged(target, past, facts)
        one.reads = reads
        if self.takes_claims:
            seen = {target.lead: lead, ORGANISATION_ID: moment.organisation}
            one.world = World(target.lead, "lead", lead, facts, seen | dict(moment.campaigns))
        return one

    async def _alone(
        self,
        target: Target,
        past: Past,
        actor: Actor,
        holders: Mapping[UUID, UUID],
        worlds: dict[Place, World],
    ) -> Decided:
        """Decide with the facts of the single command, gathered for this lead, or for one before
        that has the same place.

        `worlds` are those of the batch: what is seen around a lead follows from its place, but for
        who holds its duplicate key and for entries on its numbers.
        """
        lead, holder = past.lead, holders.get(target.lead)
        place = (lead.campaign_id, lead.pool_id)
        shared = holder is None and not self.command.needs_dnc
        try:
            if shared and place in worlds:
                world = _world_beside(worlds[place], target.lead, lead)
            else:
                self._commanding.states.put("lead", target.lead, lead)
                order = Order(self.command, _NOBODY, target.lead, actor)
                world = await self._facts.load(order, target.lead, holder=holder, search=False)
                if self._in_part:  # Nobody else shall take it for the whole lead.
                    self._commanding.states.forget([target.lead])
                if shared:
                    worlds[place] = world
        except NotFound:
            return Decided(target, "refused", lead, reasons=[NOT_THERE])
        one = self._judged(target, Past(world.state), world.facts)
        one.world = world
        return one

    def _judged(self, target: Target, past: Past, facts: Facts) -> Decided:
        lead, after = past.lead, None
        try:
            if self.job.undoes is None:
                events: Sequence[Outcome] = decide(lead, self.command, facts)
            else:
                events, after = self._undone(target, past, facts)
        except Refused as refused:
            reasons, dropped = refused.reasons, refused.dropped
            return Decided(target, "refused", lead, reasons=reasons, dropped=dropped)
        except ChangedSince as since:
            text = f"Changed since by somebody else: {', '.join(since.parts)}."
            reason = Reason("changed-since", text)
            return Decided(target, "unchanged", lead, reasons=[reason])
        except Exception as error:  # noqa: BLE001 - one lead's fault never ends a job of many
            logger().error("bulk-decision-failed", lead=str(target.lead), **failure(error))
            return Decided(target, "refused", lead, reasons=[BROKEN])
        if not events:
            return Decided(target, "unchanged", lead)
        return Decided(target, "applied", lead, events=events, now=facts.now, after=after)

    def _undone(self, target: Target, past: Past, facts: Facts) -> tuple[list[Event], Lead]:
        """Undo what the job did on this lead, with the rights its command takes."""
        admit(past.lead, self.command, facts)
        assert past.before is not None
        done, since = past.history[target.first : target.last], past.history[target.last :]
        return undo(past.before, done, since, None if since else past.lead)


def _world_beside(world: World, stream: UUID, lead: Lead) -> World:
    """Return the world of a lead with the same place; raise NotFound when it is out of sight."""
    require_sight(lead, world.facts.actor, world.facts.organisation)
    seen = {one: state for one, state in world.seen.items() if one != world.stream}
    seen[stream] = lead
    return World(stream, world.category, lead, with_ids(world.facts, (new_id(),)), seen)


def _facts_of(moment: Moment, campaign_id: UUID) -> tuple[Facts, Mapping[UUID, int]]:
    """Return what decisions on leads of one campaign share, and the versions they rest on."""
    base, campaign = moment.base, moment.campaigns.get(campaign_id)
    assert base is not None
    facts = Facts(now=base.now, actor=base.actor, organisation=base.organisation, campaign=campaign)
    reads = {ORGANISATION_ID: moment.organisation.version}
    if campaign is not None:
        reads[campaign_id] = campaign.version
    return facts, reads
