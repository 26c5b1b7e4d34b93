"""Calls over HTTP: POST /v1/calls for dialers without Kafka, POST /v1/quarantine/reprocess.

A broken call never breaks its batch: it goes into quarantine, byte for byte as it came, and the
answer says so in its place.
"""

import json
from collections import Counter
from collections.abc import Awaitable
from typing import Annotated, Any, TypeVar
from uuid import UUID

import asyncpg
from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from schemas.dialer_call import DialerCall
from schemas.organisation import ORGANISATION_ID
from services.command.domain.facts import Actor
from services.command.domain.lead.access import DIALERS
from services.command.domain.types import Code, Id
from services.command.facts_loader import actor_of
from services.command.handler import Commanding
from services.command.intake_batch import CALLS_MAX, UNAVAILABLE, Intake, Outcome
from services.command.intake_payload import RAW_BYTES_MAX, Arrival
from services.command.quarantine_desk import QuarantineDesk, Tried
from services.kit import errors
from services.kit.append import OutOfSpace
from services.kit.auth import Authenticator, require_role
from services.kit.clock import Clock
from services.kit.http import json_response, read_body, read_json, trace_of

BODY_BYTES_MAX = 8 << 20
SOME = "Some calls may have been recorded; send the same ones again."
_ADMINS = frozenset({"admin"})
_SPACE = " \t\n\r"
# Only where an item ends is of interest: numbers of any length and kind are passed over.
_decoder = json.JSONDecoder(parse_int=len, parse_float=len, parse_constant=len)
Result = TypeVar("Result")


class Reprocess(BaseModel):
    """Which entries of the quarantine to try again: these, those held for a reason, or all."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    ids: Annotated[list[Id], Field(min_length=1, max_length=CALLS_MAX)] | None = None
    code: Code | None = None


class CallsOverHttp:
    """The two routes."""

    def __init__(self, commanding: Commanding, authenticator: Authenticator, clock: Clock) -> None:
        """Take calls in on the log of `commanding`, sharing its states."""
        self._states = commanding.states
        self._authenticator = authenticator
        self._intake = Intake(commanding.log, commanding.states, clock)
        self._desk = QuarantineDesk(commanding.log, commanding.states, self._intake, clock)

    async def calls(self, request: Request) -> Response:
        """Take in up to 1,000 calls, a JSON array; each has its own outcome, in its place.

        Safe to repeat: a call id is recorded once. Payloads that cannot be taken in are kept in
        quarantine and listed with the reason.
        """
        actor = await self._actor(request, DIALERS)
        raw = await read_body(request.scope, request.receive, BODY_BYTES_MAX)
        arrivals = [Arrival(item, "http", "http") for item in items_of(raw)]
        work = self._intake.take_in(arrivals, actor, trace_of(request))
        outcomes = await _answered(work)
        counts = Counter(one.kind for one in outcomes)
        return json_response(
            {
                "recorded": counts["recorded"],
                "duplicate": counts["duplicate"],
                "quarantined": counts["quarantined"],
                "position": max((one.position for one in outcomes), default=0),
                "items": [_item(one) for one in outcomes],
            }
        )

    async def reprocess(self, request: Request) -> Response:
        """Try held payloads again: some, those held for one reason, or all that wait.

        At most 10,000 in one request; `more` says that others still wait.
        """
        actor = await self._actor(request, _ADMINS)
        asked = await read_json(request, Reprocess)
        if asked.ids is not None and asked.code is not None:
            raise errors.Invalid("Give ids or a code, not both.")
        trace = trace_of(request)
        if asked.ids is not None:
            ids = [UUID(one) for one in asked.ids]
            tried = await _answered(self._desk.reprocess(ids, actor, trace))
        else:
            tried = await _answered(self._desk.reprocess_all(asked.code, actor, trace))
        return json_response(_tried(tried))

    async def _actor(self, request: Request, roles: frozenset[str]) -> Actor:
        """Return who asks, with the role they have now."""
        principal = await self._authenticator.principal_of(request.scope)
        states, _ = await self._states.get({ORGANISATION_ID: "organisation"})
        actor = actor_of(principal, states[ORGANISATION_ID])
        require_role(principal, roles)
        return actor


def items_of(raw: bytes) -> list[bytes]:
    """Return the items of a JSON array, each byte for byte; raises Malformed, Invalid, TooLarge."""
    text = raw.decode("utf-8")
    items: list[bytes] = []
    at = _past_space(text, 0)
    if text[at : at + 1] != "[":
        raise errors.Invalid("Send a JSON array of calls.")
    at = _past_space(text, at + 1)
    while text[at : at + 1] != "]":
        if len(items) == CALLS_MAX:
            raise errors.Invalid(f"Send at most {CALLS_MAX:,} calls at a time.")
        try:
            _, end = _decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            raise errors.Malformed(f"The body is not JSON (item {len(items)}).") from None
        items.append(text[at:end].encode("utf-8", "surrogatepass"))
        if len(items[-1]) > RAW_BYTES_MAX:
            raise errors.TooLarge(f"One call takes at most {RAW_BYTES_MAX:,} bytes.")
        at = _past_space(text, end)
        if text[at : at + 1] == ",":
            at = _past_space(text, at + 1)
            if text[at : at + 1] == "]":
                raise errors.Malformed("The body is not JSON (a comma before the end).")
        elif text[at : at + 1] != "]":
            raise errors.Malformed(f"The body is not JSON (after item {len(items) - 1}).")
    if text[at + 1 :].strip(_SPACE):
        raise errors.Malformed("The body is not JSON (something follows the array).")
    return items


def _past_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


async def _answered(work: Awaitable[Result]) -> Result:
    """Wait for the work; what the database leaves open becomes a problem that says: send again."""
    try:
        return await work
    except (OutOfSpace, asyncpg.DiskFullError) as error:
        raise errors.OutOfSpace(f"The database's disk is full. {SOME}") from error
    except UNAVAILABLE as error:
        raise errors.Unavailable(SOME) from error


def _item(one: Outcome) -> dict[str, Any]:
    item: dict[str, Any] = {"outcome": one.kind, "call_id": one.call_id}
    if one.lead is not None:
        item["lead_id"] = str(one.lead)
    if one.kind == "recorded":
        item["version"] = one.version
    if one.position:
        item["position"] = one.position
    if one.held is not None:
        item |= {"code": one.code, "detail": one.text, "quarantine_id": str(one.held)}
    if one.unknown_fields:
        item["unknown_fields"] = one.unknown_fields
    return item


def _tried(tried: Tried) -> dict[str, Any]:
    counts = Counter(outcome.kind for _, outcome in tried.outcomes)
    return {
        "taken_in": counts["recorded"] + counts["duplicate"],
        "quarantined": counts["quarantined"],
        "skipped": [str(one) for one in tried.skipped],
        "more": tried.more,
        "position": tried.position,
        "items": [{"id": str(entry), **_item(outcome)} for entry, outcome in tried.outcomes],
    }


def install_calls(
    app: FastAPI, commanding: Commanding, authenticator: Authenticator, clock: Clock
) -> None:
    """Add POST /v1/calls and POST /v1/quarantine/reprocess to `app`."""
    routes = CallsOverHttp(commanding, authenticator, clock)
    for path, endpoint, name, roles, body in (
        ("/v1/calls", routes.calls, "RecordCalls", DIALERS, _CALLS_BODY),
        (
            "/v1/quarantine/reprocess",
            routes.reprocess,
            "ReprocessQuarantine",
            _ADMINS,
            _schema_of(Reprocess),
        ),
    ):
        app.add_api_route(
            path,
            endpoint,
            methods=["POST"],
            operation_id=name,
            tags=["calls"],
            openapi_extra={
                "requestBody": {
                    "required": "minItems" in body or bool(body.get("required")),
                    "content": {"application/json": {"schema": body}},
                },
                "x-roles": sorted(roles),
            },
            responses={200: _answer(_ITEM if name == "RecordCalls" else _TRIED)},
        )


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    assert "$defs" not in schema, "a part of its own would point into nowhere"
    return schema


def _answer(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": "What became of each, in the order sent",
        "content": {"application/json": {"schema": schema}},
    }


_CALLS_BODY: dict[str, Any] = {
    "type": "array",
    "maxItems": CALLS_MAX,
    # Anything is taken: what is no call is kept in quarantine.
    "items": {"anyOf": [_schema_of(DialerCall), {}]},
}
_COUNT = {"type": "integer", "minimum": 0}
_OUTCOME: dict[str, Any] = {
    "type": "object",
    "required": ["outcome", "call_id"],
    "properties": {
        "outcome": {"enum": ["recorded", "duplicate", "quarantined"]},
        "call_id": {"type": ["string", "null"]},
        "lead_id": {"type": "string", "format": "uuid"},
        "version": _COUNT,
        "position": _COUNT,
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "quarantine_id": {"type": "string", "format": "uuid"},
        "unknown_fields": {"type": "array", "items": {"type": "string"}},
    },
}
_ITEM: dict[str, Any] = {
    "type": "object",
    "required": ["recorded", "duplicate", "quarantined", "position", "items"],
    "properties": {
        "recorded": _COUNT,
        "duplicate": _COUNT,
        "quarantined": _COUNT,
        "position": _COUNT,
        "items": {"type": "array", "items": _OUTCOME},
    },
}
_TRIED: dict[str, Any] = {
    "type": "object",
    "required": ["taken_in", "quarantined", "skipped", "more", "position", "items"],
    "properties": {
        "taken_in": _COUNT,
        "quarantined": _COUNT,
        "skipped": {"type": "array", "items": {"type": "string", "format": "uuid"}},
        "more": {"type": "boolean"},
        "position": _COUNT,
        "items": {"type": "array", "items": _OUTCOME},
    },
}
