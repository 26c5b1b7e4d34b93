"""Everything a decision may know, gathered for it: who acts, the organisation, the campaigns,
do-not-call entries.

The version of every stream that was looked at becomes a guard of the append: if one has moved
meanwhile, the decision is made again.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from schemas.organisation import ORGANISATION_ID
from schemas.rights import sees, sight_of
from services.command.aggregates import EMPTY, PLACES
from services.command.domain.admission import role_suffices
from services.command.domain.campaign.state import Campaign
from services.command.domain.decider import Command
from services.command.domain.dnc.erasing import EraseNumber
from services.command.domain.facts import Actor, Facts
from services.command.domain.lead.claims import numbers_of
from services.command.domain.lead.cloning import CloneLead
from services.command.domain.lead.state import Lead
from services.command.domain.organisation.state import Organisation
from services.command.domain.phones import NotAPhone, parse_phone
from services.command.duplicates import find_duplicate
from services.command.hashes import dnc_stream, favourite_stream, number_hash, trace_hash
from services.command.state_cache import StateCache
from services.kit.auth import Principal
from services.kit.clock import Clock
from services.kit.errors import NotFound, Unauthenticated
from services.kit.eventlog import EventLog
from services.kit.ids import new_id


@dataclass(frozen=True, slots=True)
class World:
    """The stream a command addresses, and the facts around it; `seen` is every state looked at."""

    stream: UUID
    category: str
    state: Any
    facts: Facts
    seen: Mapping[UUID, Any]

    def reads(self, written: Container[UUID]) -> dict[UUID, int]:
        """Return the guards of an append that writes those streams."""
        return {
            stream: state.version for stream, state in self.seen.items() if stream not in written
        }


@dataclass(frozen=True, slots=True)
class Order:
    """A command as it came in.

    stream: the stream of the path; None for what has one stream or starts a new one. actor: set
    for our own services only; a caller's is looked up by `principal` for each decision anew, so a
    right that was taken away counts at once. key: the Idempotency-Key, "" when none was given.
    if_match: the version the caller saw. cause: what made our service give the command, when that
    is an event; else the command is its own cause.
    """

    command: Command
    principal: Principal
    stream: UUID | None = None
    actor: Actor | None = None
    key: str = ""
    if_match: int | None = None
    trace: str = ""
    cause: str = ""


class FactsLoader:
    """Gathers a World for each try of a command."""

    def __init__(
        self, log: EventLog, states: StateCache, clock: Clock, channels: frozenset[str]
    ) -> None:
        """Take states from the cache, and what no state tells from the log; messages can be sent
        by `channels`.
        """
        self._log = log
        self._states = states
        self._master = log.keys.master
        self._clock = clock
        self._channels = channels

    def stream_of(self, order: Order) -> UUID:
        """Return the stream of a command whose path names none: a new one, or the only one."""
        command = order.command
        if command.aggregate == "organisation":
            return ORGANISATION_ID
        if command.aggregate == "dnc":
            return dnc_stream(self._master, _number(command))
        if command.aggregate == "favourite":
            return favourite_stream(order.principal.user_id)
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
        is_new = command.creates and category in PLACES
        if refresh:
            known = {ORGANISATION_ID: "organisation"}
            await self._states.refresh(known if is_new else {**known, stream: category})
        seen: dict[UUID, Any] = {}
        look = self._look
        organisation: Organisation = await look(seen, ORGANISATION_ID, "organisation")
        actor = order.actor or actor_of(order.principal, organisation)
        state = EMPTY[category] if is_new else await look(seen, stream, category)
        if category == "lead" and not is_new:
            require_sight(state, actor, organisation)
        campaign_id, target_id = campaigns_of(command, state)
        campaign = await look(seen, campaign_id, "campaign", refresh)
        target = await look(seen, target_id, "campaign", refresh)
        if isinstance(command, CloneLead) and holder is None:
            holder = await self._duplicate(command, state, target)
        facts = Facts(
            now=self._clock.now(),
            actor=actor,
            organisation=organisation,
            campaign=campaign,
            target=target,
            dnc=await self._dnc(seen, state, refresh) if command.needs_dnc else {},
            new_ids=(new_id(),),
            holder=holder,
            holder_lead=await look(seen, holder, "lead", refresh),
            channels=self._channels,
            **await self._named(seen, command, state, refresh),
        )
        return World(stream, category, state, facts, seen)

    async def _look(
        self, seen: dict[UUID, Any], stream: UUID | None, category: str, anew: bool = False
    ) -> Any:
        """Return a state, remembered unless `anew`, and note that it was looked at."""
        if stream is None:
            return None
        state = None if anew else self._states.peek(category, stream)
        if state is None:
            state = (await self._states.refresh({stream: category}))[stream]
        seen[stream] = state
        return state

    async def _named(
        self, seen: dict[UUID, Any], command: Command, state: Any, refresh: bool
    ) -> dict[str, Any]:
        """Return the facts about what the command names by id, and whether the lead's pool is on.

        A pool nobody created is on: leads may have named it before there were pools.
        """
        facts: dict[str, Any] = {}
        for what in ("pool", "segment"):
            stream = _id_in(command, f"{what}_id")
            if stream is not None:
                facts[what] = await self._look(seen, stream, what, refresh)
        view = vars(command).get("view")
        if view is not None and "-" in view:
            facts["view"] = await self._look(seen, UUID(view), "view", refresh)
        other = _id_in(command, "other_lead_id")
        if other is not None:
            facts["other"] = await self._look(seen, other, "lead", refresh)
        if isinstance(command, EraseNumber):
            facts["leads"] = await self._leads_with(seen, _number(command))
        if command.needs_pool and state.pool_id is not None:
            own = await self._look(seen, UUID(state.pool_id), "pool", refresh)
            facts["pool_active"] = own.active
        return facts

    async def _leads_with(self, seen: dict[UUID, Any], number: str) -> dict[UUID, Any]:
        """Return the leads a number is or was of, as the log has them now."""
        hashes = (number_hash(self._master, number), trace_hash(self._master, number))
        found = await self._log.streams_with_numbers(hashes)
        streams = sorted({stream for held in found.values() for stream in held})
        leads = await self._states.refresh(dict.fromkeys(streams, "lead"))
        seen.update(leads)
        return leads

    async def _dnc(self, seen: dict[UUID, Any], lead: Lead, refresh: bool) -> dict[str, Any]:
        """Return the do-not-call entries of the lead's numbers."""
        entries = {}
        whatsapp = lead.personal.get("whatsapp")
        for number in numbers_of(lead) | ({whatsapp} if whatsapp else set()):
            stream = dnc_stream(self._master, number)
            entries[number] = (await self._look(seen, stream, "dnc", refresh)).entries
        return entries

    async def _duplicate(self, command: CloneLead, lead: Lead, target: Campaign) -> UUID | None:
        search = command.duplicate_search
        if search not in ("project", "everywhere") or not target.version:
            return None
        return await find_duplicate(
            self._log, self._states, lead, target, project_only=search == "project"
        )


def actor_of(principal: Principal, organisation: Organisation) -> Actor:
    """Return the caller with the role and rights they have now."""
    user = organisation.users.get(principal.user_id)
    if user is None or not user.active:
        raise Unauthenticated
    return Actor(principal.actor, user.role, user.id, user.team, user.rights)


def may_give(command: type[Command], who: Actor | Principal) -> bool:
    """Say whether their role, or a right that stands for one, lets them give this command at
    all.
    """
    return role_suffices(command, who.role, who.rights)


def require_sight(lead: Lead, actor: Actor, organisation: Organisation) -> None:
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
        return UUID(state.campaign_id), _id_in(command, "target_campaign_id")
    return _id_in(command, "campaign_id"), None


def _id_in(command: Command, field: str) -> UUID | None:
    # Asking a model for a field it lacks is dear, and most commands lack these.
    named = vars(command).get(field)
    return UUID(named) if named else None


def _number(command: Any) -> str:
    """Return the number a do-not-call command is about; what is none the decision will refuse."""
    try:
        return parse_phone(command.number)
    except NotAPhone:
        return str(command.number)
