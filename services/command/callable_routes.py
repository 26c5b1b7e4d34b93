"""GET /v1/leads/{id}/callable: may this agent call this lead, now or then, and why not.

Here and not among the reads, because it must be the very decision of StartCall.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from schemas.envelope import Recorded
from schemas.organisation import ORGANISATION_ID
from schemas.relative_time import NoSuchTime, resolve_instant
from services.command.domain.facts import Actor
from services.command.domain.phones import NotAPhone, parse_phone
from services.command.domain.types import Id, PhoneText
from services.command.explaining import Explanation, Found, Question, explain, streams_of
from services.command.facts_loader import actor_of, require_sight
from services.command.handler import Commanding
from services.kit import errors
from services.kit.auth import Authenticator
from services.kit.clock import Clock
from services.kit.http import json_response

_ANOTHER = "Agents can ask for themselves only."


class CallableQuery(BaseModel):
    """Who would call, when, on which number, with which segment picked.

    Without an agent it is you; for a dialer an assistant's call that belongs to no agent. `at` is
    an instant or a relative time such as `now-2h`; of the past it is answered from what was known
    then. Without a number it is the next one in the lead's order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    agent: Id | None = None
    at: Annotated[str, Field(max_length=80)] | None = None
    number: PhoneText | None = None
    segment_id: Id | None = None


class By(BaseModel):
    """The event with which a check began to fail: of a lead, campaign, pool, segment, do-not-call
    entry or the organisation.
    """

    event: str
    stream_id: UUID
    version: int
    position: int
    happened_at: datetime
    actor: str
    cause: str


class FailedCheck(BaseModel):
    """A check that fails, and since when: what it rests on was recorded then. Both are null when
    nothing ever happened: the agent or the segment that was asked for never was there.
    """

    code: str
    text: str
    field: str
    since: datetime | None
    by: By | None


class Rules(BaseModel):
    """The campaign's rules, limits and hours that counted: `version` is when they were made."""

    campaign_id: UUID | None
    version: int
    recorded_at: datetime | None


class CallableAnswer(BaseModel):
    """Whether the agent may, or might have; every failed check; the versions it rests on.

    contact: of the number to dial, 0 = the primary one. erased: numbers were erased since, so
    checks of them are left out.
    """

    lead_id: UUID
    agent: str | None
    at: datetime
    callable: bool
    reasons: list[FailedCheck]
    contact: int | None
    rules: Rules
    version: int
    position: int
    erased: bool


def install_callable(
    app: FastAPI, commanding: Commanding, authenticator: Authenticator, clock: Clock
) -> None:
    """Add the route."""

    async def asker(request: Request, lead_id: UUID) -> Actor:
        """Return who asks; NotFound unless the lead, as it is now, is in their sight."""
        principal = await authenticator.principal_of(request.scope)
        states = await commanding.states.refresh({ORGANISATION_ID: "organisation", lead_id: "lead"})
        actor = actor_of(principal, states[ORGANISATION_ID])
        require_sight(states[lead_id], actor, states[ORGANISATION_ID])
        return actor

    @app.get("/v1/leads/{lead_id}/callable", tags=["lead"],
             responses={200: {"model": CallableAnswer}})  # fmt: skip
    async def is_callable(
        request: Request, lead_id: UUID, given: Annotated[CallableQuery, Query()]
    ) -> Response:
        """Say whether an agent may call a lead, now or at another time, with every failed check.

        The checks are those of StartCall. Each names since when it fails and the event behind it.
        """
        actor = await asker(request, lead_id)
        now = clock.now()
        question = _question(given, actor, now)
        streams = await streams_of(commanding.log, lead_id, question, past=question.at < now)
        if not streams["lead"]:
            raise _invalid("too-early", "The lead did not exist then.", "at")
        answer = _answer(lead_id, question, explain(streams, question))
        return json_response(orjson.dumps(answer, option=orjson.OPT_UTC_Z))


def _question(given: CallableQuery, actor: Actor, now: datetime) -> Question:
    agent = given.agent
    if agent is None and actor.role != "dialer":
        agent = actor.user_id
    if actor.role == "agent" and agent != actor.user_id:
        raise errors.Forbidden(_ANOTHER, [errors.Detail("agent-is-another", _ANOTHER)])
    try:
        at = now if given.at is None else resolve_instant(given.at, now)
    except NoSuchTime as reason:
        raise _invalid("wrong-value", str(reason), "at") from None
    try:
        number = None if given.number is None else parse_phone(given.number)
    except NotAPhone as problem:
        raise _invalid(problem.reason.code, problem.reason.text, "number") from None
    return Question(at, actor, agent, number, given.segment_id)


def _invalid(code: str, text: str, name: str) -> errors.Invalid:
    detail = errors.Detail(code, text, f"/query/{name}")
    return errors.Invalid("One thing is not valid; see errors.", [detail])


def _answer(lead_id: UUID, question: Question, found: Explanation) -> dict[str, Any]:
    return {
        "lead_id": str(lead_id),
        "agent": question.agent,
        "at": question.at,
        "callable": not found.found,
        "reasons": [_check(one) for one in found.found],
        "contact": found.contact,
        "rules": {
            "campaign_id": found.campaign.id or None,
            "version": found.campaign.rules_version,
            "recorded_at": None if found.rules is None else found.rules.recorded_at,
        },
        "version": found.lead.version,
        "position": found.position,
        "erased": found.erased,
    }


def _check(one: Found) -> dict[str, Any]:
    reason = one.reason
    return {
        "code": reason.code,
        "text": reason.text,
        "field": reason.field,
        "since": None if one.by is None else one.by.recorded_at,
        "by": None if one.by is None else _by(one.by),
    }


def _by(recorded: Recorded) -> dict[str, Any]:
    return {
        "event": recorded.event.TOPIC,
        "stream_id": str(recorded.stream_id),
        "version": recorded.version,
        "position": recorded.position,
        "happened_at": recorded.happened_at,
        "actor": recorded.origin.actor,
        "cause": recorded.origin.cause,
    }
