"""Pasts over HTTP: ask for one, see how far it is, then list, count and break down in it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.kit import errors
from services.kit.http import json_response, read_json
from services.query import answers, breakdown, counting, lead
from services.query.documents import body_of
from services.query.parameters import POSITION_MAX, Current
from services.query.past import read_moment
from services.query.pasts import jobs
from services.query.pasts.asking import allow, asked_then, past_of
from services.query.pasts.jobs import Past
from services.query.questions import (
    BreakdownBody,
    CountBody,
    SearchBody,
    check_tree,
    of_body,
    read_question,
)
from services.query.reading import Asked, Reading, answer
from services.query.rows import dumps

TAG = "audit"


class PastBody(BaseModel):
    """The moment: an instant, a relative time, or `position:1042`."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    as_of: Annotated[str, Field(max_length=100)]
    min_position: Annotated[int, Field(ge=0, le=POSITION_MAX)] = 0


class Built(answers.Shape):
    """So many events of all are folded."""

    events: int
    of: int


class PastShown(answers.Shape):
    """A past: `waiting`, `building`, `ready` until `ends_at`, or why it is no more.

    `as_of` is the last event that counts, `moment` what relative times in questions go from.
    """

    id: UUID
    state: Literal["waiting", "building", "ready", "failed", "cancelled", "expired"]
    as_of: int
    moment: datetime
    progress: Built
    leads: int
    fault: str
    made_by: UUID
    made_at: datetime
    ends_at: datetime | None


class PastAnswer(answers.Shown):
    """One past."""

    past: PastShown


class Pasts(answers.Shown):
    """The newest pasts, those that are no more too."""

    pasts: list[PastShown]


def _shown(past: Past) -> dict[str, Any]:
    return {
        "id": past.id,
        "state": past.state,
        "as_of": past.position,
        "moment": past.moment,
        "progress": {"events": past.events, "of": past.position},
        "leads": past.leads,
        "fault": past.fault,
        "made_by": past.made_by,
        "made_at": past.made_at,
        "ends_at": past.ends_at,
    }


async def _moment(asked: Asked, text: str) -> tuple[int, datetime]:
    """Return the position that counts at a moment, and the moment; Invalid when there is none."""
    try:
        moment = read_moment(text, asked.now, "as_of")
    except errors.Invalid as reason:
        raise _wrong("wrong-value", "give an instant, a relative time or position:1042") from reason
    if moment.version is not None:
        raise _wrong("wrong-value", "a version is one lead's; give a time or a position")
    if moment.position is not None:
        if not 1 <= moment.position <= asked.head:
            raise _wrong("no-such-position", f"the log goes from 1 to {asked.head}")
        time = await asked.connection.fetchval(
            "select recorded_at from log.events where position = $1", moment.position
        )
        return moment.position, time
    assert moment.time is not None
    if moment.time > asked.now:
        raise _wrong("too-late", "that moment has not come yet; take now")
    position = await _position_at(asked, moment.time)
    if not position:
        raise _wrong("too-early", "the log did not begin until later")
    return position, moment.time


async def _position_at(asked: Asked, time: datetime) -> int:
    """Return the last position recorded by then: times rise with positions, so it is halved."""
    low, high = 0, asked.head
    while low < high:
        middle = (low + high + 1) // 2
        recorded = await asked.connection.fetchval(
            "select recorded_at from log.events where position = $1", middle
        )
        low, high = (middle, high) if recorded <= time else (low, middle - 1)
    return low


def _wrong(code: str, text: str) -> errors.Invalid:
    return errors.Invalid(
        "as_of names no moment of the log.", [errors.Detail(code, text, "/as_of")]
    )


async def _ask(asked: Asked, body: PastBody) -> Response:
    allow(asked)
    position, moment = await _moment(asked, body.as_of)
    made_by = UUID(asked.principal.user_id)
    past = await jobs.ask(asked.connection, made_by, position, moment)
    if past is None:
        raise errors.TooMany(
            f"{jobs.ALIVE_MAX} pasts are there already; cancel one, or wait for its end.",
            retry_after_seconds=60,
        )
    headers = {"Location": f"/v1/pasts/{past.id}"}
    return json_response(dumps({"past": _shown(past), **asked.currency()}), 202, headers)


def install(app: FastAPI, reading: Reading) -> None:
    """Add the routes of pasts."""
    _install_jobs(app, reading)

    @app.post(
        "/v1/pasts/{past_id}/search",
        tags=[TAG],
        responses={200: {"model": answers.LeadPage}},
        openapi_extra=body_of(app, SearchBody),
    )
    async def search_past(request: Request, past_id: UUID) -> Response:
        """List the leads that matched a filter tree then."""
        body = await read_question(request, SearchBody, reading)
        async with asked_then(reading, request, past_id) as asked:
            return await lead.page(reading, asked, of_body(body, asked))

    @app.post(
        "/v1/pasts/{past_id}/count",
        tags=[TAG],
        responses={200: {"model": answers.Count}},
        openapi_extra=body_of(app, CountBody),
    )
    async def count_past(request: Request, past_id: UUID) -> Response:
        """Count the leads that matched a filter tree then."""
        body = await read_question(request, CountBody, reading)
        async with asked_then(reading, request, past_id) as asked:
            check_tree(body.filter, asked)
            return await counting.count(asked, body)

    @app.post(
        "/v1/pasts/{past_id}/breakdown",
        tags=[TAG],
        responses={200: {"model": answers.Breakdown}},
        openapi_extra=body_of(app, BreakdownBody),
    )
    async def break_down_past(request: Request, past_id: UUID) -> Response:
        """Tell how the leads that matched a filter tree then spread over a field."""
        body = await read_question(request, BreakdownBody, reading)
        async with asked_then(reading, request, past_id) as asked:
            check_tree(body.filter, asked)
            return await breakdown.breakdown(asked, body)


def _install_jobs(app: FastAPI, reading: Reading) -> None:
    @app.post(
        "/v1/pasts",
        tags=[TAG],
        status_code=202,
        responses={202: {"model": PastAnswer}},
        openapi_extra=body_of(app, PastBody),
    )
    async def ask_for_past(request: Request) -> Response:
        """Ask for all leads as of a moment; Location is where to see how far it is."""
        await reading.authenticator.principal_of(request.scope)
        body = await read_json(request, PastBody)
        async with reading.asked(request, body.min_position) as asked:
            return await _ask(asked, body)

    @app.get("/v1/pasts", tags=[TAG], responses={200: {"model": Pasts}})
    async def list_pasts(request: Request, given: Annotated[Current, Query()]) -> Response:
        """List the newest pasts."""
        async with reading.asked(request, given.min_position) as asked:
            allow(asked)
            found = await jobs.newest(asked.connection)
            return answer({"pasts": [_shown(past) for past in found], **asked.currency()})

    @app.get("/v1/pasts/{past_id}", tags=[TAG], responses={200: {"model": PastAnswer}})
    async def read_past(
        request: Request, past_id: UUID, given: Annotated[Current, Query()]
    ) -> Response:
        """See how far a past is."""
        async with reading.asked(request, given.min_position) as asked:
            past = await past_of(asked, past_id)
            return answer({"past": _shown(past), **asked.currency()})

    @app.post(
        "/v1/pasts/{past_id}/cancel",
        tags=[TAG],
        status_code=202,
        responses={202: {"model": PastAnswer}},
    )
    async def cancel_past(request: Request, past_id: UUID) -> Response:
        """Stop building a past, or let go of one that is ready; its maker and admins may."""
        async with reading.asked(request) as asked:
            past = await past_of(asked, past_id)
            mine = str(past.made_by) == asked.principal.user_id
            if not mine and asked.principal.role != "admin":
                raise errors.Forbidden("Whoever asked for a past, or an admin, may cancel it.")
            await jobs.cancel(asked.connection, past.number)
            past = await past_of(asked, past_id)
            return json_response(dumps({"past": _shown(past), **asked.currency()}), 202)
