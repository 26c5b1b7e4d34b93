"""Views: the default ones, the caller's own, and those shared with them; and the leads of one.

A view is a way of looking and gives no sight: every statement on leads carries the reader's own.
Which views somebody sees is decided in schemas/rights.py, as for commands.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import orjson
from fastapi import FastAPI, Query, Request
from pydantic import AfterValidator, Field
from starlette.responses import Response

from schemas.default_views import DEFAULT_VIEWS, FIRST, Caller, DefaultView
from schemas.envelope import Recorded
from schemas.filters import Filter
from schemas.relative_time import NoSuchTime, check_instant
from schemas.rights import callable_owners, view_access
from services.kit import errors
from services.projections.view import fold
from services.query import answers
from services.query.favourite import favourite_of
from services.query.lead import page_of
from services.query.parameters import LIMIT_DEFAULT, Current, Cursor, Limit, Whole
from services.query.questions import Question, SortSpec
from services.query.reading import Asked, Reading, answer
from services.query.status import statuses
from services.query.view_parts import Unknown, Usable, masked_filter, parts_of

TAG = "views"
_COLUMNS = (
    "v.view_id, v.version, v.owner::text as owner, v.name, v.filter, v.columns, v.sort, v.layout,"
    " v.shares, v.deleted, v.copied_from, v.created_at, v.changed_at, v.changed_by"
)
_JSON = ("filter", "columns", "sort", "layout", "shares")
ViewPart = Literal["name", "filter", "columns", "sort", "layout"]
_PARTS = get_args(ViewPart)


def _zone(text: str) -> str:
    try:
        check_instant(f"now@{text}")
    except NoSuchTime:
        raise ValueError("give an IANA time zone, as Europe/Berlin") from None
    return text


Zone = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_+/-]{1,40}$",
        description='Whose calendar "today" and "this week" of default views are of.',
    ),
    AfterValidator(_zone),
]


class ViewParameters(Current):
    """A view; relative days of default views are those of `zone`."""

    zone: Zone = "UTC"


class ListViewParameters(ViewParameters):
    """All views, or the caller's own that were deleted and can be restored."""

    deleted: Literal["true", "false"] = "false"


class ReadViewParameters(ViewParameters):
    """A view as it is, or as it was at `version`."""

    version: Annotated[Whole, Field(ge=1, le=2**31 - 1)] | None = None


class ViewLeadsParameters(ViewParameters):
    """A page of the leads of a view."""

    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class Share(answers.Shape):
    """Who else has the view: `user:<uuid>` or `team:<uuid>`, to `view` or to `edit`."""

    to: str
    may: str


class View(answers.Shape):
    """A view. `view` is its id, or the code of a default one; `may` what the caller may do.

    `filter`, `columns` and `sort` are kept as they were saved; `unknown` names what of them is not
    used now, `usable` is the rest. Only the owner hears whom the view is shared with.
    """

    view: str
    kind: Literal["default", "own", "shared"]
    may: Literal["own", "edit", "view"]
    favourite: bool
    name: str
    version: int | None
    owner: UUID | None
    filter: Filter | None
    columns: list[str]
    sort: list[SortSpec]
    layout: dict[str, Any]
    unknown: list[Unknown]
    usable: Usable
    shares: list[Share]
    deleted: bool
    copied_from: str | None
    created_at: datetime | None
    changed_at: datetime | None
    changed_by: str | None


class Views(answers.Shown):
    """Default views, then the caller's own, then shared ones, by name. `opens_first` is one of
    them.
    """

    opens_first: str
    views: list[View]


class ViewAnswer(answers.Shown):
    """One view."""

    view: View


class ViewVersion(answers.Shape):
    """One event of a view: what was done (`changed`), when, by whom, and its name from then on.

    `parts` are those of the view that it changed, `to` and `may` whom it was shared with for what.
    """

    version: int
    at: datetime
    by: str
    what: str
    name: str
    back_to: int | None
    parts: list[ViewPart]
    to: str | None
    may: str | None


class ViewVersions(answers.Shown):
    """All versions of a view, the newest first."""

    view: UUID
    versions: list[ViewVersion]


class ViewLeads(answers.LeadPage):
    """One page of the leads of a view; `unknown` names what of the view was not used."""

    unknown: list[Unknown]


async def caller_of(asked: Asked, zone: str) -> Caller:
    """Return for whom default views are resolved."""
    who = asked.principal
    closed = [one["code"] for one in await statuses(asked) if one["group"] == "closed"]
    members = asked.directory.teams.members.get(who.team_id, ())
    return Caller(who.user_id, who.team_id, members, closed, zone)


def access_to(row: Mapping[str, Any], asked: Asked) -> str:
    """Return what the caller may do with a stored view; "" when it is none of theirs."""
    who = asked.principal
    above = asked.directory.teams.ancestors(who.team_id)
    return view_access(row["owner"] or "", row["shares"], who.user_id, who.team_id, above)


def _of_default(view: DefaultView, who: Caller) -> dict[str, Any]:
    return {
        "view": view.code,
        "kind": "default",
        "may": "view",
        "name": view.name,
        "version": None,
        "owner": None,
        "filter": view.filter(who),
        "columns": [],
        "sort": view.sorted_by(),
        "layout": {},
        "shares": {},
        "deleted": False,
        "copied_from": None,
        "created_at": None,
        "changed_at": None,
        "changed_by": None,
    }


def _of_row(row: Mapping[str, Any], may: str) -> dict[str, Any]:
    """Return a stored or folded row as a view."""
    view = {name: value for name, value in row.items() if name not in ("view_id", "position")}
    kind = "own" if may == "own" else "shared"
    return {**view, "view": str(row["view_id"]), "kind": kind, "may": may}


def _read_row(record: Any) -> dict[str, Any]:
    row = dict(record)
    for name in _JSON:
        row[name] = None if row[name] is None else orjson.loads(row[name])
    return row


def shown(view: Mapping[str, Any], favourite: str | None, asked: Asked) -> dict[str, Any]:
    """Return a view as the caller sees it."""
    parts = parts_of(view, asked)
    shares = view["shares"] if view["may"] == "own" else {}
    return {
        **view,
        "favourite": view["view"] == favourite,
        "filter": masked_filter(view["filter"], asked),
        "unknown": parts.unknown(),
        "usable": {**parts.usable(), "filter": masked_filter(parts.usable()["filter"], asked)},
        "shares": [{"to": to, "may": may} for to, may in sorted(shares.items())],
    }


async def stored_views(asked: Asked, *, deleted: bool = False) -> list[dict[str, Any]]:
    """Return the views the caller has: their own, then shared ones; or their own deleted ones."""
    who = asked.principal
    above = asked.directory.teams.ancestors(who.team_id)
    names = sorted(callable_owners(who.user_id, who.team_id, above))
    if deleted:  # nobody but the owner has it
        names = []
    where = "from read.view v where v.deleted = $3 and (v.owner = $1 or v.shares ?| $2::text[])"
    pieces = ("select", _COLUMNS, where, "order by v.owner = $1 desc, v.name, v.view_id")
    found = await asked.connection.fetch(" ".join(pieces), UUID(who.user_id), names, deleted)
    rows = [_read_row(record) for record in found]
    return [_of_row(row, access_to(row, asked)) for row in rows]


async def all_views(asked: Asked, zone: str) -> list[dict[str, Any]]:
    """Return every view the caller has, default ones first."""
    who = await caller_of(asked, zone)
    return [*(_of_default(one, who) for one in DEFAULT_VIEWS.values()), *await stored_views(asked)]


async def find_view(asked: Asked, view: str, zone: str) -> dict[str, Any]:
    """Return a view the caller has; NotFound alike when there is none and when it is not theirs.

    Its owner also finds it deleted.
    """
    if view in DEFAULT_VIEWS:
        return _of_default(DEFAULT_VIEWS[view], await caller_of(asked, zone))
    pieces = ("select", _COLUMNS, "from read.view v where v.view_id = $1")
    record = await asked.connection.fetchrow(" ".join(pieces), _id_of(view))
    if record is None:
        raise errors.NotFound
    row = _read_row(record)
    may = access_to(row, asked)
    if not may or (row["deleted"] and may != "own"):
        raise errors.NotFound
    return _of_row(row, may)


def _id_of(view: str) -> UUID:
    try:
        return UUID(view)
    except ValueError:
        raise errors.NotFound from None


async def _events(reading: Reading, view: str) -> list[Recorded]:
    stream = _id_of(view)
    return list((await reading.log.load([stream])).get(stream, ()))


async def _at_version(reading: Reading, view: dict[str, Any], version: int) -> dict[str, Any]:
    """Return the view as it was, with what the caller may do now."""
    if view["kind"] == "default":
        raise errors.NotFound
    row: dict[str, Any] | None = None
    for recorded in await _events(reading, view["view"]):
        if recorded.version <= version:
            row = fold(row, recorded)
    if row is None or row["version"] != version:
        raise errors.NotFound
    return {**_of_row(row, view["may"]), "owner": row["owner"]}


async def _versions(reading: Reading, view: dict[str, Any]) -> list[dict[str, Any]]:
    row: dict[str, Any] | None = None
    found: list[dict[str, Any]] = []
    for recorded in await _events(reading, view["view"]):
        before, row = row or {}, fold(row, recorded)
        if recorded.version > view["version"]:
            break  # not shown yet
        found.append(
            {
                "version": recorded.version,
                "at": recorded.happened_at,
                "by": recorded.origin.actor,
                "what": type(recorded.event).TOPIC.partition(".")[2],
                "name": row["name"],
                "back_to": getattr(recorded.event, "back_to", None),
                "parts": [part for part in _PARTS if before and before[part] != row[part]],
                "to": getattr(recorded.event, "to", None),
                "may": getattr(recorded.event, "may", None),
            }
        )
    return found[::-1]


def install(app: FastAPI, reading: Reading) -> None:
    """Add the routes of views."""

    @app.get("/v1/views", tags=[TAG], responses={200: {"model": Views}})
    async def list_views(
        request: Request, given: Annotated[ListViewParameters, Query()]
    ) -> Response:
        """List the views the caller has: default, own and shared ones."""
        async with reading.asked(request, given.min_position) as asked:
            if given.deleted == "true":
                views = await stored_views(asked, deleted=True)
            else:
                views = await all_views(asked, given.zone)
            favourite = await favourite_of(asked)
            known = {view["view"] for view in views}
            first = favourite if favourite in known else FIRST
            content = [shown(view, favourite, asked) for view in views]
            return answer({"opens_first": first, "views": content, **asked.currency()})

    @app.get("/v1/views/{view}", tags=[TAG], responses={200: {"model": ViewAnswer}})
    async def read_view(
        request: Request, view: str, given: Annotated[ReadViewParameters, Query()]
    ) -> Response:
        """Read one view. The ETag is its version, for If-Match when it is changed."""
        async with reading.asked(request, given.min_position) as asked:
            found = await find_view(asked, view, given.zone)
            tag = {"ETag": f'"{found["version"]}"'} if found["version"] else {}
            if given.version is not None and given.version != found["version"]:
                found, tag = await _at_version(reading, found, given.version), {}
            content = shown(found, await favourite_of(asked), asked)
            return answer({"view": content, **asked.currency()}, tag)

    @app.get("/v1/views/{view}/versions", tags=[TAG], responses={200: {"model": ViewVersions}})
    async def list_view_versions(
        request: Request, view: str, given: Annotated[Current, Query()]
    ) -> Response:
        """List what was done to a saved view, the newest first."""
        async with reading.asked(request, given.min_position) as asked:
            found = await find_view(asked, view, "UTC")
            if found["kind"] == "default":
                raise errors.NotFound
            versions = await _versions(reading, found)
            return answer({"view": found["view"], "versions": versions, **asked.currency()})

    @app.get("/v1/views/{view}/leads", tags=[TAG], responses={200: {"model": ViewLeads}})
    async def list_leads_of_view(
        request: Request, view: str, given: Annotated[ViewLeadsParameters, Query()]
    ) -> Response:
        """List the leads of a view that are in the caller's own sight."""
        async with reading.asked(request, given.min_position) as asked:
            parts = parts_of(await find_view(asked, view, given.zone), asked)
            columns = tuple(dict.fromkeys(("lead_id", *parts.columns))) if parts.columns else ()
            question = Question(parts.tree, parts.order, columns, given.limit, given.cursor)
            content = await page_of(reading.cursors, asked, question)
            return answer({**content, "unknown": parts.unknown()})
