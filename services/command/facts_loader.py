"""Everything a decision may know, gathered for it: who acts, the organisation, the campaigns,
do-not-call entries.

The version of every stream that was looked at becomes a guard of the append: if one has moved
meanwhile, the decision is made again.
"""

from collections.abc import Collection, Container, Mapping
from typing import Any, NamedTuple
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
from services.command.domain.mailing.state import Mailing
from services.command.domain.organisation.commands import DeactivateStatus
from services.command.domain.organisation.state import Organisation
from services.command.domain.phones import NotAPhone, parse_phone
from services.command.duplicates import find_duplicates
from services.command.hashes import (
    HOLD_NUMBERS,
    dnc_stream,
    favourite_stream,
    number_hash,
    trace_hash,
)
from services.command.state_cache import StateCache, Wanted
from services.kit.auth import Principal
from services.kit.clock import Clock
from services.kit.errors import NotFound, Unauthenticated
from services.kit.eventlog import EventLog
from services.kit.ids import new_id, parse_id

_FILES_KEPT = "select exists (select from job.imports where wrapped is not null)"


class World(NamedTuple):
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


class Order(NamedTuple):
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
        self,
        log: EventLog,
        states: StateCache,
        clock: Clock,
        channels: frozenset[str],
        mail_domains: frozenset[str] | None = None,
    ) -> None:
        """Take states from the cache, and what no state tells from the log; messages can be sent
        by `channels`, links to exports to `mail_domains` (see Facts).
        """
        self._log = log
        self._states = states
        self._master = log.keys.master
        self._clock = clock
        self._channels = channels
        self._mail_domains = mail_domains

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
        self,
        order: Order,
        stream: UUID,
        *,
        holder: UUID | None = None,
        refresh: bool = False,
        search: bool = True,
    ) -> World:
        """Return all a decision about the order may know; with `refresh` as the log has it now.

        holder: the lead that is known to hold the duplicate key wanted; without `search` there is
        no other. Raises NotFound when the lead is unknown or out of the actor's sight,
        Unauthenticated when the user is gone.
        """
        command = order.command
        category = command.aggregate
        is_new = command.creates and category in PLACES
        seen: dict[UUID, Any] = {}
        first = {ORGANISATION_ID: "organisation"}
        if not is_new and first.setdefault(stream, category) != category:
            raise NotFound
        await self._see(seen, first, refresh)
        organisation: Organisation = seen[ORGANISATION_ID]
        actor = order.actor or actor_of(order.principal, organisation)
        state = EMPTY[category] if is_new else seen[stream]
        if category == "lead" and not is_new:
            require_sight(state, actor, organisation)
        dnc = self._dnc_streams(command, state)
        await self._see(seen, _looked_at(command, state) | dict.fromkeys(dnc, "dnc"), refresh)
        campaign_id, target_id = campaigns_of(command, state)
        target = None if target_id is None else _as(seen, target_id, "campaign")
        if search and holder is None and isinstance(command, CloneLead):
            holder = (await self._duplicates(command, [state], target)).get(state.id)
        if holder is not None:
            await self._see(seen, {holder: "lead"}, refresh)
        facts = Facts(
            now=self._clock.now(),
            actor=actor,
            organisation=organisation,
            campaign=None if campaign_id is None else _as(seen, campaign_id, "campaign"),
            target=target,
            dnc={number: seen[entries].entries for entries, number in dnc.items()},
            new_ids=(new_id(),),
            holder=holder,
            holder_lead=None if holder is None else seen[holder],
            channels=self._channels,
            mail_domains=self._mail_domains,
            **await self._named(seen, command, state),
        )
        return World(stream, category, state, facts, seen)

    async def prepare(
        self, command: Command, leads: Collection[Lead], holders: Collection[UUID] = ()
    ) -> dict[str, UUID]:
        """Read, as the log has it now and all at once, what decisions on these leads look at.

        Returns the leads that hold the duplicate key wanted, by the id of the lead that wants it,
        where the command asks for a search. A `load` of any of them reads nothing then.
        """
        wanted: dict[UUID, str] = dict.fromkeys(holders, "lead")
        for lead in {(one.campaign_id, one.pool_id): one for one in leads}.values():
            wanted |= _looked_at(command, lead)
        for lead in leads if command.needs_dnc else ():
            wanted |= dict.fromkeys(self._dnc_streams(command, lead), "dnc")
        seen = await self._states.refresh(wanted)
        if not isinstance(command, CloneLead):
            return {}
        found = await self._duplicates(
            command, leads, seen.get(parse_id(command.target_campaign_id))
        )
        await self._states.refresh(dict.fromkeys(found.values(), "lead"))
        return found

    async def _see(self, seen: dict[UUID, Any], wanted: Wanted, anew: bool) -> None:
        """Look at streams: what is at hand as remembered, unless `anew`, the rest by one query.

        What was seen as something else stays that: a lead's id is no pool's (`_as`).
        """
        wanted = {
            stream: category
            for stream, category in wanted.items()
            if stream not in seen or type(seen[stream]) is type(EMPTY[category])
        }
        missing: Wanted = wanted
        if not anew:
            missing = {}
            for stream, category in wanted.items():
                state = self._states.peek(category, stream)
                if state is None:
                    missing[stream] = category
                else:
                    seen[stream] = state
        if missing:
            seen.update(await self._states.refresh(missing))

    async def _named(self, seen: dict[UUID, Any], command: Command, state: Any) -> dict[str, Any]:
        """Return the facts about what the command names by id, and whether the lead's pool is on.

        A pool nobody created is on: leads may have named it before there were pools.
        """
        facts: dict[str, Any] = {
            fact: _as(seen, *named) for fact, named in _named_by(command, state).items()
        }
        if isinstance(command, EraseNumber):
            facts["leads"] = await self._leads_with(seen, _number(command))
            number = _number(command)
            facts["files_kept"] = await self._log.pool.fetchval(_FILES_KEPT)
            for fact, category in (
                ("payloads", "quarantine"),
                ("views", "view"),
                ("segments", "segment"),
                ("exports", "export"),
            ):
                key = HOLD_NUMBERS[category](self._master, number)
                facts[fact] = await self._holding(seen, category, key)
        if isinstance(command, DeactivateStatus):
            campaigns = dict.fromkeys(await self._log.streams_of("campaign"), "campaign")
            facts["campaigns"] = await self._states.refresh(campaigns)
            seen.update(facts["campaigns"])
        if command.needs_pool and state.pool_id is not None:
            facts["pool_active"] = _as(seen, parse_id(state.pool_id), "pool").active
        return facts

    async def _leads_with(self, seen: dict[UUID, Any], number: str) -> dict[UUID, Any]:
        """Return the leads a number is or was of, as the log has them now."""
        hashes = (number_hash(self._master, number), trace_hash(self._master, number))
        found = await self._log.streams_with_numbers(hashes)
        streams = sorted({stream for held in found.values() for stream in held})
        leads = await self._states.refresh(dict.fromkeys(streams, "lead"))
        seen.update(leads)
        return leads

    async def _holding(
        self, seen: dict[UUID, Any], category: str, number: bytes
    ) -> dict[UUID, Any]:
        """Return the streams of a category that hold a number, given by its keyed hash."""
        found = await self._log.streams_with_numbers([number])
        streams = sorted({stream for held in found.values() for stream in held})
        holding = await self._states.refresh(dict.fromkeys(streams, category))
        seen.update(holding)
        return holding

    def _dnc_streams(self, command: Command, lead: Lead) -> dict[UUID, str]:
        """Return the streams of the do-not-call entries of the lead's numbers, with the numbers."""
        if not command.needs_dnc:
            return {}
        whatsapp = lead.personal.get("whatsapp")
        numbers = numbers_of(lead) | ({whatsapp} if whatsapp else set())
        return {dnc_stream(self._master, number): number for number in numbers}

    async def _duplicates(
        self, command: CloneLead, leads: Collection[Lead], target: Campaign | None
    ) -> dict[str, UUID]:
        search = command.duplicate_search
        if search not in ("project", "everywhere") or target is None or not target.version:
            return {}
        return await find_duplicates(
            self._log, self._states, leads, target, project_only=search == "project"
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
        return parse_id(state.campaign_id), _id_in(command, "target_campaign_id")
    return _id_in(command, "campaign_id"), None


def _looked_at(command: Command, state: Any) -> dict[UUID, str]:
    """Return the streams a decision looks at beside its own, but for do-not-call entries.

    An id given as two things is that of the campaign it stands for: a pool's id beside it is none.
    """
    streams = dict(_named_by(command, state).values())
    streams.update({one: "campaign" for one in campaigns_of(command, state) if one is not None})
    if command.needs_pool and state.pool_id is not None:
        streams[parse_id(state.pool_id)] = "pool"
    return streams


def _named_by(command: Command, state: Any) -> dict[str, tuple[UUID, str]]:
    """Return the streams the command names, or the mailing it addresses, by the fact each is."""
    named = {}
    for fact, field, category in _NAMED:
        stream = _id_in(command, field)
        if stream is not None:
            named[fact] = (stream, category)
    view = state.view if isinstance(state, Mailing) else None
    view = vars(command).get("view") or view
    if view is not None and "-" in view:
        named["view"] = (parse_id(view), "view")
    return named


_NAMED = (
    ("pool", "pool_id", "pool"),
    ("segment", "segment_id", "segment"),
    ("other", "other_lead_id", "lead"),
)


def _as(seen: Mapping[UUID, Any], stream: UUID, category: str) -> Any:
    """Return what was seen of a stream named as one of a category; as what it is not, it is
    nothing, and the decision says which field names nothing.
    """
    state = seen[stream]
    return state if type(state) is type(EMPTY[category]) else EMPTY[category]


def _id_in(command: Command, field: str) -> UUID | None:
    # Asking a model for a field it lacks is dear, and most commands lack these.
    named = vars(command).get(field)
    return parse_id(named) if named else None


def _number(command: Any) -> str:
    """Return the number a do-not-call command is about; what is none the decision will refuse."""
    try:
        return parse_phone(command.number)
    except NotAPhone:
        return str(command.number)
