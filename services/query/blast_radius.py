"""What one command, bulk job, call or rule changed, or one user: every event it led to, in whatever
leads, for those who see them.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Query, Request
from pydantic import Field
from starlette.responses import Response

from schemas.relative_time import NoSuchTime, resolve_instant
from services.kit import errors
from services.kit.cursors import CursorInvalid, fingerprint
from services.query import answers
from services.query.lead_log import Kind, LogEntry, entries
from services.query.parameters import LIMIT_DEFAULT, Actor, Current, Cursor, Limit, Line
from services.query.reading import Asked, Reading, answer
from services.query.sight import sight_condition
from services.query.sql import Arguments
from services.query.wall import beside_wall

COUNTED_MAX = 10_000
Because = Annotated[str, Field(pattern=r"^[a-z]+:[^\x00-\x1f\x7f]{1,200}$")]
WHEN = "An instant or a relative time; it goes by when the change was recorded"


class ChangeParameters(Current):
    """Changes with this `cause`, by this `actor`, or both, the newest first."""

    cause: Because | None = None
    actor: Actor | None = None
    kind: list[Kind] = Field(default=[], max_length=50)
    since: Annotated[Line, Field(description=WHEN)] | None = None
    until: Annotated[Line, Field(description=WHEN)] | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class Radius(answers.Shape):
    """How much it was: changes, leads, changes by kind; `exact` false: there are more."""

    changes: int
    leads: int
    by_kind: dict[str, int]
    exact: bool


class Changes(answers.Shown):
    """One page of changes in leads in sight, and how much it was in all."""

    radius: Radius
    entries: list[LogEntry]
    next: str | None


def _condition(given: ChangeParameters, asked: Asked, arguments: Arguments) -> str:
    """Return the condition on an entry `g` of a lead `l`. Hashes are what is indexed."""
    parts = [sight_condition(asked.sight, arguments)]
    for column, value in (("cause", given.cause), ("actor", given.actor)):
        if value is not None:
            place = arguments.add(value, "text")
            parts.append(f"hashtext(g.{column}) = hashtext({place}) and g.{column} = {place}")
    if given.kind:
        kinds = ["lead." + kind.removeprefix("lead.") for kind in given.kind]
        parts.append(f"g.kind = any({arguments.add(kinds, 'text[]')})")
    for sign, name, text in ((">=", "since", given.since), ("<", "until", given.until)):
        if text is not None:
            moment = arguments.add(_instant(text, name, asked.now), "timestamptz")
            parts.append(f"g.recorded_at {sign} {moment}")
    return " and ".join(parts)


def _instant(text: str, name: str, now: datetime) -> datetime:
    try:
        return resolve_instant(text, now)
    except NoSuchTime as reason:
        detail = errors.Detail("wrong-value", str(reason), f"/query/{name}")
        raise errors.Invalid(f"{name} names no time.", [detail]) from None


async def _places(
    asked: Asked, given: ChangeParameters, below: int | None, limit: int
) -> list[Any]:
    """Return where the newest changes stand, by an index that the wall does not let use: what they
    are is read behind it.
    """
    arguments = Arguments()
    condition = _condition(given, asked, arguments)
    if below is not None:
        condition += f" and g.position < {arguments.add(below, 'int8')}"
    joined = "from read.lead_log g join read.lead l on l.lead_id = g.lead_id where"
    order = f"order by g.position desc limit {arguments.add(limit, 'int8')}"
    pieces = ("select g.lead_id, g.version, g.position", joined, condition, order)
    found: list[Any] = await asked.connection.fetch(" ".join(pieces), *arguments.values)
    return found


_AT = """
    from unnest($1::uuid[], $2::int4[]) as wanted(id, number)
      join read.lead_log g on g.lead_id = wanted.id and g.version = wanted.number
"""
_READ = " ".join(("select g.*", _AT, "order by g.position desc"))
_COUNT = " ".join(("select g.kind, count(*) as changes", _AT, "group by g.kind order by g.kind"))
_LEADS = " ".join(("select count(distinct g.lead_id)", _AT))


async def _radius(asked: Asked, places: list[Any]) -> dict[str, Any]:
    some = places[:COUNTED_MAX]
    wanted = [one["lead_id"] for one in some], [one["version"] for one in some]
    kinds = await asked.connection.fetch(_COUNT, *wanted)
    return {
        "changes": sum(row["changes"] for row in kinds),
        "leads": await asked.connection.fetchval(_LEADS, *wanted),
        "by_kind": {row["kind"]: row["changes"] for row in kinds},
        "exact": len(places) <= COUNTED_MAX,
    }


async def _page(reading: Reading, asked: Asked, given: ChangeParameters) -> Response:
    bound = fingerprint("changes", given.cause, given.actor, given.kind, given.since, given.until)
    below = None
    if given.cursor is not None:
        try:
            (below,) = reading.cursors.open(given.cursor, bound)
        except CursorInvalid as reason:
            detail = errors.Detail("invalid-cursor", str(reason), "/query/cursor")
            raise errors.Invalid("The cursor is not valid.", [detail]) from None
    async with beside_wall(asked.connection, asked.sight):
        every = await _places(asked, given, None, COUNTED_MAX + 1)
        places = every
        if below is not None:
            places = await _places(asked, given, below, given.limit + 1)
    following = None
    if len(places) > given.limit:
        places = places[: given.limit]
        following = reading.cursors.seal([places[-1]["position"]], bound)
    leads: list[UUID] = [place["lead_id"] for place in places]
    versions = [place["version"] for place in places]
    content = {
        "radius": await _radius(asked, every),
        "entries": await entries(asked, await asked.connection.fetch(_READ, leads, versions)),
        "next": following,
        **asked.currency(),
    }
    return answer(content)


def install(app: FastAPI, reading: Reading) -> None:
    """Add the route of changes by cause and actor."""

    @app.get("/v1/changes", tags=["audit"], responses={200: {"model": Changes}})
    async def read_changes(
        request: Request, given: Annotated[ChangeParameters, Query()]
    ) -> Response:
        """Read what one command, bulk job or call, or what one user changed in leads in sight."""
        if given.cause is None and given.actor is None:
            detail = errors.Detail("missing", "give a cause, an actor, or both", "/query/cause")
            raise errors.Invalid("Whose changes?", [detail])
        async with reading.asked(request, given.min_position) as asked:
            return await _page(reading, asked, given)
