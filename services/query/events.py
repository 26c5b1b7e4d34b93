"""Everything that happened, oldest first, for integrators: the whole log by a cursor (a position),
leads, campaigns, the organisation, lists of numbers, jobs and views alike.

Each event is for those who may read what it is about, and tells them no more than that.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import orjson
from fastapi import FastAPI, Query, Request
from pydantic import AfterValidator, Field
from starlette.responses import Response

from schemas.catalogue import EVENTS
from schemas.envelope import decode_origin
from schemas.rights import callable_owners
from services.kit import errors
from services.query import answers, dnc, quarantine
from services.query.blast_radius import Because
from services.query.causes import Cause, cause_of
from services.query.changes import complete
from services.query.masking import mask_event
from services.query.parameters import LIMIT_DEFAULT, Actor, Current, Limit, Position
from services.query.reading import Asked, Reading, answer
from services.query.sight import sight_condition
from services.query.sql import Arguments

Category = Literal[
    "lead",
    "campaign",
    "organisation",
    "dnc",
    "quarantine",
    "bulk",
    "pool",
    "segment",
    "view",
    "favourite",
    "export",
    "mailing",
    "import",
]
CATEGORIES: tuple[Category, ...] = get_args(Category)
FOR_EVERYBODY: tuple[Category, ...] = ("campaign", "organisation", "pool", "segment")
"""What everybody of the organisation may read anyway; of what is named nowhere nothing is told."""


def _known_kind(name: str) -> str:
    if name not in EVENTS:
        category = name.partition(".")[0]
        listed = [kind for kind in EVENTS if kind.partition(".")[0] == category] or CATEGORIES
        raise ValueError(f"there is no kind of event {name}; there are: {', '.join(listed)}")
    return name


EventKind = Annotated[
    str, Field(pattern=r"^[a-z]{1,20}\.[a-z_]{1,60}$"), AfterValidator(_known_kind)
]
LOOKED_AT_MAX = 20_000
"""A page goes no further through the log than this, whatever it finds; where an index knows what
comes next, it begins there (`_ahead`).
"""
_SAID = "convert_from(e.meta, 'UTF8')::jsonb ->>"
_BESIDE_LEADS = "e.type not like 'lead.%'"
"""The condition of the index on what happens to anything but leads."""

_SECRETS: Mapping[str, frozenset[str]] = {
    "organisation.api_key_issued": frozenset({"secret_hash"}),
}
SEE_ALL_JOBS = frozenset({"admin", "auditor"})


class EventParameters(Current):
    """Events after position `after`, oldest first: of these categories, kinds (`lead.created`),
    actors and with this cause, or all there are.
    """

    after: Position = 0
    category: list[Category] = Field(default=[], max_length=len(CATEGORIES))
    kind: list[EventKind] = Field(default=[], max_length=100)
    actor: list[Actor] = Field(default=[], max_length=50)
    cause: Because | None = None
    limit: Limit = LIMIT_DEFAULT


class HappenedEvent(answers.Shape):
    """One event. `stream_id` names what it happened to: a lead's id for category `lead`.

    `data` are its fields without the personal ones, which stay in the log: read the lead for them.
    """

    position: int
    category: Category
    stream_id: UUID
    version: int
    kind: str
    happened_at: datetime
    recorded_at: datetime
    actor: str
    cause: str
    because: Cause
    data: dict[str, Any]


class EventPage(answers.Shown):
    """One page of events. Ask for those after `next` to go on; `more` says whether the answer's
    `position` is still ahead. A page may be empty though there is more: nothing on that stretch is
    for you. For who sees every lead, a page of a cause, an actor, or of categories without leads
    begins where the next such event is, however far that is.
    """

    events: list[HappenedEvent]
    next: int
    more: bool


def _visible(asked: Asked, arguments: Arguments) -> str:
    """Return the condition on an event `e` of a category: that its reader may read what it is
    about.
    """
    who = asked.principal
    seen = sight_condition(asked.sight, arguments)
    # Who sees everything also sees leads that are parked and have no row yet.
    lead = "true" if asked.sight.everything else _LEAD.format(seen)
    me = arguments.add(UUID(who.user_id), "uuid")
    above = asked.directory.teams.ancestors(who.team_id)
    shared = arguments.add(sorted(callable_owners(who.user_id, who.team_id, above)), "text[]")
    parts = {
        "lead": lead,
        "bulk": "true" if who.role in SEE_ALL_JOBS else _JOB.format(me=me),
        "export": "true" if who.role in SEE_ALL_JOBS else _JOB.format(me=me),
        "import": "true" if who.role in SEE_ALL_JOBS else _JOB.format(me=me),
        "mailing": "true" if who.role in SEE_ALL_JOBS else _JOB.format(me=me),
        "view": _VIEW.format(me=me, shared=shared),
        "favourite": _FAVOURITE.format(me=me),
        "dnc": "true" if who.role in dnc.ROLES else "false",
        "quarantine": "true" if who.role in quarantine.ROLES else "false",
    }
    parts |= dict.fromkeys(FOR_EVERYBODY, "true")
    cases = " ".join(f"when '{name}' then {condition}" for name, condition in parts.items())
    return f"case {_CATEGORY} {cases} else false end"


_CATEGORY = "split_part(e.type, '.', 1)"
_LEAD = "exists (select from read.lead l where l.lead_id = e.stream_id and {})"
_JOB = (
    "exists (select from log.events j where j.stream_id = e.stream_id and j.version = 1"
    " and convert_from(j.data, 'UTF8')::jsonb ->> 'by' = {me}::text)"
)
# Whom a view is shared with only its owner hears.
_VIEW = (
    "exists (select from read.view v where v.view_id = e.stream_id and (v.owner = {me}"
    " or (not v.deleted and v.shares ?| {shared}"
    " and e.type not in ('view.shared', 'view.share_ended'))))"
)
_FAVOURITE = (
    "exists (select from read.favourite f where f.favourite_id = e.stream_id and f.user_id = {me})"
)
_COLUMNS = (
    "e.position, e.stream_id, e.version, e.type, e.happened_at, e.recorded_at, e.meta, e.data"
)


async def _page(asked: Asked, given: EventParameters) -> Response:
    if given.after > asked.head:
        detail = errors.Detail("no-such-position", f"the log ends at {asked.head}", "/query/after")
        raise errors.Invalid(f"There is no position {given.after} yet.", [detail])
    found, upto = await _stretch(asked, given, given.after)
    if not found and upto < asked.position and asked.sight.everything:
        ahead = await _ahead(asked, given, upto)
        if ahead > upto:
            found, upto = await _stretch(asked, given, ahead)
    reached = found[-1]["position"] if len(found) == given.limit else upto
    content = {
        "events": [_shown(asked, row) for row in found],
        "next": reached,
        "more": reached < asked.position,
        **asked.currency(),
    }
    return answer(content)


def _wanted(asked: Asked, given: EventParameters, arguments: Arguments) -> str:
    """Return the condition on an event `e`: what was asked for, of what the caller may read."""
    parts = []
    if given.category:
        parts.append(f"{_CATEGORY} = any({arguments.add(list(given.category), 'text[]')})")
    if given.kind:
        parts.append(f"e.type = any({arguments.add(list(given.kind), 'text[]')})")
    if given.actor:
        parts.append(f"{_SAID} 'actor' = any({arguments.add(list(given.actor), 'text[]')})")
    if given.cause is not None:
        parts.append(f"{_SAID} 'cause' = {arguments.add(given.cause, 'text')}")
    return " and ".join((*parts, _visible(asked, arguments)))


async def _stretch(asked: Asked, given: EventParameters, after: int) -> tuple[list[Any], int]:
    """Return what is found on the stretch after a position, and how far it was looked."""
    upto = max(min(after + LOOKED_AT_MAX, asked.position), after)
    arguments = Arguments()
    stretch = (
        f"e.position > {arguments.add(after, 'int8')}"
        f" and e.position <= {arguments.add(upto, 'int8')} and"
    )
    wanted = _wanted(asked, given, arguments)
    limit = arguments.add(given.limit, "int8")
    pieces = ("select", _COLUMNS, "from log.events e where", stretch, wanted)
    order = ("order by e.position limit", limit)
    return await asked.connection.fetch(" ".join((*pieces, *order)), *arguments.values), upto


async def _ahead(asked: Asked, given: EventParameters, upto: int) -> int:
    """Return a position beyond `upto` up to which nothing is wanted, by the indexes of causes,
    actors and of what is not about leads; `upto` when they do not know.

    Only for who sees every lead: to others the place would tell of what is out of their sight.
    """
    categories = given.category or CATEGORIES
    places = [asked.position]
    if "lead" in categories and any(kind.startswith("lead.") for kind in given.kind or ("lead.",)):
        if given.cause is None and not given.actor:
            return upto
        by, value = ("cause", [given.cause]) if given.cause else ("actor", given.actor)
        place = await asked.connection.fetchval(_OF_LEADS[by], upto, value)
        if place is not None:
            places.append(place - 1)
    if set(categories) != {"lead"}:
        arguments = Arguments()
        wanted = _wanted(asked, given, arguments)
        after, until, most = (
            arguments.add(number, "int8") for number in (upto, asked.position, LOOKED_AT_MAX)
        )
        row = await asked.connection.fetchrow(
            " ".join(
                (
                    "select min(position) filter (where fits) as found, max(position) as last,",
                    f"count(*) = {most} as more from (select e.position, {wanted} as fits",
                    f"from log.events e where {_BESIDE_LEADS} and e.position > {after}",
                    f"and e.position <= {until} order by e.position limit {most}) as looked",
                )
            ),
            *arguments.values,
        )
        if row["found"] is not None:
            places.append(row["found"] - 1)
        elif row["more"]:
            places.append(row["last"])
    return max(min(places), upto)


_PARKED = """
    (select min(e.position) from read.parked p join log.events e on e.stream_id = p.stream_id
      where e.position > $1)
"""
"""Leads that stand still have no entries in the read model of logs."""
_CAUSED = """
    (select min(g.position) from read.lead_log g
      where hashtext(g.cause) = hashtext(($2::text[])[1]) and g.cause = ($2::text[])[1]
        and g.position > $1)
"""
_ACTED = """
    (select min(first.position) from unnest($2::text[]) as who(actor), lateral
      (select g.position from read.lead_log g
        where hashtext(g.actor) = hashtext(who.actor) and g.actor = who.actor and g.position > $1
        order by g.position limit 1) as first)
"""
_OF_LEADS: Mapping[str, str] = {
    name: " ".join(("select least(", places, ",", _PARKED, ")"))
    for name, places in (("cause", _CAUSED), ("actor", _ACTED))
}
"""The next position of an event of a lead, by its cause or by who did it."""


def _shown(asked: Asked, row: Any) -> dict[str, Any]:
    kind = row["type"]
    category = kind.partition(".")[0]
    origin = decode_origin(row["meta"])
    data = complete(kind, orjson.loads(row["data"]), None)
    if not asked.shows_phones:
        loose = category != "lead"
        data = mask_event(kind, data, asked.directory.kinds, personal=loose)
    secrets = _SECRETS.get(kind, ())
    return {
        "position": row["position"],
        "category": category,
        "stream_id": row["stream_id"],
        "version": row["version"],
        "kind": kind,
        "happened_at": row["happened_at"],
        "recorded_at": row["recorded_at"],
        "actor": origin.actor,
        "cause": origin.cause,
        "because": cause_of(origin.cause),
        "data": {name: value for name, value in data.items() if name not in secrets},
    }


def install(app: FastAPI, reading: Reading) -> None:
    """Add the route of the whole log."""

    @app.get("/v1/events", tags=["audit"], responses={200: {"model": EventPage}})
    async def read_events(request: Request, given: Annotated[EventParameters, Query()]) -> Response:
        """Read what happened after a position, oldest first, in all that you may read."""
        async with reading.asked(request, given.min_position) as asked:
            return await _page(asked, given)
