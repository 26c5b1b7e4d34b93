"""What a run of rows comes to: the decisions of the single commands, with what they look at read at
once for all of them, each on what those before it leave.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from schemas.envelope import Origin
from schemas.event import Event
from schemas.organisation import ORGANISATION_ID
from services.command.aggregates import AGGREGATES, EMPTY
from services.command.domain.decider import Command, Elsewhere, Reason, Refused, decide
from services.command.domain.facts import Actor, Facts
from services.command.domain.imports.commands import may_import
from services.command.domain.imports.state import Import
from services.command.domain.lead.claims import numbers_of
from services.command.domain.lead.contacts import AddContact, RemoveContact
from services.command.domain.lead.fields import UpdateFields
from services.command.domain.lead.numbers import ChangePhone
from services.command.domain.lead.state import Lead
from services.command.domain.phones import NotAPhone, parse_phone
from services.command.facts_loader import World
from services.command.handler import Commanding
from services.command.hashes import claim_hash
from services.command.imports.reading import Row
from services.command.imports.rows import LeadSource, RowReader, Wanted, told
from services.command.imports.settings import ImportSettings
from services.command.imports.tables import Run
from services.command.planning import Plan, plan
from services.command.seen import Seen
from services.kit.clock import Clock
from services.kit.http import failure
from services.kit.ids import named_id, numbered_id
from services.kit.telemetry import logger

OUTCOMES = {
    "c": "created", "u": "updated", "n": "unchanged", "s": "skipped", "r": "refused", "-": "blank",
}  # fmt: skip
HEADER = "h"
REPEATED_MAX = 20_000
"""So many leads, of some 3 kB each, does a preview keep for rows further down."""

NO_LEAD = UUID(int=0)
"""Stands for a lead that a preview would have made."""

BROKEN = Reason("decision-failed", "The service failed on this row; tell the operators.")


class Unauthorised(PermissionError):
    """Who uploaded the file may not import any more."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What all rows of a run share: facts as they are now, and the states they come from."""

    facts: Facts
    seen: Mapping[UUID, Any]
    version: int


@dataclass(slots=True)
class Touched:
    """A lead that rows of the run have to do with: what it was, and what happens to it."""

    before: Lead
    events: list[Event] = field(default_factory=list)
    now: Lead | None = None


@dataclass(slots=True)
class Pending:
    """What the run before leaves, that the log may not show yet: claims and leads it changed.

    The rest is of a preview, where nothing is appended. previewed: keys of the leads that all runs
    before would make or change. repeated: those that rows of a later run have too; `claims` and
    `states` hold what becomes of their leads from the row on at which it is known that they are.
    """

    claims: dict[bytes, UUID] = field(default_factory=dict)
    states: dict[UUID, Lead] = field(default_factory=dict)
    previewed: Seen | None = None
    repeated: set[int] = field(default_factory=set)

    def keep(self, keys: Collection[bytes], held: Mapping[bytes, UUID], decided: "Decided") -> None:
        """Remember of a run that was previewed what later runs of the file rest on."""
        assert self.previewed is not None
        again = {number_of(key) for key in keys if number_of(key) in self.previewed}
        self.repeated.update(sorted(again)[: REPEATED_MAX - len(self.repeated)])
        changed = decided.pending().states
        for key in keys:
            lead = decided.claims.get(key, held.get(key, NO_LEAD))
            if lead not in changed:
                continue
            self.previewed.add(number_of(key))
            if number_of(key) in self.repeated:
                self.claims[key], self.states[lead] = lead, changed[lead]


@dataclass(slots=True)
class Decided:
    """What a run of rows comes to."""

    first: int
    outcomes: list[str] = field(default_factory=list)
    reasons: list[Any] = field(default_factory=list)
    leads: list[UUID] = field(default_factory=list)
    cells: list[Any] = field(default_factory=list)
    claims: dict[bytes, UUID] = field(default_factory=dict)
    made: Plan | None = None

    def run(self) -> Run:
        """Return the outcomes as they are kept."""
        return Run(self.first, "".join(self.outcomes), self.reasons, self.leads, self.cells)

    def pending(self) -> Pending:
        """Return what a run after this one must know of it."""
        states = {} if self.made is None else self.made.states
        return Pending(self.claims, {stream: state for stream, (_, state) in states.items()})


def number_of(key: bytes) -> int:
    """Return the part of a keyed hash by which a preview remembers it."""
    return int.from_bytes(key[:8])


class ImportJudge:
    """Decides on the rows of one import, with the rights of who uploaded it."""

    def __init__(self, commanding: Commanding, clock: Clock, one: Import) -> None:
        """Decide on states of `commanding`, at the times of `clock`."""
        self._log = commanding.log
        self._states = commanding.states
        self._clock = clock
        self._master = commanding.log.keys.master
        self.one = one
        self.stream = UUID(one.id)
        self.origin = Origin(f"user:{one.by}", f"import:{one.id}")
        assert one.settings is not None, "what is not mapped is not decided on"
        self.stage = one.stage
        self.lead_source: LeadSource = "upload"
        self.settings = ImportSettings.model_validate_json(orjson.dumps(one.settings))

    def lead_of(self, row: int) -> UUID:
        """Return the id of the lead that a row makes."""
        return lead_of(self.stream, row)

    async def moment(self) -> Moment:
        """Look at organisation, campaign, pool and the import itself as they are now.

        Raises Unauthorised when the user may not import any more.
        """
        one = self.one
        wanted = {ORGANISATION_ID: "organisation", UUID(one.campaign_id): "campaign",
                  self.stream: "import"}  # fmt: skip
        if one.pool_id:
            wanted[UUID(one.pool_id)] = "pool"
        seen = await self._states.refresh(wanted)
        self.stage = seen[self.stream].stage
        organisation = seen[ORGANISATION_ID]
        user = organisation.users.get(one.by)
        if user is None or not user.active:
            raise Unauthorised
        actor = Actor(f"user:{user.id}", user.role, user.id, user.team, user.rights)
        if not may_import(actor):
            raise Unauthorised
        pool = seen[UUID(one.pool_id)] if one.pool_id else None
        facts = Facts(self._clock.now(), actor, organisation,
                      campaign=seen[UUID(one.campaign_id)], pool=pool)  # fmt: skip
        return Moment(facts, seen, seen[self.stream].version)

    def reader(self, moment: Moment) -> RowReader:
        """Return what turns rows into commands, for the campaign as it is."""
        assert moment.facts.campaign is not None
        pool = self.one.pool_id or None
        template = moment.facts.campaign.template
        return RowReader(self.settings, self.one.campaign_id, template, pool, self.lead_source)

    async def decide(
        self,
        first: int,
        rows: Sequence[Row],
        header: int,
        pending: Pending,
        earlier: Mapping[int, UUID],
    ) -> Decided:
        """Decide on a run of rows that begins with row `first`.

        header: the row that names the columns. earlier: leads of rows that were done when the same
        file came before.
        """
        moment = await self.moment()
        reader = self.reader(moment)
        wanted = [self._wanted(reader, row, header, earlier) for row in rows]
        keys = {
            place: claim_hash(self._master, one.claim)
            for place, one in enumerate(wanted)
            if isinstance(one, Wanted) and one.claim is not None
        }
        found = await self._log.holders(keys.values()) if keys else {}
        held = {**found, **pending.claims}
        if pending.previewed is not None:
            seen = {key: NO_LEAD for key in keys.values() if number_of(key) in pending.previewed}
            held = {**seen, **held}
        work = _Work(self, moment, reader, Decided(first))
        if self.settings.duplicates != "skip":
            await self._load(work, {held[key] for key in keys.values() if key in held}, pending)
        for place, (row, one) in enumerate(zip(rows, wanted, strict=True)):
            key = keys.get(place)
            holder = None if key is None else work.decided.claims.get(key, held.get(key))
            work.take(row, one, key, holder)
        work.decided.made = self._plan(work)
        if pending.previewed is not None:
            pending.keep(set(keys.values()), held, work.decided)
        return work.decided

    def _wanted(
        self, reader: RowReader, row: Row, header: int, earlier: Mapping[int, UUID]
    ) -> "Wanted | list[Reason] | UUID | str":
        if row.number == header:
            return HEADER
        if row.is_blank:
            return "-"
        return earlier[row.number] if row.number in earlier else reader.read(row)

    async def _load(self, work: "_Work", leads: Collection[UUID], pending: Pending) -> None:
        """Read the leads that rows of the run may update."""
        missing = [lead for lead in leads if lead not in pending.states]
        states = await self._states.refresh(dict.fromkeys(missing, "lead"))
        for lead, state in {**states, **pending.states}.items():
            if lead in leads:
                work.touched[lead] = Touched(state, now=state)

    def _plan(self, work: "_Work") -> Plan:
        """Return what must be stored for the run."""
        parts = [
            Elsewhere(stream, "lead", one.before.version, tuple(one.events))
            for stream, one in work.touched.items()
            if one.events
        ]
        before = {stream: one.before for stream, one in work.touched.items() if one.before.version}
        changed = {part.stream_id for part in parts}
        seen = {**work.moment.seen, **{one: before[one] for one in before if one in changed}}
        world = World(self.stream, "import", work.moment.seen[self.stream], work.moment.facts, seen)
        return plan(world, parts, self.origin, self._master)


@dataclass(slots=True)
class _Work:
    """A run while it is decided on, row after row."""

    judge: ImportJudge
    moment: Moment
    reader: RowReader
    decided: Decided
    touched: dict[UUID, Touched] = field(default_factory=dict)

    def take(
        self,
        row: Row,
        wanted: "Wanted | list[Reason] | UUID | str",
        key: bytes | None,
        holder: UUID | None,
    ) -> None:
        """Decide on a row and note its outcome."""
        if isinstance(wanted, str):
            self.decided.outcomes.append(wanted)
        elif isinstance(wanted, UUID):
            self._note("n", wanted)
        elif isinstance(wanted, list):
            self._refuse(row, wanted)
        else:
            try:
                self._decide(row, wanted, key, holder)
            except Refused as refused:
                self._refuse(row, refused.reasons, holder)
            except Exception as error:  # noqa: BLE001 - one row's fault never ends a file of many
                logger().error("import-row-failed", row=row.number, **failure(error))
                self._refuse(row, [BROKEN], holder)

    def _decide(self, row: Row, wanted: Wanted, key: bytes | None, holder: UUID | None) -> None:
        if holder is None:
            events = decide(_NOBODY, wanted.command, self.moment.facts)
            lead = self.judge.lead_of(row.number)
            self.touched[lead] = Touched(_NOBODY, [one for one in events if isinstance(one, Event)])
            if key is not None:
                self.decided.claims[key] = lead
            self.decided.outcomes.append("c")
        elif self.judge.settings.duplicates == "skip":
            self._note("s", holder)
        elif holder == NO_LEAD or holder not in self.touched:
            self._note("u", holder)  # A preview cannot look at a lead that it did not make.
        else:
            changed = self._change(holder, self.touched[holder], wanted)
            self._note("u" if changed else "n", holder)

    def _change(self, holder: UUID, touched: Touched, wanted: Wanted) -> bool:
        """Give the lead what the row says; whether anything changes. All of it or nothing."""
        now = touched.now or self._after(holder, _NOBODY, touched.events)
        events: list[Event] = []
        reasons: list[Reason] = []
        for command in _commands(now, wanted, self.reader.maps_contacts, self.judge.settings):
            try:
                made = [one for one in decide(now, command, self.moment.facts)
                        if isinstance(one, Event)]  # fmt: skip
            except Refused as refused:
                reasons += [one for one in refused.reasons if one not in reasons]
                continue
            now = self._after(holder, now, made)
            events += made
        if reasons:
            raise Refused(reasons)
        touched.events += events
        touched.now = now
        return bool(events)

    def _after(self, stream: UUID, lead: Lead, events: Sequence[Event]) -> Lead:
        if not events:
            return lead
        placed = [
            event.placed(stream, version, self.moment.facts.now)
            for version, event in enumerate(events, lead.version + 1)
        ]
        found: Lead = AGGREGATES["lead"].fold(placed, self.judge.origin.actor, lead)
        return found

    def _note(self, letter: str, lead: UUID) -> None:
        self.decided.outcomes.append(letter)
        self.decided.leads.append(lead)

    def _refuse(self, row: Row, reasons: Sequence[Reason], lead: UUID | None = None) -> None:
        """Note a refusal, and the lead the row was about: what is kept of it goes with that."""
        self.decided.outcomes.append("r")
        self.decided.reasons.append([row.number, told(reasons)])
        about = [] if lead in (None, NO_LEAD) else [str(lead)]
        self.decided.cells.append([row.number, row.cells, *about])


_NOBODY: Lead = EMPTY["lead"]


def _commands(
    lead: Lead, wanted: Wanted, maps_contacts: bool, settings: ImportSettings
) -> list[Command]:
    """Return the commands that bring a lead to what a row says of it."""
    command, replaced = wanted.command, settings.duplicates == "replace"
    unset = tuple(name for name in wanted.emptied if replaced and lead.value(name) is not None)
    commands: list[Command] = [UpdateFields(set=dict(command.fields), unset=unset)]
    region = command.default_region
    if command.phone is not None:
        commands.append(ChangePhone(phone=command.phone, default_region=region))
    if not maps_contacts:
        return commands
    known, named = numbers_of(lead), set[str]()
    for contact in command.contacts:
        number = _number(contact.phone, region)
        named.add(number)
        if number not in known:
            commands.append(
                AddContact(phone=contact.phone, default_region=region, fields=contact.fields)
            )
    if replaced:
        gone = [one for one in lead.contacts if one.phone not in named]
        commands[1:1] = [RemoveContact(contact=one.id) for one in gone]
    return commands


def _number(text: str, region: str | None) -> str:
    try:
        return parse_phone(text, region)
    except NotAPhone:
        return text  # It is no number of the lead's, and adding it will say why.


def lead_of(base: UUID, row: int) -> UUID:
    """Return the id of the lead that a row of an import makes (a UUID of version 8, RFC 9562).

    The same one however often it is made. It begins as the import's own id does and goes on with
    the row, so that leads made together lie together in an index; the rest is drawn from both.
    """
    number = int.from_bytes(base.bytes[:6]) << 80 | 8 << 76 | (row >> 20 & 0xFFF) << 64 | 2 << 62
    drawn = named_id(base, str(row)).int & (1 << 42) - 1
    return numbered_id(number | (row & 0xFFFFF) << 42 | drawn)
