"""Lead pools: what was uploaded together, and how far its leads are."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from services.kit import errors
from services.kit.cursors import CursorInvalid, fingerprint
from services.query import answers
from services.query.lead import whole_scope
from services.query.numbers import Kpi, KpiParameters, Numbers, Tallies
from services.query.parameters import LIMIT_DEFAULT, Cursor, Id, Limit
from services.query.reading import Asked, Reading, answer
from services.query.sql import Arguments

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


class Pool(answers.Shape):
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
    everything = whole_scope(asked, given.scope)
    shown = await tallies.shown(asked, "pool_id", found, given, everything=everything)
    return answer({"pools": shown, "next": following, **asked.currency()})


def install(app: FastAPI, reading: Reading) -> None:
    """Add the routes of lead pools."""
    tallies = Tallies()

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
            everything = whole_scope(asked, given.scope)
            (shown,) = await tallies.shown(asked, "pool_id", rows, given, everything=everything)
            headers = {"ETag": f'"{shown["version"]}"'}
            return answer({"pool": shown, **asked.currency()}, headers)
