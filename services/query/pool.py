"""Lead pools: what was uploaded together, and how far its leads are."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from schemas.filters import And, Equals, In, IsEmpty
from services.kit import errors
from services.kit.cursors import CursorInvalid, fingerprint
from services.kit.http import json_response
from services.query import answers
from services.query.numbers import Counted, Kpi, KpiParameters, Numbers
from services.query.parameters import LIMIT_DEFAULT, Current, Cursor, Id, Limit
from services.query.reading import Asked, Reading, answer
from services.query.rows import dumps
from services.query.selection import Selection, SelectionBody, freeze
from services.query.sql import Arguments
from services.query.status import statuses
from services.query.tallies import Tallies, tallies_of

_COLUMNS = (
    "p.pool_id, p.version, p.campaign_id, p.name, p.source, p.active, p.shuffle_seed,"
    " p.created_by, p.created_at, p.changed_at"
)


class PoolParameters(KpiParameters):
    """Pools of all campaigns or of one, active or not."""

    campaign: Id | None = None
    active: Literal["true", "false"] | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class Pool(Counted):
    """A pool and the numbers of its leads."""

    pool_id: UUID
    version: int
    campaign_id: UUID | None
    name: str
    source: str
    active: bool
    shuffle_seed: int | None
    created_by: str
    created_at: datetime | None
    changed_at: datetime
    numbers: Numbers
    kpis: list[Kpi]


class PoolPage(answers.Shown):
    """One page of pools, the newest first."""

    pools: list[Pool]
    next: str | None


class PoolAnswer(answers.Shown):
    """One pool."""

    pool: Pool


async def _page(
    reading: Reading, asked: Asked, given: PoolParameters, tallies: Tallies
) -> Response:
    arguments = Arguments()
    parts = ["true"]
    if given.campaign is not None:
        parts.append(f"p.campaign_id = {arguments.add(UUID(given.campaign), 'uuid')}")
    if given.active is not None:
        parts.append("p.active" if given.active == "true" else "not p.active")
    bound = fingerprint("pools", given.campaign, given.active)
    if given.cursor is not None:
        try:
            at, last = reading.cursors.open(given.cursor, bound)
        except CursorInvalid as reason:
            detail = errors.Detail("invalid-cursor", str(reason), "/query/cursor")
            raise errors.Invalid("The cursor is not valid.", [detail]) from None
        place = arguments.add(datetime.fromisoformat(at), "timestamptz")
        parts.append(f"(p.created_at, p.pool_id) < ({place}, {arguments.add(UUID(last), 'uuid')})")
    order = "order by p.created_at desc, p.pool_id desc limit"
    limit = arguments.add(given.limit + 1, "int8")
    statement = ("select", _COLUMNS, "from read.pool p where", " and ".join(parts), order, limit)
    found = await asked.connection.fetch(" ".join(statement), *arguments.values)
    following = None
    if len(found) > given.limit:
        found = found[: given.limit]
        end = found[-1]
        following = reading.cursors.seal(
            [end["created_at"].isoformat(), str(end["pool_id"])], bound
        )
    shown = await tallies.shown(asked, "pool_id", found, given)
    return answer({"pools": shown, "next": following, **asked.currency()})


async def _unprocessed(asked: Asked, pool_id: UUID) -> SelectionBody:
    """Return the selection of what looks untouched in a pool. The decision on each lead looks
    closer (DeleteUnprocessed), and at what happened since.
    """
    new = tuple(one["code"] for one in await statuses(asked) if one["kind"] == "new")
    conditions = (
        Equals(field="pool_id", value=str(pool_id)),
        In(field="status", values=new),
        Equals(field="call_attempts", value=0),
        IsEmpty(field="result"),
        IsEmpty(field="calling_id"),
    )
    return SelectionBody(filter=And(of=conditions))


def install(app: FastAPI, reading: Reading) -> None:
    """Add the routes of lead pools."""
    tallies = tallies_of(app, reading)

    @app.get("/v1/pools", tags=["pools"], responses={200: {"model": PoolPage}})
    async def list_pools(request: Request, given: Annotated[PoolParameters, Query()]) -> Response:
        """List lead pools, the newest first, with the numbers of their leads."""
        async with reading.asked(request, given.min_position) as asked:
            return await _page(reading, asked, given, tallies)

    @app.get("/v1/pools/{pool_id}", tags=["pools"], responses={200: {"model": PoolAnswer}})
    async def read_pool(
        request: Request, pool_id: UUID, given: Annotated[KpiParameters, Query()]
    ) -> Response:
        """Read one lead pool. The ETag is its version."""
        async with reading.asked(request, given.min_position) as asked:
            statement = ("select", _COLUMNS, "from read.pool p where p.pool_id = $1")
            rows = await asked.connection.fetch(" ".join(statement), pool_id)
            if not rows:
                raise errors.NotFound
            (shown,) = await tallies.shown(asked, "pool_id", rows, given)
            headers = {"ETag": f'"{shown["version"]}"'}
            return answer({"pool": shown, **asked.currency()}, headers)

    @app.post(
        "/v1/pools/{pool_id}/select-unprocessed",
        tags=["pools"],
        status_code=201,
        responses={201: {"model": Selection}},
    )
    async def select_unprocessed(
        request: Request, pool_id: UUID, given: Annotated[Current, Query()]
    ) -> Response:
        """Freeze the leads of a pool that nobody has worked on, for the job DeleteUnprocessed."""
        async with reading.asked(request, given.min_position) as asked:
            known = "select true from read.pool where pool_id = $1"
            if not await asked.connection.fetchval(known, pool_id):
                raise errors.NotFound
            selection = await freeze(asked, await _unprocessed(asked, pool_id))
            return json_response(dumps(selection), 201)
