"""What an agent dials next: leads of a campaign in the order of dialling (rules 1, 10, 17, 18).

A read tells what may be dialled as far as rows tell it; StartCall decides. Leads in zones whose
hours are closed are passed over by the index, never one by one (schemas/tables/dial_list.sql).
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import FastAPI, Query, Request
from pydantic import Field
from starlette.responses import Response

from schemas.dialling_hours import DiallingHours, zone_named
from schemas.number_zones import plausible_zones
from schemas.rights import callable_owners
from services.kit import errors
from services.query import answers, rows
from services.query.parameters import Current, Id, Whole
from services.query.reading import Asked, Reading, answer
from services.query.sight import sight_condition
from services.query.sql import Arguments
from services.query.wall import beside_wall, lower_wall

LIMIT_MAX = 200
WINDOW = 100
"""So many leads are looked at at least, so that equally urgent ones can be spread over agents."""

COLUMNS = (
    "lead_id", "version", "campaign_id", "segment_id", "pool_id", "owner", "status", "priority",
    "next_dial_at", "callback_at", "callback_agent", "reserved_for", "passes", "name", "phone",
)  # fmt: skip
FOR_DIALERS = ("lead_id", "version", "status", "priority", "next_dial_at", "passes")
"""A dialer sees nothing of a lead, but is told which to start."""

_SELECTED = ", ".join(f"l.{name}" for name in (*COLUMNS, "dial_from", "dial_until", "dial_zone"))

LEFT_TO_START_CALL = (
    "attempts-per-number", "attempts-per-day", "do-not-call of secondary contacts",
    "what changed since the position of this answer",
)  # fmt: skip


class DialListParameters(Current):
    """Whose list, of which campaign; with a segment only its leads."""

    campaign: Id
    segment: Id | None = None
    agent: Annotated[Id | None, Field(description="Without it, you.")] = None
    limit: Annotated[Whole, Field(ge=1, le=LIMIT_MAX)] = 20


class WhyEmpty(answers.Shape):
    """Why nothing of the campaign or segment is dialled now."""

    code: str
    text: str


class DialList(answers.Shown):
    """The next leads, the most urgent first; `reasons` when none may be dialled now.

    `left_to_start_call` are checks only a call itself makes.
    """

    agent: str
    leads: list[dict[str, Any]]
    reasons: list[WhyEmpty]
    left_to_start_call: list[str]


@dataclass(frozen=True, slots=True)
class _Asking:
    """An agent in a campaign at a moment."""

    asked: Asked
    given: DialListParameters
    agent: str
    owners: Sequence[str]
    campaign: Any
    hours: DiallingHours | None

    @property
    def now(self) -> datetime:
        return self.asked.now


async def dial_list(asked: Asked, given: DialListParameters) -> dict[str, Any]:
    """Return the next leads for the agent."""
    agent, owners = await _agent(asked, given.agent)
    if asked.principal.role == "dialer":
        await lower_wall(asked.connection, asked.sight)
    campaign = await asked.connection.fetchrow(_CAMPAIGN, UUID(given.campaign))
    if campaign is None:
        raise errors.NotFound
    stored = campaign["hours"]
    hours = None if stored is None else DiallingHours.from_stored(orjson.loads(stored))
    asking = _Asking(asked, given, agent, owners, campaign, hours)
    reasons = [*_why_not_campaign(asking), *await _why_not_segment(asking)]
    found: list[Any] = []
    if not reasons:
        zones, closed = await _zones(asking)
        if zones:
            found = await _leads(asking, zones)
        elif closed:
            text = "It is outside the campaign's dialling hours for all of its leads."
            reasons = [("outside-dialling-hours", text)]
    columns = FOR_DIALERS if asked.principal.role == "dialer" else COLUMNS
    kinds, phones = asked.directory.kinds, asked.shows_phones
    return {
        "agent": agent,
        "leads": [
            rows.shown({name: row[name] for name in columns}, kinds, phones) for row in found
        ],
        "reasons": [{"code": code, "text": text} for code, text in reasons],
        "left_to_start_call": LEFT_TO_START_CALL,
        **asked.currency(),
    }


async def _agent(asked: Asked, wanted: str | None) -> tuple[str, list[str]]:
    """Return the agent and whose leads they may call; raises Forbidden, Invalid."""
    principal = asked.principal
    agent = wanted or principal.user_id
    if principal.role not in ("agent", "team_leader", "admin", "dialer"):
        raise errors.Forbidden("Agents have a dial list, and those who lead or serve them.")
    if principal.role == "agent" and agent != principal.user_id:
        raise errors.Forbidden("Agents can ask for their own dial list only.")
    row = await asked.connection.fetchrow(_AGENT, agent)
    team = None if row is None else row["team_id"]
    tree = asked.directory.teams
    within = principal.role != "team_leader" or team in tree.subtree(principal.team_id)
    if team is None or not row["active"] or not within:
        detail = errors.Detail("unknown-agent", "there is no such agent for you", "/query/agent")
        raise errors.Invalid("There is no such agent.", [detail])
    return agent, sorted(callable_owners(agent, team, tree.ancestors(team)))


def _why_not_campaign(asking: _Asking) -> Iterable[tuple[str, str]]:
    campaign = asking.campaign
    if not campaign["active"]:
        yield "campaign-inactive", "The campaign is off."
    if campaign["active_from"] is not None and asking.now < campaign["active_from"]:
        yield "campaign-not-begun", "The campaign has not begun."
    if campaign["active_until"] is not None and asking.now >= campaign["active_until"]:
        yield "campaign-ended", "The campaign has ended."


async def _why_not_segment(asking: _Asking) -> Iterable[tuple[str, str]]:
    if asking.given.segment is None:
        return ()
    segment = await asking.asked.connection.fetchrow(
        "select active, agents ? $2 as named from read.segment where segment_id = $1",
        UUID(asking.given.segment),
        asking.agent,
    )
    if segment is None:
        raise errors.NotFound
    reasons = []
    if not segment["active"]:
        reasons.append(("segment-inactive", "The segment is off."))
    if not segment["named"]:
        reasons.append(("segment-not-for-agent", "The agent may not pick that segment."))
    return reasons


async def _zones(asking: _Asking) -> tuple[list[int], bool]:
    """Return the zones of the campaign's leads in which it is a time to dial, and whether there
    are others.
    """
    asked, campaign = asking.asked, UUID(asking.given.campaign)
    # Beside the wall, which would have it look at all leads of others to find where the next zone
    # begins; which leads there are in a zone is read behind it.
    async with beside_wall(asked.connection, asked.sight):
        found = await asked.connection.fetch(_ZONES, campaign, asking.now)
    hours, now = asking.hours, asking.now
    # Of a number whose beginning tells no zone, StartCall's own table may know one; of what leads
    # say, only names of zones count.
    known = [(zone, [one for one in zones or () if zone_named(one)]) for zone, zones in found]
    is_open = [
        zone
        for zone, zones in known
        if hours is None or not zones or hours.open_in_every_zone(now, zones)
    ]
    if hours is not None and hours.zone is not None and not hours.open_in_every_zone(now, ()):
        is_open = []
    return is_open, len(is_open) < len(found)


async def _leads(asking: _Asking, zones: Sequence[int]) -> list[Any]:
    """Return the leads; those that turn out not to be dialled make room for the next."""
    limit = asking.given.limit
    window = max(WINDOW, limit)
    while True:
        found = await _candidates(asking, zones, window)
        fit = [row for row in found if row["fits"] and _is_open(asking, row)]
        if len(fit) >= limit or len(found) < window or window > 16 * WINDOW:
            return _spread(fit, asking.agent)[:limit]
        window *= 4


def _is_open(asking: _Asking, row: Any) -> bool:
    """Say whether all plausible zones of the dial are inside the hours and the lead's limit."""
    zones = plausible_zones(row["dialled"], row["own_zone"])
    start, end = row["dial_from"], row["dial_until"]
    if start is not None:
        limit = DiallingHours.every_day(start, end, row["dial_zone"])
        if not limit.open_in_every_zone(asking.now, zones):
            return False
    return asking.hours is None or asking.hours.open_in_every_zone(asking.now, zones)


def _spread(found: Sequence[Any], agent: str) -> list[Any]:
    """Let each agent begin at another place among leads that are equally urgent.

    Equal are those of one priority that wait for no time, or for the same minute.
    """
    start = zlib.crc32(agent.encode())
    spread: list[Any] = []
    for _, run in groupby(found, key=_urgency):
        equal = list(run)
        first = start % len(equal)
        spread += equal[first:] + equal[:first]
    return spread


def _urgency(row: Any) -> tuple[int, str]:
    due: datetime | None = row["next_dial_at"]
    return row["priority"], "" if due is None else due.isoformat(timespec="minutes")


async def _candidates(asking: _Asking, zones: Sequence[int], window: int) -> list[Any]:
    arguments = Arguments()
    add = arguments.add
    asked, given = asking.asked, asking.given
    now, agent = add(asked.now, "timestamptz"), add(UUID(asking.agent), "uuid")
    free = (
        f"d.free_at <= {now} and d.ends_at > {now}"
        f" and (d.locked_by is null or d.locked_by = {agent} or d.locked_until <= {now})"
        f" and (d.reserved_for is null or d.reserved_for = {agent})"
    )
    where = f"d.campaign_id = {add(UUID(given.campaign), 'uuid')}"
    if given.segment is not None:
        where += f" and d.segment_id = {add(UUID(given.segment), 'uuid')}"
    owner, zone = add(asking.owners, "text[]"), add(zones, "int[]")
    many = add(window, "int8")
    fits = _conditions(asking, arguments)
    statement = _NEXT.format(
        where=where,
        free=free,
        owners=owner,
        zones=zone,
        now=now,
        many=many,
        fits=fits,
        columns=_SELECTED,
    )
    found: list[Any] = await asked.connection.fetch(statement, *arguments.values)
    return found


def _conditions(asking: _Asking, arguments: Arguments) -> str:
    """Return what the lead itself must say besides; the asker's sight is part of it."""
    asked, now = asking.asked, arguments.add(asking.now, "timestamptz")
    seen = "true"
    if asked.principal.role != "dialer":
        seen = sight_condition(asked.sight, arguments)
    listed = (
        "not exists (select from read.dnc x where x.number = coalesce(l.phone,"
        " l.contacts -> 0 ->> 'phone') and x.removed_at is null"
        f" and (x.expires_at is null or x.expires_at > {now})"
        " and (x.scope = 'global' or x.campaign_id = l.campaign_id::text))"
    )
    tried = ""
    limits = asking.campaign["limits"]
    most = None if limits is None else orjson.loads(limits).get("per_lead")
    if most is not None:
        tried = f" and l.passes < {arguments.add(most, 'int8')}"
    return f"{seen} and {listed}{tried}"


_AGENT = "select team_id::text, active from read.app_user where user_id::text = $1"
_CAMPAIGN = (
    "select active, active_from, active_until, hours, limits from read.campaign"
    " where campaign_id = $1"
)
_ZONES = """
    with recursive present(zone, begins, own_zone) as (
      (select d.zone, d.begins, d.own_zone from read.lead_dial d
        where d.campaign_id = $1 and not d.waiting and not d.held order by d.zone limit 1)
      union all
      select n.zone, n.begins, n.own_zone
      from present p cross join lateral (
        select d.zone, d.begins, d.own_zone from read.lead_dial d
        where d.campaign_id = $1 and not d.waiting and not d.held and d.zone > p.zone
        order by d.zone limit 1
      ) n
    ), due as (
      select * from present
      union all
      select d.zone, d.begins, d.own_zone from read.lead_dial d
      where d.campaign_id = $1 and d.waiting and not d.held and d.due_at <= $2
    ), each as (
      select distinct on (zone) * from due
    )
    select zone, case when zone >= 0
      then (select z.zones from read.number_zone z where z.zone = e.zone limit 1)
      else (select z.zones from read.number_zone z where z.zone = read.zone_of(e.begins) limit 1)
        || e.own_zone end
    from each e
"""
# By zone and owner, each in order by its index; besides, those whose time came after their row was
# written and whose event has not come yet.
_NEXT = """
    with next as (
      select q.* from unnest({owners}) as o(owner) cross join unnest({zones}) as z(zone)
      cross join lateral (
        select d.lead_id, d.priority, d.due_at, d.place, d.own_zone from read.lead_dial d
        where {where} and d.zone = z.zone and d.owner = o.owner and not d.waiting and not d.held
          and (d.due_at <= {now} or d.due_at = 'infinity') and {free}
        order by d.priority desc, d.due_at, d.place limit {many}
      ) q
      union all
      (select d.lead_id, d.priority, d.due_at, d.place, d.own_zone from read.lead_dial d
        where {where} and d.waiting and not d.held and d.due_at <= {now}
          and d.zone = any({zones}) and d.owner = any({owners}) and {free}
        order by d.due_at limit {many})
    ), first as (
      select * from next order by priority desc, due_at, place limit {many}
    )
    select {columns}, coalesce(l.phone, l.contacts -> 0 ->> 'phone', '') as dialled,
           f.own_zone, not l.deleted and l.active and {fits} as fits
    from first f join read.lead l on l.lead_id = f.lead_id
    order by f.priority desc, f.due_at, f.place
"""


def install(app: FastAPI, reading: Reading) -> None:
    """Add the route of the dial list."""

    @app.get("/v1/dial-list", tags=["dialling"], responses={200: {"model": DialList}})
    async def read_dial_list(
        request: Request, given: Annotated[DialListParameters, Query()]
    ) -> Response:
        """List what an agent dials next: by priority, due time and the pool's order.

        Only leads the agent may call, of pools that are on or Private and VIP redials, that nobody
        else holds, and whose zones are inside the campaign's hours. Agents ask for themselves;
        leaders, administrators and dialers name the agent. Agents begin at different places among
        leads that are equally urgent. StartCall makes every check again, and those listed as left
        to it.
        """
        async with reading.asked(request, given.min_position) as asked:
            return answer(await dial_list(asked, given))
