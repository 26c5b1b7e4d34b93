"""Everything a decision may know, gathered for it: who acts, the organisation, the campaigns,
do-not-call entries.

The version of every stream that was looked at becomes a guard of the append: if one has moved
meanwhile, the decision is made again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from schemas.organisation import ORGANISATION_ID
from schemas.rights import sees, sight_of
from services.command.aggregates import AGGREGATES
from services.command.answers import PLACES
from services.command.domain.campaign.state import Campaign
from services.command.domain.decider import Command
from services.command.domain.facts import Actor, Facts
from services.command.domain.lead.claims import numbers_of
from services.command.domain.lead.cloning import CloneLead
from services.command.domain.lead.state import Lead
from services.command.domain.organisation.state import Organisation
from services.command.domain.phones import NotAPhone, parse_phone
from services.command.duplicates import find_duplicate
from services.command.hashes import dnc_stream
from services.command.state_cache import StateCache
from services.kit.auth import Principal
from services.kit.clock import Clock
from services.kit.errors import NotFound, Unauthenticated
from services.kit.eventlog import EventLog
from services.kit.ids import new_id


@dataclass(frozen=True, slots=True)
class World:
    """The stream a command addresses, and the facts around it.

    states: every stream that was looked at, by id, with its category. fresh: all of it was read
    from the log just now, nothing remembered.
    """

    stream: UUID
    category: str
    state: Any
    facts: Facts
    states: Mapping[UUID, tuple[str, Any]]
    fresh: bool

    def reads(self, written: frozenset[UUID]) -> dict[UUID, int]:
        """Return the guards of an append that writes those streams."""
        return {
            stream: state.version
            for stream, (_, state) in self.states.items()
            if stream not in written
        }


@dataclass(frozen=True, slots=True)
class Order:
    """A command as it came in.

    stream: the stream of the path; None for what has one stream or starts a new one. actor: set
    for our own services only; a caller's is looked up by `principal` for each decision anew, so a
    right that was taken away counts at once. key: the Idempotency-Key, "" when none was given.
    if_match: the version the caller saw.
    """

    command: Command
    principal: Principal
    stream: UUID | None = None
    actor: Actor | None = None
    key: str = ""
    if_match: int | None = None
    trace: str = ""


class FactsLoader:
    """Gathers a World for each try of a command."""

    def __init__(self, log: EventLog, states: StateCache, clock: Clock) -> None:
        """Take states from the cache, and what no state tells from the log."""
        self._log = log
        self._states = states
        self._master = log.keys.master
        self._clock = clock

    def stream_of(self, command: Command) -> UUID:
        """Return the stream of a command whose path names none: a new one, or the only one."""
        if command.aggregate == "organisation":
            return ORGANISATION_ID
        if command.aggregate == "dnc":
            return dnc_stream(self._master, _number(command))
        return new_id()

    async def load(
        self, order: Order, stream: UUID, *, holder: UUID | None = None, refresh: bool = False
    ) -> World:
        """Return all a decision about the order may know; with `refresh` as the log has it now.

        holder: the lead that is known to hold the duplicate key wanted. Raises NotFound when the
        lead is unknown or out of the actor's sight, Unauthenticated when the user is gone.
        """
        command = order.command
        category = command.aggregate
        gathered = _Gathered(self._states, refresh)
        wanted = {ORGANISATION_ID: "organisation"}
        if not command.creates or category not in PLACES:
            wanted[stream] = category
        if holder is not None:
            wanted[holder] = "lead"
        await gathered.get(wanted)
        state = gathered.state(stream, category)
        organisation: Organisation = gathered.state(ORGANISATION_ID, "organisation")
        actor = order.actor or actor_of(order.principal, organisation)
        if category == "lead" and not command.creates:
            _require_sight(state, actor, organisation)
        campaign_id, target_id = campaigns_of(command, state)
        await gathered.get({one: "campaign" for one in (campaign_id, target_id) if one})
        if isinstance(command, CloneLead) and holder is None and target_id is not None:
            holder = await self._duplicate(command, state, gathered.state(target_id, "campaign"))
            await gathered.get({holder: "lead"} if holder else {})
        numbers = numbers_of(state) if category == "lead" and command.needs_dnc else ()
        dnc_ids = {number: dnc_stream(self._master, number) for number in numbers}
        await gathered.get(dict.fromkeys(dnc_ids.values(), "dnc"))
        facts = Facts(
            now=self._clock.now(),
            actor=actor,
            organisation=organisation,
            campaign=gathered.state(campaign_id, "campaign") if campaign_id else None,
            target=gathered.state(target_id, "campaign") if target_id else None,
            dnc={number: gathered.state(one, "dnc").entries for number, one in dnc_ids.items()},
            new_ids=(new_id(),),
            holder=holder,
            holder_lead=gathered.state(holder, "lead") if holder else None,
        )
        return World(stream, category, state, facts, gathered.states, gathered.fresh)

    async def _duplicate(self, command: CloneLead, lead: Lead, target: Campaign) -> UUID | None:
        search = command.duplicate_search
        if search not in ("project", "everywhere") or not target.version:
            return None
        return await find_duplicate(
            self._log, self._states, lead, target, project_only=search == "project"
        )


class _Gathered:
    """The states looked at for one decision."""

    def __init__(self, cache: StateCache, refresh: bool) -> None:
        self._cache = cache
        self._refresh = refresh
        self.fresh = True
        self.states: dict[UUID, tuple[str, Any]] = {}

    async def get(self, wanted: dict[UUID, str]) -> None:
        if not wanted:
            return
        if self._refresh:
            states = await self._cache.refresh(wanted)
        else:
            states, just_read = await self._cache.get(wanted)
            self.fresh = self.fresh and just_read
        for stream, state in states.items():
            self.states[stream] = (wanted[stream], state)

    def state(self, stream: UUID, category: str) -> Any:
        found = self.states.get(stream)
        return AGGREGATES[category].replay((), None) if found is None else found[1]


def actor_of(principal: Principal, organisation: Organisation) -> Actor:
    """Return the caller with the role and rights they have now."""
    user = organisation.users.get(principal.user_id)
    if user is None or not user.active:
        raise Unauthenticated
    return Actor(principal.actor, user.role, user.id, user.team, user.rights)


def may_give(command: type[Command], who: Actor | Principal) -> bool:
    """Say whether their role lets them give this command at all.

    The right `lead_admin` makes an admin of leads, and of nothing else.
    """
    if who.role in command.roles:
        return True
    return command.aggregate == "lead" and "lead_admin" in who.rights and "admin" in command.roles


def _require_sight(lead: Lead, actor: Actor, organisation: Organisation) -> None:
    """Raise NotFound for a lead that is not there or not to be seen: both look the same.

    Dialers see nothing, but are told on which lead to act; their rights are checked in decisions.
    """
    if lead.version == 0:
        raise NotFound
    if actor.is_admin or actor.role == "dialer" or actor.user_id is None:
        return
    team = actor.team_id or ""
    sight = sight_of(actor.role, actor.rights, actor.user_id, team, organisation.tree)
    if not sees(sight, lead.owner, lead.active, lead.processed_by):
        raise NotFound


def campaigns_of(command: Command, state: Any) -> tuple[UUID | None, UUID | None]:
    """Return the campaign a decision is about, and the one it leads into (CloneLead)."""
    if command.aggregate == "lead" and not command.creates:
        target = getattr(command, "target_campaign_id", None)
        return UUID(state.campaign_id), UUID(target) if target else None
    named = getattr(command, "campaign_id", None) or getattr(command, "campaign", None)
    return UUID(named) if named else None, None


def _number(command: Any) -> str:
    """Return the number a do-not-call command is about; what is none the decision will refuse."""
    try:
        return parse_phone(command.number)
    except NotAPhone:
        return str(command.number)
