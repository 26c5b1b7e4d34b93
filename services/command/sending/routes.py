"""POST /v1/message-reports: what a gateway learns later, signed as our requests to it are.

A report says what became of a message of ours; a received message goes to the lead whose number it
came from. Both are facts, may come twice, and count once.
"""

import re
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field, RootModel
from starlette.responses import Response

from services.command.answers import refusal
from services.command.domain.decider import Command, Refused
from services.command.domain.facts import Actor
from services.command.domain.lead.claims import knows_number
from services.command.domain.lead.messages import RecordMessage
from services.command.domain.lead.sending import ReportMessage
from services.command.domain.lead.state import Lead
from services.command.domain.phones import NotAPhone, parse_phone
from services.command.domain.types import CallId, Instant, Line, PhoneText, Text
from services.command.facts_loader import Order
from services.command.handler import Commanding
from services.command.hashes import number_hash, trace_hash
from services.command.routes import ANSWER_SCHEMA
from services.kit import errors
from services.kit.auth import Principal
from services.kit.clock import Clock
from services.kit.errors import Detail
from services.kit.http import json_response, parse, read_body, trace_of
from services.kit.outside import GatewaySettings
from services.kit.webhook import HEADER, is_signed

GATEWAY = Actor("service:gateway", "dialer")
_NOBODY = Principal("", "")
_OURS = re.compile(r"([0-9a-f-]{36})\.[0-9]{1,9}")


class Report(BaseModel):
    """What became of a message of ours; `id` is the one it was handed over with."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    kind: Literal["delivered", "failed"]
    id: CallId
    at: Instant
    reason: Line = ""


class Received(BaseModel):
    """A message from a lead's number (E.164); `id` is the gateway's, and counts once."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True)

    kind: Literal["received"]
    id: CallId
    at: Instant
    channel: Literal["sms", "whatsapp"]
    sender: Annotated[PhoneText, Field(alias="from")]
    body: Text = ""


class Told(RootModel[Annotated[Report | Received, Field(discriminator="kind")]]):
    """What a gateway tells."""


class ReportDesk:
    """The route."""

    def __init__(
        self, commanding: Commanding, clock: Clock, settings: GatewaySettings | None
    ) -> None:
        """Believe who signs with the secret of the settings; without them nobody."""
        self._commanding = commanding
        self._clock = clock
        self._settings = settings

    async def report(self, request: Request) -> Response:
        """Take one report down."""
        if self._settings is None:
            raise errors.Unauthenticated(
                "No gateway is set up here: set LEADS_MESSAGE_GATEWAY_URL and its secret."
            )
        raw = await read_body(request.scope, request.receive)
        given = request.headers.get(HEADER, "")
        if not is_signed(self._settings.secret, given, raw, int(self._clock.now().timestamp())):
            raise errors.Unauthenticated(f"A valid {HEADER} of this body, not older than 5 min.")
        told = parse(Told, raw).root
        lead, command = await self._command(told)
        order = Order(command, _NOBODY, lead, GATEWAY, trace=trace_of(request))
        try:
            answer = await self._commanding.handle(order)
        except Refused as refused:
            raise refusal(refused) from None
        return json_response(answer.raw(), answer.status, answer.headers())

    async def _command(self, told: Report | Received) -> tuple[UUID, Command]:
        if isinstance(told, Received):
            lead, number = await self._lead_of(told.sender)
            return lead, RecordMessage(
                message_id=told.id,
                channel=told.channel,
                direction="in",
                sent_at=told.at,
                address=number,
                body=told.body,
            )
        found = _OURS.fullmatch(told.id)
        try:
            lead = UUID(found[1] if found is not None else "")
        except ValueError:
            detail = Detail("unknown-message", "We have sent no message with this id.", "/id")
            raise errors.Invalid("The report is about no message of ours.", [detail]) from None
        return lead, ReportMessage(
            message_id=told.id, state=told.kind, at=told.at, reason=told.reason
        )

    async def _lead_of(self, sender: str) -> tuple[UUID, str]:
        """Return the lead a message from this number belongs to, and the number in E.164.

        Of several it is the one we wrote to last, else the one worked on last.
        """
        log = self._commanding.log
        try:
            number = parse_phone(sender)
        except NotAPhone as problem:
            detail = Detail(problem.reason.code, problem.reason.text, "/from")
            raise errors.Invalid("The number is none.", [detail]) from None
        hashes = (number_hash(log.keys.master, number), trace_hash(log.keys.master, number))
        holders = await log.streams_with_numbers(hashes)
        leads = {lead: "lead" for held in holders.values() for lead in held}
        states: dict[UUID, Lead] = await self._commanding.states.refresh(leads)
        known = [lead for lead, state in states.items() if knows_number(state, number)]
        if not known:
            raise errors.NotFound("No lead has this number.")
        return max(known, key=lambda lead: (_recency(states[lead]), lead)), number


def _recency(lead: Lead) -> tuple[bool, bool, float, float]:
    written = max((one.since.timestamp() for one in lead.outbox.values()), default=0.0)
    modified = 0.0 if lead.modified_at is None else lead.modified_at.timestamp()
    return lead.merged_into is None, lead.active, written, modified


def install_reports(
    app: FastAPI, commanding: Commanding, clock: Clock, settings: GatewaySettings | None
) -> None:
    """Add POST /v1/message-reports to `app`."""
    desk = ReportDesk(commanding, clock, settings)
    answers: dict[int | str, dict[str, Any]] = {
        200: {
            "description": "Taken down, or known already",
            "content": {"application/json": {"schema": ANSWER_SCHEMA}},
        }
    }
    header = {
        "name": HEADER,
        "in": "header",
        "required": True,
        "description": "t=<seconds since 1970>,v1=<hex HMAC-SHA256 of `<t>.<body>`>",
        "schema": {"type": "string"},
    }
    schema = Told.model_json_schema(ref_template="#/components/schemas/{model}")

    def add(document: dict[str, Any]) -> None:
        document["components"]["schemas"].update(schema.get("$defs", {}))

    app.state.openapi_parts.append(add)
    body = {name: value for name, value in schema.items() if name not in ("$defs", "title")}

    @app.post("/v1/message-reports", tags=["messages"], operation_id="ReportMessages",
              responses=answers, openapi_extra={
                  "parameters": [header], "security": [],
                  "requestBody": {"required": True,
                                  "content": {"application/json": {"schema": body}}}})  # fmt: skip
    async def report(request: Request) -> Response:
        """Tell what became of a message, or that one came in. For the gateway, which signs."""
        return await desk.report(request)
