"""Selections: leads frozen by the server, by ids or by a filter, for a bulk job to work on.

What the caller may see is applied here; a selection is only ever what its maker saw. It holds lead
ids, versions and a digest over both, and is forgotten after seven days.
"""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from schemas.filters import Filter, FilterInvalid, refuse_large, shape_faults
from services.kit import errors
from services.kit.http import json_response, read_body
from services.kit.ids import new_id
from services.query.documents import body_of
from services.query.lead import leads_condition
from services.query.parameters import POSITION_MAX, Id, invalid
from services.query.questions import check_tree
from services.query.reading import Asked, Reading
from services.query.rows import dumps
from services.query.sql import Arguments

IDS_MAX = 200_000
BODY_BYTES_MAX = 9 << 20
DAYS_KEPT = 7
FREEZE_SECONDS_MAX = 120
TAG = "bulk"


class SelectionBody(BaseModel):
    """Either `ids`, or a `filter` tree with ids to leave out; what is out of sight is never in."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    ids: Annotated[list[Id], Field(min_length=1, max_length=IDS_MAX)] | None = None
    filter: Filter | None = None
    exclude_ids: Annotated[list[Id], Field(max_length=IDS_MAX)] = Field(default_factory=list)
    min_position: Annotated[int, Field(ge=0, le=POSITION_MAX)] = 0


class Selection(BaseModel):
    """A frozen selection. `digest` stands for exactly these leads at these versions.

    Of `asked` ids `repeated` came more than once and count once, `missing` are not there or not
    in sight; null for a filter. `position` is the log position the selection shows.
    """

    id: str
    count: int
    digest: str
    position: int
    expires_at: str
    asked: int | None
    repeated: int | None
    missing: int | None


async def read_selection(request: Request) -> SelectionBody:
    """Return the body; raise Invalid with a pointer to every fault."""
    raw = await read_body(request.scope, request.receive, BODY_BYTES_MAX)
    try:
        body = SelectionBody.model_validate_json(raw)
    except ValidationError as error:
        try:
            loaded = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise errors.Malformed("The body is not JSON.") from None
        raise invalid(FilterInvalid(shape_faults(error, loaded)), "") from None
    if body.ids is not None and (body.filter is not None or body.exclude_ids):
        detail = errors.Detail("ids-or-filter", "leave out filter and exclude_ids", "/ids")
        raise errors.Invalid("Give ids, or a filter with exclude_ids.", [detail])
    if body.ids is None and body.filter is None:
        text = "to select every lead in sight, say so: a filter that holds for all"
        detail = errors.Detail("missing", text, "/filter")
        raise errors.Invalid("Give ids, or a filter.", [detail])
    if body.filter is not None:
        try:
            refuse_large(body.filter)
        except FilterInvalid as reason:
            raise invalid(reason, "/filter") from None
    return body


def _chosen(body: SelectionBody, asked: Asked, arguments: Arguments) -> str:
    """Return the condition on a lead `l` that holds for what is selected."""
    parts = [leads_condition(body.filter, asked, arguments)]
    if body.ids is not None:
        ids = [UUID(one) for one in dict.fromkeys(body.ids)]
        parts.append(f"l.lead_id = any({arguments.add(ids, 'uuid[]')})")
    if body.exclude_ids:
        left_out = [UUID(one) for one in body.exclude_ids]
        parts.append(f"l.lead_id <> all({arguments.add(left_out, 'uuid[]')})")
    return " and ".join(parts)


async def freeze(asked: Asked, body: SelectionBody) -> dict[str, Any]:
    """Store the selection, set-wise inside the database, and return what is answered.

    Leads stand in the order of their ids, which is that of their creation, so that a job reads
    the log nearly in order.
    """
    selection_id, connection = new_id(), asked.connection
    arguments = Arguments()
    place = arguments.add(selection_id, "uuid")
    condition = _chosen(body, asked, arguments)
    statement = " ".join(
        (
            "insert into job.selected (selection_id, ordinal, lead_id, version)",
            f"select {place}, row_number() over (order by l.lead_id), l.lead_id, l.version",
            "from read.lead l where",
            condition,
        )
    )
    async with connection.transaction():
        await connection.execute(f"set local statement_timeout = '{FREEZE_SECONDS_MAX}s'")
        done = await connection.execute(
            statement, *arguments.values, timeout=FREEZE_SECONDS_MAX + 5
        )
        count = int(done.rpartition(" ")[2])
        found = await connection.fetchval(DIGEST, selection_id, timeout=FREEZE_SECONDS_MAX + 5)
        different = None if body.ids is None else len(set(body.ids))
        selection = {
            "id": str(selection_id),
            "count": count,
            "digest": f"{count}.{found}",
            "position": asked.position,
            "expires_at": asked.now + timedelta(days=DAYS_KEPT),
            "asked": None if body.ids is None else len(body.ids),
            "repeated": None if body.ids is None else len(body.ids) - (different or 0),
            "missing": None if different is None else different - count,
        }
        await connection.execute(
            _STORE,
            selection_id,
            UUID(asked.principal.user_id),
            asked.now,
            selection["expires_at"],
            selection["asked"],
            selection["repeated"],
            selection["missing"],
            count,
            selection["digest"],
            asked.position,
        )
    return selection


# In blocks, so that no array grows with the selection.
DIGEST = """
    select encode(sha256(coalesce(string_agg(part, ''::bytea order by block), '')), 'hex')
      from (
        select (ordinal - 1) / 10000 as block,
               sha256(string_agg(uuid_send(lead_id) || int4send(version), ''::bytea
                                 order by ordinal)) as part
          from job.selected where selection_id = $1 group by 1
      ) blocks
"""
_STORE = """
    insert into job.selections
      (id, made_by, made_at, expires_at, asked, repeated, missing, count, digest, position)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


def install(app: FastAPI, reading: Reading) -> None:
    """Add the route."""

    @app.post(
        "/v1/selections",
        tags=[TAG],
        status_code=201,
        responses={201: {"model": Selection}},
        openapi_extra=body_of(app, SelectionBody),
    )
    async def make_selection(request: Request) -> Response:
        """Freeze leads for a bulk job: those with these ids, or those that match a filter."""
        await reading.authenticator.principal_of(request.scope)
        body = await read_selection(request)
        async with reading.asked(request, body.min_position) as asked:
            check_tree(body.filter, asked)
            return json_response(dumps(await freeze(asked, body)), 201)
